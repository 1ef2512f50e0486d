//! The settings of calls.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{CString, c_void};
use std::fmt;
use std::io;
use std::ops::{ControlFlow, RangeInclusive};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::call::{callback, check, drop_box, handle, make};
use crate::dtype::{Dtype, Format};
use crate::error::{Error, ErrorKind, Result, static_text};
use crate::sys;

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

/// What loading does with ggml's block types. A [`File`](crate::File) always describes arrays as they are stored.
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

    /// Limits the memory in bytes that the results of one call, or everything read through one
    /// [`File`](crate::File), may occupy at the same time. The default, 0, is no limit.
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
    pub(crate) fn raw_format(&self) -> Result<sys::tf_format> {
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
