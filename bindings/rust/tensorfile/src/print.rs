//! Prints arrays.

use std::fmt;

use crate::array::Array;
use crate::dtype::Dtype;
use crate::error::Result;

/// The most elements that are all printed.
const ALL: usize = 64;
/// How many of the first and last elements of a larger array are printed.
const SOME: usize = 3;

/// Prints the dtype, the shape and the elements: all of a small array, and otherwise the first and last in C order.
/// Those of block types are not printed.
impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.dtype(), self.shape())?;
        if self.dtype().bits() == 0 {
            return Ok(());
        }
        f.write_str(" ")?;
        if self.len() <= ALL {
            return nested(self, f, &mut Vec::with_capacity(self.ndim()));
        }
        f.write_str("[")?;
        for index in 0..SOME {
            element(self, f, &unravel(index, self.shape()))?;
            f.write_str(", ")?;
        }
        f.write_str("...")?;
        for index in self.len() - SOME..self.len() {
            f.write_str(", ")?;
            element(self, f, &unravel(index, self.shape()))?;
        }
        f.write_str("]")
    }
}

/// See `Debug`.
impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Returns the index of the element that is the `number`th in C order.
fn unravel(mut number: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = Vec::with_capacity(shape.len());
    for &size in shape.iter().rev() {
        index.push(number % size);
        number /= size;
    }
    index.reverse();
    index
}

/// Prints the elements whose first indices are given, with brackets around each dimension.
fn nested(array: &Array, f: &mut fmt::Formatter<'_>, index: &mut Vec<usize>) -> fmt::Result {
    let Some(&size) = array.shape().get(index.len()) else {
        return element(array, f, index);
    };
    f.write_str("[")?;
    // Of an empty array only the first level is printed, however large its other dimensions are.
    for position in 0..if array.is_empty() { 0 } else { size } {
        if position > 0 {
            f.write_str(", ")?;
        }
        index.push(position);
        nested(array, f, index)?;
        index.pop();
    }
    f.write_str("]")
}

fn element(array: &Array, f: &mut fmt::Formatter<'_>, index: &[usize]) -> fmt::Result {
    match text(array, index) {
        Ok(text) => f.write_str(&text),
        Err(_) => f.write_str("?"),
    }
}

#[allow(clippy::cast_possible_truncation)] // of floats that have at most the precision of an f32
fn text(array: &Array, index: &[usize]) -> Result<String> {
    let complex = |real: &dyn fmt::Debug, imaginary: &dyn fmt::Debug| {
        let imaginary = format!("{imaginary:?}");
        let sign = if imaginary.starts_with('-') { "" } else { "+" };
        format!("{real:?}{sign}{imaginary}i")
    };
    Ok(match array.dtype() {
        Dtype::Bool => (array.item_as_i64(index)? != 0).to_string(),
        Dtype::UInt64 => array.item::<u64>(index)?.to_string(),
        Dtype::Int8 | Dtype::Int16 | Dtype::Int32 | Dtype::Int64 | Dtype::UInt8 | Dtype::UInt16 | Dtype::UInt32 => {
            array.item_as_i64(index)?.to_string()
        }
        Dtype::Complex64 => {
            let [real, imaginary] = array.item::<[f32; 2]>(index)?;
            complex(&real, &imaginary)
        }
        Dtype::Complex128 => {
            let [real, imaginary] = array.item::<[f64; 2]>(index)?;
            complex(&real, &imaginary)
        }
        Dtype::Float64 => format!("{:?}", array.item_as_f64(index)?),
        _ => format!("{:?}", array.item_as_f64(index)? as f32),
    })
}
