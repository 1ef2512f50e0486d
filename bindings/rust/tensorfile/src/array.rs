//! N-dimensional arrays.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::slice;

use crate::call::{Handle, check, drop_box, enter, finish, made, make, release};
use crate::dtype::{Dtype, Element, bytes_of, elements_of, elements_of_mut};
use crate::error::{Error, ErrorKind, Result, or_panic};
use crate::shape::{IntoSlices, Slice, Slices, dims, expect_elements};
use crate::sys;

/// An n-dimensional array: a dtype, a shape, strides, and memory that it may share with clones and views.
///
/// A clone shares the memory. Changing an array ([`as_slice_mut`](Array::as_slice_mut)) copies the memory first if it
/// is shared, so that the other arrays keep their elements.
///
/// Typed methods such as [`as_slice`](Array::as_slice) need the Rust type of the dtype. [`cast`](Array::cast) and
/// [`to_vec_as`](Array::to_vec_as) convert.
///
/// ```
/// use tensorfile::Array;
///
/// let a = Array::from_slice([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let mut b = a.clone();
/// b.as_slice_mut::<f64>()?[0] = 10.0;
/// assert_eq!(b.shape(), [2, 3]);
/// assert_eq!(b.as_slice::<f64>()?, [10.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(a.item::<f64>([0, 0])?, 1.0);
/// assert_eq!(format!("{a:?}"), "float64[2, 3] [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]");
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub struct Array {
    raw: NonNull<sys::tf_array>,
    /// The shape in the type that it has in Rust, where the library's numbers have another size.
    #[cfg(not(target_pointer_width = "64"))]
    shape: Box<[usize]>,
    /// The same for the strides.
    #[cfg(not(target_pointer_width = "64"))]
    strides: Option<Box<[isize]>>,
}

// SAFETY: everything that & allows is const in the library, which supports concurrent calls; the reference count is
// atomic, and owners of wrapped memory are Send.
unsafe impl Send for Array {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for Array {}

impl Handle for Array {
    type Raw = sys::tf_array;

    #[cfg(target_pointer_width = "64")]
    fn adopt(raw: NonNull<sys::tf_array>) -> Self {
        Array { raw }
    }

    #[cfg(not(target_pointer_width = "64"))]
    fn adopt(raw: NonNull<sys::tf_array>) -> Self {
        let mut array = Array { raw, shape: Box::default(), strides: None };
        array.replace(raw);
        array
    }
}

impl Array {
    /// Sets the handle.
    #[cfg(target_pointer_width = "64")]
    fn replace(&mut self, raw: NonNull<sys::tf_array>) {
        self.raw = raw;
    }

    /// Sets the handle.
    #[cfg(not(target_pointer_width = "64"))]
    #[allow(clippy::cast_possible_truncation)] // of strides, which are distances in memory
    fn replace(&mut self, raw: NonNull<sys::tf_array>) {
        self.raw = raw;
        // SAFETY: the handle is valid; the shape and strides have ndim numbers, and only the strides may be NULL.
        let (shape, strides) = unsafe {
            let (ndim, strides) = (sys::tf_array_ndim(raw.as_ptr()), sys::tf_array_strides(raw.as_ptr()));
            let shape = slice::from_raw_parts(sys::tf_array_shape(raw.as_ptr()), ndim);
            (shape, (!strides.is_null()).then(|| slice::from_raw_parts(strides, ndim)))
        };
        self.shape = shape.iter().map(|&size| size.try_into().unwrap_or(usize::MAX)).collect();
        self.strides = strides.map(|strides| strides.iter().map(|&stride| stride as isize).collect());
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        // SAFETY: the reference belongs to this value and is not used again.
        release(|| unsafe { sys::tf_array_release(self.raw.as_ptr()) });
    }
}

/// Returns another array with the same memory.
impl Clone for Array {
    fn clone(&self) -> Self {
        // SAFETY: the function returns its argument, which is not NULL.
        Array::adopt(unsafe { NonNull::new_unchecked(sys::tf_array_retain(self.raw.as_ptr())) })
    }
}

/// Constructors.
impl Array {
    /// Creates an array of zeros.
    pub fn zeros(dtype: Dtype, shape: impl AsRef<[usize]>) -> Result<Self> {
        let shape = dims(shape.as_ref())?;
        // SAFETY: the pointer has its length.
        make(|out| unsafe { sys::tf_array_new(out, dtype.to_raw(), shape.as_ptr(), shape.len()) })
    }

