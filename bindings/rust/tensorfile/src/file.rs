//! Open files, whose arrays are read one by one.

use std::ffi::CStr;
use std::fmt;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use crate::array::Array;
use crate::call::{Slot, check, enter, finish, made, release};
use crate::dict::{DictRef, borrowed_text};
use crate::dtype::{Dtype, Element, Format};
use crate::error::{Error, Result, Status};
use crate::options::Options;
use crate::shape::{Slice, Slices};
use crate::sys;

/// An open file whose header has been read and validated. Its arrays are read on request.
///
/// ```
/// # let path = std::env::temp_dir().join("tensorfile-doc-file.npz");
/// # let mut dict = tensorfile::Dict::new()?;
/// # dict.insert("w", tensorfile::Array::from_slice([2, 3], &[1i16, 2, 3, 4, 5, 6])?)?;
/// # tensorfile::savez(&path, &dict)?;
/// let file = tensorfile::File::open(&path)?;
/// for entry in file.entries() {
///     println!("{} {} {:?}", entry.name(), entry.dtype(), entry.shape());
/// }
/// let column = file.entry("w")?.read_slice(&[(..).into(), (1..2).into()])?;
/// assert_eq!(column.as_slice::<i16>()?, [2, 5]);
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub struct File {
    raw: NonNull<sys::tf_file>,
    /// Errors of the reader of a source on threads of the library.
    slot: Option<Arc<Slot>>,
}

// SAFETY: the file is const for all calls; the reference count is atomic.
unsafe impl Send for File {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for File {}

/// Returns another reference to the same file.
impl Clone for File {
    fn clone(&self) -> Self {
        // SAFETY: the function returns its argument, which is not NULL.
        let raw = unsafe { NonNull::new_unchecked(sys::tf_file_retain(self.raw.as_ptr())) };
        File { raw, slot: self.slot.clone() }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: the reference belongs to this value and is not used again.
        release(|| unsafe { sys::tf_file_release(self.raw.as_ptr()) });
    }
}

impl File {
    /// Opens a file. [`Options::open`] takes options.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().open(path)
    }

    /// Opens a file to map its arrays instead of reading them.
    ///
    /// # Safety
    /// The conditions of [`Options::map`] apply: the file must not change while one of its arrays exists.
    pub unsafe fn open_mapped(path: impl AsRef<Path>) -> Result<Self> {
        // SAFETY: guaranteed by the caller.
        unsafe { Options::new().map(true) }.open(path)
    }

    pub(crate) fn made(
        slot: Option<Arc<Slot>>,
        call: impl FnOnce(*mut *mut sys::tf_file) -> sys::tf_status,
    ) -> Result<Self> {
        let mut raw = ptr::null_mut();
        let status = enter(|| call(&mut raw));
        let file = NonNull::new(raw).map(|raw| File { raw, slot: slot.clone() });
        finish(status, slot.as_deref())?;
        file.ok_or_else(|| Error::new(Status::Internal, "the library succeeded without a file"))
    }

    /// Returns the borrowed handle, for functions of `tensorfile-sys`.
    pub fn as_ptr(&self) -> *mut sys::tf_file {
        self.raw.as_ptr()
    }

    /// Returns the format of the file.
    pub fn format(&self) -> Format {
        // SAFETY: the handle is valid.
        Format::from_raw(unsafe { sys::tf_file_format(self.as_ptr()) })
    }

