//! Files that are written array by array.

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

/// Writes a file whose arrays need not be in memory at once: all are declared first, then their bytes follow in pieces of
/// any size, in that order.
///
/// Until [`finish`](Writer::finish) has returned `Ok` the target is as before, and dropping a writer leaves nothing behind;
/// what went into a writer of the caller's stays there. The file is the one that saving the same arrays makes.
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
    /// Kept as long as the library calls it.
    _sink: Option<Sink<'a>>,
}

// SAFETY: options and metadata are Send and Sync, and so is a writer of the caller's, Send.
unsafe impl Send for Writer<'_> {}

impl Handle for Writer<'static> {
    type Raw = sys::tf_writer;
    fn adopt(raw: NonNull<sys::tf_writer>) -> Self {
        Writer { raw, _sink: None }
    }
}

impl Writer<'static> {
    /// A writer to a path, in the format that its extension names. [`Options::create`] takes settings.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().create(path)
    }
}

impl Options {
    /// A writer to a path, in the format of [`format`](Options::format), else the one that the extension names. The
    /// extension is added when the path lacks it, unless [`exact_path`](Options::exact_path) says otherwise.
    pub fn create(&self, path: impl AsRef<Path>) -> Result<Writer<'static>> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        let format = sys::TF_FORMAT_AUTO;
        // SAFETY: the path is NUL-terminated; the options live.
        crate::call::make(|out| unsafe { sys::tf_writer_open(out, path.as_ptr(), format, options) })
    }

    /// A writer into `target`, from first byte to last. What that says when it fails is the error's
    /// [`source`](std::error::Error::source).
    pub fn create_in<'a, W: Write + Send>(&self, target: &'a mut W, format: Format) -> Result<Writer<'a>> {
        let (options, sink) = (self.raw()?, Sink::new(target)?);
        let mut raw = ptr::null_mut();
        // SAFETY: handles live; the sink borrows its target for as long as the writer lives.
        let status = enter(|| unsafe { sys::tf_writer_open_sink(&mut raw, sink.as_ptr(), format.to_raw(), options) });
        let made = NonNull::new(raw).map(|raw| Writer { raw, _sink: Some(sink) });
        finish(status, None)?;
        made.ok_or_else(|| Error::new(Status::Internal, "the library succeeded without a writer"))
    }
}

impl Writer<'_> {
    /// Declares the next array. A .npy has one, whose name is not kept.
    ///
    /// Whether the format can hold what is declared is told by the first write, of all arrays at once.
    pub fn declare(&mut self, name: &str, dtype: Dtype, shape: impl Dims) -> Result<()> {
        let shape = shape.dims()?;
        let (text, length, dims, ndim) = (name.as_ptr().cast(), name.len(), shape.as_ptr(), shape.len());
        // SAFETY: the handle is ours alone; the pointers come with their lengths.
        check(|| unsafe { sys::tf_writer_declare(self.raw.as_ptr(), text, length, dtype.to_raw(), dims, ndim) })
    }

    /// Sets the metadata of a .safetensors or .gguf to a copy of a dict.
    pub fn set_metadata(&mut self, metadata: &DictRef) -> Result<()> {
        // The library reads it later, when its owner may be changing it.
        let own = metadata.try_clone()?;
        // SAFETY: handles live.
        check(|| unsafe { sys::tf_writer_set_metadata(self.raw.as_ptr(), own.as_ptr()) })
    }

    /// Writes the next elements, in C order. A piece may end anywhere, and reach from one array into the next; that its
    /// type is the declared one is the caller's care.
    pub fn write_elements<T: Element>(&mut self, elements: &[T]) -> Result<()> {
        self.write_bytes(bytes_of(elements))
    }

    /// The same with the elements as bytes, in the host's byte order (block types: little-endian).
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let (data, nbytes) = (bytes.as_ptr().cast(), bytes.len());
        // SAFETY: the handle is ours alone; the pointer comes with its length.
        check(|| unsafe { sys::tf_writer_write(self.raw.as_ptr(), data, nbytes) })
    }

    /// Writes what comes last, and puts the file in its place. Fails with [`Error::InvalidArgument`], and leaves nothing,
    /// when an array lacks bytes.
    pub fn finish(self) -> Result<()> {
        // SAFETY: the handle is ours alone.
        check(|| unsafe { sys::tf_writer_finish(self.raw.as_ptr()) })
    }

    /// The library's handle, for calls of `tensorfile-sys`; borrowed.
    pub fn as_ptr(&self) -> *mut sys::tf_writer {
        self.raw.as_ptr()
    }
}

/// Takes the next bytes, so that `std::io::copy` fills arrays.
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
        // SAFETY: the reference is this one's, and ends here.
        release(|| unsafe { sys::tf_writer_release(self.raw.as_ptr()) });
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