    /// Creates an array with a copy of elements in C order.
    pub fn from_slice<T: Element>(shape: impl AsRef<[usize]>, elements: &[T]) -> Result<Self> {
        expect_elements(shape.as_ref(), elements.len())?;
        Array::from_bytes(T::DTYPE, shape, bytes_of(elements))
    }

    /// Creates an array with a copy of elements given as bytes, in C order and native byte order (blocks:
    /// little-endian).
    pub fn from_bytes(dtype: Dtype, shape: impl AsRef<[usize]>, bytes: &[u8]) -> Result<Self> {
        let (shape, data) = (dims(shape.as_ref())?, bytes.as_ptr().cast());
        // SAFETY: each pointer has its length.
        make(|out| unsafe {
            sys::tf_array_copy_from(out, dtype.to_raw(), shape.as_ptr(), shape.len(), data, bytes.len())
        })
    }

    /// Creates an array without dimensions, which has one element.
    ///
    /// # Panics
    /// Panics if there is not enough memory.
    #[must_use]
    #[track_caller]
    pub fn scalar<T: Element>(element: T) -> Self {
        or_panic(Array::from_slice([], &[element]))
    }

    /// Creates an array that takes over the memory of a vector, whose elements are in C order.
    pub fn from_vec<T: Element>(shape: impl AsRef<[usize]>, elements: Vec<T>) -> Result<Self> {
        struct Parts<T>(*mut T, usize, usize);
        // SAFETY: the parts of a vector whose elements are Send.
        unsafe impl<T: Send> Send for Parts<T> {}
        impl<T> Drop for Parts<T> {
            fn drop(&mut self) {
                // SAFETY: these are the parts of a vector that was not dropped.
                drop(unsafe { Vec::from_raw_parts(self.0, self.1, self.2) });
            }
        }
        expect_elements(shape.as_ref(), elements.len())?;
        let nbytes = size_of_val(elements.as_slice());
        let mut elements = ManuallyDrop::new(elements);
        let parts = Parts(elements.as_mut_ptr(), elements.len(), elements.capacity());
        let data = parts.0.cast();
        // SAFETY: only the owner refers to the memory, which has all elements.
        unsafe { Array::from_raw_parts(T::DTYPE, shape, None, data, nbytes, true, parts) }
    }

    /// Creates an array over the elements of `owner`, which are in C order, without a copy. They are read-only:
    /// changing the array copies them.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tensorfile::Array;
    ///
    /// let numbers: Arc<[f32]> = Arc::new([1.0, 2.0, 3.0, 4.0]);
    /// let a = Array::from_owner([2, 2], numbers.clone())?;
    /// assert_eq!(a.as_slice::<f32>()?.as_ptr(), numbers.as_ptr());
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    pub fn from_owner<T, O>(shape: impl AsRef<[usize]>, owner: O) -> Result<Self>
    where
        T: Element,
        O: AsRef<[T]> + Send + 'static,
    {
        // Boxed, so that a slice inside the owner does not move.
        let owner = Owned::new(owner);
        let elements = owner.get().as_ref();
        if let Err(error) = expect_elements(shape.as_ref(), elements.len()) {
            // Before the error is the result, which would leak if the drop panicked.
            drop(owner);
            return Err(error);
        }
        let (data, nbytes) = (elements.as_ptr().cast_mut().cast(), size_of_val(elements));
        // SAFETY: the owner is only borrowed until it is dropped, so its slice does not change.
        unsafe { Array::from_raw_parts(T::DTYPE, shape, None, data, nbytes, false, owner) }
    }