    /// Returns the number of arrays.
    pub fn len(&self) -> usize {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_file_count(self.as_ptr()) }
    }

    /// Returns `true` if there are no arrays.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the metadata, which is empty if the format has none.
    pub fn metadata(&self) -> Result<&DictRef> {
        // SAFETY: the handle is valid.
        let raw = unsafe { sys::tf_file_metadata(self.as_ptr()) };
        // SAFETY: the file keeps the dict alive, and nothing changes it.
        Ok(unsafe { DictRef::from_ptr(raw) })
    }

    /// Returns the names of the members of a .npz that are not arrays, such as a readme.
    pub fn others(&self) -> Result<Vec<&str>> {
        // SAFETY: the handle is valid.
        let count = unsafe { sys::tf_file_other_count(self.as_ptr()) };
        // SAFETY: the handle is valid, and the names live as long as the file.
        let name_at = |index| unsafe {
            borrowed_text(|name, length| sys::tf_file_other_name(name, length, self.as_ptr(), index))
        };
        (0..count).map(|index| utf8(name_at(index)?)).collect()
    }

    /// Returns remarks about the file that are not errors, each one line, such as that the file is one part of a set.
    pub fn notes(&self) -> Result<Vec<&str>> {
        // SAFETY: the handle is valid.
        let count = unsafe { sys::tf_file_note_count(self.as_ptr()) };
        // SAFETY: the handle is valid, and the remarks live as long as the file.
        let note_at =
            |index| unsafe { borrowed_text(|text, length| sys::tf_file_note(text, length, self.as_ptr(), index)) };
        (0..count).map(|index| utf8(note_at(index)?)).collect()
    }

    /// Returns an iterator over the arrays in the order of the file.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        (0..self.len()).map(|index| Entry { file: self, index })
    }

    /// Returns the array with a name, which is `""` for that of a .npy file. Fails with [`Error::NotFound`].
    pub fn entry(&self, name: &str) -> Result<Entry<'_>> {
        let mut index = 0;
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_file_find(&mut index, self.as_ptr(), name.as_ptr().cast(), name.len()) })?;
        Ok(Entry { file: self, index })
    }

    /// Reads the array with a name.
    pub fn read(&self, name: &str) -> Result<Array> {
        self.entry(name)?.read()
    }

    /// Reads several arrays in C order into the given elements, and casts them to the type of the elements. Arrays that
    /// are close together are read at once, and large arrays in pieces on several threads. If it fails, the elements
    /// are undefined.
    ///
    /// ```
    /// # let path = std::env::temp_dir().join("tensorfile-doc-many.npz");
    /// # let mut arrays = tensorfile::Dict::new()?;
    /// # arrays.insert("a", vec![1i8, 2])?;
    /// # arrays.insert("b", vec![0.5f64])?;
    /// # tensorfile::savez(&path, &arrays)?;
    /// let file = tensorfile::File::open(&path)?;
    /// let (mut a, mut b) = ([0.0f32; 2], [0.0f32; 1]);
    /// file.read_many_into(&mut [("a", &mut a[..]), ("b", &mut b[..])])?;
    /// assert_eq!((a, b), ([1.0, 2.0], [0.5]));
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    pub fn read_many_into<T: Element>(&self, targets: &mut [(&str, &mut [T])]) -> Result<()> {
        let status = self.read_many(T::DTYPE.to_raw(), targets)?;
        // All of them are made valid, even if the call failed.
        let valid = targets.iter_mut().map(|(_, elements)| make_valid(elements)).fold(Ok(()), Result::and);
        finish(status, self.slot.as_deref())?;
        valid
    }

    /// Reads several arrays like [`read_many_into`](File::read_many_into), but as bytes, each with its own dtype.
    pub fn read_many_bytes_into(&self, targets: &mut [(&str, &mut [u8])]) -> Result<()> {
        let status = self.read_many(sys::TF_DTYPE_UNSUPPORTED, targets)?;
        finish(status, self.slot.as_deref())
    }

    fn read_many<T>(&self, dtype: sys::tf_dtype, targets: &mut [(&str, &mut [T])]) -> Result<sys::tf_status> {
        let (mut indices, mut dst, mut nbytes) = (Vec::new(), Vec::new(), Vec::new());
        for (name, elements) in targets {
            indices.push(self.entry(name)?.index());
            nbytes.push(size_of_val(*elements));
            dst.push(elements.as_mut_ptr().cast::<std::ffi::c_void>());
        }
        // SAFETY: the handle is valid; each pointer has its length, and the targets do not overlap.
        Ok(enter(|| unsafe { read_whole(self.as_ptr(), dtype, &indices, &dst, &nbytes) }))
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("format", &self.format()).field("len", &self.len()).finish()
    }
}

/// An array in a [`File`].
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    file: &'a File,
    index: usize,
}

/// Where the bytes of an array are stored, for programs that read files on their own. The bytes may be big-endian or in
/// Fortran order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location<'a> {
    /// The path of the file, or `None` if it was not opened by path.
    pub path: Option<&'a Path>,
    /// The offset of the first byte, which is compressed if `deflated` is `true`.
    pub offset: u64,
    /// The number of bytes in the file.
    pub stored_bytes: u64,
    /// `true` if the bytes are a raw deflate stream of a whole .npy file.
    pub deflated: bool,
}

