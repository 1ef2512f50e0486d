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

/// The settings of a call, with the calls as methods. The functions of the crate are the same calls with default
/// settings.
///
/// If a setting is out of range, the calls fail with [`Error::InvalidArgument`].
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
    /// Created by the first setting.
    raw: Option<Raw>,
    /// The error of the first setting that failed.
    error: Option<Error>,
}

struct Raw(NonNull<sys::tf_options>);

handle!(Raw, tf_options, tf_options_release);

// SAFETY: options are const for calls; callbacks and allocators are Send and Sync.
unsafe impl Send for Raw {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for Raw {}

/// What a save writes: one array for .npy, or a dict of arrays for the other formats.
#[derive(Clone, Copy, Debug)]
pub enum Contents<'a> {
    /// The array of a .npy file.
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

/// What loading does with ggml's block types. A [`File`] always describes arrays as they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decode {
    /// Keep the blocks.
    #[default]
    Keep,
    /// Decode to float16, bfloat16, float32 or float64.
    To(Dtype),
    /// Convert q4_0, q4_1 and q8_0 as MLX does: to NAME (uint32, codes of 4 or 8 bits, lowest first), STEM.scales and
    /// STEM.biases (float16, one for 32 codes), where STEM is NAME without a final ".weight", and a value is
    /// code * scale + bias. Other block types become float16. Arrays that are read one by one keep their blocks.
    Mlx,
}

/// What [`Options::check`] found: one line of text for each entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// What would make a load with default options fail, and any damage. Each begins with the name of a status, as in
    /// `"corrupt: w.npz: array 'x': ..."`.
    pub faults: Vec<String>,
    /// Faults that [`Options::lenient`] accepts, and arrays that [`Options::skip_unsupported`] leaves out, if they are
    /// set.
    pub excused: Vec<String>,
    /// Remarks that are not faults.
    pub notes: Vec<String>,
}

/// The contents of a file. `loaded["name"]` is one of its arrays.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The arrays in the order of the file. The array of a .npy file has the name `""`.
    pub arrays: Dict,
    /// The metadata, which is empty if the format has none. That of a .safetensors file are strings; that of a .gguf
    /// file are 0-d and 1-d arrays, strings, lists of strings, and for nested arrays dicts with the keys 0, 1, and so
    /// on.
    pub metadata: Dict,
}

impl Loaded {
    /// Returns the array with a name, like [`DictRef::get`].
    pub fn get(&self, name: &str) -> Result<&ArrayRef> {
        self.arrays.get(name)
    }

    /// Returns the array of a file that has one array, such as a .npy file.
    pub fn into_array(self) -> Result<Array> {
        let mut arrays = self.arrays.arrays();
        match (arrays.next(), arrays.next()) {
            (Some((_, array)), None) => Ok(array.to_owned()),
            _ => {
                let message = format!("expected a file with one array, found {} arrays", self.arrays.len());
                Err(Error::new(Status::Type, message))
            }
        }
    }
}

/// Returns the array with a name.
///
/// # Panics
/// Panics if there is no such array. [`Loaded::get`] returns an error instead.
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
        // SAFETY: guaranteed by the library.
        let report = unsafe { &*user.cast::<F>() };
        stop = report(done, total).is_break();
        Ok(())
    });
    if stop { sys::TF_STATUS_CANCELLED } else { status }
}

/// Runs jobs on threads of the application, such as the job system of a game engine or a thread pool.
pub trait Executor: Send + Sync + 'static {
    /// Returns how many jobs can run at the same time, at least 1. It is called once.
    fn width(&self) -> usize;

    /// Calls `run(index)` once for each index below `count`, on any threads and in any order, and returns when all
    /// calls have returned. No job waits for another.
    fn execute(&self, count: usize, run: &(dyn Fn(usize) + Sync)) -> Result<()>;
}

