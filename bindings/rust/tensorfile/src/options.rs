//! Options, and the calls that take them.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::fmt;
use std::io::Write;
use std::ops::{ControlFlow, Index};
use std::path::Path;
use std::ptr::{self, NonNull};

use crate::array::{Array, ArrayRef};
use crate::call::{Handle, c_path, callback, check, drop_box, enter, finish, handle, make};
use crate::dict::{Dict, DictRef};
use crate::dtype::{Dtype, Format};
use crate::error::{Error, Result, Status};
use crate::file::File;
use crate::io::{Buffer, Sink, Source};
use crate::shape::Dims;
use crate::sys;

/// Settings, and the calls that obey them; the functions of the crate are these with the defaults.
///
/// A setting that is out of range makes the calls fail, with [`Error::InvalidArgument`].
///
/// ```
/// use std::ops::ControlFlow;
/// use tensorfile::{Array, Format, Options};
///
/// let options = Options::new().threads(2).compress(true).progress(|done, total| {
///     println!("{done} of {total} bytes");
///     ControlFlow::Continue(())
/// });
/// let mut dict = tensorfile::Dict::new()?;
/// dict.insert("x", vec![0.0f32; 1000])?;
/// let bytes = options.to_bytes(Format::Npz, &dict, None)?;
/// assert!(bytes.len() < 1000);
/// # Ok::<(), tensorfile::Error>(())
/// ```
#[derive(Default)]
pub struct Options {
    /// Made when the first setting is.
    raw: Option<Raw>,
    /// Of the first setting that failed.
    error: Option<Error>,
}

struct Raw(NonNull<sys::tf_options>);

handle!(Raw, tf_options, tf_options_release);

// SAFETY: calls take options as const; callbacks and allocators are Send and Sync.
unsafe impl Send for Raw {}
// SAFETY: as above.
unsafe impl Sync for Raw {}

/// What a save writes: one array for a .npy, a dict of arrays for the other formats.
#[derive(Clone, Copy, Debug)]
pub enum Contents<'a> {
    /// The array of a .npy.
    Array(&'a ArrayRef),
    /// Arrays by name.
    Dict(&'a DictRef),
}

impl<'a> From<&'a ArrayRef> for Contents<'a> {
    fn from(array: &'a ArrayRef) -> Self {
        Contents::Array(array)
    }
}

impl<'a> From<&'a Array> for Contents<'a> {
    fn from(array: &'a Array) -> Self {
        Contents::Array(array)
    }
}

impl<'a> From<&'a DictRef> for Contents<'a> {
    fn from(dict: &'a DictRef) -> Self {
        Contents::Dict(dict)
    }
}

impl<'a> From<&'a Dict> for Contents<'a> {
    fn from(dict: &'a Dict) -> Self {
        Contents::Dict(dict)
    }
}

impl Contents<'_> {
    fn as_ptrs(&self) -> (*const sys::tf_array, *const sys::tf_dict) {
        match self {
            Contents::Array(array) => (array.as_ptr(), ptr::null()),
            Contents::Dict(dict) => (ptr::null(), dict.as_ptr()),
        }
    }
}

/// What loading makes of ggml's block types. What a [`File`] says of an array is what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decode {
    /// Blocks stay blocks.
    #[default]
    Keep,
    /// Elements of float16, bfloat16, float32 or float64.
    To(Dtype),
    /// q4_0, q4_1 and q8_0 become what MLX's load makes of them: NAME (uint32, codes of 4 or 8 bits, lowest first),
    /// STEM.scales and STEM.biases (float16, one for 32 codes), where STEM is NAME without ".weight" at its end; value =
    /// code * scale + bias. Other block types become float16. Arrays read one by one keep their blocks.
    Mlx,
}

/// What a file holds. `loaded["name"]` is an array of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The arrays, in file order; that of a .npy has the name `""`.
    pub arrays: Dict,
    /// The metadata; empty where the format has none. safetensors: strings. gguf: 0-d and 1-d arrays, strings, lists of
    /// strings, and dicts named 0, 1, ... for nested arrays.
    pub metadata: Dict,
}