impl<'a> Entry<'a> {
    fn raw(&self) -> *const sys::tf_file {
        self.file.as_ptr()
    }

    /// Returns the index of the array in the file.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the name of the array, which is `""` for that of a .npy file.
    pub fn name(&self) -> &'a str {
        let (mut name, mut length) = (ptr::null(), 0);
        // SAFETY: the handle is valid.
        let found = check(|| unsafe { sys::tf_file_name(&mut name, &mut length, self.raw(), self.index) });
        if found.is_err() {
            return "";
        }
        // SAFETY: the name has that length, and lives as long as the file.
        let bytes = unsafe { slice::from_raw_parts(name.cast(), length) };
        std::str::from_utf8(bytes).unwrap_or("")
    }

    /// Returns the type of the elements.
    pub fn dtype(&self) -> Dtype {
        // SAFETY: the handle is valid.
        Dtype::from_raw(unsafe { sys::tf_file_dtype(self.raw(), self.index) })
    }

    /// Returns the name of the dtype, or if the library does not know it, what the file calls it, such as `"<U7"`.
    pub fn type_name(&self) -> Result<&'a str> {
        // SAFETY: the handle is valid, and the name lives as long as the file.
        utf8(unsafe { borrowed_text(|name, length| sys::tf_file_type(name, length, self.raw(), self.index)) }?)
    }

    /// Returns the number of dimensions.
    pub fn ndim(&self) -> usize {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_file_ndim(self.raw(), self.index) }
    }

    /// Returns the sizes of the dimensions, outermost first.
    pub fn shape(&self) -> &'a [i64] {
        // SAFETY: the handle is valid; the shape lives as long as the file.
        unsafe {
            let shape = sys::tf_file_shape(self.raw(), self.index);
            if shape.is_null() { &[] } else { slice::from_raw_parts(shape, self.ndim()) }
        }
    }

    /// Returns the number of bytes that the array takes in memory in C order, or in the file if its dtype is unknown.
    pub fn nbytes(&self) -> u64 {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_file_nbytes(self.raw(), self.index) }
    }

    /// Returns where the bytes of the array are stored.
    pub fn location(&self) -> Result<Location<'a>> {
        let (mut path, mut offset, mut stored_bytes, mut deflated) = (ptr::null(), 0, 0, 0);
        // SAFETY: the handle is valid.
        check(|| unsafe {
            let (path, offset, stored_bytes) = (&mut path, &mut offset, &mut stored_bytes);
            sys::tf_file_location(path, offset, stored_bytes, &mut deflated, self.raw(), self.index)
        })?;
        // SAFETY: the path is NUL-terminated, and lives as long as the file.
        let path: &CStr = unsafe { CStr::from_ptr(path) };
        #[cfg(unix)]
        let path = Path::new::<std::ffi::OsStr>(std::os::unix::ffi::OsStrExt::from_bytes(path.to_bytes()));
        #[cfg(not(unix))]
        let path = Path::new(path.to_str().unwrap_or(""));
        let path = (!path.as_os_str().is_empty()).then_some(path);
        Ok(Location { path, offset, stored_bytes, deflated: deflated != 0 })
    }

    fn check(&self, call: impl FnOnce() -> sys::tf_status) -> Result<()> {
        finish(enter(call), self.file.slot.as_deref())
    }

    fn make(&self, call: impl FnOnce(*mut *mut sys::tf_array) -> sys::tf_status) -> Result<Array> {
        let mut raw = ptr::null_mut();
        let status = enter(|| call(&mut raw));
        made(raw, status, self.file.slot.as_deref())
    }

    /// Reads or maps the array.
    pub fn read(&self) -> Result<Array> {
        // SAFETY: the handle is valid.
        self.make(|out| unsafe { sys::tf_file_read(out, self.raw(), self.index) })
    }

    /// Reads the bytes of the array as they are stored, whatever its type, as a 1-d array of `u8`. A compressed member
    /// is decompressed. The bytes may be big-endian or in Fortran order.
    pub fn read_raw(&self) -> Result<Array> {
        // SAFETY: the handle is valid.
        self.make(|out| unsafe { sys::tf_file_read_raw(out, self.raw(), self.index) })
    }

    /// Reads the array in C order into `elements`, as many as the array has, and casts them to their type.
    pub fn read_into<T: Element>(&self, elements: &mut [T]) -> Result<()> {
        self.fill(elements, |dst, nbytes| {
            // SAFETY: the handle is valid; the pointer has its length.
            unsafe { sys::tf_file_read_into(self.raw(), self.index, T::DTYPE.to_raw(), dst.cast(), nbytes) }
        })
    }

    /// Reads the array in C order into `bytes`, with its own dtype. There must be [`nbytes`](Entry::nbytes) of them.
    pub fn read_bytes_into(&self, bytes: &mut [u8]) -> Result<()> {
        let (dtype, dst) = (sys::TF_DTYPE_UNSUPPORTED, bytes.as_mut_ptr().cast());
        // SAFETY: the handle is valid; the pointer has its length.
        self.check(|| unsafe { sys::tf_file_read_into(self.raw(), self.index, dtype, dst, bytes.len()) })
    }

    /// Reads a part of the array, with a [`Slice`] for each dimension; dimensions without one are complete. Only the
    /// bytes that are needed are read.
    pub fn read_slice(&self, slices: &[Slice]) -> Result<Array> {
        let Slices { start, stop, step } = Slices::new(slices, self.ndim());
        // SAFETY: the handle is valid; each pointer has its length.
        self.make(|out| unsafe {
            let (start, stop, step, ndim) = (start.as_ptr(), stop.as_ptr(), step.as_ptr(), start.len());
            sys::tf_file_read_slice(out, self.raw(), self.index, start, stop, step, ndim)
        })
    }

    /// Reads a part of the array into `elements`, as many as the part has, and casts them to their type.
    pub fn read_slice_into<T: Element>(&self, slices: &[Slice], elements: &mut [T]) -> Result<()> {
        let Slices { start, stop, step } = Slices::new(slices, self.ndim());
        self.fill(elements, |dst, nbytes| {
            let (start, stop, step, ndim) = (start.as_ptr(), stop.as_ptr(), step.as_ptr(), start.len());
            let (dtype, dst) = (T::DTYPE.to_raw(), dst.cast());
            // SAFETY: the handle is valid; each pointer has its length.
            unsafe { sys::tf_file_read_slice_into(self.raw(), self.index, start, stop, step, ndim, dtype, dst, nbytes) }
        })
    }

    /// Runs a call that writes all elements. They are valid afterwards, even if it fails.
    fn fill<T: Element>(&self, elements: &mut [T], call: impl FnOnce(*mut T, usize) -> sys::tf_status) -> Result<()> {
        let status = enter(|| call(elements.as_mut_ptr(), size_of_val(elements)));
        let valid = make_valid(elements);
        finish(status, self.file.slot.as_deref())?;
        valid
    }
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::new(Status::Internal, "the library returned text that is not UTF-8"))
}

