//! N-dimensional arrays.

use std::borrow::Borrow;
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::{fmt, slice};

use crate::call::{check, drop_box, enter, finish, handle, made, make};
use crate::dtype::{Dtype, Element, bytes_of, elements_of, elements_of_mut};
use crate::error::{Error, Result, Status};
use crate::shape::{Dims, Slice, Slices};
use crate::sys;

/// An n-dimensional array: a dtype, a shape, strides, and memory that it may share with clones and views.
///
/// A clone shares the memory. Changing an array ([`as_slice_mut`](Array::as_slice_mut)) copies the memory first if it
/// is shared, so that the other arrays keep their elements.
///
/// ```
/// use tensorfile::Array;
///
/// let a = Array::from_slice([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let mut b = a.clone();
/// b.as_slice_mut::<f64>()?[0] = 10.0;
/// assert_eq!(b.shape(), [2, 3]);
/// assert_eq!(b.as_slice::<f64>()?, [10.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(a.item_f64([0, 0])?, 1.0);
/// # Ok::<(), tensorfile::Error>(())
/// ```
#[repr(transparent)]
pub struct Array(NonNull<sys::tf_array>);

/// A borrowed array, such as one in a [`Dict`](crate::Dict). [`Array`] dereferences to it.
///
/// [`to_owned`](ToOwned::to_owned) returns an [`Array`] that shares the memory.
#[repr(C)]
pub struct ArrayRef {
    // The object of the library, of which Rust knows only the address.
    _object: UnsafeCell<[u8; 0]>,
    _marker: PhantomData<*mut u8>,
}

handle!(Array, tf_array, tf_array_release);

// SAFETY: everything that & allows is const in the library, which supports concurrent calls; the reference count is
// atomic, and owners of wrapped memory are Send.
unsafe impl Send for Array {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for Array {}
// SAFETY: it refers to the same kind of object as the owning type.
unsafe impl Send for ArrayRef {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for ArrayRef {}

impl Deref for Array {
    type Target = ArrayRef;
    fn deref(&self) -> &ArrayRef {
        // SAFETY: the array lives as long as this reference to it.
        unsafe { ArrayRef::from_ptr(self.0.as_ptr()) }
    }
}

impl AsRef<ArrayRef> for Array {
    fn as_ref(&self) -> &ArrayRef {
        self
    }
}

impl Borrow<ArrayRef> for Array {
    fn borrow(&self) -> &ArrayRef {
        self
    }
}

impl Clone for Array {
    fn clone(&self) -> Self {
        self.deref().to_owned()
    }
}

impl ToOwned for ArrayRef {
    type Owned = Array;
    fn to_owned(&self) -> Array {
        // SAFETY: the function returns its argument, which is not NULL.
        Array(unsafe { NonNull::new_unchecked(sys::tf_array_retain(self.as_ptr())) })
    }
}

impl Array {
    /// Creates an array of zeros.
    pub fn zeros(dtype: Dtype, shape: impl Dims) -> Result<Self> {
        let shape = shape.dims()?;
        // SAFETY: the pointer has its length.
        make(|out| unsafe { sys::tf_array_new(out, dtype.to_raw(), shape.as_ptr(), shape.len()) })
    }

    /// Creates an array with a copy of elements in C order.
    pub fn from_slice<T: Element>(shape: impl Dims, elements: &[T]) -> Result<Self> {
        Array::from_bytes(T::DTYPE, shape, bytes_of(elements))
    }

    /// Creates an array with a copy of elements given as bytes, in C order and native byte order (blocks:
    /// little-endian).
    pub fn from_bytes(dtype: Dtype, shape: impl Dims, bytes: &[u8]) -> Result<Self> {
        let (shape, data) = (shape.dims()?, bytes.as_ptr().cast());
        // SAFETY: each pointer has its length.
        make(|out| unsafe {
            sys::tf_array_copy_from(out, dtype.to_raw(), shape.as_ptr(), shape.len(), data, bytes.len())
        })
    }

