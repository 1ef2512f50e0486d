//! Conversion to and from the arrays of the ndarray crate.

use ndarray::{ArrayBase, ArrayView, ArrayViewD, ArrayViewMutD, Axis, Data, Dimension, IxDyn, ShapeBuilder};

use crate::array::Array;
use crate::dtype::Element;
use crate::error::{Error, ErrorKind, Result};

fn wrong(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidArgument, message.to_string())
}

impl Array {
    /// Returns a view of the array for ndarray, without a copy, for any strides. Fails like
    /// [`as_slice`](Array::as_slice), and with [`ErrorKind::InvalidArgument`] if a stride is not a multiple of the item,
    /// which ndarray does not support.
    ///
    /// ```
    /// use tensorfile::Array;
    ///
    /// let a = Array::from_slice([2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// assert_eq!(a.transpose()?.view::<f32>()?[[2, 1]], 6.0);
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "ndarray")))]
    #[allow(clippy::cast_possible_wrap)] // of sizes of items and dimensions
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        self.expect_dtype::<T>()?;
        let sizes = self.shape();
        if self.is_contiguous() {
            return ArrayView::from_shape(sizes, self.as_slice()?).map_err(wrong);
        }
        let strides =
            self.strides().ok_or_else(|| wrong("arrays of packed and block types cannot be viewed by ndarray"))?;
        // A limit of ndarray, which arrays that repeat elements by a stride of 0 can exceed.
        let count = sizes.iter().try_fold(size_of::<T>(), |bytes, &size| bytes.checked_mul(size.max(1)));
        if count.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            return Err(wrong("the array has too many repeated elements for ndarray"));
        }
        // ndarray accepts no negative strides: such axes start at their other end, and are then inverted.
        let item = size_of::<T>() as isize;
        let mut first = self.data();
        let mut steps = Vec::with_capacity(strides.len());
        for (&stride, &size) in strides.iter().zip(sizes) {
            if stride % item != 0 {
                return Err(wrong(format!("a stride of {stride} bytes is not a multiple of the item of {item} bytes")));
            }
            if stride < 0 && size > 1 {
                first = first.wrapping_offset(stride * (size as isize - 1));
            }
            steps.push(if size > 1 { (stride / item).unsigned_abs() } else { 0 });
        }
        if T::DTYPE == crate::Dtype::Bool {
            // Elements must be valid before there is a view of them.
            self.contiguous()?.as_slice::<T>()?;
        }
        if first.align_offset(align_of::<T>()) != 0 {
            return Err(wrong("the memory is not aligned for the type of the elements"));
        }
        // SAFETY: the elements are inside the memory of the array, aligned and valid, and borrowed for as long.
        let mut view = unsafe { ArrayView::from_shape_ptr(IxDyn(sizes).strides(IxDyn(&steps)), first.cast::<T>()) };
        for (axis, &stride) in strides.iter().enumerate() {
            if stride < 0 && sizes[axis] > 1 {
                view.invert_axis(Axis(axis));
            }
        }
        Ok(view)
    }
}

impl Array {
    /// Returns a view for ndarray to change the elements, with the conditions of [`as_slice_mut`](Array::as_slice_mut).
    #[cfg_attr(docsrs, doc(cfg(feature = "ndarray")))]
    pub fn view_mut<T: Element>(&mut self) -> Result<ArrayViewMutD<'_, T>> {
        let sizes = self.shape().to_vec();
        ArrayViewMutD::from_shape(sizes, self.as_slice_mut()?).map_err(wrong)
    }

    /// Creates an array with a copy of an array or view of ndarray.
    #[cfg_attr(docsrs, doc(cfg(feature = "ndarray")))]
    pub fn from_ndarray<T, S, D>(array: &ArrayBase<S, D>) -> Result<Self>
    where
        T: Element,
        S: Data<Elem = T>,
        D: Dimension,
    {
        match array.as_slice() {
            Some(elements) => Array::from_slice(array.shape(), elements),
            None => Array::from_vec(array.shape(), array.iter().copied().collect()),
        }
    }
}

/// Does not copy if the elements are a vector in C order.
impl<T: Element, D: Dimension> TryFrom<ndarray::Array<T, D>> for Array {
    type Error = Error;
    fn try_from(array: ndarray::Array<T, D>) -> Result<Self> {
        if !array.is_standard_layout() {
            return Array::from_ndarray(&array);
        }
        let (shape, count) = (array.shape().to_vec(), array.len());
        let (mut elements, offset) = array.into_raw_vec_and_offset();
        elements.drain(..offset.unwrap_or(0));
        elements.truncate(count);
        Array::from_vec(shape, elements)
    }
}
