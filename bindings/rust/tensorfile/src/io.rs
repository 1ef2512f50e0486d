//! Sources that files are read from, and buffers.

use std::ffi::{CStr, c_char, c_void};
use std::io::{self, Read, Seek, SeekFrom};
use std::mem::ManuallyDrop;
use std::ops::{Bound, Deref, RangeBounds};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex};
use std::{fmt, fs, slice};

use crate::call::{Slot, c_path, callback, check, drop_box, enter, finish, handle, release};
use crate::error::{Error, ErrorKind, Result, status_of};
use crate::sys;

/// A source of bytes that can be read at any offset by several threads at the same time.
///
/// An error ends the call of the library and becomes the [`source`](std::error::Error::source) of its
/// [`Error`](crate::Error). A panic propagates to the caller of the library.
pub trait ReadAt: Send + Sync + 'static {
    /// Returns the number of bytes. It is called once.
    fn size(&self) -> io::Result<u64>;

    /// Fills `bytes` with the bytes at `offset`.
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;

    /// Returns the bytes in memory, or `None` if they are not in memory. Only `unsafe` calls, which map, use this
    /// method.
    fn map(&self, offset: u64, nbytes: u64) -> Option<&[u8]> {
        let _ = (offset, nbytes);
        None
    }
}

impl ReadAt for fs::File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, bytes, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(self, bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    bytes = &mut bytes[count..];
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Reads from something that can seek, one read at a time.
struct Seeking<R>(Mutex<R>);

impl<R: Read + Seek + Send + 'static> ReadAt for Seeking<R> {
    fn size(&self) -> io::Result<u64> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).seek(SeekFrom::End(0))
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let mut reader = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        reader.seek(SeekFrom::Start(offset))?;
        reader.read_exact(bytes)
    }
}

/// A source of bytes for a file that is not opened by path.
///
/// ```
/// use tensorfile::{Format, Options, Source};
/// # let bytes = tensorfile::to_bytes(Format::Npy, &tensorfile::Array::scalar(1.5f64))?.to_vec();
/// let source = Source::from_seek(std::io::Cursor::new(bytes))?;
/// let loaded = Options::new().format(Format::Npy).load_source(&source)?;
/// assert_eq!(loaded[""].item::<f64>([])?, 1.5);
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub struct Source {
    raw: NonNull<sys::tf_source>,
    /// Errors of a reader on threads of the library.
    slot: Option<Arc<Slot>>,
}

// SAFETY: the reference count is atomic; readers are Send and Sync.
unsafe impl Send for Source {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for Source {}

struct Reader {
    reader: Box<dyn ReadAt>,
    slot: Arc<Slot>,
}

/// Returns the offset and size of a range. A size of `u64::MAX` means all bytes up to the end.
fn offset_and_size(range: &impl RangeBounds<u64>) -> Result<(u64, u64)> {
    let beyond = |&bound: &u64| bound.checked_add(1);
    let start = match range.start_bound() {
        Bound::Included(&start) => Some(start),
        Bound::Excluded(start) => beyond(start),
        Bound::Unbounded => Some(0),
    };
    let part = start.and_then(|start| {
        let stop = match range.end_bound() {
            Bound::Included(stop) => beyond(stop)?,
            Bound::Excluded(&stop) => stop,
            Bound::Unbounded => return Some((start, u64::MAX)),
        };
        Some((start, stop.checked_sub(start)?))
    });
    part.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "the range of a source ends before it starts"))
}

/// # Safety
/// `user` is a [`Reader`]; `dst` has `nbytes` bytes.
unsafe extern "C" fn read_at(user: *mut c_void, offset: u64, dst: *mut c_void, nbytes: usize) -> sys::tf_status {
    // SAFETY: guaranteed by the library.
    let reader = unsafe { &*user.cast::<Reader>() };
    callback(Some(&reader.slot), || {
        // SAFETY: guaranteed by the library. Zeroed, since a reader may look at the buffer before it fills it.
        let bytes = unsafe {
            ptr::write_bytes(dst.cast::<u8>(), 0, nbytes);
            slice::from_raw_parts_mut(dst.cast::<u8>(), nbytes)
        };
        reader.reader.read_exact_at(bytes, offset)
    })
}

/// # Safety
/// `user` is a [`Reader`], which is not dropped before the last use of the mapped bytes.
unsafe extern "C" fn map(user: *mut c_void, offset: u64, nbytes: u64, out: *mut *const c_void) -> sys::tf_status {
    // SAFETY: guaranteed by the library.
    let reader = unsafe { &*user.cast::<Reader>() };
    callback(Some(&reader.slot), || {
        let bytes = reader.reader.map(offset, nbytes);
        if bytes.is_some_and(|bytes| bytes.len() as u64 != nbytes) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "ReadAt::map returned a wrong number of bytes"));
        }
        // SAFETY: the output is one pointer.
        unsafe { *out = bytes.map_or(ptr::null(), |bytes| bytes.as_ptr().cast()) };
        Ok(())
    })
}

