//! Options, and the calls that take them.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{CString, c_void};
use std::fmt;
use std::io::{self, Write};
use std::ops::{ControlFlow, Index, RangeInclusive};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::array::Array;
use crate::call::{Handle, c_path, callback, check, drop_box, enter, finish, handle, made, make};
use crate::dtype::{Dtype, Format};
use crate::error::{Error, ErrorKind, Result, static_text};
use crate::file::File;
use crate::io::{Buffer, Source};
use crate::map::{Arrays, Dict, Map};
use crate::raw::{Item, RawDict, Save};
use crate::shape::dims;
use crate::sink::Sink;
use crate::sys;
use crate::view::View;

/// The settings of a call, with the calls as methods. The functions of the crate are the same calls with default
/// settings.
///
/// If a setting is out of range, the calls fail with [`ErrorKind::InvalidArgument`].
///
/// ```
/// use std::ops::ControlFlow;
/// use tensorfile::{Arrays, Format, Options};
///
/// let options = Options::new().threads(2).compress(true).progress(|done, total| {
///     println!("{done} of {total} bytes");
///     ControlFlow::Continue(())
/// });
/// let arrays = Arrays::from([("x", vec![0.0f32; 1000])]);
/// let bytes = options.to_bytes(Format::Npz, &arrays)?;
/// assert!(bytes.len() < 1000);
/// # Ok::<(), tensorfile::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Options(Vec<Setting>);

#[derive(Clone)]
enum Setting {
    Number(sys::tf_option, i64),
    Named(String, i64),
    Format(String),
    Progress(Arc<Progress>),
    Executor(Arc<dyn Executor>, usize),
    Allocator(Arc<dyn GlobalAlloc + Send + Sync>),
}

type Progress = dyn Fn(u64, u64) -> ControlFlow<()> + Send + Sync;

/// Options in the form that the library takes.
pub(crate) struct Raw(Option<RawOptions>);

struct RawOptions(NonNull<sys::tf_options>);

handle!(RawOptions, tf_options, tf_options_release);

impl Raw {
    /// Returns the handle for a call, which is NULL for default settings.
    pub fn as_ptr(&self) -> *const sys::tf_options {
        self.0.as_ref().map_or(ptr::null(), |raw| raw.0.as_ptr())
    }
}

/// What a save writes: an array (.npy), or arrays with or without metadata.
///
/// It converts from references: `&array`, `&arrays`, `(&arrays, &metadata)`, `&tree`, `&loaded` and `&view`.
#[derive(Clone, Copy)]
pub struct Contents<'a> {
    what: What<'a>,
    metadata: Option<&'a Dict>,
}

#[derive(Clone, Copy)]
enum What<'a> {
    Array(&'a Array),
    Map(&'a dyn Save),
}

impl<'a> From<&'a Array> for Contents<'a> {
    fn from(array: &'a Array) -> Self {
        Contents { what: What::Array(array), metadata: None }
    }
}

