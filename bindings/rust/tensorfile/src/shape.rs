//! Shapes, indices, axes and slices.

use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

use crate::error::{Error, Result, Status};
use crate::sys;

/// Sizes or indices, one for each dimension: an array, slice or vector of any integer type, or `()` for a scalar.
pub trait Dims {
    #[doc(hidden)]
    fn dims(&self) -> Result<Vec<i64>>;
}

impl<T: Copy + TryInto<i64>> Dims for [T] {
    fn dims(&self) -> Result<Vec<i64>> {
        let too_large = |_| Error::new(Status::InvalidArgument, "a size or index does not fit in 64 bits");
        self.iter().map(|&number| number.try_into().map_err(too_large)).collect()
    }
}

impl<T: Copy + TryInto<i64>, const N: usize> Dims for [T; N] {
    fn dims(&self) -> Result<Vec<i64>> {
        self.as_slice().dims()
    }
}

impl<T: Copy + TryInto<i64>> Dims for Vec<T> {
    fn dims(&self) -> Result<Vec<i64>> {
        self.as_slice().dims()
    }
}

impl Dims for () {
    fn dims(&self) -> Result<Vec<i64>> {
        Ok(Vec::new())
    }
}

impl<D: Dims + ?Sized> Dims for &D {
    fn dims(&self) -> Result<Vec<i64>> {
        (**self).dims()
    }
}

/// Selects a part of one dimension. Negative and out-of-range numbers have the same meaning as in Python.
///
/// ```
/// use tensorfile::{Array, Slice};
///
/// let a = Array::from_slice([2, 5], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])?;
/// // a[:, -2::-1] in Python
/// let part = a.slice(&[Slice::from(..), Slice::from(-2..).step(-1)])?;
/// assert_eq!(part.to_vec::<i32>()?, [3, 2, 1, 0, 8, 7, 6, 5]);
/// # Ok::<(), tensorfile::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first index. By default the start, or the end if the step is negative.
    pub start: Option<i64>,
    /// The index before which the part ends.
    pub stop: Option<i64>,
    /// The distance from one index to the next. The default is 1.
    pub step: Option<i64>,
}

impl Slice {
    /// Selects the whole dimension.
    pub const ALL: Slice = Slice { start: None, stop: None, step: None };

    /// Selects the indices from `start` to before `stop`. If neither is negative, a range means the same.
    pub const fn new(start: i64, stop: i64) -> Self {
        Slice { start: Some(start), stop: Some(stop), step: None }
    }

    /// Returns the same selection with a step, backwards if it is negative.
    pub fn step(self, step: i64) -> Self {
        Slice { step: Some(step), ..self }
    }
}

impl From<RangeFull> for Slice {
    fn from(_: RangeFull) -> Self {
        Slice::ALL
    }
}

impl From<Range<i64>> for Slice {
    fn from(range: Range<i64>) -> Self {
        Slice { start: Some(range.start), stop: Some(range.end), step: None }
    }
}

impl From<RangeFrom<i64>> for Slice {
    fn from(range: RangeFrom<i64>) -> Self {
        Slice { start: Some(range.start), ..Slice::ALL }
    }
}

impl From<RangeTo<i64>> for Slice {
    fn from(range: RangeTo<i64>) -> Self {
        Slice { stop: Some(range.end), ..Slice::ALL }
    }
}

/// Slices in the form that the library takes: three lists of numbers.
pub(crate) struct Slices {
    pub start: Vec<i64>,
    pub stop: Vec<i64>,
    pub step: Vec<i64>,
}

impl Slices {
    /// Converts slices. If there are fewer than `ndim`, the other dimensions are complete.
    pub fn new(slices: &[Slice], ndim: usize) -> Self {
        let list = |part: fn(&Slice) -> Option<i64>| {
            let mut list: Vec<i64> =
                slices.iter().map(|slice| part(slice).unwrap_or(sys::TENSORFILE_SLICE_OMITTED)).collect();
            list.resize(slices.len().max(ndim), sys::TENSORFILE_SLICE_OMITTED);
            list
        };
        Slices { start: list(|slice| slice.start), stop: list(|slice| slice.stop), step: list(|slice| slice.step) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_integers_are_sizes() {
        assert_eq!([2, 3].dims().unwrap(), [2, 3]);
        assert_eq!([2usize, 3].dims().unwrap(), [2, 3]);
        assert_eq!(vec![7u8].dims().unwrap(), [7]);
        assert_eq!(([1i64, -1].as_slice()).dims().unwrap(), [1, -1]);
        assert_eq!(().dims().unwrap(), [0i64; 0]);
        assert_eq!([u64::MAX].dims().unwrap_err().status(), Status::InvalidArgument);
    }

    #[test]
    fn ranges_are_slices() {
        let lists = Slices::new(&[(1..3).into(), (..).into(), Slice::from(..-1).step(2)], 4);
        let omitted = i64::MIN;
        assert_eq!(lists.start, [1, omitted, omitted, omitted]);
        assert_eq!(lists.stop, [3, omitted, -1, omitted]);
        assert_eq!(lists.step, [omitted, omitted, 2, omitted]);
    }
}