/// Says how a [`Source`] is best read. `None` is the default, which is right for files. Hints change how much work a read
/// is, never its result.
///
/// ```
/// # fn connect() -> tensorfile::Result<tensorfile::Source> { tensorfile::Source::from_bytes(b"") }
/// use tensorfile::Hints;
///
/// let source = connect()?.with_hints(Hints { requests: Some(4), ..Hints::NETWORK })?;
/// # Ok::<(), tensorfile::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hints {
    /// Bytes between two wanted parts that are worth reading and discarding to save a read.
    pub gap: Option<u64>,
    /// Bytes of an efficient read: large arrays are read in pieces of this size, and smaller ones together up to it.
    pub piece: Option<u64>,
    /// The most reads to make at the same time.
    pub requests: Option<u32>,
}

impl Hints {
    /// Hints for a source that is a network.
    pub const NETWORK: Hints = Hints { gap: Some(1 << 20), piece: Some(8 << 20), requests: Some(16) };
}

/// Finds the other files of a set.
struct Resolver<F> {
    find: F,
    slot: Arc<Slot>,
}

/// # Safety
/// `user` is a `Resolver<F>`; `name` is NUL-terminated; `out` is valid.
unsafe extern "C" fn resolve<F>(user: *mut c_void, name: *const c_char, out: *mut *mut sys::tf_source) -> sys::tf_status
where
    F: Fn(&str) -> io::Result<Source> + Send + Sync + 'static,
{
    let mut found = false;
    let status = callback(None, || {
        // SAFETY: guaranteed by the library.
        let (resolver, name) = unsafe { (&*user.cast::<Resolver<F>>(), CStr::from_ptr(name)) };
        let name = name.to_str().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the name is not UTF-8"))?;
        let source = match (resolver.find)(name) {
            Ok(source) => source,
            // The library may only be asking whether there is such a file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if let Some(slot) = &source.slot {
            slot.forward(&resolver.slot);
        }
        // SAFETY: the library takes over the reference.
        unsafe { *out = source.into_raw() };
        found = true;
        Ok(())
    });
    if status == sys::TF_STATUS_OK && !found { sys::TF_STATUS_NOT_FOUND } else { status }
}

/// Settings of a source, to be made before it is used: they fail with [`ErrorKind::InvalidArgument`] if there is a clone
/// of it, or if a file, an array or another source uses it.
impl Source {
    /// Names the source. Error messages begin with the name, and its extension chooses the format as that of a path
    /// does. It is not a path: nothing is opened by name, but by the resolver.
    pub fn with_name(self, name: &str) -> Result<Self> {
        let (text, length) = (name.as_ptr().cast(), name.len());
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_source_set_name(self.raw.as_ptr(), text, length) })?;
        Ok(self)
    }

    /// Says how the source is best read.
    pub fn with_hints(self, hints: Hints) -> Result<Self> {
        let Hints { gap, piece, requests } = hints;
        let (gap, piece, requests) = (gap.unwrap_or(u64::MAX), piece.unwrap_or(0), requests.unwrap_or(0));
        // SAFETY: the handle is valid.
        check(|| unsafe { sys::tf_source_set_hints(self.raw.as_ptr(), gap, piece, requests) })?;
        Ok(self)
    }

    /// Sets the function that finds the other files of the set that the source belongs to: those of an index, and with
    /// [`Options::parts`](crate::Options::parts) the other parts of any part. Names are relative to the folder of the
    /// source's [name](Source::with_name), and never lead out of it.
    ///
    /// An error of the kind [`NotFound`](io::ErrorKind::NotFound) means that there is no such file. The errors and
    /// panics of the sources that it returns are those of the call that reads the set.
    pub fn with_resolver<F>(mut self, find: F) -> Result<Self>
    where
        F: Fn(&str) -> io::Result<Source> + Send + Sync + 'static,
    {
        let slot = self.slot.get_or_insert_default().clone();
        let user = Box::into_raw(Box::new(Resolver { find, slot })).cast();
        let release = Some(drop_box::<Resolver<F>> as unsafe extern "C" fn(*mut c_void));
        // SAFETY: the handle is valid; the box has the type that the callbacks expect, and is dropped once.
        check(|| unsafe { sys::tf_source_set_resolver(self.raw.as_ptr(), Some(resolve::<F>), release, user) })?;
        Ok(self)
    }
}

/// Constructors.
impl Source {
    /// Creates a source that calls `reader`, possibly on several threads at the same time.
    pub fn new(reader: impl ReadAt) -> Result<Self> {
        let size = match reader.size() {
            Ok(size) => size,
            Err(error) => {
                let kind = ErrorKind::from_raw(status_of(&error));
                return Err(Error::new(kind, "cannot determine the size of the source").with_cause(error));
            }
        };
        let slot = Arc::new(Slot::default());
        let user = Box::into_raw(Box::new(Reader { reader: Box::new(reader), slot: slot.clone() })).cast();
        let mut raw = ptr::null_mut();
        // SAFETY: the box is a Reader, which the callbacks expect, and is dropped once.
        let status = enter(|| unsafe {
            sys::tf_source_new(&raw mut raw, size, 1, Some(read_at), Some(map), Some(drop_box::<Reader>), user)
        });
        Source::made(raw, status, Some(slot))
    }