macro_rules! contents {
    ($($(#[$comment:meta])* $source:ty: $pattern:pat => $map:expr, $metadata:expr;)*) => {$(
        $(#[$comment])*
        impl<'a> From<$source> for Contents<'a> {
            fn from($pattern: $source) -> Self {
                Contents { what: What::Map($map), metadata: $metadata }
            }
        }
    )*};
}
contents! {
    &'a Arrays: arrays => arrays, None;
    /// Saves a tree under flattened names.
    &'a Dict: tree => tree, None;
    (&'a Arrays, &'a Dict): (arrays, metadata) => arrays, Some(metadata);
    (&'a Arrays, Option<&'a Dict>): (arrays, metadata) => arrays, metadata;
    &'a Loaded: loaded => &loaded.arrays, Some(&loaded.metadata);
    &'a View<'_>: view => &view.arrays, Some(&view.metadata);
}

/// Contents in the form that the library takes.
struct RawContents {
    arrays: RawDict,
    metadata: Option<RawDict>,
}

impl RawContents {
    fn new(contents: Contents<'_>, format: Format) -> Result<Self> {
        let arrays = match contents.what {
            What::Map(map) => map.to_raw()?,
            What::Array(array) if format.abilities().single_array => Arrays::from([("", array)]).to_raw()?,
            What::Array(_) => {
                let message = match format {
                    Format::Auto => "no format is given for the array".to_owned(),
                    format => format!("{format} holds arrays with names, got an array without one"),
                };
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        };
        // A file without metadata stays one that has none.
        let metadata = contents.metadata.filter(|metadata| !metadata.is_empty());
        Ok(RawContents { arrays, metadata: metadata.map(RawDict::from_map).transpose()? })
    }

    fn as_ptrs(&self) -> (*const sys::tf_dict, *const sys::tf_dict) {
        (self.arrays.as_ptr(), dict_ptr(self.metadata.as_ref()))
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

/// What [`Options::check_save`] found about an array, a value of the metadata or the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is about: `"array"`, `"metadata"` or `"file"`.
    pub subject: String,
    /// The name of the array or value, or `""` for the file.
    pub name: String,
    /// One of the words `"count"`, `"kind"`, `"dtype"`, `"rank"`, `"name"`, `"duplicate"`, `"value"`, `"option"`,
    /// `"limit"` and `"size"`; later versions may add words.
    pub problem: String,
    /// What the problem is, in one line for a user.
    pub reason: String,
}

/// The contents of a file. `loaded["name"]` is one of its arrays.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// The arrays in the order of the file. The array of a .npy file has the name `""`.
    pub arrays: Arrays,
    /// The metadata, which is empty if the format has none. That of a .safetensors file are strings; that of a .gguf
    /// file are numbers, strings, lists of strings, arrays of one dimension, and for nested arrays dicts with the keys
    /// 0, 1, and so on.
    pub metadata: Dict,
}

impl Loaded {
    /// Returns the array with a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.get(name)
    }

    /// Returns the array of a file that has one array, such as a .npy file.
    pub fn into_array(self) -> Result<Array> {
        let count = self.arrays.len();
        match self.arrays.into_iter().next() {
            Some((_, array)) if count == 1 => Ok(array),
            _ => Err(Error::new(ErrorKind::Type, format!("expected a file with one array, found {count} arrays"))),
        }
    }
}

/// See `Debug`.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Returns the array with a name.
///
/// # Panics
/// Panics if there is no such array. [`Loaded::get`] returns an option instead.
impl Index<&str> for Loaded {
    type Output = Array;

    #[track_caller]
    fn index(&self, name: &str) -> &Array {
        &self.arrays[name]
    }
}

/// # Safety
/// `user` is an `Arc<Progress>`.
unsafe extern "C" fn progress(user: *mut c_void, done: u64, total: u64) -> sys::tf_status {
    let mut stop = false;
    let status = callback(None, || {
        // SAFETY: guaranteed by the library.
        let report = unsafe { &*user.cast::<Arc<Progress>>() };
        stop = report(done, total).is_break();
        Ok(())
    });
    if stop { sys::TF_STATUS_CANCELLED } else { status }
}

/// Runs jobs on threads of the application, such as the job system of a game engine or a thread pool.
pub trait Executor: Send + Sync + 'static {
    /// Returns how many jobs can run at the same time, at least 1. It is called when the executor is set.
    fn width(&self) -> usize;

    /// Calls `run(index)` once for each index below `count`, on any threads and in any order, and returns when all
    /// calls have returned. No job waits for another.
    fn execute(&self, count: usize, run: &(dyn Fn(usize) + Sync)) -> io::Result<()>;
}

/// # Safety
/// `user` is an `Arc<dyn Executor>`; `run` accepts `jobs` and each index below `count`, on any thread.
unsafe extern "C" fn execute(
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
        let executor = unsafe { &*user.cast::<Arc<dyn Executor>>() };
        let run = run.ok_or_else(|| io::Error::other("the library passed no job"))?;
        // SAFETY: the library accepts calls from any thread; it ignores indices that are too large or repeated.
        executor.execute(count, &|index| unsafe { run(jobs.as_ptr(), index) })
    })
}

/// Returns the layout of an allocation, which is never empty as GlobalAlloc requires.
fn layout(size: usize, alignment: usize) -> Option<Layout> {
    Layout::from_size_align(size.max(1), alignment).ok()
}

type Allocator = Arc<dyn GlobalAlloc + Send + Sync>;

/// # Safety
/// `user` is an [`Allocator`].
unsafe extern "C" fn allocate(user: *mut c_void, size: usize, alignment: usize) -> *mut c_void {
    // SAFETY: guaranteed by the library; the layout is not empty.
    layout(size, alignment)
        .map_or(ptr::null_mut(), |layout| unsafe { (*user.cast::<Allocator>()).alloc(layout) })
        .cast()
}

/// # Safety
/// `user` is an [`Allocator`] that allocated `pointer` with the same size and alignment.
unsafe extern "C" fn deallocate(user: *mut c_void, pointer: *mut c_void, size: usize, alignment: usize) {
    if let Some(layout) = layout(size, alignment) {
        // SAFETY: guaranteed by the library.
        unsafe { (*user.cast::<Allocator>()).dealloc(pointer.cast(), layout) };
    }
}

/// Settings.
impl Options {
    /// Creates options with default values.
    #[must_use]
    pub fn new() -> Self {
        Options::default()
    }

    fn with(mut self, setting: Setting) -> Self {
        self.0.push(setting);
        self
    }

    fn number(self, option: sys::tf_option, value: i64) -> Self {
        self.with(Setting::Number(option, value))
    }