/// # Safety
/// `user` is an `E`; `run` accepts `jobs` and each index below `count`, on any thread.
unsafe extern "C" fn execute<E: Executor>(
    user: *mut c_void,
    run: sys::tf_job_fn,
    jobs: *mut c_void,
    count: usize,
) -> sys::tf_status {
    struct Jobs(*mut c_void);
    // SAFETY: the library accepts the pointer on any thread.
    unsafe impl Sync for Jobs {}
    impl Jobs {
        fn as_ptr(&self) -> *mut c_void {
            self.0
        }
    }
    let jobs = Jobs(jobs);
    callback(None, || {
        // SAFETY: guaranteed by the library.
        let executor = unsafe { &*user.cast::<E>() };
        let run = run.ok_or_else(|| std::io::Error::other("the library passed no job"))?;
        // SAFETY: the library accepts calls from any thread; it ignores indices that are too large or repeated.
        Ok(executor.execute(count, &|index| unsafe { run(jobs.as_ptr(), index) })?)
    })
}

/// Returns the layout of an allocation, which is never empty as GlobalAlloc requires.
fn layout(size: usize, alignment: usize) -> Option<Layout> {
    Layout::from_size_align(size.max(1), alignment).ok()
}

/// # Safety
/// `user` is an `A`.
unsafe extern "C" fn allocate<A: GlobalAlloc>(user: *mut c_void, size: usize, alignment: usize) -> *mut c_void {
    // SAFETY: guaranteed by the library; the layout is not empty.
    layout(size, alignment).map_or(ptr::null_mut(), |layout| unsafe { (*user.cast::<A>()).alloc(layout) }).cast()
}

/// # Safety
/// `user` is an `A` that allocated `pointer` with the same size and alignment.
unsafe extern "C" fn deallocate<A: GlobalAlloc>(
    user: *mut c_void,
    pointer: *mut c_void,
    size: usize,
    alignment: usize,
) {
    if let Some(layout) = layout(size, alignment) {
        // SAFETY: guaranteed by the library.
        unsafe { (*user.cast::<A>()).dealloc(pointer.cast(), layout) };
    }
}

/// Settings.
impl Options {
    /// Creates options with default values.
    pub fn new() -> Self {
        Options::default()
    }