impl Loaded {
    /// The array of a name, as [`DictRef::get`].
    pub fn get(&self, name: &str) -> Result<&ArrayRef> {
        self.arrays.get(name)
    }

    /// The array of a file that has one, such as a .npy.
    pub fn into_array(self) -> Result<Array> {
        let mut arrays = self.arrays.arrays();
        match (arrays.next(), arrays.next()) {
            (Some((_, array)), None) => Ok(array.to_owned()),
            _ => {
                let message = format!("the file has {} arrays, not one", self.arrays.len());
                Err(Error::new(Status::Type, message))
            }
        }
    }
}

/// The array of a name.
///
/// # Panics
/// When there is none; [`Loaded::get`] does not.
impl Index<&str> for Loaded {
    type Output = ArrayRef;
    fn index(&self, name: &str) -> &ArrayRef {
        &self.arrays[name]
    }
}

/// # Safety
/// `user` is an `F`.
unsafe extern "C" fn progress<F>(user: *mut c_void, done: u64, total: u64) -> sys::tf_status
where
    F: Fn(u64, u64) -> ControlFlow<()> + Send + Sync + 'static,
{
    let mut stop = false;
    let status = callback(None, || {
        // SAFETY: the library's promise.
        let told = unsafe { &*user.cast::<F>() };
        stop = told(done, total).is_break();
        Ok(())
    });
    if stop { sys::TF_STATUS_CANCELLED } else { status }
}

/// Workers of the host's, such as a game engine's job system or a thread pool.
pub trait Executor: Send + Sync + 'static {
    /// How many jobs it can run at once, from 1; asked once.
    fn width(&self) -> usize;

    /// Calls `run(index)` once for each index below `count`, on any threads, in any order or at once, and returns when all
    /// have returned. No job waits for another.
    fn execute(&self, count: usize, run: &(dyn Fn(usize) + Sync)) -> Result<()>;
}

/// # Safety
/// `user` is an `E`; `run` may be called with `jobs` and each index below `count`, on any thread.
unsafe extern "C" fn execute<E: Executor>(
    user: *mut c_void,
    run: sys::tf_job_fn,
    jobs: *mut c_void,
    count: usize,
) -> sys::tf_status {
    struct Jobs(*mut c_void);
    // SAFETY: the library takes them from any thread.
    unsafe impl Sync for Jobs {}
    impl Jobs {
        fn as_ptr(&self) -> *mut c_void {
            self.0
        }
    }
    let jobs = Jobs(jobs);
    callback(None, || {
        // SAFETY: the library's promise.
        let executor = unsafe { &*user.cast::<E>() };
        let run = run.ok_or_else(|| std::io::Error::other("no job was given"))?;
        // SAFETY: as above; the library looks after indices that are too large or come twice.
        Ok(executor.execute(count, &|index| unsafe { run(jobs.as_ptr(), index) })?)
    })
}

/// The layout of an allocation; a GlobalAlloc gives no empty ones.
fn layout(size: usize, alignment: usize) -> Option<Layout> {
    Layout::from_size_align(size.max(1), alignment).ok()
}

/// # Safety
/// `user` is an `A`.
unsafe extern "C" fn allocate<A: GlobalAlloc>(user: *mut c_void, size: usize, alignment: usize) -> *mut c_void {
    // SAFETY: the library's promise; the layout is not empty.
    layout(size, alignment).map_or(ptr::null_mut(), |layout| unsafe { (*user.cast::<A>()).alloc(layout) }).cast()
}

/// # Safety
/// `user` is an `A`, from which `pointer` comes with the same size and alignment.
unsafe extern "C" fn deallocate<A: GlobalAlloc>(
    user: *mut c_void,
    pointer: *mut c_void,
    size: usize,
    alignment: usize,
) {
    if let Some(layout) = layout(size, alignment) {
        // SAFETY: the library's promise.
        unsafe { (*user.cast::<A>()).dealloc(pointer.cast(), layout) };
    }
}