    /// Creates a 0-d array with one element.
    pub fn scalar<T: Element>(element: T) -> Result<Self> {
        Array::from_slice((), &[element])
    }

    /// Creates an array that takes over the memory of a vector, whose elements are in C order.
    pub fn from_vec<T: Element>(shape: impl Dims, elements: Vec<T>) -> Result<Self> {
        struct Parts<T>(*mut T, usize, usize);
        // SAFETY: the parts of a vector whose elements are Send.
        unsafe impl<T: Send> Send for Parts<T> {}
        impl<T> Drop for Parts<T> {
            fn drop(&mut self) {
                // SAFETY: these are the parts of a vector that was not dropped.
                drop(unsafe { Vec::from_raw_parts(self.0, self.1, self.2) });
            }
        }
        let nbytes = size_of_val(elements.as_slice());
        let mut elements = ManuallyDrop::new(elements);
        let parts = Parts(elements.as_mut_ptr(), elements.len(), elements.capacity());
        let data = parts.0.cast();
        // SAFETY: only the owner refers to the memory, which is large enough for all elements.
        let array = unsafe { Array::from_raw_parts(T::DTYPE, shape, None, data, nbytes, true, parts)? };
        array.with_nbytes(nbytes)
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
    pub fn from_owner<T, O>(shape: impl Dims, owner: O) -> Result<Self>
    where
        T: Element,
        O: AsRef<[T]> + Send + 'static,
    {
        // Boxed, so that a slice inside the owner does not move.
        let owner = Owned::new(owner);
        let elements = owner.get().as_ref();
        let (data, nbytes) = (elements.as_ptr().cast_mut().cast(), size_of_val(elements));
        // SAFETY: the owner is only borrowed until it is dropped, so its slice does not change.
        let array = unsafe { Array::from_raw_parts(T::DTYPE, shape, None, data, nbytes, false, owner)? };
        array.with_nbytes(nbytes)
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
        shape: impl Dims,
        strides: Option<&[i64]>,
        data: *mut u8,
        nbytes: usize,
        writable: bool,
        owner: O,
    ) -> Result<Self> {
        let shape = shape.dims()?;
        if strides.is_some_and(|strides| strides.len() != shape.len()) {
            return Err(Error::new(Status::InvalidArgument, "expected as many strides as dimensions"));
        }
        let strides = strides.map_or(ptr::null(), <[i64]>::as_ptr);
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

    /// Returns this array if it has that many bytes, or else an error.
    fn with_nbytes(self, nbytes: usize) -> Result<Self> {
        if self.nbytes() == nbytes as u64 {
            return Ok(self);
        }
        let message = format!("{:?} needs {} bytes, not {nbytes}", &*self, self.nbytes());
        Err(Error::new(Status::InvalidArgument, message))
    }

    /// Ensures that the memory of the array is writable and not shared, by copying it if necessary.
    pub fn make_mut(&mut self) -> Result<()> {
        let mut raw = self.0.as_ptr();
        // SAFETY: the call consumes the reference and returns another one.
        let status = enter(|| unsafe { sys::tf_array_make_mut(&mut raw) });
        // Set before a panic of the old owner is resumed.
        self.0 = NonNull::new(raw).unwrap_or(self.0);
        finish(status, None)
    }

    /// Returns the elements in C order to change them. They are copied first if they are shared, read-only or not
    /// contiguous.
    ///
    /// Fails with [`Error::Type`] if `T` is not the type of the elements.
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
        check(|| unsafe { sys::tf_array_data_mut(&mut data, self.0.as_ptr()) })?;
        // SAFETY: the memory is contiguous, not shared, and borrowed together with the array.
        Ok(unsafe { slice::from_raw_parts_mut(data.cast(), nbytes) })
    }
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

impl ArrayRef {
    /// # Safety
    /// `raw` is an array that is valid and not borrowed mutably for 'a.
    pub(crate) unsafe fn from_ptr<'a>(raw: *const sys::tf_array) -> &'a Self {
        // SAFETY: guaranteed by the caller; nothing of the object is read.
        unsafe { &*raw.cast() }
    }

    /// Returns the borrowed handle, for functions of `tensorfile-sys`.
    pub fn as_ptr(&self) -> *mut sys::tf_array {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// Returns the type of the elements.
    pub fn dtype(&self) -> Dtype {
        // SAFETY: the handle is valid.
        Dtype::from_raw(unsafe { sys::tf_array_dtype(self.as_ptr()) })
    }

    /// Returns the number of dimensions, which is 0 for a scalar.
    pub fn ndim(&self) -> usize {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_array_ndim(self.as_ptr()) }
    }

    /// Returns the sizes of the dimensions, outermost first.
    pub fn shape(&self) -> &[i64] {
        // SAFETY: the handle is valid; the shape is not NULL and lives as long as the array.
        unsafe { slice::from_raw_parts(sys::tf_array_shape(self.as_ptr()), self.ndim()) }
    }

    /// Returns the strides in bytes, or `None` for packed and block types, which are always C-contiguous.
    pub fn strides(&self) -> Option<&[i64]> {
        // SAFETY: the handle is valid; the strides live as long as the array.
        unsafe {
            let strides = sys::tf_array_strides(self.as_ptr());
            (!strides.is_null()).then(|| slice::from_raw_parts(strides, self.ndim()))
        }
    }

    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        // SAFETY: the handle is valid.
        let size = unsafe { sys::tf_array_size(self.as_ptr()) };
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    /// Returns `true` if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of bytes that the elements take in C order, regardless of the strides.
    pub fn nbytes(&self) -> u64 {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_array_nbytes(self.as_ptr()) }
    }

    /// Returns `true` if the elements are in C order without gaps.
    pub fn is_contiguous(&self) -> bool {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_array_is_contiguous(self.as_ptr()) != 0 }
    }

