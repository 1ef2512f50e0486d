//! Arrays.

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
/// A clone shares the memory. Whoever changes an array ([`as_slice_mut`](Array::as_slice_mut)) gets a copy first where
/// the memory is shared, so that nobody else sees the change.
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

/// A borrowed array, such as one in a [`Dict`](crate::Dict): all that can be read of an [`Array`], which derefs to it.
///
/// [`to_owned`](ToOwned::to_owned) makes an [`Array`] that shares the memory.
#[repr(C)]
pub struct ArrayRef {
    // The library's object itself, of which Rust knows the address alone.
    _object: UnsafeCell<[u8; 0]>,
    _marker: PhantomData<*mut u8>,
}

handle!(Array, tf_array, tf_array_release);

// SAFETY: what can be done through & is const in the library, which allows it from all threads at once; the reference
// count is atomic, and owners of wrapped memory are Send.
unsafe impl Send for Array {}
// SAFETY: as above.
unsafe impl Sync for Array {}
// SAFETY: as above.
unsafe impl Send for ArrayRef {}
// SAFETY: as above.
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
        // SAFETY: gives its argument, which is not NULL.
        Array(unsafe { NonNull::new_unchecked(sys::tf_array_retain(self.as_ptr())) })
    }
}

impl Array {
    /// Zeros of a dtype.
    pub fn zeros(dtype: Dtype, shape: impl Dims) -> Result<Self> {
        let shape = shape.dims()?;
        // SAFETY: the pointer comes with its length.
        make(|out| unsafe { sys::tf_array_new(out, dtype.to_raw(), shape.as_ptr(), shape.len()) })
    }

    /// A copy of elements in C order.
    pub fn from_slice<T: Element>(shape: impl Dims, elements: &[T]) -> Result<Self> {
        Array::from_bytes(T::DTYPE, shape, bytes_of(elements))
    }

    /// A copy of elements given as bytes, in C order and the host's byte order (block types: little-endian).
    pub fn from_bytes(dtype: Dtype, shape: impl Dims, bytes: &[u8]) -> Result<Self> {
        let (shape, data) = (shape.dims()?, bytes.as_ptr().cast());
        // SAFETY: pointers come with their lengths.
        make(|out| unsafe {
            sys::tf_array_copy_from(out, dtype.to_raw(), shape.as_ptr(), shape.len(), data, bytes.len())
        })
    }

    /// A 0-d array of one element.
    pub fn scalar<T: Element>(element: T) -> Result<Self> {
        Array::from_slice((), &[element])
    }

    /// Elements in C order, without a copy: the array has the vector's memory.
    pub fn from_vec<T: Element>(shape: impl Dims, elements: Vec<T>) -> Result<Self> {
        struct Parts<T>(*mut T, usize, usize);
        // SAFETY: they are a vector's, of elements that are Send.
        unsafe impl<T: Send> Send for Parts<T> {}
        impl<T> Drop for Parts<T> {
            fn drop(&mut self) {
                // SAFETY: the parts of a vector that was not dropped.
                drop(unsafe { Vec::from_raw_parts(self.0, self.1, self.2) });
            }
        }
        let nbytes = size_of_val(elements.as_slice());
        let mut elements = ManuallyDrop::new(elements);
        let parts = Parts(elements.as_mut_ptr(), elements.len(), elements.capacity());
        let data = parts.0.cast();
        // SAFETY: nobody but the owner has the memory, which has room for all elements.
        let array = unsafe { Array::from_raw_parts(T::DTYPE, shape, None, data, nbytes, true, parts)? };
        array.with_nbytes(nbytes)
    }