/// The settings.
impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Options::default()
    }

    fn change(mut self, setting: impl FnOnce(*mut sys::tf_options) -> Result<()>) -> Self {
        if self.error.is_none() {
            if self.raw.is_none() {
                // SAFETY: takes nothing but the output.
                match make(|out| unsafe { sys::tf_options_new(out) }) {
                    Ok(raw) => self.raw = Some(raw),
                    Err(error) => self.error = Some(error),
                }
            }
            if let Some(raw) = &self.raw {
                self.error = setting(raw.0.as_ptr()).err();
            }
        }
        self
    }

    fn set(self, option: sys::tf_option, value: i64) -> Self {
        // SAFETY: the options are ours alone.
        self.change(|raw| check(|| unsafe { sys::tf_options_set(raw, option, value) }))
    }

    /// A number as the library takes it; what is too large for that is as good as its largest.
    fn set_count(self, option: sys::tf_option, count: u64) -> Self {
        self.set(option, i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The value of an option by its number, `TF_OPTION_...` of `tensorfile-sys`.
    pub fn get(&self, option: i32) -> Result<i64> {
        let defaults;
        let raw = match (&self.error, &self.raw) {
            (Some(error), _) => return Err(error.clone()),
            (None, Some(raw)) => raw,
            (None, None) => {
                // SAFETY: takes nothing but the output.
                defaults = make::<Raw>(|out| unsafe { sys::tf_options_new(out) })?;
                &defaults
            }
        };
        let mut value = 0;
        // SAFETY: the handle lives.
        check(|| unsafe { sys::tf_options_get(&mut value, raw.0.as_ptr(), option) })?;
        Ok(value)
    }

    /// Sets an option by its number, `TF_OPTION_...` of `tensorfile-sys`: one that this crate has no method for.
    ///
    /// # Safety
    /// The option must not make the calls unsound: `TF_OPTION_LOAD_MODE` has [`map`](Options::map)'s conditions.
    pub unsafe fn set_raw(self, option: i32, value: i64) -> Self {
        self.set(option, value)
    }

    /// Threads that one call may use, itself included, up to 1024; 0 (default): as many as the machine has cores.
    pub fn threads(self, count: u32) -> Self {
        self.set(sys::TF_OPTION_THREADS, count.into())
    }

    /// The format to load, or for [`save_weights`](Options::save_weights) to save. Default: found out.
    pub fn format(self, format: Format) -> Self {
        self.set(sys::TF_OPTION_FORMAT, format.to_raw().into())
    }

    /// The same by its name: `"npz"`.
    pub fn format_name(self, name: &str) -> Self {
        let (text, length) = (name.as_ptr().cast(), name.len());
        // SAFETY: the options are ours alone; the pointer comes with its length.
        self.change(|raw| check(|| unsafe { sys::tf_options_set_string(raw, sys::TF_OPTION_FORMAT, text, length) }))
    }

    /// Whether to save to the very path given; else (default) the format's extension is added when the path lacks it.
    pub fn exact_path(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_EXACT_PATH, on.into())
    }

    /// Whether arrays are mappings of the file, read when first touched, instead of memory of their own.
    ///
    /// # Safety
    /// As long as an array that was loaded so lives, nobody may change the file, in this process or another: the elements
    /// of an array would change while they are borrowed. If the file is shortened, touching the lost part ends the
    /// process with a signal. Replacing the file, as this library saves, is no change of it.
    pub unsafe fn map(self, on: bool) -> Self {
        let mode = if on { sys::TF_LOAD_MODE_MAP } else { sys::TF_LOAD_MODE_OWN };
        self.set(sys::TF_OPTION_LOAD_MODE, mode.into())
    }

    /// Whether to accept trailing bytes and bytes before a zip archive, and to leave out arrays of unknown types.
    pub fn lenient(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_LENIENT, on.into())
    }

    /// Whether (default) [`load_weights`](Options::load_weights) refuses weights that are missing, unexpected or of
    /// another shape.
    pub fn strict(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_STRICT, on.into())
    }

    /// Whether a .gguf that is one part of several (NAME-00001-of-00003.gguf) is opened as the whole set. The index of
    /// sharded safetensors (NAME.safetensors.index.json) always opens its set.
    pub fn parts(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_PARTS, on.into())
    }

    /// Most bytes of array data in one file of a .safetensors or .gguf saved by path; 0 (default): one file. More are
    /// saved as NAME-00001-of-00003 and so on, safetensors with their index; each array stays whole.
    pub fn part_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_PART_BYTES, count)
    }

    /// Bytes of memory that what one call makes (or what is read through one [`File`]) may hold at once; 0 (default): no
    /// limit.
    pub fn max_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_BYTES, count)
    }

    /// Longest header in bytes; 0 (default): 100,000,000, and 1 MiB for an npy header.
    pub fn max_header_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_HEADER_BYTES, count)
    }

    /// Most arrays in a file, from 1; default 1,000,000.
    pub fn max_arrays(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_ARRAYS, count)
    }

    /// Most metadata values in a file, from 1; default 1,000,000.
    pub fn max_metadata(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_METADATA, count)
    }

    /// Longest name or key in bytes, from 1; default 65,536.
    pub fn max_name_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_NAME_BYTES, count)
    }

    /// Most dimensions of an array, 1 to 64; default 64.
    pub fn max_rank(self, count: u32) -> Self {
        self.set(sys::TF_OPTION_MAX_RANK, count.into())
    }

    /// Deepest nesting of metadata and trees, 1 to 64; default 64.
    pub fn max_nesting(self, count: u32) -> Self {
        self.set(sys::TF_OPTION_MAX_NESTING, count.into())
    }

    /// Whether to fsync file and folder before a save returns.
    pub fn durable(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_DURABLE, on.into())
    }

    /// Whether (default) to write a temporary file beside the target and rename it over, instead of writing in place.
    pub fn atomic(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_ATOMIC, on.into())
    }

    /// Alignment of array data on save, a power of two of 1 to 1,048,576; 0 (default): 64, for gguf 32.
    pub fn alignment(self, bytes: u32) -> Self {
        self.set(sys::TF_OPTION_ALIGNMENT, bytes.into())
    }

    /// Whether to deflate the members of an .npz that [`save_weights`](Options::save_weights),
    /// [`to_bytes`](Options::to_bytes) or [`save_to`](Options::save_to) writes.
    pub fn compress(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_COMPRESS, on.into())
    }

    /// Level of deflate, 0 to 9; -1 (default): the level that suits.
    pub fn compression_level(self, level: i32) -> Self {
        self.set(sys::TF_OPTION_COMPRESSION_LEVEL, level.into())
    }

    /// Whether zlib deflates also where the library was built with ISA-L, which is faster (default).
    pub fn zlib(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_DEFLATE, if on { sys::TF_DEFLATE_ZLIB } else { sys::TF_DEFLATE_AUTO }.into())
    }

    /// What loading makes of ggml's block types.
    pub fn decode(self, decode: Decode) -> Self {
        let value = match decode {
            Decode::Keep => sys::TF_DECODE_KEEP,
            Decode::To(dtype) => dtype.to_raw(),
            Decode::Mlx => sys::TF_DECODE_MLX,
        };
        self.set(sys::TF_OPTION_DECODE, value.into())
    }

    /// `told` hears, on the calling thread, how many bytes of array data a load or save has done, and of how many. When
    /// it breaks, the call ends with [`Error::Cancelled`]; when it panics, the panic goes on in the caller.
    pub fn progress<F>(self, told: F) -> Self
    where
        F: Fn(u64, u64) -> ControlFlow<()> + Send + Sync + 'static,
    {
        self.change(|raw| {
            let user = Box::into_raw(Box::new(told)).cast();
            // SAFETY: the options are ours alone; the box is an F, and dropped once.
            check(|| unsafe { sys::tf_options_set_progress(raw, Some(progress::<F>), Some(drop_box::<F>), user) })
        })
    }

    /// What calls would share among threads of their own runs on `executor` instead; no thread is made.
    ///
    /// Readers ([`ReadAt`](crate::ReadAt)) are then called on its threads. An error that it returns is that of the call.
    pub fn executor<E: Executor>(self, executor: E) -> Self {
        self.change(|raw| {
            let width = executor.width();
            let user = Box::into_raw(Box::new(executor)).cast();
            // SAFETY: the options are ours alone; the box is an E, and dropped once.
            check(|| unsafe { sys::tf_options_set_executor(raw, Some(execute::<E>), width, Some(drop_box::<E>), user) })
        })
    }

    /// All memory that the calls take comes from `allocator`, and that of what they make until that is dropped.
    ///
    /// ```
    /// let options = tensorfile::Options::new().allocator(std::alloc::System);
    /// # options.to_bytes(tensorfile::Format::Npy, &tensorfile::Array::scalar(1i8)?, None)?;
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    pub fn allocator<A: GlobalAlloc + Send + Sync + 'static>(self, allocator: A) -> Self {
        self.change(|raw| {
            let user = Box::into_raw(Box::new(allocator)).cast();
            let release = Some(drop_box::<A> as unsafe extern "C" fn(*mut c_void));
            // SAFETY: the options are ours alone; the box is an A, and dropped once, after all it allocated.
            check(|| unsafe {
                sys::tf_options_set_allocator(raw, Some(allocate::<A>), Some(deallocate::<A>), release, user)
            })
        })
    }

    /// The library's handle for a call, NULL for the defaults.
    pub(crate) fn raw(&self) -> Result<*const sys::tf_options> {
        match &self.error {
            Some(error) => Err(error.clone()),
            None => Ok(self.raw.as_ref().map_or(ptr::null(), |raw| raw.0.as_ptr())),
        }
    }
}