    /// Sets a number. A number that is too large becomes the largest one that the library accepts.
    fn set_count(self, option: sys::tf_option, count: u64) -> Self {
        self.number(option, i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Returns the value of an option by its name, such as `"max_arrays"`. Switches are 0 or 1.
    pub fn get(&self, name: &str) -> Result<i64> {
        let (option, raw) = (number_of(name)?, RawOptions::new(&self.0)?);
        let mut value = 0;
        // SAFETY: the handle is valid.
        check(|| unsafe { sys::tf_options_get(&raw mut value, raw.0.as_ptr(), option) })?;
        Ok(value)
    }

    /// Returns the smallest and the largest value that an option accepts.
    pub fn range(name: &str) -> Result<RangeInclusive<i64>> {
        let (option, mut minimum, mut maximum) = (number_of(name)?, 0, 0);
        // SAFETY: the outputs are valid.
        check(|| unsafe { sys::tf_option_range(&raw mut minimum, &raw mut maximum, ptr::null_mut(), option) })?;
        Ok(minimum..=maximum)
    }

    /// Sets an option by its name, for programs whose users name options. The names are those of the methods; `zlib` is
    /// `deflate`. `load_mode` is refused, since [`map`](Options::map) is unsafe.
    ///
    /// ```
    /// use tensorfile::Options;
    ///
    /// let options = Options::new().set("max_arrays", 10);
    /// assert_eq!(options.get("max_arrays")?, 10);
    /// assert_eq!(Options::range("max_rank")?, 1..=64);
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    #[must_use]
    pub fn set(self, name: &str, value: i64) -> Self {
        self.with(Setting::Named(name.to_owned(), value))
    }

    /// Sets how many threads one call may use, including the calling one, up to 1024. The default, 0, is one for each
    /// core.
    #[must_use]
    pub fn threads(self, count: u32) -> Self {
        self.number(sys::TF_OPTION_THREADS, count.into())
    }

    /// Sets the format to load, or to save by [`save_weights`](Options::save_weights). By default it is detected.
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        self.number(sys::TF_OPTION_FORMAT, format.to_raw().into())
    }

    /// Sets the format by its name, such as `"npz"`.
    #[must_use]
    pub fn format_name(self, name: &str) -> Self {
        self.with(Setting::Format(name.to_owned()))
    }

    /// Sets whether a save uses exactly the given path. By default it appends the extension of the format if it is
    /// absent.
    #[must_use]
    pub fn exact_path(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_EXACT_PATH, on.into())
    }

    /// Sets whether arrays are mappings of the file, which are read when they are first accessed. By default arrays
    /// have their own memory.
    ///
    /// # Safety
    /// While an array that was loaded in this way exists, the file must not be changed in place by this or another
    /// process: elements would change while they are borrowed. If the file is truncated, accessing the lost part ends
    /// the process with a signal. Replacing the file, as this library does when it saves, is allowed.
    #[must_use]
    pub unsafe fn map(self, on: bool) -> Self {
        let mode = if on { sys::TF_LOAD_MODE_MAP } else { sys::TF_LOAD_MODE_OWN };
        self.number(sys::TF_OPTION_LOAD_MODE, mode.into())
    }

