//! Open files, whose arrays are read one by one.

use std::ffi::CStr;
use std::fmt;
use std::iter::FusedIterator;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::{Arc, OnceLock};

use crate::array::{Array, expect_dtype};
use crate::call::{Slot, check, enter, finish, made, release};
use crate::dtype::{Dtype, Element, Format};
use crate::error::{Error, ErrorKind, Result, in_terms_of_rust, or_panic};
use crate::map::Dict;
use crate::options::Options;
use crate::raw::{self, borrowed_text, utf8};
use crate::shape::{IntoSlices, Slice, Slices};
use crate::sys;

/// An open file whose header has been read and validated. Its arrays are read on request, by any number of threads.
///
/// A clone is the same open file.
///
/// ```
/// # let path = std::env::temp_dir().join("tensorfile-doc-file.npz");
/// # let w = tensorfile::Array::from_slice([2, 3], &[1i16, 2, 3, 4, 5, 6])?;
/// # tensorfile::save(&path, &tensorfile::Arrays::from([("w", w)]))?;
/// let file = tensorfile::File::open(&path)?;
/// for entry in &file {
///     println!("{} {} {:?}", entry.name(), entry.dtype(), entry.shape());
/// }
/// let w = file.entry("w")?;
/// assert_eq!(w.read_vec::<i16>()?, [1, 2, 3, 4, 5, 6]);
/// assert_eq!(w.slice((.., 1..2)).read_as::<f32>()?, [2.0, 5.0]);
/// # Ok::<(), tensorfile::Error>(())
/// ```
#[derive(Clone)]
pub struct File(Arc<Inner>);

struct Inner {
    raw: NonNull<sys::tf_file>,
    /// Errors of the reader of a source on threads of the library.
    slot: Option<Arc<Slot>>,
    metadata: OnceLock<Dict>,
    /// The shapes of the arrays, where the library's numbers have another size than `usize`.
    #[cfg(not(target_pointer_width = "64"))]
    shapes: OnceLock<Vec<Box<[usize]>>>,
}

// SAFETY: the file is const for all calls; the reference count is atomic.
unsafe impl Send for Inner {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: the reference belongs to this value and is not used again.
        release(|| unsafe { sys::tf_file_release(self.raw.as_ptr()) });
    }
}