    /// Creates an array over memory without a copy. `owner` is dropped together with the last array that uses the
    /// memory, or if the call fails.
    ///
    /// `strides` are in bytes and must be multiples of the alignment of an item. They may be 0 or negative; `None`
    /// means C-contiguous. `data` is the address of the first element, aligned for the item. `nbytes` is the number of
    /// bytes that may be accessed from there on.
    ///
    /// # Safety
    /// Until `owner` is dropped, all memory that the shape and strides refer to must be readable, must not be changed by
    /// anything else, and if `writable`, must not be used by anything else. Negative strides also refer to memory before
    /// `data`, which is not checked.
    pub unsafe fn from_raw_parts<O: Send + 'static>(
        dtype: Dtype,
        shape: impl AsRef<[usize]>,
        strides: Option<&[isize]>,
        data: *mut u8,
        nbytes: usize,
        writable: bool,
        owner: O,
    ) -> Result<Self> {
        let shape = dims(shape.as_ref())?;
        if let Some(strides) = strides.filter(|strides| strides.len() != shape.len()) {
            let message = format!("shape {shape:?} needs {} strides, got {}", shape.len(), strides.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let strides: Option<Vec<i64>> = strides.map(|strides| strides.iter().map(|&stride| stride as i64).collect());
        let strides = strides.as_ref().map_or(ptr::null(), std::vec::Vec::as_ptr);
        let user: *mut c_void = Box::into_raw(Box::new(owner)).cast();
        // SAFETY: each pointer has its length, the caller guarantees the memory, and the box is dropped once.
        make(|out| unsafe {
            sys::tf_array_wrap(
                out,
                dtype.to_raw(),
                shape.as_ptr(),
                shape.len(),
                strides,
                data.cast(),
                nbytes,
                writable.into(),
                Some(drop_box::<O>),
                user,
            )
        })
    }
}

/// Runs a call that writes elements. They are valid afterwards, even if it fails.
fn fill<T: Element>(elements: &mut [T], call: impl FnOnce(*mut c_void, usize) -> sys::tf_status) -> Result<()> {
    let (dst, nbytes) = (elements.as_mut_ptr(), size_of_val(elements));
    let status = call(dst.cast(), nbytes);
    // SAFETY: u8 has no invalid values, and the bytes are those of the elements.
    let valid = T::check(unsafe { slice::from_raw_parts(dst.cast::<u8>(), nbytes) });
    if !valid {
        // SAFETY: zeros are valid elements of every type.
        unsafe { ptr::write_bytes(dst, 0, elements.len()) };
    }
    finish(status, None)?;
    if !valid {
        let message = format!("the array has elements that are not valid for {}", T::DTYPE);
        return Err(Error::new(ErrorKind::Type, message));
    }
    Ok(())
}

/// A box that another thread may drop and that is never borrowed mutably, so that its contents do not change.
struct Owned<O>(NonNull<O>);

// SAFETY: it is a box whose contents are Send.
unsafe impl<O: Send> Send for Owned<O> {}

impl<O> Owned<O> {
    fn new(owner: O) -> Self {
        // SAFETY: a box is never NULL.
        Owned(unsafe { NonNull::new_unchecked(Box::into_raw(Box::new(owner))) })
    }

    fn get(&self) -> &O {
        // SAFETY: the box lives as long as `self`.
        unsafe { self.0.as_ref() }
    }
}

impl<O> Drop for Owned<O> {
    fn drop(&mut self) {
        // SAFETY: the pointer is from a box, which is dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Changes.
impl Array {
    /// Ensures that the memory of the array is writable and not shared, by copying it if necessary.
    pub fn make_mut(&mut self) -> Result<()> {
        let mut raw = self.raw.as_ptr();
        // SAFETY: the call consumes the reference and returns another one.
        let status = enter(|| unsafe { sys::tf_array_make_mut(&raw mut raw) });
        // Set before a panic of the old owner is resumed.
        self.replace(NonNull::new(raw).unwrap_or(self.raw));
        finish(status, None)
    }

    /// Sets one element. The memory is copied first if it is shared or read-only.
    ///
    /// Fails with [`ErrorKind::Type`] if `T` is not the type of the elements, and with [`ErrorKind::InvalidArgument`] if
    /// there is no element with the index.
    pub fn set_item<T: Element>(&mut self, index: impl AsRef<[usize]>, element: T) -> Result<()> {
        self.expect_dtype::<T>()?;
        let index = index.as_ref();
        self.check_index(index)?;
        self.make_mut()?;
        let mut data = ptr::null_mut();
        // SAFETY: this is the only reference to the array.
        check(|| unsafe { sys::tf_array_data_mut(&raw mut data, self.as_ptr()) })?;
        let strides = self.strides().unwrap_or_default();
        #[allow(clippy::cast_possible_wrap)] // the index is below the size of a dimension
        let offset = index.iter().zip(strides).map(|(&index, &stride)| stride * index as isize).sum();
        // SAFETY: the element is inside the memory of the array, which is writable, and has this type.
        unsafe { data.cast::<u8>().offset(offset).cast::<T>().write_unaligned(element) };
        Ok(())
    }

    /// Sets one element of an array of bool or an integer dtype. Fails with [`ErrorKind::InvalidArgument`] if the dtype
    /// cannot hold the number.
    pub fn set_item_from_i64(&mut self, index: impl AsRef<[usize]>, number: i64) -> Result<()> {
        let index = dims(index.as_ref())?;
        self.make_mut()?;
        // SAFETY: this is the only reference to the array; the pointer has its length.
        check(|| unsafe { sys::tf_array_set_item_int64(self.as_ptr(), index.as_ptr(), index.len(), number) })
    }

    /// Sets one element of an array of a real dtype. Floats are rounded as by [`cast`](Array::cast). Fails with
    /// [`ErrorKind::InvalidArgument`] if the dtype is bool or an integer and cannot hold the number.
    pub fn set_item_from_f64(&mut self, index: impl AsRef<[usize]>, number: f64) -> Result<()> {
        let index = dims(index.as_ref())?;
        self.make_mut()?;
        // SAFETY: this is the only reference to the array; the pointer has its length.
        check(|| unsafe { sys::tf_array_set_item_double(self.as_ptr(), index.as_ptr(), index.len(), number) })
    }

    /// Returns the elements in C order to change them. They are copied first if they are shared, read-only or not
    /// contiguous.
    ///
    /// Fails with [`ErrorKind::Type`] if `T` is not the type of the elements.
    pub fn as_slice_mut<T: Element>(&mut self) -> Result<&mut [T]> {
        self.expect_dtype::<T>()?;
        elements_of_mut(self.as_bytes_mut()?)
    }

    /// Returns the bytes of the elements in C order to change them, with the conditions of
    /// [`as_slice_mut`](Array::as_slice_mut).
    pub fn as_bytes_mut(&mut self) -> Result<&mut [u8]> {
        if !self.is_contiguous() {
            *self = self.contiguous()?;
        }
        self.make_mut()?;
        let nbytes = self.bytes_in_memory()?;
        let mut data = ptr::null_mut();
        // SAFETY: this is the only reference to the array.
        check(|| unsafe { sys::tf_array_data_mut(&raw mut data, self.as_ptr()) })?;
        // SAFETY: the memory is contiguous, not shared, and borrowed together with the array.
        Ok(unsafe { slice::from_raw_parts_mut(data.cast(), nbytes) })
    }
}

/// Properties and elements.
impl Array {
    /// Returns the borrowed handle, for functions of `tensorfile-sys`.
    #[must_use]
    pub fn as_ptr(&self) -> *mut sys::tf_array {
        self.raw.as_ptr()
    }

    /// Returns the type of the elements.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        // SAFETY: the handle is valid.
        Dtype::from_raw(unsafe { sys::tf_array_dtype(self.as_ptr()) })
    }

    /// Returns the number of dimensions, which is 0 for a scalar.
    #[must_use]
    pub fn ndim(&self) -> usize {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_array_ndim(self.as_ptr()) }
    }

    /// Returns the sizes of the dimensions, outermost first.
    #[must_use]
    #[cfg(target_pointer_width = "64")]
    pub fn shape(&self) -> &[usize] {
        // SAFETY: the handle is valid; the shape lives as long as the array, and its numbers are not negative.
        unsafe { crate::shape::sizes(sys::tf_array_shape(self.as_ptr()), self.ndim()) }
    }

    /// Returns the sizes of the dimensions, outermost first.
    #[must_use]
    #[cfg(not(target_pointer_width = "64"))]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the strides in bytes, or `None` for packed and block types, which are always C-contiguous.
    #[must_use]
    #[cfg(target_pointer_width = "64")]
    pub fn strides(&self) -> Option<&[isize]> {
        // SAFETY: the handle is valid; the strides live as long as the array; i64 and isize have the same layout here.
        unsafe {
            let strides = sys::tf_array_strides(self.as_ptr());
            (!strides.is_null()).then(|| slice::from_raw_parts(strides.cast(), self.ndim()))
        }
    }

    /// Returns the strides in bytes, or `None` for packed and block types, which are always C-contiguous.
    #[must_use]
    #[cfg(not(target_pointer_width = "64"))]
    pub fn strides(&self) -> Option<&[isize]> {
        self.strides.as_deref()
    }

    /// Returns the number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        // SAFETY: the handle is valid.
        let size = unsafe { sys::tf_array_size(self.as_ptr()) };
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    /// Returns `true` if there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of bytes that the elements take in C order, regardless of the strides.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        // SAFETY: the handle is valid.
        usize::try_from(unsafe { sys::tf_array_nbytes(self.as_ptr()) }).unwrap_or(usize::MAX)
    }

    /// Returns `true` if the elements are in C order without gaps.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_array_is_contiguous(self.as_ptr()) != 0 }
    }

