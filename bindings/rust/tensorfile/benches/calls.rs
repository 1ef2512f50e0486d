//! The cost of calls: a getter, a view without a copy, and plain Rust for comparison.
//!
//!     cargo bench --bench calls

use std::hint::black_box;
use std::time::Instant;

use tensorfile::{Array, Arrays};

/// Prints the nanoseconds that one call takes: the minimum of several rounds.
fn measure<T>(what: &str, mut call: impl FnMut() -> T) {
    const CALLS: u32 = 200_000;
    let mut best = f64::INFINITY;
    for _ in 0..15 {
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(call());
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
    }
    println!("{what:<44} {best:8.1} ns");
}

fn main() -> tensorfile::Result<()> {
    let array = Array::from_vec([1000, 1000], vec![1.0f32; 1_000_000])?;
    let mut arrays = Arrays::new();
    for layer in 0..1000 {
        arrays.insert(format!("layers.{layer}.weight"), &array);
    }
    let array = black_box(&array);
    measure("getter: ndim", || array.ndim());
    measure("getter: dtype", || array.dtype());
    measure("getter: shape", || array.shape()[0]);
    measure("view without a copy: as_slice::<f32>", || array.as_slice::<f32>().map(<[f32]>::len));
    measure("by name among 1000 arrays: get", || arrays.get("layers.500.weight").map(tensorfile::Array::ndim));
    measure("clone and drop", || array.clone());
    measure("a new view: slice", || array.slice(1..2));
    Ok(())
}
