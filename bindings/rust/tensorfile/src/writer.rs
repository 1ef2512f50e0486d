//! Writing files array by array.

use std::io::{self, Write};
use std::path::Path;
use std::ptr::NonNull;
use std::{fmt, ptr};

use crate::call::{Handle, c_path, check, enter, finish, release};
use crate::dict::DictRef;
use crate::dtype::{Dtype, Element, Format, bytes_of};
use crate::error::{Error, Result, Status};
use crate::io::Sink;
use crate::options::Options;
use crate::shape::Dims;
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
/// writer.declare("count", Dtype::Int64, ())?;
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
}

// SAFETY: options and metadata are Send and Sync, and the target is Send.
unsafe impl Send for Writer<'_> {}

impl Handle for Writer<'static> {
    type Raw = sys::tf_writer;
    fn adopt(raw: NonNull<sys::tf_writer>) -> Self {
        Writer { raw, _sink: None }
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
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        let format = sys::TF_FORMAT_AUTO;
        // SAFETY: the path is NUL-terminated; the options are valid.
        crate::call::make(|out| unsafe { sys::tf_writer_open(out, path.as_ptr(), format, options) })
    }

    /// Creates a writer to `target`, from the first byte to the last. If that fails, its error becomes the
    /// [`source`](std::error::Error::source) of the error.
    pub fn create_in<'a, W: Write + Send>(&self, target: &'a mut W, format: Format) -> Result<Writer<'a>> {
        let (options, sink) = (self.raw()?, Sink::new(target)?);
        let mut raw = ptr::null_mut();
        // SAFETY: the handles are valid; the sink borrows its target as long as the writer lives.
        let status = enter(|| unsafe { sys::tf_writer_open_sink(&mut raw, sink.as_ptr(), format.to_raw(), options) });
        let made = NonNull::new(raw).map(|raw| Writer { raw, _sink: Some(sink) });
        finish(status, None)?;
        made.ok_or_else(|| Error::new(Status::Internal, "the library succeeded without a writer"))
    }
}

impl Writer<'_> {
    /// Declares the next array. A .npy file has one array, whose name is not stored.
    ///
    /// The first write checks whether the format can hold all declared arrays.
    pub fn declare(&mut self, name: &str, dtype: Dtype, shape: impl Dims) -> Result<()> {
        let shape = shape.dims()?;
        let (text, length, dims, ndim) = (name.as_ptr().cast(), name.len(), shape.as_ptr(), shape.len());
        // SAFETY: no other code uses the handle; each pointer has its length.
        check(|| unsafe { sys::tf_writer_declare(self.raw.as_ptr(), text, length, dtype.to_raw(), dims, ndim) })
    }

    /// Sets the metadata of a .npz, .safetensors or .gguf file to a copy of a dict.
    pub fn set_metadata(&mut self, metadata: &DictRef) -> Result<()> {
        // SAFETY: the handles are valid.
        check(|| unsafe { sys::tf_writer_set_metadata(self.raw.as_ptr(), metadata.as_ptr()) })
    }

    /// Writes the next elements in C order. A piece may end anywhere, and may contain the end of one array and the
    /// start of the next. The type of the elements is not compared with the declared dtype.
    pub fn write_elements<T: Element>(&mut self, elements: &[T]) -> Result<()> {
        self.write_bytes(bytes_of(elements))
    }

    /// Writes the next elements as bytes, in native byte order (blocks: little-endian).
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let (data, nbytes) = (bytes.as_ptr().cast(), bytes.len());
        // SAFETY: no other code uses the handle; the pointer has its length.
        check(|| unsafe { sys::tf_writer_write(self.raw.as_ptr(), data, nbytes) })
    }

    /// Completes the file and moves it to its path. If an array is incomplete, it fails with [`Error::InvalidArgument`]
    /// and leaves no file.
    pub fn finish(self) -> Result<()> {
        // SAFETY: no other code uses the handle.
        check(|| unsafe { sys::tf_writer_finish(self.raw.as_ptr()) })
    }

    /// Returns the borrowed handle, for functions of `tensorfile-sys`.
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