    /// Returns the address of the first element, [0, 0, ...]. It is never NULL.
    #[must_use]
    pub fn data(&self) -> *const u8 {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_array_data(self.as_ptr()) }.cast()
    }

    /// Returns the elements in C order without a copy.
    ///
    /// Fails with [`ErrorKind::Type`] if `T` is not the type of the elements, or if an element of a bool array is
    /// neither 0 nor 1. Fails with [`ErrorKind::InvalidArgument`] if the elements are not C-contiguous; then use
    /// [`contiguous`](Array::contiguous) or [`to_vec`](Array::to_vec).
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.expect_dtype::<T>()?;
        elements_of(self.as_bytes()?)
    }

    /// Returns the bytes of the elements in C order without a copy, for any dtype. Fails like
    /// [`as_slice`](Array::as_slice) if they are not C-contiguous.
    pub fn as_bytes(&self) -> Result<&[u8]> {
        if !self.is_contiguous() {
            let message = "the elements are not C-contiguous: use contiguous() to make a copy whose elements are";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        // SAFETY: the memory is one block of that many bytes, lives as long as the array, and does not change while the
        // array is borrowed.
        Ok(unsafe { slice::from_raw_parts(self.data(), self.bytes_in_memory()?) })
    }

    /// Returns a copy of the elements in C order. Fails with [`ErrorKind::Type`] if `T` is not the type of the elements.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.expect_dtype::<T>()?;
        if self.is_contiguous() {
            return Ok(self.as_slice()?.to_vec());
        }
        Ok(self.contiguous()?.as_slice()?.to_vec())
    }

    /// Returns a copy of the elements in C order, cast to another type as by [`cast`](Array::cast).
    ///
    /// ```
    /// let a = tensorfile::Array::from([1.5f32, -2.5]);
    /// assert!(a.to_vec::<f64>().is_err());
    /// assert_eq!(a.to_vec_as::<f64>()?, [1.5, -2.5]);
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    pub fn to_vec_as<T: Element>(&self) -> Result<Vec<T>> {
        self.cast(T::DTYPE)?.to_vec()
    }

    /// Copies the elements in C order to `elements`, as many as the array has. Fails with [`ErrorKind::Type`] if `T` is
    /// not the type of the elements.
    pub fn copy_to_slice<T: Element>(&self, elements: &mut [T]) -> Result<()> {
        self.expect_dtype::<T>()?;
        self.copy_to_slice_as(elements)
    }

    /// Copies the elements in C order to `elements`, as many as the array has, cast to another type as by
    /// [`cast`](Array::cast). If it fails, the elements are undefined.
    pub fn copy_to_slice_as<T: Element>(&self, elements: &mut [T]) -> Result<()> {
        expect_elements(self.shape(), elements.len())?;
        fill(elements, |dst, nbytes| {
            // SAFETY: the handle is valid; the pointer has its length, and is borrowed mutably.
            enter(|| unsafe { sys::tf_array_copy_to(self.as_ptr(), T::DTYPE.to_raw(), dst, ptr::null(), nbytes) })
        })
    }

    /// Returns the elements in C order as a vector, like [`to_vec`](Array::to_vec), and drops the array.
    pub fn into_vec<T: Element>(self) -> Result<Vec<T>> {
        self.to_vec()
    }

    /// Returns `nbytes` of a contiguous array.
    fn bytes_in_memory(&self) -> Result<usize> {
        let nbytes = self.nbytes();
        if isize::try_from(nbytes).is_err() {
            return Err(Error::new(ErrorKind::Internal, format!("{nbytes} bytes exceed the address space")));
        }
        Ok(nbytes)
    }

    pub(crate) fn expect_dtype<T: Element>(&self) -> Result<()> {
        expect_dtype::<T>(self.dtype(), "")
    }

    /// Returns one element. Fails with [`ErrorKind::Type`] if `T` is not the type of the elements, and with
    /// [`ErrorKind::InvalidArgument`] if there is no element with the index.
    pub fn item<T: Element>(&self, index: impl AsRef<[usize]>) -> Result<T> {
        self.expect_dtype::<T>()?;
        let index = index.as_ref();
        self.check_index(index)?;
        let one: Vec<Slice> = index.iter().map(|&index| Slice::from(index..index + 1)).collect();
        Ok(self.slice(one)?.contiguous()?.as_slice::<T>()?[0])
    }

    /// Returns one element of an array of bool or an integer dtype as an `i64`. Fails with [`ErrorKind::Type`] if it is
    /// too large.
    pub fn item_as_i64(&self, index: impl AsRef<[usize]>) -> Result<i64> {
        let (index, mut value) = (dims(index.as_ref())?, 0);
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_array_item_int64(&raw mut value, self.as_ptr(), index.as_ptr(), index.len()) })?;
        Ok(value)
    }

    /// Returns one element of an array of a real dtype as an `f64`, rounded to nearest even if necessary.
    pub fn item_as_f64(&self, index: impl AsRef<[usize]>) -> Result<f64> {
        let (index, mut value) = (dims(index.as_ref())?, 0.0);
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_array_item_double(&raw mut value, self.as_ptr(), index.as_ptr(), index.len()) })?;
        Ok(value)
    }

    fn check_index(&self, index: &[usize]) -> Result<()> {
        let shape = self.shape();
        if index.len() == shape.len() && index.iter().zip(shape).all(|(index, size)| index < size) {
            return Ok(());
        }
        let message = format!("there is no element {index:?} in an array of shape {shape:?}");
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }
}