/// Checks elements that the library wrote. If they are not valid for the type, replaces them with zeros and fails.
fn make_valid<T: Element>(elements: &mut [T]) -> Result<()> {
    let (dst, nbytes) = (elements.as_mut_ptr(), size_of_val(elements));
    // SAFETY: u8 has no invalid values, and the bytes are those of the elements.
    if T::check(unsafe { slice::from_raw_parts(dst.cast::<u8>(), nbytes) }) {
        return Ok(());
    }
    // SAFETY: zeros are valid elements of every type.
    unsafe { ptr::write_bytes(dst, 0, elements.len()) };
    Err(Error::new(Status::Internal, format!("the library returned elements that are not valid for {}", T::DTYPE)))
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}{:?}", self.name(), self.dtype(), self.shape())
    }
}

/// Reads whole arrays with a plan.
///
/// # Safety
/// The file must be valid, and the slices must have the same length. Each `dst` must have its `nbytes` bytes, and no two
/// may overlap.
unsafe fn read_whole(
    file: *const sys::tf_file,
    dtype: sys::tf_dtype,
    indices: &[usize],
    dst: &[*mut std::ffi::c_void],
    nbytes: &[usize],
) -> sys::tf_status {
    let mut plan = std::ptr::null_mut();
    let mut status = sys::tf_read_plan_new(&mut plan, file);
    let none = std::ptr::null();
    for i in 0..indices.len() {
        if status == sys::TF_STATUS_OK {
            status = sys::tf_read_plan_add(plan, indices[i], none, none, none, 0, dtype, dst[i], none, nbytes[i]);
        }
    }
    if status == sys::TF_STATUS_OK {
        status = sys::tf_read_plan_run(plan);
    }
    sys::tf_read_plan_release(plan);
    status
}