    /// Elements in C order that `owner` has, without a copy. They are read-only: changing the array copies them.
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
        // In a box, so that a slice within the owner itself stays where it is.
        let owner = Owned::new(owner);
        let elements = owner.get().as_ref();
        let (data, nbytes) = (elements.as_ptr().cast_mut().cast(), size_of_val(elements));
        // SAFETY: the owner keeps its slice as it is for as long as it is only borrowed, which is until it is dropped.
        let array = unsafe { Array::from_raw_parts(T::DTYPE, shape, None, data, nbytes, false, owner)? };
        array.with_nbytes(nbytes)
    }

    /// An array over memory, without a copy; `owner` is dropped when the last array on it is.
    ///
    /// `strides` are in bytes, multiples of the item's alignment, and may be 0 or negative; `None`: C-contiguous.
    /// `data` is the address of the first element, aligned to its item, and `nbytes` how many bytes from there may be
    /// touched. `owner` is dropped, too, when this fails.
    ///
    /// # Safety
    /// Until `owner` is dropped, the memory that shape and strides reach may be read, nobody changes it, and, with
    /// `writable`, nobody else uses it. With negative strides that is memory before `data`, too, which nothing checks.
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
            return Err(Error::new(Status::InvalidArgument, "there are not as many strides as sizes"));
        }
        let strides = strides.map_or(ptr::null(), <[i64]>::as_ptr);
        let user: *mut c_void = Box::into_raw(Box::new(owner)).cast();
        // SAFETY: pointers come with their lengths, the memory as the caller promises; the box is dropped once.
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

    /// This array, if it has that many bytes.
    fn with_nbytes(self, nbytes: usize) -> Result<Self> {
        if self.nbytes() == nbytes as u64 {
            return Ok(self);
        }
        let message = format!("{:?} needs {} bytes, not {nbytes}", &*self, self.nbytes());
        Err(Error::new(Status::InvalidArgument, message))
    }

    /// Makes this an array whose memory nobody shares and that may be changed: copies it where it is not so already.
    pub fn make_mut(&mut self) -> Result<()> {
        let mut raw = self.0.as_ptr();
        // SAFETY: the reference is this one's, and gives way to the one that comes back.
        let status = enter(|| unsafe { sys::tf_array_make_mut(&mut raw) });
        // Before a panic of the old memory's owner goes on.
        self.0 = NonNull::new(raw).unwrap_or(self.0);
        finish(status, None)
    }

    /// The elements in C order, to be changed; copied first where they are shared, read-only or not contiguous.
    ///
    /// Fails with [`Error::Type`] when `T` is not the array's dtype.
    pub fn as_slice_mut<T: Element>(&mut self) -> Result<&mut [T]> {
        self.expect_dtype::<T>()?;
        elements_of_mut(self.as_bytes_mut()?)
    }

    /// The bytes of the elements in C order, to be changed; copied first as by [`as_slice_mut`](Array::as_slice_mut).
    pub fn as_bytes_mut(&mut self) -> Result<&mut [u8]> {
        if !self.is_contiguous() {
            *self = self.contiguous()?;
        }
        self.make_mut()?;
        let nbytes = self.bytes_in_memory()?;
        let mut data = ptr::null_mut();
        // SAFETY: nobody else has a reference to this array.
        check(|| unsafe { sys::tf_array_data_mut(&mut data, self.0.as_ptr()) })?;
        // SAFETY: the memory is contiguous and this array's alone, which is borrowed for as long.
        Ok(unsafe { slice::from_raw_parts_mut(data.cast(), nbytes) })
    }
}

/// A box that other threads may drop, and that nobody borrows mutably, so that what is within it stays.
struct Owned<O>(NonNull<O>);

// SAFETY: it is a box of something that is Send.
unsafe impl<O: Send> Send for Owned<O> {}

impl<O> Owned<O> {
    fn new(owner: O) -> Self {
        // SAFETY: a box is never NULL.
        Owned(unsafe { NonNull::new_unchecked(Box::into_raw(Box::new(owner))) })
    }

    fn get(&self) -> &O {
        // SAFETY: the box lives as long as this.
        unsafe { self.0.as_ref() }
    }
}