/// Fails unless `T` is the type of the elements of `what`, such as `"array 'a': "`.
pub(crate) fn expect_dtype<T: Element>(dtype: Dtype, what: &str) -> Result<()> {
    if dtype == T::DTYPE {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Type, format!("{what}expected elements of {}, found {dtype}", T::DTYPE)))
}

/// Views and copies.
impl Array {
    /// Returns this array if it is C-contiguous, and a C-contiguous copy otherwise.
    pub fn contiguous(&self) -> Result<Array> {
        // SAFETY: the handle is valid.
        make(|out| unsafe { sys::tf_array_contiguous(out, self.as_ptr()) })
    }

    /// Returns the elements in C order with another shape: a view if strides can describe it, which they always can if
    /// the array is C-contiguous, and otherwise a copy.
    ///
    /// Fails with [`ErrorKind::InvalidArgument`] if the shape needs another number of elements.
    pub fn reshape(&self, shape: impl AsRef<[usize]>) -> Result<Array> {
        expect_elements(shape.as_ref(), self.len())?;
        let shape = dims(shape.as_ref())?;
        // SAFETY: the handle is valid; the pointer has its length.
        make(|out| unsafe { sys::tf_array_reshape(out, self.as_ptr(), shape.as_ptr(), shape.len()) })
    }