    fn change(mut self, setting: impl FnOnce(*mut sys::tf_options) -> Result<()>) -> Self {
        if self.error.is_none() {
            if self.raw.is_none() {
                // SAFETY: the output is valid.
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
        // SAFETY: no other code uses the options.
        self.change(|raw| check(|| unsafe { sys::tf_options_set(raw, option, value) }))
    }

    /// Sets a number. A number that is too large becomes the largest one that the library accepts.
    fn set_count(self, option: sys::tf_option, count: u64) -> Self {
        self.set(option, i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Returns the value of an option by its number, `TF_OPTION_...` of `tensorfile-sys`.
    pub fn get(&self, option: i32) -> Result<i64> {
        let defaults;
        let raw = match (&self.error, &self.raw) {
            (Some(error), _) => return Err(error.clone()),
            (None, Some(raw)) => raw,
            (None, None) => {
                // SAFETY: the output is valid.
                defaults = make::<Raw>(|out| unsafe { sys::tf_options_new(out) })?;
                &defaults
            }
        };
        let mut value = 0;
        // SAFETY: the handle is valid.
        check(|| unsafe { sys::tf_options_get(&mut value, raw.0.as_ptr(), option) })?;
        Ok(value)
    }

    /// Sets an option by its number, `TF_OPTION_...` of `tensorfile-sys`, for options that have no method here.
    ///
    /// # Safety
    /// The option must not make calls unsound: `TF_OPTION_LOAD_MODE` has the conditions of [`map`](Options::map).
    pub unsafe fn set_raw(self, option: i32, value: i64) -> Self {
        self.set(option, value)
    }

    /// Sets how many threads one call may use, including the calling one, up to 1024. The default, 0, is one for each
    /// core.
    pub fn threads(self, count: u32) -> Self {
        self.set(sys::TF_OPTION_THREADS, count.into())
    }

    /// Sets the format to load, or to save by [`save_weights`](Options::save_weights). By default it is detected.
    pub fn format(self, format: Format) -> Self {
        self.set(sys::TF_OPTION_FORMAT, format.to_raw().into())
    }

    /// Sets the format by its name, such as `"npz"`.
    pub fn format_name(self, name: &str) -> Self {
        let (text, length) = (name.as_ptr().cast(), name.len());
        // SAFETY: no other code uses the options; the pointer has its length.
        self.change(|raw| check(|| unsafe { sys::tf_options_set_string(raw, sys::TF_OPTION_FORMAT, text, length) }))
    }

    /// Sets whether a save uses exactly the given path. By default it appends the extension of the format if it is
    /// absent.
    pub fn exact_path(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_EXACT_PATH, on.into())
    }

    /// Sets whether arrays are mappings of the file, which are read when they are first accessed. By default arrays
    /// have their own memory.
    ///
    /// # Safety
    /// While an array that was loaded in this way exists, the file must not be changed in place by this or another
    /// process: elements would change while they are borrowed. If the file is truncated, accessing the lost part ends
    /// the process with a signal. Replacing the file, as this library does when it saves, is allowed.
    pub unsafe fn map(self, on: bool) -> Self {
        let mode = if on { sys::TF_LOAD_MODE_MAP } else { sys::TF_LOAD_MODE_OWN };
        self.set(sys::TF_OPTION_LOAD_MODE, mode.into())
    }

    /// Sets whether to accept faults that the reference readers of the formats accept, such as trailing bytes or bytes
    /// before a zip archive.
    pub fn lenient(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_LENIENT, on.into())
    }

    /// Sets whether loads leave out arrays of unknown dtypes, or with an invalid header, instead of failing.
    pub fn skip_unsupported(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_SKIP_UNSUPPORTED, on.into())
    }

    /// Sets whether a .gguf may have arrays of 5 to 8 dimensions and names of 64 to 65,535 bytes, which ggml and other
    /// programs refuse.
    pub fn gguf_extended(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_GGUF_EXTENDED, on.into())
    }

