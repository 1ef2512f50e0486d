//! Sinks that files are written to.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::slice;

use crate::call::{Handle, callback, check, drop_box, enter, made, release};
use crate::error::Result;
use crate::sys;

/// A writer whose file is all or nothing, such as a multipart upload. [`Sink::all_or_nothing`] takes one.
///
/// Exactly one of the methods is called, once.
pub trait Commit: Write {
    /// Completes what was written. If it fails, so does the save.
    fn commit(&mut self) -> io::Result<()>;

    /// Discards what was written, because the save failed, was cancelled, or was not finished.
    fn abort(&mut self);
}

/// Where a file, or a set of files, is written to: a writer, which can be all or nothing, and can be one file of a set.
///
/// [`Options::save_sink`](crate::Options::save_sink) and [`Options::create_sink`](crate::Options::create_sink) take it. For
/// a writer alone, [`Options::save_to`](crate::Options::save_to) is shorter.
///
/// ```
/// use std::io::{self, Write};
/// use tensorfile::{Arrays, Commit, Format, Options, Sink};
///
/// #[derive(Default)]
/// struct Upload {
///     bytes: Vec<u8>,
///     complete: bool,
/// }
///
/// impl Write for Upload {
///     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
///         self.bytes.write(bytes)
///     }
///     fn flush(&mut self) -> io::Result<()> {
///         Ok(())
///     }
/// }
///
/// impl Commit for &mut Upload {
///     fn commit(&mut self) -> io::Result<()> {
///         self.complete = true;
///         Ok(())
///     }
///     fn abort(&mut self) {
///         self.bytes.clear();
///     }
/// }
///
/// let mut upload = Upload::default();
/// let arrays = Arrays::from([("w", [1.5f32])]);
/// Options::new().save_sink(Sink::all_or_nothing(&mut upload)?, Format::Safetensors, &arrays)?;
/// assert!(upload.complete && !upload.bytes.is_empty());
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub struct Sink<'a>(NonNull<sys::tf_sink>, PhantomData<Box<dyn Write + Send + 'a>>);

// SAFETY: writers and resolvers are Send; `from_mut` is only used for the duration of one call on one thread.
unsafe impl Send for Sink<'_> {}

impl Handle for Sink<'_> {
    type Raw = sys::tf_sink;
    fn adopt(raw: NonNull<sys::tf_sink>) -> Self {
        Sink(raw, PhantomData)
    }
}

/// # Safety
/// `user` is a `W`; `src` has `nbytes` bytes.
unsafe extern "C" fn write<W: Write>(user: *mut c_void, src: *const c_void, nbytes: usize) -> sys::tf_status {
    callback(None, || {
        // SAFETY: guaranteed by the library; it writes one piece after another, on the calling thread.
        let (writer, bytes) = unsafe { (&mut *user.cast::<W>(), slice::from_raw_parts(src.cast::<u8>(), nbytes)) };
        writer.write_all(bytes)
    })
}

/// # Safety
/// `user` is a `W`.
unsafe extern "C" fn commit<W: Commit>(user: *mut c_void) -> sys::tf_status {
    // SAFETY: guaranteed by the library, which uses the writer on one thread at a time.
    callback(None, || unsafe { &mut *user.cast::<W>() }.commit())
}

/// # Safety
/// `user` is a `W`.
unsafe extern "C" fn abort<W: Commit>(user: *mut c_void) {
    callback(None, || {
        // SAFETY: guaranteed by the library, which uses the writer on one thread at a time.
        unsafe { &mut *user.cast::<W>() }.abort();
        Ok(())
    });
}

/// # Safety
/// `user` is an `F`; `name` is NUL-terminated; `out` is valid.
unsafe extern "C" fn resolve<'a, F>(
    user: *mut c_void,
    name: *const c_char,
    out: *mut *mut sys::tf_sink,
) -> sys::tf_status
where
    F: FnMut(&str) -> io::Result<Sink<'a>> + Send + 'a,
{
    callback(None, || {
        // SAFETY: guaranteed by the library, which asks for one sink after another.
        let (make, name) = unsafe { (&mut *user.cast::<F>(), CStr::from_ptr(name)) };
        let name = name.to_str().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the name is not UTF-8"))?;
        let sink = make(name)?;
        // SAFETY: the library takes over the reference.
        unsafe { *out = ManuallyDrop::new(sink).0.as_ptr() };
        Ok(())
    })
}

impl<'a> Sink<'a> {
    /// Creates a sink over a writer, or a mutable reference to one. What was written before a failure remains written.
    pub fn new<W: Write + Send + 'a>(writer: W) -> Result<Self> {
        let user = Box::into_raw(Box::new(writer)).cast();
        let mut raw = ptr::null_mut();
        // SAFETY: the box has the type that the callbacks expect, is dropped once, and lives as long as the sink.
        let status = enter(|| unsafe { sys::tf_sink_new(&raw mut raw, Some(write::<W>), Some(drop_box::<W>), user) });
        made(raw, status, None)
    }

    /// Creates a sink over a writer that is committed when the file is complete, and otherwise aborted.
    pub fn all_or_nothing<W: Commit + Send + 'a>(writer: W) -> Result<Self> {
        let sink = Sink::new(writer)?;
        // SAFETY: the handle is valid, and the user of the sink is a W.
        check(|| unsafe { sys::tf_sink_set_commit(sink.as_ptr(), Some(commit::<W>), Some(abort::<W>)) })?;
        Ok(sink)
    }

    /// Creates a sink for one call.
    pub(crate) fn from_mut<W: Write>(writer: &'a mut W) -> Result<Self> {
        let user = ptr::from_mut(writer).cast();
        let mut raw = ptr::null_mut();
        // SAFETY: the writer is borrowed for as long as the sink lives.
        let status = enter(|| unsafe { sys::tf_sink_new(&raw mut raw, Some(write::<W>), None, user) });
        made(raw, status, None)
    }

    /// Sets the function that makes the sinks of a set of files, so that saves obey
    /// [`Options::part_bytes`](crate::Options::part_bytes). `name` is the name that a single file would have, such as
    /// `"w.safetensors"`; the function receives those of the parts and of the index. Nothing is written to this sink
    /// if there is more than one part.
    ///
    /// All sinks of a set are committed when everything has been written: the index, or the first part of a .gguf, comes
    /// last. If anything fails, those that have not been committed are aborted.
    pub fn with_resolver<F>(self, name: &str, make: F) -> Result<Self>
    where
        F: FnMut(&str) -> io::Result<Sink<'a>> + Send + 'a,
    {
        let user = Box::into_raw(Box::new(make)).cast();
        let (text, length) = (name.as_ptr().cast(), name.len());
        let release = Some(drop_box::<F> as unsafe extern "C" fn(*mut c_void));
        // SAFETY: the handle is valid; the pointer has its length; the box has the type that the callbacks expect, and
        // is dropped once.
        check(|| unsafe { sys::tf_sink_set_resolver(self.as_ptr(), text, length, Some(resolve::<F>), release, user) })?;
        Ok(self)
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::tf_sink {
        self.0.as_ptr()
    }
}

impl Drop for Sink<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference belongs to this value and is not used again.
        release(|| unsafe { sys::tf_sink_release(self.0.as_ptr()) });
    }
}

impl fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}