    /// Sets whether to accept faults that the reference readers of the formats accept, such as trailing bytes or bytes
    /// before a zip archive.
    #[must_use]
    pub fn lenient(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_LENIENT, on.into())
    }

    /// Sets whether loads leave out arrays of unknown dtypes, or with an invalid header, instead of failing.
    #[must_use]
    pub fn skip_unsupported(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_SKIP_UNSUPPORTED, on.into())
    }

    /// Sets whether a .gguf may have arrays of 5 to 8 dimensions and names of 64 to 65,535 bytes, which ggml and other
    /// programs refuse.
    #[must_use]
    pub fn gguf_extended(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_GGUF_EXTENDED, on.into())
    }

    /// Sets whether [`load_weights`](Options::load_weights) fails if weights are missing, unexpected, or of another
    /// shape. The default is `true`.
    #[must_use]
    pub fn strict(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_STRICT, on.into())
    }

    /// Sets whether opening one part of a split .gguf (NAME-00001-of-00003.gguf) opens the whole set. The index of
    /// sharded safetensors (NAME.safetensors.index.json) always opens the whole set.
    #[must_use]
    pub fn parts(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_PARTS, on.into())
    }

    /// Sets the maximum number of bytes of array data in one .safetensors or .gguf file that is saved to a path. Larger
    /// contents are split into NAME-00001-of-00003 and so on, with an index for safetensors; arrays are not split. The
    /// default, 0, is one file.
    #[must_use]
    pub fn part_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_PART_BYTES, count)
    }

    /// Limits the memory in bytes that the results of one call, or everything read through one [`File`], may occupy at
    /// the same time. The default, 0, is no limit.
    #[must_use]
    pub fn max_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_BYTES, count)
    }

    /// Limits the length of a header in bytes. The default, 0, is 1 MiB for .npy headers and 100,000,000 for others.
    #[must_use]
    pub fn max_header_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_HEADER_BYTES, count)
    }

    /// Limits the number of arrays in a file. The default is 1,000,000.
    #[must_use]
    pub fn max_arrays(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_ARRAYS, count)
    }

    /// Limits the number of metadata values in a file. The default is 1,000,000.
    #[must_use]
    pub fn max_metadata(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_METADATA, count)
    }

    /// Limits the length of a name or key in bytes. The default is 65,536.
    #[must_use]
    pub fn max_name_bytes(self, count: u64) -> Self {
        self.set_count(sys::TF_OPTION_MAX_NAME_BYTES, count)
    }

    /// Limits the number of dimensions of an array to 1 to 64. The default is 64.
    #[must_use]
    pub fn max_rank(self, count: u32) -> Self {
        self.number(sys::TF_OPTION_MAX_RANK, count.into())
    }

    /// Limits the nesting of metadata and trees to 1 to 64 levels. The default is 64.
    #[must_use]
    pub fn max_nesting(self, count: u32) -> Self {
        self.number(sys::TF_OPTION_MAX_NESTING, count.into())
    }

    /// Sets whether a save syncs the file and its folder to disk before it returns.
    #[must_use]
    pub fn durable(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_DURABLE, on.into())
    }

    /// Sets whether a save writes a temporary file next to the target and then renames it. The default is `true`;
    /// otherwise the save writes the target in place.
    #[must_use]
    pub fn atomic(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_ATOMIC, on.into())
    }

    /// Sets the alignment of array data in bytes, a power of two up to 1,048,576. The default, 0, is that of the
    /// format: 32 for .gguf, 64 for the others.
    #[must_use]
    pub fn alignment(self, bytes: u32) -> Self {
        self.number(sys::TF_OPTION_ALIGNMENT, bytes.into())
    }

    /// Sets whether [`save_weights`](Options::save_weights), [`to_bytes`](Options::to_bytes) and
    /// [`save_to`](Options::save_to) compress the members of an .npz.
    #[must_use]
    pub fn compress(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_COMPRESS, on.into())
    }

    /// Sets the level of compression from 0 (none) to 9 (smallest). The default, -1, is a good compromise.
    #[must_use]
    pub fn compression_level(self, level: i32) -> Self {
        self.number(sys::TF_OPTION_COMPRESSION_LEVEL, level.into())
    }

    /// Sets whether zlib compresses instead of the library's own encoder, which is faster. Saves fail with
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) without the feature `zlib`.
    #[must_use]
    pub fn zlib(self, on: bool) -> Self {
        self.number(sys::TF_OPTION_DEFLATE, if on { sys::TF_DEFLATE_ZLIB } else { sys::TF_DEFLATE_AUTO }.into())
    }

    /// Sets what loading does with ggml's block types.
    #[must_use]
    pub fn decode(self, decode: Decode) -> Self {
        let value = match decode {
            Decode::Keep => sys::TF_DECODE_KEEP,
            Decode::To(dtype) => dtype.to_raw(),
            Decode::Mlx => sys::TF_DECODE_MLX,
        };
        self.number(sys::TF_OPTION_DECODE, value.into())
    }

    /// Calls `report` on the calling thread with the number of bytes of array data loaded or saved so far, and with the
    /// total. If it returns `Break`, the call fails with [`ErrorKind::Cancelled`]. If it panics, the panic propagates to
    /// the caller.
    #[must_use]
    pub fn progress<F>(self, report: F) -> Self
    where
        F: Fn(u64, u64) -> ControlFlow<()> + Send + Sync + 'static,
    {
        self.with(Setting::Progress(Arc::new(report)))
    }

    /// Makes calls run their jobs on `executor` instead of threads of their own.
    ///
    /// Readers ([`ReadAt`](crate::ReadAt)) are then called on its threads. If it fails, the call fails with its error.
    #[must_use]
    pub fn executor<E: Executor>(self, executor: E) -> Self {
        let width = executor.width();
        self.with(Setting::Executor(Arc::new(executor), width))
    }

    /// Makes calls take all memory from `allocator`, including the memory of the objects that they create.
    ///
    /// ```
    /// let options = tensorfile::Options::new().allocator(std::alloc::System);
    /// # options.to_bytes(tensorfile::Format::Npy, &tensorfile::Array::scalar(1i8))?;
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    #[must_use]
    pub fn allocator<A: GlobalAlloc + Send + Sync + 'static>(self, allocator: A) -> Self {
        self.with(Setting::Allocator(Arc::new(allocator)))
    }

    /// Returns the options for a call.
    pub(crate) fn raw(&self) -> Result<Raw> {
        Ok(Raw(if self.0.is_empty() { None } else { Some(RawOptions::new(&self.0)?) }))
    }

    /// Returns the format of the options in the form that calls take which have no path.
    fn raw_format(&self) -> Result<sys::tf_format> {
        let format = if self.0.is_empty() { sys::TF_FORMAT_AUTO.into() } else { self.get("format")? };
        Ok(format.try_into().unwrap_or(sys::TF_FORMAT_AUTO))
    }
}

