//! Arrays in borrowed bytes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Index;

use crate::array::Array;
use crate::dtype::{Dtype, Element};
use crate::error::Result;
use crate::map::{Dict, Map};
use crate::options::Options;
use crate::raw::{Item, RawDict, Save};
use crate::shape::IntoSlices;

/// The contents of a file in borrowed bytes, whose arrays are not copied. `view["name"]` is one of them.
///
/// [`view`](crate::view) and [`Options::view`] return it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct View<'a> {
    /// The arrays in the order of the file. The array of a .npy file has the name `""`.
    pub arrays: Map<ArrayView<'a>>,
    /// The metadata, which is empty if the format has none. It does not borrow the bytes.
    pub metadata: Dict,
}

impl<'a> View<'a> {
    /// Returns the array with a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ArrayView<'a>> {
        self.arrays.get(name)
    }
}

/// Returns the array with a name.
///
/// # Panics
/// Panics if there is no such array. [`View::get`] returns an option instead.
impl<'a> Index<&str> for View<'a> {
    type Output = ArrayView<'a>;

    #[track_caller]
    fn index(&self, name: &str) -> &ArrayView<'a> {
        &self.arrays[name]
    }
}

impl Options {
    /// Loads a file from borrowed bytes without copying its arrays; see [`view`](crate::view).
    pub fn view<'a>(&self, bytes: &'a [u8]) -> Result<View<'a>> {
        // SAFETY: what the library returns is only used through types that borrow the bytes, which do not change while
        // they are borrowed.
        let loaded = unsafe { self.map_bytes(bytes) }?;
        let arrays = loaded.arrays.into_iter();
        let arrays = arrays.map(|(name, array)| (name, ArrayView { array, bytes })).collect();
        Ok(View { arrays, metadata: loaded.metadata })
    }
}

/// A read-only array in borrowed bytes, or in memory of its own if the bytes cannot be used in place: compressed data,
/// another byte order, data that are not aligned for their type.
///
/// [`to_array`](ArrayView::to_array) copies it to an [`Array`] that borrows nothing.
#[derive(Clone)]
pub struct ArrayView<'a> {
    /// Never leaves this type, since a clone of it could outlive the bytes.
    array: Array,
    bytes: &'a [u8],
}

impl<'a> ArrayView<'a> {
    /// Returns the type of the elements.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.array.dtype()
    }

    /// Returns the number of dimensions, which is 0 for a scalar.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.array.ndim()
    }

    /// Returns the sizes of the dimensions, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.array.shape()
    }

    /// Returns the strides in bytes, or `None` for packed and block types, which are always C-contiguous.
    #[must_use]
    pub fn strides(&self) -> Option<&[isize]> {
        self.array.strides()
    }

    /// Returns the number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// Returns `true` if there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.array.is_empty()
    }

    /// Returns the number of bytes that the elements take in C order.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        self.array.nbytes()
    }

    /// Returns `true` if the elements are in C order without gaps.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        self.array.is_contiguous()
    }

    /// Returns `true` if the elements are in the borrowed bytes, and `false` if they had to be copied.
    #[must_use]
    pub fn is_borrowed(&self) -> bool {
        self.bytes.as_ptr_range().contains(&self.array.data())
    }

    /// Returns the elements in C order, like [`Array::as_slice`].
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.array.as_slice()
    }

    /// Returns the bytes of the elements in C order, like [`Array::as_bytes`].
    pub fn as_bytes(&self) -> Result<&[u8]> {
        self.array.as_bytes()
    }

    /// Returns the elements in C order: borrowed for as long as the bytes of the file if possible, and otherwise a copy.
    ///
    /// ```
    /// # let arrays = tensorfile::Arrays::from([("w", [1.5f32, 2.5])]);
    /// # let bytes = tensorfile::to_bytes(tensorfile::Format::Safetensors, &arrays)?;
    /// use std::borrow::Cow;
    ///
    /// let weights: Cow<'_, [f32]> = tensorfile::view(&bytes)?["w"].to_cow()?;
    /// assert!(matches!(weights, Cow::Borrowed([1.5, 2.5])));
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    pub fn to_cow<T: Element>(&self) -> Result<Cow<'a, [T]>> {
        if !self.is_borrowed() || !self.is_contiguous() {
            return Ok(Cow::Owned(self.array.to_vec()?));
        }
        let elements = self.array.as_slice::<T>()?;
        // SAFETY: the elements are in the bytes, which are borrowed for 'a.
        Ok(Cow::Borrowed(unsafe { std::slice::from_raw_parts(elements.as_ptr(), elements.len()) }))
    }

    /// Returns a copy of the elements in C order, like [`Array::to_vec`].
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.array.to_vec()
    }

    /// Returns a copy of the elements in C order, cast to another type, like [`Array::to_vec_as`].
    pub fn to_vec_as<T: Element>(&self) -> Result<Vec<T>> {
        self.array.to_vec_as()
    }

    /// Returns one element, like [`Array::item`].
    pub fn item<T: Element>(&self, index: impl AsRef<[usize]>) -> Result<T> {
        self.array.item(index)
    }

    /// Returns a view of a part, like [`Array::slice`].
    pub fn slice(&self, slices: impl IntoSlices) -> Result<ArrayView<'a>> {
        Ok(ArrayView { array: self.array.slice(slices)?, bytes: self.bytes })
    }

    /// Returns the elements in C order with another shape, like [`Array::reshape`].
    pub fn reshape(&self, shape: impl AsRef<[usize]>) -> Result<ArrayView<'a>> {
        Ok(ArrayView { array: self.array.reshape(shape)?, bytes: self.bytes })
    }

    /// Returns a view with the axes in reverse order.
    pub fn transpose(&self) -> Result<ArrayView<'a>> {
        Ok(ArrayView { array: self.array.transpose()?, bytes: self.bytes })
    }

    /// Returns a view with the axes in the given order, like [`Array::permute`].
    pub fn permute(&self, axes: impl AsRef<[usize]>) -> Result<ArrayView<'a>> {
        Ok(ArrayView { array: self.array.permute(axes)?, bytes: self.bytes })
    }

    /// Returns a copy that borrows nothing.
    pub fn to_array(&self) -> Result<Array> {
        Array::from_bytes(self.dtype(), self.shape(), self.array.contiguous()?.as_bytes()?)
    }
}

// Not an Item: flatten() and others return arrays that could outlive the bytes.
impl Save for Map<ArrayView<'_>> {
    fn to_raw(&self) -> Result<RawDict> {
        let mut dict = RawDict::new()?;
        self.iter().try_for_each(|(name, view)| view.array.put(&mut dict, name))?;
        Ok(dict)
    }
}

/// See [`Array`].
impl PartialEq for ArrayView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.array == other.array
    }
}

impl Eq for ArrayView<'_> {}

/// See [`Array`].
impl PartialEq<Array> for ArrayView<'_> {
    fn eq(&self, other: &Array) -> bool {
        self.array == *other
    }
}

impl fmt::Debug for ArrayView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.array.fmt(f)
    }
}

/// See `Debug`.
impl fmt::Display for ArrayView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.array.fmt(f)
    }
}