impl<O> Drop for Owned<O> {
    fn drop(&mut self) {
        // SAFETY: it was a box, and is dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl ArrayRef {
    /// # Safety
    /// `raw` is an array that lives, and has no mutable borrow, for 'a.
    pub(crate) unsafe fn from_ptr<'a>(raw: *const sys::tf_array) -> &'a Self {
        // SAFETY: the caller's promise; nothing of the object is read.
        unsafe { &*raw.cast() }
    }

    /// The library's handle, for calls of `tensorfile-sys`; borrowed.
    pub fn as_ptr(&self) -> *mut sys::tf_array {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// The type of the elements.
    pub fn dtype(&self) -> Dtype {
        // SAFETY: the handle lives.
        Dtype::from_raw(unsafe { sys::tf_array_dtype(self.as_ptr()) })
    }

    /// The number of dimensions; 0 for a scalar.
    pub fn ndim(&self) -> usize {
        // SAFETY: the handle lives.
        unsafe { sys::tf_array_ndim(self.as_ptr()) }
    }

    /// The sizes, outermost dimension first.
    pub fn shape(&self) -> &[i64] {
        // SAFETY: the handle lives; the shape is not NULL, and lives as long.
        unsafe { slice::from_raw_parts(sys::tf_array_shape(self.as_ptr()), self.ndim()) }
    }

    /// The steps from element to element in bytes; `None` for packed and block types, which are C-contiguous.
    pub fn strides(&self) -> Option<&[i64]> {
        // SAFETY: the handle lives; strides live as long.
        unsafe {
            let strides = sys::tf_array_strides(self.as_ptr());
            (!strides.is_null()).then(|| slice::from_raw_parts(strides, self.ndim()))
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        // SAFETY: the handle lives.
        let size = unsafe { sys::tf_array_size(self.as_ptr()) };
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that the elements take in C order, whatever the strides are.
    pub fn nbytes(&self) -> u64 {
        // SAFETY: the handle lives.
        unsafe { sys::tf_array_nbytes(self.as_ptr()) }
    }

    /// Whether the elements lie in C order without gaps.
    pub fn is_contiguous(&self) -> bool {
        // SAFETY: the handle lives.
        unsafe { sys::tf_array_is_contiguous(self.as_ptr()) != 0 }
    }

    /// The address of the first element, [0, 0, ...]; never NULL.
    pub fn data(&self) -> *const u8 {
        // SAFETY: the handle lives.
        unsafe { sys::tf_array_data(self.as_ptr()) }.cast()
    }

    /// The elements in C order, without a copy.
    ///
    /// Fails with [`Error::Type`] when `T` is not the array's dtype (or some bytes of a bool array are neither 0 nor 1),
    /// with [`Error::InvalidArgument`] when the elements are not C-contiguous; [`contiguous`](ArrayRef::contiguous) or
    /// [`to_vec`](ArrayRef::to_vec) help then.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.expect_dtype::<T>()?;
        elements_of(self.as_bytes()?)
    }

    /// The bytes of the elements in C order, without a copy; of every dtype. Fails as
    /// [`as_slice`](ArrayRef::as_slice) when they are not C-contiguous.
    pub fn as_bytes(&self) -> Result<&[u8]> {
        if !self.is_contiguous() {
            let message = "the elements are not C-contiguous: contiguous() makes an array whose elements are";
            return Err(Error::new(Status::InvalidArgument, message));
        }
        // SAFETY: the memory holds that many bytes in one piece; it lives as long as the array, and nobody changes it
        // while the array is borrowed.
        Ok(unsafe { slice::from_raw_parts(self.data(), self.bytes_in_memory()?) })
    }

    /// A copy of the elements in C order. Fails with [`Error::Type`] when `T` is not the array's dtype.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.expect_dtype::<T>()?;
        if self.is_contiguous() {
            return Ok(self.as_slice()?.to_vec());
        }
        Ok(self.contiguous()?.as_slice()?.to_vec())
    }

    /// nbytes of a contiguous array.
    fn bytes_in_memory(&self) -> Result<usize> {
        let nbytes = self.nbytes();
        usize::try_from(nbytes)
            .ok()
            .filter(|&nbytes| isize::try_from(nbytes).is_ok())
            .ok_or_else(|| Error::new(Status::Internal, format!("an array of {nbytes} bytes in one piece of memory")))
    }

    pub(crate) fn expect_dtype<T: Element>(&self) -> Result<()> {
        if self.dtype() == T::DTYPE {
            return Ok(());
        }
        Err(Error::new(Status::Type, format!("the dtype is {}, not {}", self.dtype(), T::DTYPE)))
    }

    /// One element of bool or an integer dtype. Negative indices count from the end.
    pub fn item_i64(&self, index: impl Dims) -> Result<i64> {
        let (index, mut value) = (index.dims()?, 0);
        // SAFETY: the handle lives; the pointer comes with its length.
        check(|| unsafe { sys::tf_array_item_int64(&mut value, self.as_ptr(), index.as_ptr(), index.len()) })?;
        Ok(value)
    }

    /// One element of any real dtype, rounded to nearest even where it must be. Negative indices count from the end.
    pub fn item_f64(&self, index: impl Dims) -> Result<f64> {
        let (index, mut value) = (index.dims()?, 0.0);
        // SAFETY: the handle lives; the pointer comes with its length.
        check(|| unsafe { sys::tf_array_item_double(&mut value, self.as_ptr(), index.as_ptr(), index.len()) })?;
        Ok(value)
    }

    /// The same array when it is C-contiguous, else a copy that is.
    pub fn contiguous(&self) -> Result<Array> {
        // SAFETY: the handle lives.
        make(|out| unsafe { sys::tf_array_contiguous(out, self.as_ptr()) })
    }

    /// A view with the axes in reverse order.
    pub fn transpose(&self) -> Result<Array> {
        // SAFETY: the handle lives; no axes are given.
        make(|out| unsafe { sys::tf_array_transpose(out, self.as_ptr(), ptr::null(), 0) })
    }

    /// A view with the axes in another order, which names each of them once.
    pub fn permute(&self, axes: &[usize]) -> Result<Array> {
        // SAFETY: the handle lives; the pointer, which is not NULL, comes with its length.
        make(|out| unsafe { sys::tf_array_transpose(out, self.as_ptr(), axes.as_ptr(), axes.len()) })
    }

    /// A view of a part, a [`Slice`] for each dimension; those that are not named stay whole. Of a packed or block type a
    /// copy where no view can be.
    pub fn slice(&self, slices: &[Slice]) -> Result<Array> {
        let Slices { start, stop, step } = Slices::new(slices, self.ndim());
        // SAFETY: the handle lives; the pointers come with their length.
        make(|out| unsafe {
            let (start, stop, step, ndim) = (start.as_ptr(), stop.as_ptr(), step.as_ptr(), start.len());
            sys::tf_array_slice(out, self.as_ptr(), start, stop, step, ndim)
        })
    }

    /// A C-contiguous copy with another dtype; the array itself when it has that dtype and is C-contiguous.
    ///
    /// Rounds to nearest even and overflows as NumPy and ml_dtypes do; float to integer truncates and saturates, NaN
    /// gives 0; integers narrow by wrapping; anything to bool is "not equal to zero".
    /// [`Options::cast`](crate::Options::cast) takes options.
    pub fn cast(&self, dtype: Dtype) -> Result<Array> {
        self.cast_with(dtype, ptr::null())
    }

    pub(crate) fn cast_with(&self, dtype: Dtype, options: *const sys::tf_options) -> Result<Array> {
        let mut raw = ptr::null_mut();
        // SAFETY: the handles live.
        let status = enter(|| unsafe { sys::tf_array_cast(&mut raw, self.as_ptr(), dtype.to_raw(), options) });
        made(raw, status, None)
    }
}

/// Equal when dtype, shape and every byte of the elements agree: NaN equals the same NaN, -0.0 is not 0.0.
impl PartialEq for ArrayRef {
    fn eq(&self, other: &ArrayRef) -> bool {
        let mut equal = 0;
        // SAFETY: the handles live.
        check(|| unsafe { sys::tf_array_equal(&mut equal, self.as_ptr(), other.as_ptr()) }).is_ok() && equal != 0
    }
}

impl Eq for ArrayRef {}

/// As for [`ArrayRef`].
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