/// Returns the number of the option with a name.
fn number_of(name: &str) -> Result<sys::tf_option> {
    // SAFETY: the name is NUL-terminated.
    let number = CString::new(name).map_or(0, |name| unsafe { sys::tf_option_from_name(name.as_ptr()) });
    if number == 0 {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("there is no option '{name}'")));
    }
    Ok(number)
}

impl RawOptions {
    fn new(settings: &[Setting]) -> Result<Self> {
        // SAFETY: the output is valid.
        let raw: RawOptions = make(|out| unsafe { sys::tf_options_new(out) })?;
        settings.iter().try_for_each(|setting| raw.set(setting))?;
        Ok(raw)
    }

    fn set(&self, setting: &Setting) -> Result<()> {
        let raw = self.0.as_ptr();
        match setting {
            // SAFETY: no other code uses the options.
            Setting::Number(option, value) => check(|| unsafe { sys::tf_options_set(raw, *option, *value) }),
            Setting::Named(name, value) => {
                let option = number_of(name)?;
                if option == sys::TF_OPTION_LOAD_MODE {
                    let message = "load_mode cannot be set by name: call the unsafe method Options::map";
                    return Err(Error::new(ErrorKind::InvalidArgument, message));
                }
                // SAFETY: no other code uses the options.
                check(|| unsafe { sys::tf_options_set(raw, option, *value) })
            }
            Setting::Format(name) => {
                let (text, length) = (name.as_ptr().cast(), name.len());
                // SAFETY: no other code uses the options; the pointer has its length.
                check(|| unsafe { sys::tf_options_set_string(raw, sys::TF_OPTION_FORMAT, text, length) })
            }
            Setting::Progress(report) => {
                let user = Box::into_raw(Box::new(report.clone())).cast();
                let release = Some(drop_box::<Arc<Progress>> as Release);
                // SAFETY: no other code uses the options; the box has the type that the callbacks expect.
                check(|| unsafe { sys::tf_options_set_progress(raw, Some(progress), release, user) })
            }
            Setting::Executor(executor, width) => {
                let user = Box::into_raw(Box::new(executor.clone())).cast();
                let release = Some(drop_box::<Arc<dyn Executor>> as Release);
                // SAFETY: no other code uses the options; the box has the type that the callbacks expect.
                check(|| unsafe { sys::tf_options_set_executor(raw, Some(execute), *width, release, user) })
            }
            Setting::Allocator(allocator) => {
                let user = Box::into_raw(Box::new(allocator.clone())).cast();
                let release = Some(drop_box::<Allocator> as Release);
                // SAFETY: no other code uses the options; the box has the type that the callbacks expect, and is dropped
                // after all memory that it allocated.
                check(|| unsafe { sys::tf_options_set_allocator(raw, Some(allocate), Some(deallocate), release, user) })
            }
        }
    }
}

type Release = unsafe extern "C" fn(*mut c_void);

/// Runs a call that returns arrays and metadata.
fn load(
    source: Option<&Source>,
    call: impl FnOnce(*mut *mut sys::tf_dict, *mut *mut sys::tf_dict) -> sys::tf_status,
) -> Result<Loaded> {
    let (mut arrays, mut metadata) = (ptr::null_mut(), ptr::null_mut());
    let status = enter(|| call(&raw mut arrays, &raw mut metadata));
    let made = (NonNull::new(arrays).map(RawDict::adopt), NonNull::new(metadata).map(RawDict::adopt));
    finish(status, source.and_then(Source::slot).map(|slot| &**slot))?;
    match made {
        (Some(arrays), Some(metadata)) => Ok(Loaded { arrays: arrays.arrays()?, metadata: metadata.metadata()? }),
        _ => Err(Error::new(ErrorKind::Internal, "the library succeeded without a result")),
    }
}

fn dict_ptr(dict: Option<&RawDict>) -> *const sys::tf_dict {
    dict.map_or(ptr::null(), |dict| dict.as_ptr())
}