    /// Returns the address of the first element, [0, 0, ...]. It is never NULL.
    pub fn data(&self) -> *const u8 {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_array_data(self.as_ptr()) }.cast()
    }

    /// Returns the elements in C order without a copy.
    ///
    /// Fails with [`Error::Type`] if `T` is not the type of the elements, or if an element of a bool array is neither 0
    /// nor 1. Fails with [`Error::InvalidArgument`] if the elements are not C-contiguous; then use
    /// [`contiguous`](ArrayRef::contiguous) or [`to_vec`](ArrayRef::to_vec).
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.expect_dtype::<T>()?;
        elements_of(self.as_bytes()?)
    }

    /// Returns the bytes of the elements in C order without a copy, for any dtype. Fails like
    /// [`as_slice`](ArrayRef::as_slice) if they are not C-contiguous.
    pub fn as_bytes(&self) -> Result<&[u8]> {
        if !self.is_contiguous() {
            let message = "the elements are not C-contiguous: use contiguous() to make a copy whose elements are";
            return Err(Error::new(Status::InvalidArgument, message));
        }
        // SAFETY: the memory is one block of that many bytes, lives as long as the array, and does not change while the
        // array is borrowed.
        Ok(unsafe { slice::from_raw_parts(self.data(), self.bytes_in_memory()?) })
    }