impl File {
    /// Opens a file. The format is that of the extension, or else that of the content.
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
        slot: Option<&Arc<Slot>>,
        call: impl FnOnce(*mut *mut sys::tf_file) -> sys::tf_status,
    ) -> Result<Self> {
        let mut raw = ptr::null_mut();
        let status = enter(|| call(&raw mut raw));
        let file = NonNull::new(raw).map(|raw| {
            File(Arc::new(Inner {
                raw,
                slot: slot.cloned(),
                metadata: OnceLock::new(),
                #[cfg(not(target_pointer_width = "64"))]
                shapes: OnceLock::new(),
            }))
        });
        finish(status, slot.map(|slot| &**slot))?;
        file.ok_or_else(|| Error::new(ErrorKind::Internal, "the library succeeded without a file"))
    }

    /// Returns the borrowed handle, for functions of `tensorfile-sys`.
    #[must_use]
    pub fn as_ptr(&self) -> *mut sys::tf_file {
        self.0.raw.as_ptr()
    }

    /// Returns the format of the file.
    #[must_use]
    pub fn format(&self) -> Format {
        // SAFETY: the handle is valid.
        Format::from_raw(unsafe { sys::tf_file_format(self.as_ptr()) })
    }

    /// Returns the number of arrays.
    #[must_use]
    pub fn len(&self) -> usize {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_file_count(self.as_ptr()) }
    }

    /// Returns `true` if there are no arrays.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the metadata, which is empty if the format has none.
    ///
    /// # Panics
    /// Panics if there is not enough memory for them.
    #[must_use]
    pub fn metadata(&self) -> &Dict {
        self.0.metadata.get_or_init(|| {
            // SAFETY: the handle is valid, and the dict lives as long as the file, which does not change it.
            or_panic(unsafe { raw::values(sys::tf_file_metadata(self.as_ptr()), true) })
        })
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
    pub fn notes(&self) -> Result<Vec<String>> {
        // SAFETY: the handle is valid.
        let count = unsafe { sys::tf_file_note_count(self.as_ptr()) };
        // SAFETY: the handle is valid, and the remarks live as long as the file.
        let note_at =
            |index| unsafe { borrowed_text(|text, length| sys::tf_file_note(text, length, self.as_ptr(), index)) };
        (0..count).map(|index| Ok(in_terms_of_rust(utf8(note_at(index)?)?))).collect()
    }

    /// Returns an iterator over the arrays in the order of the file.
    #[must_use]
    pub fn iter(&self) -> Entries<'_> {
        Entries { file: self, indices: 0..self.len() }
    }

    /// Returns the array with a name, which is `""` for that of a .npy file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Entry<'_>> {
        self.entry(name).ok()
    }

    /// Returns the array with a name, like [`get`](File::get), or fails with [`ErrorKind::NotFound`].
    pub fn entry(&self, name: &str) -> Result<Entry<'_>> {
        let mut index = 0;
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_file_find(&raw mut index, self.as_ptr(), name.as_ptr().cast(), name.len()) })?;
        Ok(Entry { file: self, index })
    }

    /// Reads the array with a name.
    pub fn read(&self, name: &str) -> Result<Array> {
        self.entry(name)?.read()
    }

    pub(crate) fn slot(&self) -> Option<&Slot> {
        self.0.slot.as_deref()
    }
}

/// Prints the format and the arrays with their dtypes and shapes.
impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.format())?;
        f.debug_map().entries(self.iter().map(|entry| (entry.name(), Description(entry)))).finish()
    }
}

/// See `Debug`.
impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl<'a> IntoIterator for &'a File {
    type Item = Entry<'a>;
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Entries<'a> {
        self.iter()
    }
}

/// The iterator of [`File::iter`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    file: &'a File,
    indices: Range<usize>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        self.indices.next().map(|index| Entry { file: self.file, index })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.indices.size_hint()
    }
}

impl<'a> DoubleEndedIterator for Entries<'a> {
    fn next_back(&mut self) -> Option<Entry<'a>> {
        self.indices.next_back().map(|index| Entry { file: self.file, index })
    }
}

impl ExactSizeIterator for Entries<'_> {}
impl FusedIterator for Entries<'_> {}

/// An array in a [`File`], to be read as a whole, or in parts by [`slice`](Entry::slice).
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    file: &'a File,
    index: usize,
}

/// Where the bytes of an array are stored, for programs that read files on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location<'a> {
    /// The path of the file, or the name of its source; `None` if it has neither.
    pub path: Option<&'a Path>,
    /// The offset of the first byte, which is compressed if `deflated` is `true`.
    pub offset: u64,
    /// The number of bytes in the file.
    pub stored_bytes: u64,
    /// `true` if the bytes are a raw deflate stream of a whole .npy file.
    pub deflated: bool,
    /// `true` if numbers of more than one byte are stored with the most significant byte first.
    pub big_endian: bool,
    /// `true` if the first index changes fastest.
    pub fortran_order: bool,
}

impl<'a> Entry<'a> {
    fn raw(&self) -> *const sys::tf_file {
        self.file.as_ptr()
    }