/// Loading.
impl Options {
    /// Loads a whole file; see [`load`](crate::load).
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Loaded> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options are valid.
        load(None, |arrays, metadata| unsafe {
            sys::tf_load(ptr::null_mut(), arrays, metadata, path.as_ptr(), options.as_ptr())
        })
    }

    /// Loads the array of a .npy; see [`load_array`](crate::load_array).
    pub fn load_array(&self, path: impl AsRef<Path>) -> Result<Array> {
        let (path, options) = (path.as_ref(), self.raw()?);
        let c_path = c_path(path)?;
        let (mut raw, none) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the path is NUL-terminated; the options are valid.
        let status = enter(|| unsafe { sys::tf_load(&raw mut raw, none, none, c_path.as_ptr(), options.as_ptr()) });
        let array = NonNull::new(raw).map(Array::adopt);
        finish(status, None)?;
        array.ok_or_else(|| {
            let message = "expected a .npy file with one array, found a file of named arrays";
            Error::new(ErrorKind::Type, format!("{}: {message}", path.display()))
        })
    }

    /// Loads a whole file from memory. Without [`format`](Options::format) the format is that of the content.
    pub fn load_bytes(&self, bytes: &[u8]) -> Result<Loaded> {
        let (options, format, data) = (self.raw()?, self.raw_format()?, bytes.as_ptr().cast());
        // SAFETY: the pointer has its length; the options are valid.
        load(None, |arrays, metadata| unsafe {
            sys::tf_load_memory(ptr::null_mut(), arrays, metadata, data, bytes.len(), format, options.as_ptr())
        })
    }

    /// Loads a whole file from a source. Without [`format`](Options::format) the format is that of the extension of the
    /// source's [name](Source::with_name), or else that of the content.
    pub fn load_source(&self, source: &Source) -> Result<Loaded> {
        let (options, format) = (self.raw()?, self.raw_format()?);
        // SAFETY: the source and the options are valid.
        load(Some(source), |arrays, metadata| unsafe {
            sys::tf_load_source(ptr::null_mut(), arrays, metadata, source.as_ptr(), format, options.as_ptr())
        })
    }

    /// Loads a file from memory without copying its arrays if possible.
    ///
    /// # Safety
    /// The arrays must not be used after `bytes` have been changed or freed.
    pub(crate) unsafe fn map_bytes(&self, bytes: &[u8]) -> Result<Loaded> {
        let mut source = ptr::null_mut();
        // SAFETY: the pointer has its length, and the caller guarantees that the bytes are there as long as arrays.
        let status = enter(|| unsafe {
            sys::tf_source_from_memory(&raw mut source, bytes.as_ptr().cast(), bytes.len(), None, ptr::null_mut())
        });
        let source = Source::made(source, status, None)?;
        // SAFETY: guaranteed by the caller.
        unsafe { self.clone().map(true) }.load_source(&source)
    }

    /// Loads a .npz, .safetensors or .gguf file as a tree, splitting names at '.'.
    pub fn load_weights(&self, path: impl AsRef<Path>) -> Result<Dict> {
        self.weights(path.as_ref(), None)
    }

    /// Loads a tree like [`load_weights`](Options::load_weights), and compares it with a tree or flat map of arrays.
    ///
    /// Fails with [`ErrorKind::Mismatch`] if the file has other names or shapes. With [`strict`](Options::strict) off,
    /// missing arrays are those of `expected`, and unexpected ones are left out.
    pub fn load_weights_like<V: Item>(&self, path: impl AsRef<Path>, expected: &Map<V>) -> Result<Dict> {
        self.weights(path.as_ref(), Some(&RawDict::from_map(expected)?))
    }

    /// Loads a tree from a source, like [`load_weights`](Options::load_weights).
    pub fn load_weights_source(&self, source: &Source) -> Result<Dict> {
        self.source_weights(source, None)
    }

    /// Loads a tree from a source, and compares it with a tree or flat map of arrays, like
    /// [`load_weights_like`](Options::load_weights_like).
    pub fn load_weights_source_like<V: Item>(&self, source: &Source, expected: &Map<V>) -> Result<Dict> {
        self.source_weights(source, Some(&RawDict::from_map(expected)?))
    }

    fn source_weights(&self, source: &Source, expected: Option<&RawDict>) -> Result<Dict> {
        let (options, format, expected) = (self.raw()?, self.raw_format()?, dict_ptr(expected));
        let mut tree = ptr::null_mut();
        // SAFETY: the handles are valid.
        let status = enter(|| unsafe {
            sys::tf_load_weights_source(&raw mut tree, source.as_ptr(), format, expected, options.as_ptr())
        });
        made::<RawDict>(tree, status, source.slot().map(|slot| &**slot))?.tree()
    }

    fn weights(&self, path: &Path, expected: Option<&RawDict>) -> Result<Dict> {
        let (path, options, expected) = (c_path(path)?, self.raw()?, dict_ptr(expected));
        // SAFETY: the path is NUL-terminated; the handles are valid.
        let tree: RawDict =
            make(|tree| unsafe { sys::tf_load_weights(tree, path.as_ptr(), expected, options.as_ptr()) })?;
        tree.tree()
    }

    /// Checks a file or a set of files: reads every byte that can be checked, and reports every fault instead of only
    /// the first. Fails if the check cannot be made, not if it finds faults.
    pub fn check(&self, path: impl AsRef<Path>) -> Result<CheckReport> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options are valid.
        let report: RawDict = make(|out| unsafe { sys::tf_check(out, path.as_ptr(), options.as_ptr()) })?;
        let mut report = report.tree()?;
        Ok(CheckReport {
            faults: report.take_list("faults")?,
            excused: report.take_list("excused")?,
            notes: report.take_list("notes")?,
        })
    }

    /// Opens a file to read its arrays one by one; see [`File`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<File> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options are valid.
        File::made(None, |out| unsafe { sys::tf_file_open(out, path.as_ptr(), options.as_ptr()) })
    }

    /// Opens a file in memory, which is copied. [`Source::from_bytes`] avoids the copy.
    pub fn open_bytes(&self, bytes: &[u8]) -> Result<File> {
        let (options, format, data) = (self.raw()?, self.raw_format()?, bytes.as_ptr().cast());
        // SAFETY: the pointer has its length; the options are valid.
        File::made(None, |out| unsafe { sys::tf_file_open_memory(out, data, bytes.len(), format, options.as_ptr()) })
    }

    /// Opens a file in a source.
    pub fn open_source(&self, source: &Source) -> Result<File> {
        let (options, format) = (self.raw()?, self.raw_format()?);
        // SAFETY: the source and the options are valid.
        File::made(source.slot(), |out| unsafe {
            sys::tf_file_open_source(out, source.as_ptr(), format, options.as_ptr())
        })
    }
}

