//! Slices of arrays, and shapes in the form that the library takes.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// Selects a part of one dimension. Numbers have the same meaning as in Python: negative ones count from the end, and
/// those that are out of range are clamped.
///
/// Ranges of any integer type convert to slices.
///
/// ```
/// use tensorfile::{Array, Slice};
///
/// let a = Array::from_slice([2, 5], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])?;
/// assert_eq!(a.slice((.., 1..3))?.to_vec::<i32>()?, [1, 2, 6, 7]);
/// // a[:, -2::-1] in Python
/// let part = a.slice((.., Slice::from(-2..).step(-1)))?;
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

    /// Selects the indices from `start` to before `stop`, like `start..stop`. For a range with a negative stop and a
    /// start that is not, Clippy warns that it is empty.
    #[must_use]
    pub const fn new(start: i64, stop: i64) -> Self {
        Slice { start: Some(start), stop: Some(stop), step: None }
    }

    /// Returns the same selection with a step, backwards if it is negative.
    #[must_use]
    pub const fn step(self, step: i64) -> Self {
        Slice { step: Some(step), ..self }
    }

    /// Returns how many indices of a dimension are selected. A step of 0, which the library refuses, selects none.
    pub(crate) fn count(self, size: usize) -> usize {
        let size = i128::try_from(size).unwrap_or(i128::MAX);
        let step = i128::from(self.step.unwrap_or(1));
        let (low, high) = if step < 0 { (-1, size - 1) } else { (0, size) };
        let resolve = |bound: i64| {
            let bound = i128::from(bound);
            (if bound < 0 { bound + size } else { bound }).clamp(low, high)
        };
        let (first, last) = if step < 0 { (high, low) } else { (low, high) };
        let (start, stop) = (self.start.map_or(first, resolve), self.stop.map_or(last, resolve));
        let count = match step {
            0 => 0,
            1.. => (stop - start + step - 1) / step,
            _ => (start - stop - step - 1) / -step,
        };
        usize::try_from(count).unwrap_or(0)
    }
}

impl From<RangeFull> for Slice {
    fn from(_: RangeFull) -> Self {
        Slice::ALL
    }
}

/// Returns a bound as the library takes it. What is too large for it is beyond the end of every dimension.
fn bound<T: TryInto<i64>>(number: T) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Returns the bound after an inclusive one. After -1, the last index, follows the end.
fn after<T: TryInto<i64>>(number: T) -> Option<i64> {
    match bound(number) {
        -1 => None,
        last => Some(last.saturating_add(1)),
    }
}

macro_rules! ranges {
    ($($integer:ty),*) => {$(
        impl From<Range<$integer>> for Slice {
            fn from(range: Range<$integer>) -> Self {
                Slice { start: Some(bound(range.start)), stop: Some(bound(range.end)), step: None }
            }
        }

        impl From<RangeFrom<$integer>> for Slice {
            fn from(range: RangeFrom<$integer>) -> Self {
                Slice { start: Some(bound(range.start)), ..Slice::ALL }
            }
        }

        impl From<RangeTo<$integer>> for Slice {
            fn from(range: RangeTo<$integer>) -> Self {
                Slice { stop: Some(bound(range.end)), ..Slice::ALL }
            }
        }

        impl From<RangeInclusive<$integer>> for Slice {
            fn from(range: RangeInclusive<$integer>) -> Self {
                let (start, end) = range.into_inner();
                Slice { start: Some(bound(start)), stop: after(end), step: None }
            }
        }

        impl From<RangeToInclusive<$integer>> for Slice {
            fn from(range: RangeToInclusive<$integer>) -> Self {
                Slice { stop: after(range.end), ..Slice::ALL }
            }
        }
    )*};
}
ranges!(i32, i64, isize, u32, u64, usize);

/// Slices for the dimensions of an array, outermost first: a tuple of up to 6 ranges and [`Slice`]s, one of them, or an
/// array, vector or slice of them. Dimensions without one are complete.
pub trait IntoSlices {
    /// Returns a slice for each dimension.
    fn into_slices(self) -> Vec<Slice>;
}

macro_rules! single {
    ($($kind:ty),*) => {$(
        impl IntoSlices for $kind {
            fn into_slices(self) -> Vec<Slice> {
                vec![self.into()]
            }
        }
    )*};
}
single!(Slice, RangeFull);

macro_rules! single_ranges {
    ($($range:ident),*) => {$(
        impl<T> IntoSlices for $range<T>
        where
            $range<T>: Into<Slice>,
        {
            fn into_slices(self) -> Vec<Slice> {
                vec![self.into()]
            }
        }
    )*};
}
single_ranges!(Range, RangeFrom, RangeTo, RangeInclusive, RangeToInclusive);

macro_rules! tuples {
    ($($($kind:ident)*;)*) => {$(
        impl<$($kind: Into<Slice>),*> IntoSlices for ($($kind,)*) {
            #[allow(non_snake_case)]
            fn into_slices(self) -> Vec<Slice> {
                let ($($kind,)*) = self;
                vec![$($kind.into()),*]
            }
        }
    )*};
}
tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}