    /// Returns the index of the array in the file.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the name of the array, which is `""` for that of a .npy file.
    #[must_use]
    pub fn name(&self) -> &'a str {
        let (mut name, mut length) = (ptr::null(), 0);
        // SAFETY: the handle is valid.
        let found = check(|| unsafe { sys::tf_file_name(&raw mut name, &raw mut length, self.raw(), self.index) });
        if found.is_err() {
            return "";
        }
        // SAFETY: the name has that length, and lives as long as the file.
        let bytes = unsafe { slice::from_raw_parts(name.cast(), length) };
        std::str::from_utf8(bytes).unwrap_or("")
    }

    /// Returns the type of the elements.
    #[must_use]
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
    #[must_use]
    pub fn ndim(&self) -> usize {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_file_ndim(self.raw(), self.index) }
    }

    /// Returns the sizes of the dimensions, outermost first.
    #[must_use]
    #[cfg(target_pointer_width = "64")]
    pub fn shape(&self) -> &'a [usize] {
        // SAFETY: the handle is valid; the shape lives as long as the file, and its numbers are not negative.
        unsafe { crate::shape::sizes(sys::tf_file_shape(self.raw(), self.index), self.ndim()) }
    }

    /// Returns the sizes of the dimensions, outermost first.
    #[must_use]
    #[cfg(not(target_pointer_width = "64"))]
    pub fn shape(&self) -> &'a [usize] {
        let shapes = self.file.0.shapes.get_or_init(|| {
            let shape = |entry: Entry<'_>| {
                // SAFETY: the handle is valid; the shape has ndim numbers, or is NULL.
                let shape = unsafe {
                    let shape = sys::tf_file_shape(entry.raw(), entry.index);
                    if shape.is_null() { &[] } else { slice::from_raw_parts(shape, entry.ndim()) }
                };
                shape.iter().map(|&size| size.try_into().unwrap_or(usize::MAX)).collect()
            };
            self.file.iter().map(shape).collect()
        });
        &shapes[self.index]
    }

    /// Returns the number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape().iter().fold(1, |product: usize, &size| product.saturating_mul(size))
    }

    /// Returns `true` if there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Returns the number of bytes that the array takes in memory in C order, or in the file if its dtype is unknown.
    #[must_use]
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
            sys::tf_file_location(path, offset, stored_bytes, &raw mut deflated, self.raw(), self.index)
        })?;
        // SAFETY: the path is NUL-terminated, and lives as long as the file.
        let path: &CStr = unsafe { CStr::from_ptr(path) };
        #[cfg(unix)]
        let path = Path::new::<std::ffi::OsStr>(std::os::unix::ffi::OsStrExt::from_bytes(path.to_bytes()));
        #[cfg(not(unix))]
        let path = Path::new(path.to_str().unwrap_or(""));
        let path = (!path.as_os_str().is_empty()).then_some(path);
        // SAFETY: the handle is valid.
        let (big_endian, fortran_order) = unsafe {
            let (file, index) = (self.raw(), self.index);
            (sys::tf_file_is_big_endian(file, index) != 0, sys::tf_file_is_fortran_order(file, index) != 0)
        };
        Ok(Location { path, offset, stored_bytes, deflated: deflated != 0, big_endian, fortran_order })
    }

    pub(crate) fn file(&self) -> &'a File {
        self.file
    }

    fn slot(&self) -> Option<&'a Slot> {
        self.file.slot()
    }

    fn make(&self, call: impl FnOnce(*mut *mut sys::tf_array) -> sys::tf_status) -> Result<Array> {
        let mut raw = ptr::null_mut();
        let status = enter(|| call(&raw mut raw));
        made(raw, status, self.slot())
    }

    /// Returns a part of the array, which only reads the bytes that it needs; see [`IntoSlices`].
    #[must_use]
    pub fn slice(&self, slices: impl IntoSlices) -> Part<'a> {
        Part { entry: *self, slices: Some(slices.into_slices()) }
    }

    fn whole(&self) -> Part<'a> {
        Part { entry: *self, slices: None }
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

    /// Reads the elements in C order. Fails with [`ErrorKind::Type`] if `T` is not the type of the elements.
    pub fn read_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.whole().read_vec()
    }

    /// Reads the elements in C order, cast to `T` as by [`Array::cast`].
    pub fn read_as<T: Element>(&self) -> Result<Vec<T>> {
        self.whole().read_as()
    }

    /// Reads the elements in C order into `elements`, as many as the array has. Fails with [`ErrorKind::Type`] if `T` is
    /// not the type of the elements.
    pub fn read_into<T: Element>(&self, elements: &mut [T]) -> Result<()> {
        self.whole().read_into(elements)
    }

    /// Reads the elements in C order into `elements`, as many as the array has, cast to `T` as by [`Array::cast`].
    pub fn read_into_as<T: Element>(&self, elements: &mut [T]) -> Result<()> {
        self.whole().read_into_as(elements)
    }

    /// Reads the array in C order into `bytes`, with its own dtype. There must be [`nbytes`](Entry::nbytes) of them.
    pub fn read_bytes_into(&self, bytes: &mut [u8]) -> Result<()> {
        let (dtype, dst, nbytes) = (sys::TF_DTYPE_AS_STORED, bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: the handle is valid; the pointer has its length.
        let status = enter(|| unsafe { sys::tf_file_read_into(self.raw(), self.index, dtype, dst, nbytes) });
        finish(status, self.slot())
    }
}