    /// Sets whether [`load_weights`](Options::load_weights) fails if weights are missing, unexpected, or of another
    /// shape. The default is `true`.
    pub fn strict(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_STRICT, on.into())
    }

    /// Sets whether opening one part of a split .gguf (NAME-00001-of-00003.gguf) opens the whole set. The index of
    /// sharded safetensors (NAME.safetensors.index.json) always opens the whole set.
    pub fn parts(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_PARTS, on.into())
    }

    /// Sets the maximum number of bytes of array data in one .safetensors or .gguf file that is saved to a path. Larger
    /// contents are split into NAME-00001-of-00003 and so on, with an index for safetensors; arrays are not split. The
    /// default, 0, is one file.
    pub fn part_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_PART_BYTES, count)
    }

    /// Limits the memory in bytes that the results of one call, or everything read through one [`File`], may occupy at
    /// the same time. The default, 0, is no limit.
    pub fn max_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_BYTES, count)
    }

    /// Limits the length of a header in bytes. The default, 0, is 1 MiB for .npy headers and 100,000,000 for others.
    pub fn max_header_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_HEADER_BYTES, count)
    }

    /// Limits the number of arrays in a file. The default is 1,000,000.
    pub fn max_arrays(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_ARRAYS, count)
    }

    /// Limits the number of metadata values in a file. The default is 1,000,000.
    pub fn max_metadata(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_METADATA, count)
    }

    /// Limits the length of a name or key in bytes. The default is 65,536.
    pub fn max_name_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_NAME_BYTES, count)
    }

    /// Limits the number of dimensions of an array to 1 to 64. The default is 64.
    pub fn max_rank(self, count: u32) -> Self {
        self.set(sys::TF_OPTION_MAX_RANK, count.into())
    }

    /// Limits the nesting of metadata and trees to 1 to 64 levels. The default is 64.
    pub fn max_nesting(self, count: u32) -> Self {
        self.set(sys::TF_OPTION_MAX_NESTING, count.into())
    }

    /// Sets whether a save syncs the file and its folder to disk before it returns.
    pub fn durable(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_DURABLE, on.into())
    }

    /// Sets whether a save writes a temporary file next to the target and then renames it. The default is `true`;
    /// otherwise the save writes the target in place.
    pub fn atomic(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_ATOMIC, on.into())
    }

    /// Sets the alignment of array data in bytes, a power of two up to 1,048,576. The default, 0, is that of the
    /// format: 32 for .gguf, 64 for the others.
    pub fn alignment(self, bytes: u32) -> Self {
        self.set(sys::TF_OPTION_ALIGNMENT, bytes.into())
    }

    /// Sets whether [`save_weights`](Options::save_weights), [`to_bytes`](Options::to_bytes) and
    /// [`save_to`](Options::save_to) compress the members of an .npz.
    pub fn compress(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_COMPRESS, on.into())
    }

    /// Sets the level of compression from 0 (none) to 9 (smallest). The default, -1, is a good compromise.
    pub fn compression_level(self, level: i32) -> Self {
        self.set(sys::TF_OPTION_COMPRESSION_LEVEL, level.into())
    }

    /// Sets whether zlib compresses instead of the library's own encoder, which is faster. Saves fail with
    /// [`Status::Unsupported`](crate::Status::Unsupported) without the feature `zlib`.
    pub fn zlib(self, on: bool) -> Self {
        self.set(sys::TF_OPTION_DEFLATE, if on { sys::TF_DEFLATE_ZLIB } else { sys::TF_DEFLATE_AUTO }.into())
    }

    /// Sets what loading does with ggml's block types.
    pub fn decode(self, decode: Decode) -> Self {
        let value = match decode {
            Decode::Keep => sys::TF_DECODE_KEEP,
            Decode::To(dtype) => dtype.to_raw(),
            Decode::Mlx => sys::TF_DECODE_MLX,
        };
        self.set(sys::TF_OPTION_DECODE, value.into())
    }

    /// Calls `report` on the calling thread with the number of bytes of array data loaded or saved so far, and with the
    /// total. If it returns `Break`, the call fails with [`Error::Cancelled`]. If it panics, the panic propagates to
    /// the caller.
    pub fn progress<F>(self, report: F) -> Self
    where
        F: Fn(u64, u64) -> ControlFlow<()> + Send + Sync + 'static,
    {
        self.change(|raw| {
            let user = Box::into_raw(Box::new(report)).cast();
            // SAFETY: no other code uses the options; the box is an F, and dropped once.
            check(|| unsafe { sys::tf_options_set_progress(raw, Some(progress::<F>), Some(drop_box::<F>), user) })
        })
    }

    /// Makes calls run their jobs on `executor` instead of threads of their own.
    ///
    /// Readers ([`ReadAt`](crate::ReadAt)) are then called on its threads. If it fails, the call fails with its error.
    pub fn executor<E: Executor>(self, executor: E) -> Self {
        self.change(|raw| {
            let width = executor.width();
            let user = Box::into_raw(Box::new(executor)).cast();
            // SAFETY: no other code uses the options; the box is an E, and dropped once.
            check(|| unsafe { sys::tf_options_set_executor(raw, Some(execute::<E>), width, Some(drop_box::<E>), user) })
        })
    }

    /// Makes calls take all memory from `allocator`, including the memory of the objects that they create.
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
            // SAFETY: no other code uses the options; the box is an A, and dropped once, after all it allocated.
            check(|| unsafe {
                sys::tf_options_set_allocator(raw, Some(allocate::<A>), Some(deallocate::<A>), release, user)
            })
        })
    }

    /// Returns the handle for a call, which is NULL for default settings.
    pub(crate) fn raw(&self) -> Result<*const sys::tf_options> {
        match &self.error {
            Some(error) => Err(error.clone()),
            None => Ok(self.raw.as_ref().map_or(ptr::null(), |raw| raw.0.as_ptr())),
        }
    }
}

/// Runs a call that returns arrays and metadata.
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