    /// Returns a copy of the elements in C order. Fails with [`Error::Type`] if `T` is not the type of the elements.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.expect_dtype::<T>()?;
        if self.is_contiguous() {
            return Ok(self.as_slice()?.to_vec());
        }
        Ok(self.contiguous()?.as_slice()?.to_vec())
    }

    /// Returns `nbytes` of a contiguous array.
    fn bytes_in_memory(&self) -> Result<usize> {
        let nbytes = self.nbytes();
        usize::try_from(nbytes)
            .ok()
            .filter(|&nbytes| isize::try_from(nbytes).is_ok())
            .ok_or_else(|| Error::new(Status::Internal, format!("{nbytes} bytes exceed the address space")))
    }

    pub(crate) fn expect_dtype<T: Element>(&self) -> Result<()> {
        if self.dtype() == T::DTYPE {
            return Ok(());
        }
        Err(Error::new(Status::Type, format!("expected an array of {}, found {}", T::DTYPE, self.dtype())))
    }

    /// Returns one element of an array of bool or an integer dtype. Negative indices count from the end.
    pub fn item_i64(&self, index: impl Dims) -> Result<i64> {
        let (index, mut value) = (index.dims()?, 0);
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_array_item_int64(&mut value, self.as_ptr(), index.as_ptr(), index.len()) })?;
        Ok(value)
    }

    /// Returns one element of an array of a real dtype, rounded to nearest even if necessary. Negative indices count
    /// from the end.
    pub fn item_f64(&self, index: impl Dims) -> Result<f64> {
        let (index, mut value) = (index.dims()?, 0.0);
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_array_item_double(&mut value, self.as_ptr(), index.as_ptr(), index.len()) })?;
        Ok(value)
    }

    /// Returns this array if it is C-contiguous, and a C-contiguous copy otherwise.
    pub fn contiguous(&self) -> Result<Array> {
        // SAFETY: the handle is valid.
        make(|out| unsafe { sys::tf_array_contiguous(out, self.as_ptr()) })
    }

    /// Returns a view with the axes in reverse order.
    pub fn transpose(&self) -> Result<Array> {
        // SAFETY: the handle is valid; no axes are given.
        make(|out| unsafe { sys::tf_array_transpose(out, self.as_ptr(), ptr::null(), 0) })
    }

    /// Returns a view with the axes in the given order, which contains each of them once.
    pub fn permute(&self, axes: &[usize]) -> Result<Array> {
        // SAFETY: the handle is valid; the pointer is not NULL and has its length.
        make(|out| unsafe { sys::tf_array_transpose(out, self.as_ptr(), axes.as_ptr(), axes.len()) })
    }

    /// Returns a view of a part, with a [`Slice`] for each dimension; dimensions without one are complete. It is a copy
    /// if the array has a packed or block type that allows no view.
    pub fn slice(&self, slices: &[Slice]) -> Result<Array> {
        let Slices { start, stop, step } = Slices::new(slices, self.ndim());
        // SAFETY: the handle is valid; each pointer has its length.
        make(|out| unsafe {
            let (start, stop, step, ndim) = (start.as_ptr(), stop.as_ptr(), step.as_ptr(), start.len());
            sys::tf_array_slice(out, self.as_ptr(), start, stop, step, ndim)
        })
    }

    /// Returns a C-contiguous copy with another dtype, or this array if nothing has to change.
    ///
    /// Floats are rounded to nearest even and overflow like in NumPy and ml_dtypes. Floats become integers by
    /// truncation and saturation, with 0 for NaN. Integers wrap. A bool is true if the value is not 0.
    /// [`Options::cast`](crate::Options::cast) takes options.
    pub fn cast(&self, dtype: Dtype) -> Result<Array> {
        self.cast_with(dtype, ptr::null())
    }

    pub(crate) fn cast_with(&self, dtype: Dtype, options: *const sys::tf_options) -> Result<Array> {
        let mut raw = ptr::null_mut();
        // SAFETY: the handles are valid.
        let status = enter(|| unsafe { sys::tf_array_cast(&mut raw, self.as_ptr(), dtype.to_raw(), options) });
        made(raw, status, None)
    }
}

/// Arrays are equal if dtype, shape and the bytes of all elements are the same: NaN equals itself, and -0.0 is not 0.0.
impl PartialEq for ArrayRef {
    fn eq(&self, other: &ArrayRef) -> bool {
        let mut equal = 0;
        // SAFETY: the handles are valid.
        check(|| unsafe { sys::tf_array_equal(&mut equal, self.as_ptr(), other.as_ptr()) }).is_ok() && equal != 0
    }
}

impl Eq for ArrayRef {}

/// See [`ArrayRef`].
impl PartialEq for Array {
    fn eq(&self, other: &Array) -> bool {
        **self == **other
    }
}

impl Eq for Array {}

impl fmt::Debug for ArrayRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.dtype(), self.shape())
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