/// A part of an array in a [`File`]. [`Entry::slice`] returns it.
#[derive(Clone)]
pub struct Part<'a> {
    entry: Entry<'a>,
    /// `None` is the whole array.
    slices: Option<Vec<Slice>>,
}

impl<'a> From<Entry<'a>> for Part<'a> {
    fn from(entry: Entry<'a>) -> Self {
        entry.whole()
    }
}

impl<'a> Part<'a> {
    pub(crate) fn entry(&self) -> Entry<'a> {
        self.entry
    }

    pub(crate) fn slices(&self) -> Option<&[Slice]> {
        self.slices.as_deref()
    }

    /// Returns the sizes of the dimensions of the part.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        let slices = self.slices.iter().flatten().copied().chain(std::iter::repeat(Slice::ALL));
        self.entry.shape().iter().zip(slices).map(|(&size, slice)| slice.count(size)).collect()
    }

    /// Returns the number of elements of the part.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape().iter().fold(1, |product: usize, &size| product.saturating_mul(size))
    }

    /// Returns `true` if the part has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the part.
    pub fn read(&self) -> Result<Array> {
        let Some(slices) = &self.slices else { return self.entry.read() };
        let Slices { start, stop, step } = Slices::new(slices, self.entry.ndim());
        // SAFETY: the handle is valid; each pointer has its length.
        self.entry.make(|out| unsafe {
            let (start, stop, step, ndim) = (start.as_ptr(), stop.as_ptr(), step.as_ptr(), start.len());
            sys::tf_file_read_slice(out, self.entry.raw(), self.entry.index, start, stop, step, ndim)
        })
    }

    /// Reads the elements in C order. Fails with [`ErrorKind::Type`] if `T` is not the type of the elements.
    pub fn read_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.expect_dtype::<T>()?;
        self.read_as()
    }

    /// Reads the elements in C order, cast to `T` as by [`Array::cast`].
    pub fn read_as<T: Element>(&self) -> Result<Vec<T>> {
        let count = self.len();
        let mut elements: Vec<T> = Vec::new();
        elements.try_reserve_exact(count).map_err(|_| {
            let message = format!("{:?}: there is not enough memory for {count} elements", self.entry.name());
            Error::new(ErrorKind::OutOfMemory, message).with_name(self.entry.name())
        })?;
        self.fill(&mut elements.spare_capacity_mut()[..count])?;
        // SAFETY: the call wrote all of them.
        unsafe { elements.set_len(count) };
        Ok(elements)
    }

    /// Reads the elements in C order into `elements`, as many as the part has. Fails with [`ErrorKind::Type`] if `T` is
    /// not the type of the elements.
    pub fn read_into<T: Element>(&self, elements: &mut [T]) -> Result<()> {
        self.expect_dtype::<T>()?;
        self.read_into_as(elements)
    }

    /// Reads the elements in C order into `elements`, as many as the part has, cast to `T` as by [`Array::cast`].
    pub fn read_into_as<T: Element>(&self, elements: &mut [T]) -> Result<()> {
        self.fill(uninit(elements))
    }

    fn expect_dtype<T: Element>(&self) -> Result<()> {
        let (dtype, name) = (self.entry.dtype(), self.entry.name());
        if dtype == Dtype::Unsupported {
            // The library reports what the type is.
            return Ok(());
        }
        expect_dtype::<T>(dtype, &format!("array '{name}': ")).map_err(|error| error.with_name(name))
    }

    /// Reads all elements. If it fails, they are what they were or other valid elements.
    fn fill<T: Element>(&self, elements: &mut [MaybeUninit<T>]) -> Result<()> {
        if self.len() != elements.len() && self.entry.dtype() != Dtype::Unsupported {
            let (shape, count) = (self.shape(), elements.len());
            return crate::shape::expect_elements(&shape, count).map_err(|error| error.with_name(self.entry.name()));
        }
        let Entry { file, index } = self.entry;
        let (file, dst, nbytes) = (file.as_ptr(), elements.as_mut_ptr().cast(), size_of_val(elements));
        let dtype = T::DTYPE.to_raw();
        let status = match &self.slices {
            // SAFETY: the handle is valid; the pointer has its length.
            None => enter(|| unsafe { sys::tf_file_read_into(file, index, dtype, dst, nbytes) }),
            Some(slices) => {
                let Slices { start, stop, step } = Slices::new(slices, self.entry.ndim());
                let (start, stop, step, ndim) = (start.as_ptr(), stop.as_ptr(), step.as_ptr(), start.len());
                // SAFETY: the handle is valid; each pointer has its length.
                enter(|| unsafe {
                    sys::tf_file_read_slice_into(file, index, start, stop, step, ndim, dtype, dst, nbytes)
                })
            }
        };
        let written = if status == sys::TF_STATUS_OK { make_valid(elements) } else { Ok(()) };
        if status != sys::TF_STATUS_OK && !T::ANY_BYTES {
            // What a failed call wrote may be invalid.
            // SAFETY: zeros are valid elements of every type.
            unsafe { ptr::write_bytes(elements.as_mut_ptr(), 0, elements.len()) };
        }
        finish(status, self.entry.slot())?;
        written
    }
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}{:?}", self.entry.name(), self.entry.dtype(), self.shape())
    }
}