/// Calls.
impl Options {
    /// Loads a whole file; see [`load`](crate::load).
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Loaded> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options are valid.
        load(None, |arrays, metadata| unsafe {
            sys::tf_load(ptr::null_mut(), arrays, metadata, path.as_ptr(), options)
        })
    }

    /// Loads the array of a .npy; see [`load_array`](crate::load_array).
    pub fn load_array(&self, path: impl AsRef<Path>) -> Result<Array> {
        let (path, options) = (path.as_ref(), self.raw()?);
        let c_path = c_path(path)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the path is NUL-terminated; the options are valid.
        let status =
            enter(|| unsafe { sys::tf_load(&mut raw, ptr::null_mut(), ptr::null_mut(), c_path.as_ptr(), options) });
        let array = NonNull::new(raw).map(Array::adopt);
        finish(status, None)?;
        array.ok_or_else(|| {
            Error::new(
                Status::Type,
                format!("{}: expected a .npy file with one array, found a file of named arrays", path.display()),
            )
        })
    }

    /// Loads a whole file from memory. [`Format::Auto`] detects the format by content.
    pub fn load_bytes(&self, bytes: &[u8], format: Format) -> Result<Loaded> {
        let (options, data) = (self.raw()?, bytes.as_ptr().cast());
        // SAFETY: the pointer has its length; the options are valid.
        load(None, |arrays, metadata| unsafe {
            sys::tf_load_memory(ptr::null_mut(), arrays, metadata, data, bytes.len(), format.to_raw(), options)
        })
    }

    /// Loads a whole file from a source. [`Format::Auto`] detects the format by content.
    pub fn load_source(&self, source: &Source, format: Format) -> Result<Loaded> {
        let options = self.raw()?;
        // SAFETY: the source and the options are valid.
        load(Some(source), |arrays, metadata| unsafe {
            sys::tf_load_source(ptr::null_mut(), arrays, metadata, source.as_ptr(), format.to_raw(), options)
        })
    }

    /// Loads a .npz, .safetensors or .gguf file as a tree, splitting names at '.'.
    ///
    /// `expected` is a tree or a flat dict of arrays. The call fails with [`Error::Mismatch`] if the file has other
    /// names or shapes. With [`strict`](Options::strict) off, missing arrays are those of `expected`, and unexpected
    /// ones are left out.
    pub fn load_weights(&self, path: impl AsRef<Path>, expected: Option<&DictRef>) -> Result<Dict> {
        let (path, options, expected) = (c_path(path.as_ref())?, self.raw()?, dict_ptr(expected));
        // SAFETY: the path is NUL-terminated; the handles are valid.
        make(|tree| unsafe { sys::tf_load_weights(tree, path.as_ptr(), expected, options) })
    }

    /// Checks a file or a set of files: reads every byte that can be checked, and reports every fault instead of only
    /// the first. Fails if the check cannot be made, not if it finds faults.
    pub fn check(&self, path: impl AsRef<Path>) -> Result<CheckReport> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options are valid.
        let report: Dict = make(|out| unsafe { sys::tf_check(out, path.as_ptr(), options) })?;
        Ok(CheckReport {
            faults: report.get_list("faults")?.to_strings()?,
            excused: report.get_list("excused")?.to_strings()?,
            notes: report.get_list("notes")?.to_strings()?,
        })
    }

    /// Opens a file to read its arrays one by one; see [`File`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<File> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options are valid.
        File::made(None, |out| unsafe { sys::tf_file_open(out, path.as_ptr(), options) })
    }

    /// Opens a file in memory, which is copied.
    pub fn open_bytes(&self, bytes: &[u8], format: Format) -> Result<File> {
        let (options, data) = (self.raw()?, bytes.as_ptr().cast());
        // SAFETY: the pointer has its length; the options are valid.
        File::made(None, |out| unsafe { sys::tf_file_open_memory(out, data, bytes.len(), format.to_raw(), options) })
    }

    /// Opens a file in a source.
    pub fn open_source(&self, source: &Source, format: Format) -> Result<File> {
        let options = self.raw()?;
        // SAFETY: the source and the options are valid.
        File::made(source.slot().cloned(), |out| unsafe {
            sys::tf_file_open_source(out, source.as_ptr(), format.to_raw(), options)
        })
    }

    /// Saves one array as .npy, byte for byte like NumPy.
    pub fn save(&self, path: impl AsRef<Path>, array: &ArrayRef) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save(path.as_ptr(), array.as_ptr(), options) })
    }

    /// Saves arrays as .npz without compression.
    pub fn savez(&self, path: impl AsRef<Path>, arrays: &DictRef) -> Result<()> {
        self.savez_with(path, &[], Some(arrays), false)
    }

    /// Saves arrays as .npz with compression.
    pub fn savez_compressed(&self, path: impl AsRef<Path>, arrays: &DictRef) -> Result<()> {
        self.savez_with(path, &[], Some(arrays), true)
    }

    /// Saves arrays as .npz: those of `named`, then `unnamed` ones as `arr_0`, `arr_1` and so on; compressed or not.
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
        // SAFETY: the path is NUL-terminated; the handles are valid; the pointer has its length.
        check(|| unsafe { save(path.as_ptr(), arrays.as_ptr(), arrays.len(), dict_ptr(named), options) })
    }

    /// Saves arrays as .safetensors, with strings as metadata.
    pub fn save_safetensors(&self, path: impl AsRef<Path>, arrays: &DictRef, metadata: Option<&DictRef>) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_safetensors(path.as_ptr(), arrays.as_ptr(), dict_ptr(metadata), options) })
    }

    /// Saves arrays as .gguf with metadata; see [`save_gguf`](crate::save_gguf).
    pub fn save_gguf(&self, path: impl AsRef<Path>, arrays: &DictRef, metadata: Option<&DictRef>) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_gguf(path.as_ptr(), arrays.as_ptr(), dict_ptr(metadata), options) })
    }

    /// Saves a tree of arrays under flattened names, in the format of the path's extension or of
    /// [`format`](Options::format).
    pub fn save_weights(&self, path: impl AsRef<Path>, tree: &DictRef) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_weights(path.as_ptr(), tree.as_ptr(), options) })
    }

    /// Saves to memory: an array as .npy, or a dict in another format.
    pub fn to_bytes<'a>(
        &self,
        format: Format,
        contents: impl Into<Contents<'a>>,
        metadata: Option<&DictRef>,
    ) -> Result<Buffer> {
        let options = self.raw()?;
        let contents = contents.into();
        let (array, arrays) = contents.as_ptrs();
        // SAFETY: the handles are valid.
        make(|out| unsafe { sys::tf_save_memory(out, format.to_raw(), array, arrays, dict_ptr(metadata), options) })
    }

    /// Saves to a writer from the first byte to the last. If the writer fails, its error becomes the
    /// [`source`](std::error::Error::source) of the error; bytes already written stay written.
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
        // SAFETY: the handles are valid.
        check(|| unsafe {
            sys::tf_save_sink(sink.as_ptr(), format.to_raw(), array, arrays, dict_ptr(metadata), options)
        })
    }

    /// Creates an array of zeros like [`Array::zeros`], in memory of the [`allocator`](Options::allocator).
    pub fn zeros(&self, dtype: Dtype, shape: impl Dims) -> Result<Array> {
        let (shape, options) = (shape.dims()?, self.raw()?);
        // SAFETY: the pointer has its length; the options are valid.
        make(|out| unsafe { sys::tf_array_new_with(out, dtype.to_raw(), shape.as_ptr(), shape.len(), options) })
    }

    /// Creates an empty dict whose own memory is from the [`allocator`](Options::allocator).
    pub fn dict(&self) -> Result<Dict> {
        let options = self.raw()?;
        // SAFETY: the options are valid.
        make(|out| unsafe { sys::tf_dict_new_with(out, options) })
    }

    /// Returns a C-contiguous copy of an array with another dtype, like [`ArrayRef::cast`].
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