/// Makes a call that gives arrays and metadata.
fn load(
    source: Option<&Source>,
    call: impl FnOnce(*mut *mut sys::tf_dict, *mut *mut sys::tf_dict) -> sys::tf_status,
) -> Result<Loaded> {
    let (mut arrays, mut metadata) = (ptr::null_mut(), ptr::null_mut());
    let status = enter(|| call(&mut arrays, &mut metadata));
    let made = (NonNull::new(arrays).map(Dict::adopt), NonNull::new(metadata).map(Dict::adopt));
    finish(status, source.and_then(Source::slot).map(|slot| &**slot))?;
    match made {
        (Some(arrays), Some(metadata)) => Ok(Loaded { arrays, metadata }),
        _ => Err(Error::new(Status::Internal, "the library succeeded without a result")),
    }
}

fn dict_ptr(dict: Option<&DictRef>) -> *const sys::tf_dict {
    dict.map_or(ptr::null(), |dict| dict.as_ptr())
}

/// The calls.
impl Options {
    /// Loads a whole file; see [`load`](crate::load).
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Loaded> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options live.
        load(None, |arrays, metadata| unsafe {
            sys::tf_load(ptr::null_mut(), arrays, metadata, path.as_ptr(), options)
        })
    }

    /// Loads the array of a .npy; see [`load_array`](crate::load_array).
    pub fn load_array(&self, path: impl AsRef<Path>) -> Result<Array> {
        let (path, options) = (path.as_ref(), self.raw()?);
        let c_path = c_path(path)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the path is NUL-terminated; the options live.
        let status =
            enter(|| unsafe { sys::tf_load(&mut raw, ptr::null_mut(), ptr::null_mut(), c_path.as_ptr(), options) });
        let array = NonNull::new(raw).map(Array::adopt);
        finish(status, None)?;
        array.ok_or_else(|| {
            Error::new(Status::Type, format!("{}: a file of named arrays, not a .npy of one", path.display()))
        })
    }

    /// Loads a whole file from memory. [`Format::Auto`]: by content.
    pub fn load_bytes(&self, bytes: &[u8], format: Format) -> Result<Loaded> {
        let (options, data) = (self.raw()?, bytes.as_ptr().cast());
        // SAFETY: the pointer comes with its length; the options live.
        load(None, |arrays, metadata| unsafe {
            sys::tf_load_memory(ptr::null_mut(), arrays, metadata, data, bytes.len(), format.to_raw(), options)
        })
    }

    /// Loads a whole file from a source. [`Format::Auto`]: by content.
    pub fn load_source(&self, source: &Source, format: Format) -> Result<Loaded> {
        let options = self.raw()?;
        // SAFETY: source and options live.
        load(Some(source), |arrays, metadata| unsafe {
            sys::tf_load_source(ptr::null_mut(), arrays, metadata, source.as_ptr(), format.to_raw(), options)
        })
    }

    /// Loads a .npz, .safetensors or .gguf as a tree: names split at '.'.
    ///
    /// `expected` is a tree or flat dict of arrays with the names and shapes that are wanted; what differs is
    /// [`Error::Mismatch`]. With [`strict`](Options::strict) off, what is missing keeps `expected`'s array, and what is
    /// unknown is left out.
    pub fn load_weights(&self, path: impl AsRef<Path>, expected: Option<&DictRef>) -> Result<Dict> {
        let (path, options, expected) = (c_path(path.as_ref())?, self.raw()?, dict_ptr(expected));
        // SAFETY: the path is NUL-terminated; handles live.
        make(|tree| unsafe { sys::tf_load_weights(tree, path.as_ptr(), expected, options) })
    }

    /// Opens a file whose arrays are read one by one; see [`File`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<File> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options live.
        File::made(None, |out| unsafe { sys::tf_file_open(out, path.as_ptr(), options) })
    }

    /// The same for bytes in memory, which are copied.
    pub fn open_bytes(&self, bytes: &[u8], format: Format) -> Result<File> {
        let (options, data) = (self.raw()?, bytes.as_ptr().cast());
        // SAFETY: the pointer comes with its length; the options live.
        File::made(None, |out| unsafe { sys::tf_file_open_memory(out, data, bytes.len(), format.to_raw(), options) })
    }

    /// The same for a source.
    pub fn open_source(&self, source: &Source, format: Format) -> Result<File> {
        let options = self.raw()?;
        // SAFETY: source and options live.
        File::made(source.slot().cloned(), |out| unsafe {
            sys::tf_file_open_source(out, source.as_ptr(), format.to_raw(), options)
        })
    }

    /// Saves one array as .npy, byte for byte as NumPy does.
    pub fn save(&self, path: impl AsRef<Path>, array: &ArrayRef) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; handles live.
        check(|| unsafe { sys::tf_save(path.as_ptr(), array.as_ptr(), options) })
    }

    /// Saves arrays as an .npz of stored members.
    pub fn savez(&self, path: impl AsRef<Path>, arrays: &DictRef) -> Result<()> {
        self.savez_with(path, &[], Some(arrays), false)
    }

    /// Saves arrays as an .npz of deflated members.
    pub fn savez_compressed(&self, path: impl AsRef<Path>, arrays: &DictRef) -> Result<()> {
        self.savez_with(path, &[], Some(arrays), true)
    }

    /// Saves arrays as an .npz: those of `named`, then `unnamed` ones as `arr_0`, `arr_1`, ...; deflated or not.
    pub fn savez_with(
        &self,
        path: impl AsRef<Path>,
        unnamed: &[&ArrayRef],
        named: Option<&DictRef>,
        compressed: bool,
    ) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        let arrays: Vec<*const sys::tf_array> = unnamed.iter().map(|array| array.as_ptr().cast_const()).collect();
        let save = if compressed { sys::tf_savez_compressed } else { sys::tf_savez };
        // SAFETY: the path is NUL-terminated; handles live; the pointer comes with its length.
        check(|| unsafe { save(path.as_ptr(), arrays.as_ptr(), arrays.len(), dict_ptr(named), options) })
    }

    /// Saves arrays as .safetensors, with strings as metadata.
    pub fn save_safetensors(&self, path: impl AsRef<Path>, arrays: &DictRef, metadata: Option<&DictRef>) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; handles live.
        check(|| unsafe { sys::tf_save_safetensors(path.as_ptr(), arrays.as_ptr(), dict_ptr(metadata), options) })
    }

    /// Saves arrays as .gguf, with metadata; see [`save_gguf`](crate::save_gguf).
    pub fn save_gguf(&self, path: impl AsRef<Path>, arrays: &DictRef, metadata: Option<&DictRef>) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; handles live.
        check(|| unsafe { sys::tf_save_gguf(path.as_ptr(), arrays.as_ptr(), dict_ptr(metadata), options) })
    }

    /// Saves a tree of arrays, flattened, in the format that the path's extension or [`format`](Options::format) names.
    pub fn save_weights(&self, path: impl AsRef<Path>, tree: &DictRef) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; handles live.
        check(|| unsafe { sys::tf_save_weights(path.as_ptr(), tree.as_ptr(), options) })
    }

    /// Saves into memory: an array as .npy, a dict in the other formats.
    pub fn to_bytes<'a>(
        &self,
        format: Format,
        contents: impl Into<Contents<'a>>,
        metadata: Option<&DictRef>,
    ) -> Result<Buffer> {
        let options = self.raw()?;
        let contents = contents.into();
        let (array, arrays) = contents.as_ptrs();
        // SAFETY: handles live.
        make(|out| unsafe { sys::tf_save_memory(out, format.to_raw(), array, arrays, dict_ptr(metadata), options) })
    }

    /// Saves into a writer, from first byte to last; whatever was written before a failure stays written. What the writer
    /// says when it fails is the error's [`source`](std::error::Error::source).
    pub fn save_to<'a>(
        &self,
        writer: &mut impl Write,
        format: Format,
        contents: impl Into<Contents<'a>>,
        metadata: Option<&DictRef>,
    ) -> Result<()> {
        let (options, sink) = (self.raw()?, Sink::new(writer)?);
        let contents = contents.into();
        let (array, arrays) = contents.as_ptrs();
        // SAFETY: handles live.
        check(|| unsafe {
            sys::tf_save_sink(sink.as_ptr(), format.to_raw(), array, arrays, dict_ptr(metadata), options)
        })
    }

    /// Zeros of a dtype, as [`Array::zeros`], in memory of the [`allocator`](Options::allocator).
    pub fn zeros(&self, dtype: Dtype, shape: impl Dims) -> Result<Array> {
        let (shape, options) = (shape.dims()?, self.raw()?);
        // SAFETY: the pointer comes with its length; the options live.
        make(|out| unsafe { sys::tf_array_new_with(out, dtype.to_raw(), shape.as_ptr(), shape.len(), options) })
    }

    /// An empty dict whose own memory comes from the [`allocator`](Options::allocator).
    pub fn dict(&self) -> Result<Dict> {
        let options = self.raw()?;
        // SAFETY: the options live.
        make(|out| unsafe { sys::tf_dict_new_with(out, options) })
    }

    /// A C-contiguous copy of an array with another dtype, as [`ArrayRef::cast`].
    pub fn cast(&self, array: &ArrayRef, dtype: Dtype) -> Result<Array> {
        array.cast_with(dtype, self.raw()?)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Options");
        if let Some(error) = &self.error {
            out.field("error", error);
        }
        out.finish_non_exhaustive()
    }
}
