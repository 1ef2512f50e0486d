//! Writing files array by array.

use std::io::{self, Write};
use std::path::Path;
use std::ptr::NonNull;
use std::{fmt, ptr};

use crate::call::{Handle, c_path, check, enter, finish, release};
use crate::dtype::{Dtype, Element, Format, bytes_of};
use crate::error::{Error, ErrorKind, Result};
use crate::map::Dict;
use crate::options::Options;
use crate::raw::RawDict;
use crate::shape::dims;
use crate::sink::Sink;
use crate::sys;

/// Writes a file array by array, in pieces of any size, so that the contents never have to be in memory as a whole.
/// First declare all arrays, then write their bytes in the same order, then call [`finish`](Writer::finish).
///
/// The target does not change before [`finish`](Writer::finish), and dropping a writer without calling it removes all
/// temporary files. Bytes already written to a [`Write`] stay there. The file is the same as one saved at once.
///
/// ```
/// use tensorfile::{Dtype, Writer};
///
/// # let path = std::env::temp_dir().join("tensorfile-doc-writer.npz");
/// let mut writer = Writer::create(&path)?;
/// writer.declare("rows", Dtype::Float32, [1000, 16])?;
/// writer.declare("count", Dtype::Int64, [])?;
/// for row in 0..1000 {
///     writer.write_elements(&[row as f32; 16])?;
/// }
/// writer.write_elements(&[1000i64])?;
/// writer.finish()?;
/// assert_eq!(tensorfile::load(&path)?["rows"].shape(), [1000, 16]);
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub struct Writer<'a> {
    raw: NonNull<sys::tf_writer>,
    /// The sink that the library calls.
    _sink: Option<Sink<'a>>,
    pub(crate) declared: Vec<Declared>,
    written: u64,
}

/// An array that was declared.
#[derive(Clone)]
pub(crate) struct Declared {
    pub name: String,
    pub dtype: Dtype,
    pub nbytes: u64,
}

impl Declared {
    /// The library has accepted the shape.
    pub fn new(name: &str, dtype: Dtype, shape: &[i64]) -> Self {
        let count: i64 = shape.iter().product();
        let blocks = count.unsigned_abs() / u64::from(dtype.block_size().max(1));
        Declared { name: name.to_owned(), dtype, nbytes: blocks * u64::from(dtype.block_bytes()) }
    }
}

// SAFETY: options and metadata are Send and Sync, and the target is Send.
unsafe impl Send for Writer<'_> {}

impl Handle for Writer<'static> {
    type Raw = sys::tf_writer;
    fn adopt(raw: NonNull<sys::tf_writer>) -> Self {
        Writer { raw, _sink: None, declared: Vec::new(), written: 0 }
    }
}

impl Writer<'static> {
    /// Creates a writer to a path, in the format of its extension. [`Options::create`] takes settings.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().create(path)
    }
}

impl Options {
    /// Creates a writer to a path, in the format of [`format`](Options::format), or else that of the extension. The
    /// extension is appended if it is absent, unless [`exact_path`](Options::exact_path) is set.
    pub fn create(&self, path: impl AsRef<Path>) -> Result<Writer<'static>> {
        let (path, options, format) = (c_path(path.as_ref())?, self.raw()?, sys::TF_FORMAT_AUTO);
        // SAFETY: the path is NUL-terminated; the options are valid.
        crate::call::make(|out| unsafe { sys::tf_writer_open(out, path.as_ptr(), format, options.as_ptr()) })
    }

    /// Creates a writer to `target`, from the first byte to the last. If that fails, its error becomes the
    /// [`source`](std::error::Error::source) of the error.
    pub fn create_in<'a, W: Write + Send>(&self, target: &'a mut W, format: Format) -> Result<Writer<'a>> {
        self.create_sink(Sink::new(target)?, format)
    }

    /// Creates a writer to a sink, which can be all or nothing.
    pub fn create_sink<'a>(&self, sink: Sink<'a>, format: Format) -> Result<Writer<'a>> {
        let (options, format) = (self.raw()?, format.to_raw());
        let mut raw = ptr::null_mut();
        // SAFETY: the handles are valid; the writer keeps the sink as long as it lives.
        let status =
            enter(|| unsafe { sys::tf_writer_open_sink(&raw mut raw, sink.as_ptr(), format, options.as_ptr()) });
        Writer::over(raw, status, sink)
    }
}