impl<S: Into<Slice>, const N: usize> IntoSlices for [S; N] {
    fn into_slices(self) -> Vec<Slice> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: Into<Slice>> IntoSlices for Vec<S> {
    fn into_slices(self) -> Vec<Slice> {
        self.into_iter().map(Into::into).collect()
    }
}

impl IntoSlices for &[Slice] {
    fn into_slices(self) -> Vec<Slice> {
        self.to_vec()
    }
}

impl IntoSlices for &Vec<Slice> {
    fn into_slices(self) -> Vec<Slice> {
        self.clone()
    }
}

impl<const N: usize> IntoSlices for &[Slice; N] {
    fn into_slices(self) -> Vec<Slice> {
        self.to_vec()
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

/// Converts sizes or indices for the library.
pub(crate) fn dims(sizes: &[usize]) -> Result<Vec<i64>> {
    let convert = |&size: &usize| {
        i64::try_from(size).map_err(|_| {
            Error::new(ErrorKind::InvalidArgument, format!("{size} in {sizes:?} is too large for a size or index"))
        })
    };
    sizes.iter().map(convert).collect()
}

/// Fails unless a shape has `count` elements.
pub(crate) fn expect_elements(shape: &[usize], count: usize) -> Result<()> {
    let needed = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    if needed == Some(count) {
        return Ok(());
    }
    let needed = needed.map_or_else(|| "too many".to_string(), |needed| needed.to_string());
    let plural = if needed == "1" { "element" } else { "elements" };
    let message = format!("shape {shape:?} needs {needed} {plural}, got {count}");
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

/// Returns the sizes of an array as `usize`, which has the same layout on targets of 64 bits.
///
/// # Safety
/// `sizes` has `ndim` numbers that are not negative and valid for 'a, or is NULL.
#[cfg(target_pointer_width = "64")]
pub(crate) unsafe fn sizes<'a>(sizes: *const i64, ndim: usize) -> &'a [usize] {
    // SAFETY: guaranteed by the caller; numbers that are not negative are the same in both types.
    if sizes.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(sizes.cast(), ndim) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_slices() {
        let lists = Slices::new(&(1..3, .., Slice::from(..-1).step(2)).into_slices(), 4);
        let omitted = i64::MIN;
        assert_eq!(lists.start, [1, omitted, omitted, omitted]);
        assert_eq!(lists.stop, [3, omitted, -1, omitted]);
        assert_eq!(lists.step, [omitted, omitted, 2, omitted]);
        assert_eq!(Slice::from(2..=4usize), Slice::from(2..5));
        assert_eq!(Slice::from(..=-1i64), Slice::ALL);
        assert_eq!(Slice::from(..usize::MAX).stop, Some(i64::MAX));
        let (one, two) = (0..2usize, [1..2usize, 0..1]);
        assert_eq!(one.into_slices(), [Slice::from(0..2)]);
        assert_eq!(two.into_slices(), [Slice::from(1..2), Slice::from(0..1)]);
    }

    #[test]
    fn counts_are_pythons() {
        // len(range(7)[start:stop:step]) in Python.
        let count = |start, stop, step| Slice { start, stop, step }.count(7);
        assert_eq!(count(None, None, None), 7);
        assert_eq!(count(Some(1), Some(3), None), 2);
        assert_eq!(count(Some(-2), None, None), 2);
        assert_eq!(count(Some(5), Some(2), None), 0);
        assert_eq!(count(None, None, Some(3)), 3);
        assert_eq!(count(None, None, Some(-3)), 3);
        assert_eq!(count(Some(100), Some(-100), Some(-1)), 7);
        assert_eq!(count(Some(5), Some(1), Some(-2)), 2);
        assert_eq!(count(Some(1), Some(5), Some(-1)), 0);
        assert_eq!(count(None, Some(i64::MAX), Some(i64::MAX)), 1);
        assert_eq!(count(None, None, Some(i64::MIN)), 1);
        assert_eq!(count(None, None, Some(0)), 0);
        assert_eq!(Slice::ALL.count(0), 0);
        assert_eq!(Slice::ALL.step(-1).count(0), 0);
    }

    #[test]
    fn shapes_name_the_elements_that_they_need() {
        let message = |shape: &[usize], count| expect_elements(shape, count).unwrap_err().message().to_owned();
        assert_eq!(message(&[2, 3], 5), "shape [2, 3] needs 6 elements, got 5");
        assert_eq!(message(&[], 0), "shape [] needs 1 element, got 0");
        assert_eq!(message(&[usize::MAX, 2], 5), format!("shape [{}, 2] needs too many elements, got 5", usize::MAX));
        assert!(expect_elements(&[0, 3], 0).is_ok());
        assert_eq!(dims(&[2, 3]).unwrap(), [2, 3]);
        assert_eq!(dims(&[usize::MAX]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