    /// Returns a view with the axes in reverse order.
    pub fn transpose(&self) -> Result<Array> {
        // SAFETY: the handle is valid; no axes are given.
        make(|out| unsafe { sys::tf_array_transpose(out, self.as_ptr(), ptr::null(), 0) })
    }

    /// Returns a view with the axes in the given order, which contains each of them once.
    pub fn permute(&self, axes: impl AsRef<[usize]>) -> Result<Array> {
        let axes = axes.as_ref();
        // SAFETY: the handle is valid; the pointer is not NULL and has its length.
        make(|out| unsafe { sys::tf_array_transpose(out, self.as_ptr(), axes.as_ptr(), axes.len()) })
    }

    /// Returns a view of a part; see [`IntoSlices`]. It is a copy if the array has a packed or block type that allows no
    /// view.
    pub fn slice(&self, slices: impl IntoSlices) -> Result<Array> {
        let Slices { start, stop, step } = Slices::new(&slices.into_slices(), self.ndim());
        // SAFETY: the handle is valid; each pointer has its length.
        make(|out| unsafe {
            let (start, stop, step, ndim) = (start.as_ptr(), stop.as_ptr(), step.as_ptr(), start.len());
            sys::tf_array_slice(out, self.as_ptr(), start, stop, step, ndim)
        })
    }