impl<'a> Writer<'a> {
    /// Returns the result of a call that creates a writer to a sink.
    pub(crate) fn over(raw: *mut sys::tf_writer, status: sys::tf_status, sink: Sink<'a>) -> Result<Self> {
        let made = NonNull::new(raw).map(|raw| Writer { raw, _sink: Some(sink), declared: Vec::new(), written: 0 });
        finish(status, None)?;
        made.ok_or_else(|| Error::new(ErrorKind::Internal, "the library succeeded without a writer"))
    }
}

impl Writer<'_> {
    /// Declares the next array. A .npy file has one array, whose name is not stored.
    ///
    /// The first write checks whether the format can hold all declared arrays.
    pub fn declare(&mut self, name: &str, dtype: Dtype, shape: impl AsRef<[usize]>) -> Result<()> {
        let sizes = dims(shape.as_ref())?;
        let (text, length, shape, ndim) = (name.as_ptr().cast(), name.len(), sizes.as_ptr(), sizes.len());
        // SAFETY: no other code uses the handle; each pointer has its length.
        check(|| unsafe { sys::tf_writer_declare(self.raw.as_ptr(), text, length, dtype.to_raw(), shape, ndim) })?;
        self.declared.push(Declared::new(name, dtype, &sizes));
        Ok(())
    }

    /// Sets the metadata of a .npz, .safetensors or .gguf file.
    pub fn set_metadata(&mut self, metadata: &Dict) -> Result<()> {
        let metadata = RawDict::from_map(metadata)?;
        // SAFETY: the handles are valid.
        check(|| unsafe { sys::tf_writer_set_metadata(self.raw.as_ptr(), metadata.as_ptr()) })
    }

    /// Writes the next elements in C order. A piece may end anywhere, and may contain the end of one array and the
    /// start of the next.
    ///
    /// Fails with [`ErrorKind::Type`] if `T` is not the declared type of the elements.
    pub fn write_elements<T: Element>(&mut self, elements: &[T]) -> Result<()> {
        let bytes = bytes_of(elements);
        let (first, last) = (self.written, self.written.saturating_add(bytes.len() as u64));
        let mut end = 0u64;
        for Declared { name, dtype, nbytes } in &self.declared {
            let start = end;
            end = end.saturating_add(*nbytes);
            if *dtype != T::DTYPE && start < last && first < end {
                let message = format!("array '{name}': expected elements of {dtype}, got {}", T::DTYPE);
                return Err(Error::new(ErrorKind::Type, message).with_name(name));
            }
        }
        self.write_bytes(bytes)
    }

    /// Writes the next elements as bytes, in native byte order (blocks: little-endian).
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let (data, nbytes) = (bytes.as_ptr().cast(), bytes.len());
        // SAFETY: no other code uses the handle; the pointer has its length.
        check(|| unsafe { sys::tf_writer_write(self.raw.as_ptr(), data, nbytes) })?;
        self.written += nbytes as u64;
        Ok(())
    }

    /// Completes the file and moves it to its path. If an array is incomplete, it fails with [`ErrorKind::InvalidArgument`]
    /// and leaves no file.
    pub fn finish(self) -> Result<()> {
        // SAFETY: no other code uses the handle.
        check(|| unsafe { sys::tf_writer_finish(self.raw.as_ptr()) })
    }

    /// Returns the borrowed handle, for functions of `tensorfile-sys`.
    #[must_use]
    pub fn as_ptr(&self) -> *mut sys::tf_writer {
        self.raw.as_ptr()
    }
}

/// Accepts the next bytes, so that `std::io::copy` can fill arrays.
impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_bytes(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference belongs to this value and is not used again.
        release(|| unsafe { sys::tf_writer_release(self.raw.as_ptr()) });
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