    /// Creates a source over something that can read and seek, with one read at a time.
    pub fn from_seek(reader: impl Read + Seek + Send + 'static) -> Result<Self> {
        Source::new(Seeking(Mutex::new(reader)))
    }

    /// Creates a source over a file, which stays open as long as the source.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = c_path(path.as_ref())?;
        let mut raw = ptr::null_mut();
        // SAFETY: the path is NUL-terminated.
        let status = enter(|| unsafe { sys::tf_source_from_path(&raw mut raw, path.as_ptr()) });
        Source::made(raw, status, None)
    }

    /// Creates a source over the bytes of `owner` without a copy.
    pub fn from_bytes(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self> {
        fn wrap<O: AsRef<[u8]>>(owner: Box<O>) -> (sys::tf_status, *mut sys::tf_source) {
            let owner = Box::into_raw(owner);
            // SAFETY: the owner is only borrowed until it is dropped together with the source.
            let bytes = unsafe { (*owner).as_ref() };
            let mut raw = ptr::null_mut();
            // SAFETY: the pointer has its length; the box is dropped once.
            let status = enter(|| unsafe {
                let data = bytes.as_ptr().cast();
                sys::tf_source_from_memory(&raw mut raw, data, bytes.len(), Some(drop_box::<O>), owner.cast())
            });
            (status, raw)
        }
        let (status, raw) = wrap(Box::new(owner));
        Source::made(raw, status, None)
    }

    /// Creates a source over a part of this one, such as an asset in an archive. Offsets in errors count from the start
    /// of the part.
    ///
    /// Fails with [`ErrorKind::InvalidArgument`] if the part is not inside the source.
    pub fn part(&self, range: impl RangeBounds<u64>) -> Result<Self> {
        let (offset, size) = offset_and_size(&range)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the handle is valid.
        let status = enter(|| unsafe { sys::tf_source_from_part(&raw mut raw, self.raw.as_ptr(), offset, size) });
        Source::made(raw, status, self.slot.clone())
    }

    /// Creates a source over a range of an open file (`..` is the whole file). It duplicates the descriptor.
    #[cfg(unix)]
    pub fn from_fd(file: impl std::os::fd::AsFd, range: impl RangeBounds<u64>) -> Result<Self> {
        let (offset, size) = offset_and_size(&range)?;
        let fd = std::os::fd::AsRawFd::as_raw_fd(&file.as_fd());
        let mut raw = ptr::null_mut();
        // SAFETY: the descriptor is open during the call.
        let status = enter(|| unsafe { sys::tf_source_from_fd(&raw mut raw, fd, offset, size) });
        Source::made(raw, status, None)
    }

    pub(crate) fn made(raw: *mut sys::tf_source, status: sys::tf_status, slot: Option<Arc<Slot>>) -> Result<Self> {
        let made = NonNull::new(raw).map(|raw| Source { raw, slot });
        finish(status, None)?;
        made.ok_or_else(|| Error::new(ErrorKind::Internal, "the library succeeded without a source"))
    }

    /// Returns the handle with its reference.
    fn into_raw(mut self) -> *mut sys::tf_source {
        self.slot = None;
        ManuallyDrop::new(self).raw.as_ptr()
    }

    /// Returns the borrowed handle, for functions of `tensorfile-sys`.
    #[must_use]
    pub fn as_ptr(&self) -> *mut sys::tf_source {
        self.raw.as_ptr()
    }

    pub(crate) fn slot(&self) -> Option<&Arc<Slot>> {
        self.slot.as_ref()
    }
}

/// Returns another reference to the same source.
impl Clone for Source {
    fn clone(&self) -> Self {
        // SAFETY: the function returns its argument, which is not NULL.
        let raw = unsafe { NonNull::new_unchecked(sys::tf_source_retain(self.raw.as_ptr())) };
        Source { raw, slot: self.slot.clone() }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: the reference belongs to this value and is not used again.
        release(|| unsafe { sys::tf_source_release(self.raw.as_ptr()) });
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

/// A block of bytes that the library allocated. It dereferences to a slice.
#[repr(transparent)]
pub struct Buffer(NonNull<sys::tf_buffer>);

handle!(Buffer, tf_buffer, tf_buffer_release);

// SAFETY: the bytes never change, and the reference count is atomic.
unsafe impl Send for Buffer {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for Buffer {}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        let raw = self.0.as_ptr();
        // SAFETY: the handle is valid, and its bytes as long; the pointer is never NULL.
        unsafe { slice::from_raw_parts(sys::tf_buffer_data(raw).cast(), sys::tf_buffer_size(raw)) }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Returns another reference to the same bytes.
impl Clone for Buffer {
    fn clone(&self) -> Self {
        // SAFETY: the function returns its argument, which is not NULL.
        Buffer(unsafe { NonNull::new_unchecked(sys::tf_buffer_retain(self.0.as_ptr())) })
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len())
    }
}