/// Returns elements as memory for [`Part::fill`] and [`make_valid`], which leave valid elements in it.
fn uninit<T: Element>(elements: &mut [T]) -> &mut [MaybeUninit<T>] {
    // SAFETY: the layout is the same.
    unsafe { slice::from_raw_parts_mut(elements.as_mut_ptr().cast::<MaybeUninit<T>>(), elements.len()) }
}

/// Checks elements that the library wrote. If they are not valid for the type, replaces them with zeros and fails.
fn make_valid<T: Element>(elements: &mut [MaybeUninit<T>]) -> Result<()> {
    let (dst, nbytes) = (elements.as_mut_ptr(), size_of_val(elements));
    // SAFETY: the library wrote all bytes, u8 has no invalid values, and the bytes are those of the elements.
    if T::check(unsafe { slice::from_raw_parts(dst.cast::<u8>(), nbytes) }) {
        return Ok(());
    }
    // SAFETY: zeros are valid elements of every type.
    unsafe { ptr::write_bytes(dst, 0, elements.len()) };
    Err(Error::new(ErrorKind::Internal, format!("the library returned elements that are not valid for {}", T::DTYPE)))
}

/// Prints the dtype and shape of an entry.
struct Description<'a>(Entry<'a>);

impl fmt::Debug for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dtype = self.0.type_name().unwrap_or("unsupported");
        write!(f, "{dtype}{:?}", self.0.shape())
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.name(), Description(*self))
    }
}