    /// Returns a C-contiguous copy with another dtype, or this array if nothing has to change.
    ///
    /// Floats are rounded to nearest even and overflow like in `NumPy` and `ml_dtypes`. Floats become integers by
    /// truncation and saturation, with 0 for NaN. Integers wrap. A bool is true if the value is not 0.
    /// [`Options::cast`](crate::Options::cast) takes options.
    pub fn cast(&self, dtype: Dtype) -> Result<Array> {
        self.cast_with(dtype, ptr::null())
    }

    /// Returns a copy in a block type that is encoded with an importance matrix: errors of elements with larger weights
    /// become smaller. The weights are float32, with a shape that broadcasts to that of the array but for the last size,
    /// which must be equal. Dtypes whose encoders use no weights are cast as by [`cast`](Array::cast).
    pub fn cast_weighted(&self, dtype: Dtype, weights: &Array) -> Result<Array> {
        let (mut raw, dtype) = (ptr::null_mut(), dtype.to_raw());
        // SAFETY: the handles are valid.
        let status = enter(|| unsafe {
            sys::tf_array_cast_weighted(&raw mut raw, self.as_ptr(), dtype, weights.as_ptr(), ptr::null())
        });
        made(raw, status, None)
    }

    pub(crate) fn cast_with(&self, dtype: Dtype, options: *const sys::tf_options) -> Result<Array> {
        let mut raw = ptr::null_mut();
        // SAFETY: the handles are valid.
        let status = enter(|| unsafe { sys::tf_array_cast(&raw mut raw, self.as_ptr(), dtype.to_raw(), options) });
        made(raw, status, None)
    }
}

/// Arrays are equal if dtype, shape and the bytes of all elements are the same: NaN equals itself, and -0.0 is not 0.0.
impl PartialEq for Array {
    fn eq(&self, other: &Array) -> bool {
        let mut equal = 0;
        // SAFETY: the handles are valid.
        check(|| unsafe { sys::tf_array_equal(&raw mut equal, self.as_ptr(), other.as_ptr()) }).is_ok() && equal != 0
    }
}

impl Eq for Array {}

impl From<&Array> for Array {
    fn from(array: &Array) -> Self {
        array.clone()
    }
}

/// Creates an array of one dimension, without a copy.
impl<T: Element> From<Vec<T>> for Array {
    #[track_caller]
    fn from(elements: Vec<T>) -> Self {
        or_panic(Array::from_vec([elements.len()], elements))
    }
}

/// Creates an array of one dimension with a copy of the elements.
impl<T: Element> From<&[T]> for Array {
    #[track_caller]
    fn from(elements: &[T]) -> Self {
        or_panic(Array::from_slice([elements.len()], elements))
    }
}

/// Creates an array of one dimension with a copy of the elements.
impl<T: Element> From<&Vec<T>> for Array {
    #[track_caller]
    fn from(elements: &Vec<T>) -> Self {
        Array::from(elements.as_slice())
    }
}

/// Creates an array of one dimension.
impl<T: Element, const N: usize> From<[T; N]> for Array {
    #[track_caller]
    fn from(elements: [T; N]) -> Self {
        Array::from(elements.as_slice())
    }
}

/// Creates an array of one dimension with a copy of the elements.
impl<T: Element, const N: usize> From<&[T; N]> for Array {
    #[track_caller]
    fn from(elements: &[T; N]) -> Self {
        Array::from(elements.as_slice())
    }
}

/// Creates an array of one dimension.
impl<T: Element> FromIterator<T> for Array {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Array::from(elements.into_iter().collect::<Vec<T>>())
    }
}