/// Saving.
impl Options {
    /// Saves contents in the format of [`format`](Options::format), or else of the path's extension; see
    /// [`save`](crate::save). The extension is only appended to the path if [`format`](Options::format) is set.
    pub fn save<'a>(&self, path: impl AsRef<Path>, contents: impl Into<Contents<'a>>) -> Result<()> {
        let path = path.as_ref();
        let format = match Format::from_raw(self.raw_format()?) {
            Format::Auto => Format::from_path(path),
            format => format,
        };
        let (raw, options, path) = (RawContents::new(contents.into(), format)?, self.raw()?, c_path(path)?);
        let (arrays, metadata) = raw.as_ptrs();
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_file(path.as_ptr(), arrays, metadata, options.as_ptr()) })
    }

    /// Saves one array as .npy, byte for byte like `NumPy`.
    pub fn save_npy(&self, path: impl AsRef<Path>, array: &Array) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save(path.as_ptr(), array.as_ptr(), options.as_ptr()) })
    }

    /// Saves arrays as .npz without compression.
    pub fn save_npz(&self, path: impl AsRef<Path>, arrays: &Arrays) -> Result<()> {
        let (path, options, arrays) = (c_path(path.as_ref())?, self.raw()?, arrays.to_raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_savez(path.as_ptr(), ptr::null(), 0, arrays.as_ptr(), options.as_ptr()) })
    }

    /// Saves arrays as .npz with compression.
    pub fn save_npz_compressed(&self, path: impl AsRef<Path>, arrays: &Arrays) -> Result<()> {
        let (path, options, arrays) = (c_path(path.as_ref())?, self.raw()?, arrays.to_raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_savez_compressed(path.as_ptr(), ptr::null(), 0, arrays.as_ptr(), options.as_ptr()) })
    }

    /// Saves arrays as .safetensors, with strings as metadata.
    pub fn save_safetensors(&self, path: impl AsRef<Path>, arrays: &Arrays, metadata: Option<&Dict>) -> Result<()> {
        let (path, options, arrays) = (c_path(path.as_ref())?, self.raw()?, arrays.to_raw()?);
        let metadata = metadata.map(RawDict::from_map).transpose()?;
        let metadata = dict_ptr(metadata.as_ref());
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_safetensors(path.as_ptr(), arrays.as_ptr(), metadata, options.as_ptr()) })
    }

    /// Saves arrays as .gguf with metadata; see [`save_gguf`](crate::save_gguf).
    pub fn save_gguf(&self, path: impl AsRef<Path>, arrays: &Arrays, metadata: Option<&Dict>) -> Result<()> {
        let (path, options, arrays) = (c_path(path.as_ref())?, self.raw()?, arrays.to_raw()?);
        let metadata = metadata.map(RawDict::from_map).transpose()?;
        let metadata = dict_ptr(metadata.as_ref());
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_gguf(path.as_ptr(), arrays.as_ptr(), metadata, options.as_ptr()) })
    }

    /// Saves a tree of arrays under flattened names, in the format of the path's extension or of
    /// [`format`](Options::format).
    pub fn save_weights<V: Item>(&self, path: impl AsRef<Path>, tree: &Map<V>) -> Result<()> {
        let (path, options, tree) = (c_path(path.as_ref())?, self.raw()?, tree.to_raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_weights(path.as_ptr(), tree.as_ptr(), options.as_ptr()) })
    }

    /// Saves to memory; see [`to_bytes`](crate::to_bytes).
    pub fn to_bytes<'a>(&self, format: Format, contents: impl Into<Contents<'a>>) -> Result<Buffer> {
        let (options, raw) = (self.raw()?, RawContents::new(contents.into(), format)?);
        let (format, (arrays, metadata)) = (format.to_raw(), raw.as_ptrs());
        // SAFETY: the handles are valid.
        make(|out| unsafe { sys::tf_save_memory(out, format, ptr::null(), arrays, metadata, options.as_ptr()) })
    }

    /// Saves to a writer from the first byte to the last. If the writer fails, its error becomes the
    /// [`source`](std::error::Error::source) of the error; bytes already written stay written.
    pub fn save_to<'a>(
        &self,
        writer: &mut impl Write,
        format: Format,
        contents: impl Into<Contents<'a>>,
    ) -> Result<()> {
        self.save_sink(Sink::from_mut(writer)?, format, contents)
    }

    /// Saves to a sink, which can be all or nothing, and with [`part_bytes`](Options::part_bytes) and a
    /// [resolver](Sink::with_resolver) to a set of files.
    pub fn save_sink<'a>(&self, sink: Sink<'_>, format: Format, contents: impl Into<Contents<'a>>) -> Result<()> {
        let (options, raw) = (self.raw()?, RawContents::new(contents.into(), format)?);
        let (format, (arrays, metadata)) = (format.to_raw(), raw.as_ptrs());
        // SAFETY: the handles are valid.
        let status = enter(|| unsafe {
            sys::tf_save_sink(sink.as_ptr(), format, ptr::null(), arrays, metadata, options.as_ptr())
        });
        let saved = finish(status, None);
        drop(sink);
        saved
    }

    /// Returns everything that would make a save of the contents fail: what the format cannot hold, and what exceeds a
    /// limit when it is loaded. Nothing is written, and the elements are not read.
    ///
    /// ```
    /// use tensorfile::{Arrays, Format, Options};
    ///
    /// let arrays = Arrays::from([("x", [[1.0f64, 2.0]])]);
    /// let findings = Options::new().check_save(Format::Safetensors, &arrays)?;
    /// assert_eq!((findings[0].name.as_str(), findings[0].problem.as_str()), ("x", "dtype"));
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    pub fn check_save<'a>(&self, format: Format, contents: impl Into<Contents<'a>>) -> Result<Vec<Finding>> {
        let (options, raw) = (self.raw()?, RawContents::new(contents.into(), format)?);
        let (format, (arrays, metadata)) = (format.to_raw(), raw.as_ptrs());
        // SAFETY: the handles are valid.
        let report: RawDict =
            make(|out| unsafe { sys::tf_save_check(out, format, arrays, metadata, options.as_ptr()) })?;
        let mut report = report.tree()?;
        let mut columns = Vec::with_capacity(4);
        for name in ["subject", "name", "problem", "reason"] {
            columns.push(report.take_list(name)?.into_iter());
        }
        let mut row = || {
            let mut next = columns.iter_mut().map(Iterator::next);
            Some(Finding { subject: next.next()??, name: next.next()??, problem: next.next()??, reason: next.next()?? })
        };
        Ok(std::iter::from_fn(&mut row).collect())
    }

    /// Creates an array of zeros like [`Array::zeros`], in memory of the [`allocator`](Options::allocator).
    pub fn zeros(&self, dtype: Dtype, shape: impl AsRef<[usize]>) -> Result<Array> {
        let (shape, options) = (dims(shape.as_ref())?, self.raw()?);
        // SAFETY: the pointer has its length; the options are valid.
        make(|out| unsafe {
            sys::tf_array_new_with(out, dtype.to_raw(), shape.as_ptr(), shape.len(), options.as_ptr())
        })
    }

    /// Returns a C-contiguous copy of an array with another dtype, like [`Array::cast`].
    pub fn cast(&self, array: &Array, dtype: Dtype) -> Result<Array> {
        array.cast_with(dtype, self.raw()?.as_ptr())
    }
}

/// Prints the settings.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Options ")?;
        f.debug_set().entries(&self.0).finish()
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Number(option, value) => {
                // SAFETY: the function accepts any number.
                write!(f, "{} = {value}", unsafe { static_text(sys::tf_option_name(*option)) })
            }
            Setting::Named(name, value) => write!(f, "{name} = {value}"),
            Setting::Format(name) => write!(f, "format = {name}"),
            Setting::Progress(_) => f.write_str("progress"),
            Setting::Executor(_, width) => write!(f, "executor of width {width}"),
            Setting::Allocator(_) => f.write_str("allocator"),
        }
    }
}
