//! Saves and loads named n-dimensional arrays: .npy, .npz, .safetensors and .gguf.
//!
//! ```
//! # let model = std::env::temp_dir().join("tensorfile-doc-model.safetensors");
//! # let mut arrays = tensorfile::Dict::new()?;
//! # arrays.insert("layers.0.weight", vec![1.0f32, 2.0])?;
//! # tensorfile::save_safetensors(&model, &arrays, None)?;
//! let sum: f32 = tensorfile::load(&model)?["layers.0.weight"].as_slice::<f32>()?.iter().sum();
//! # assert_eq!(sum, 3.0);
//! # Ok::<(), tensorfile::Error>(())
//! ```
//!
//! | | |
//! | --- | --- |
//! | [`load`], [`load_array`], [`load_weights`] | load a whole file: arrays by name, the array of a .npy file, a tree |
//! | [`File`] | read arrays or parts of them one by one |
//! | [`save`], [`savez`], [`savez_compressed`], [`save_safetensors`], [`save_gguf`], [`save_weights`] | save a file |
//! | [`Writer`] | write a file array by array, in pieces |
//! | [`Options`] | the same calls with settings; memory, readers and writers instead of paths |
//! | [`Array`], [`Dict`] | n-dimensional arrays; maps from names to values |
//! | [`Error`] | an enum with status, message, byte offset and the name of the array |
//!
//! # Safety
//!
//! Loaded arrays have their own memory. Mapping a file instead is `unsafe`, since another process could change it:
//! [`File::open_mapped`], [`Options::map`]. Clones and views of an array share its memory, which is copied when one of
//! them is changed. Panics in callbacks propagate to the caller.
//!
//! # Features
//!
//! - `ndarray`: conversion to views of ndarray ([`ArrayRef::view`], [`Array::view_mut`]), and from its arrays.
//! - `half`: `half::f16` and `half::bf16` as elements.
//! - `zlib`: links zlib, for [`Options::zlib`].
//! - `static`: builds zlib, if it is used, from source.
//!
//! Building needs a C++20 compiler and no installed library. `tensorfile-sys` explains how to use an installed one.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod array;
mod call;
mod dict;
mod dtype;
mod error;
mod file;
mod io;
#[cfg(feature = "ndarray")]
mod nd;
mod options;
mod shape;
mod writer;

use std::path::Path;

pub use array::{Array, ArrayRef};
pub use dict::{Comparison, Dict, DictRef, IntoValue, Iter, StringList, Strings, Value};
pub use dtype::{Dtype, Element, Format};
pub use error::{Details, Error, Result, Status};
pub use file::{Entry, File, Location};
pub use io::{Buffer, ReadAt, Source};
pub use options::{CheckReport, Contents, Decode, Executor, Loaded, Options};
pub use shape::{Dims, Slice};
pub use tensorfile_sys as sys;
pub use writer::Writer;

/// Returns the version of the library that is in use, such as `"0.1.0"`.
pub fn version() -> &'static str {
    // SAFETY: the function has no preconditions and returns a static text.
    unsafe { error::static_text(sys::tf_version_string()) }
}

/// Returns the version as a number: major * 10000 + minor * 100 + patch.
pub fn version_number() -> u32 {
    // SAFETY: the function has no preconditions.
    unsafe { sys::tf_version_number() }
}

/// Loads a whole file. The format is that of the extension, or else that of the content.
///
/// Fails with [`Error::NotFound`] or [`Error::Io`] if the file cannot be read, with [`Error::Corrupt`],
/// [`Error::Truncated`], [`Error::Duplicate`] or [`Error::Format`] if it is invalid, with [`Error::Unsupported`] if it
/// is valid but not supported, and with [`Error::Limit`] if it exceeds a limit.
pub fn load(path: impl AsRef<Path>) -> Result<Loaded> {
    Options::new().load(path)
}

/// Loads the array of a .npy file. Fails with [`Error::Type`] if the file has another format.
pub fn load_array(path: impl AsRef<Path>) -> Result<Array> {
    Options::new().load_array(path)
}

/// Loads a .npz, .safetensors or .gguf file as a tree of dicts, splitting names at '.'.
///
/// [`Options::load_weights`] compares it with expected names and shapes.
pub fn load_weights(path: impl AsRef<Path>) -> Result<Dict> {
    Options::new().load_weights(path, None)
}

/// Checks a file: reads every byte that can be checked, and reports every fault.
pub fn check(path: impl AsRef<Path>) -> Result<CheckReport> {
    Options::new().check(path)
}

/// Saves one array as .npy, byte for byte like NumPy. All functions that save append the extension of the format if the
/// path does not have it.
///
/// The file is written next to the target and then renamed, so that readers see either the old or the new file.
pub fn save(path: impl AsRef<Path>, array: &ArrayRef) -> Result<()> {
    Options::new().save(path, array)
}

/// Saves arrays as .npz without compression.
pub fn savez(path: impl AsRef<Path>, arrays: &DictRef) -> Result<()> {
    Options::new().savez(path, arrays)
}

/// Saves arrays as .npz with compression.
pub fn savez_compressed(path: impl AsRef<Path>, arrays: &DictRef) -> Result<()> {
    Options::new().savez_compressed(path, arrays)
}

/// Saves arrays as .safetensors, with strings as metadata.
pub fn save_safetensors(path: impl AsRef<Path>, arrays: &DictRef, metadata: Option<&DictRef>) -> Result<()> {
    Options::new().save_safetensors(path, arrays, metadata)
}

/// Saves arrays as .gguf, version 3. The metadata may contain 0-d and 1-d arrays, strings, lists of strings, and for
/// nested arrays dicts with the keys 0, 1, and so on. No key is added: set `general.architecture` if a reader needs it.
///
/// The format supports int8 to int64, float16, bfloat16, float32, float64 and the block types, at most 4 dimensions,
/// and names of 1 to 63 bytes.
pub fn save_gguf(path: impl AsRef<Path>, arrays: &DictRef, metadata: Option<&DictRef>) -> Result<()> {
    Options::new().save_gguf(path, arrays, metadata)
}

/// Saves a tree of arrays under flattened names, in the format of the path's extension: .npz, .safetensors or .gguf.
pub fn save_weights(path: impl AsRef<Path>, tree: &DictRef) -> Result<()> {
    Options::new().save_weights(path, tree)
}

/// Code that must not compile.
///
/// Elements cannot outlive their array:
/// ```compile_fail,E0505
/// let array = tensorfile::Array::scalar(1.0f32).unwrap();
/// let elements = array.as_slice::<f32>().unwrap();
/// drop(array);
/// println!("{elements:?}");
/// ```
/// An array cannot be changed while it is borrowed:
/// ```compile_fail,E0502
/// let mut array = tensorfile::Array::scalar(1.0f32).unwrap();
/// let elements = array.as_slice::<f32>().unwrap();
/// array.as_slice_mut::<f32>().unwrap()[0] = 2.0;
/// println!("{elements:?}");
/// ```
/// A dict cannot be changed while one of its values is borrowed:
/// ```compile_fail,E0502
/// let mut dict = tensorfile::Dict::new().unwrap();
/// let array = dict.get("a").unwrap();
/// dict.remove("a").unwrap();
/// println!("{array:?}");
/// ```
/// The metadata of a file cannot be changed:
/// ```compile_fail,E0596
/// let file = tensorfile::File::open("a.gguf").unwrap();
/// file.metadata().unwrap().insert("a", 1).unwrap();
/// ```
/// Mapping is unsafe:
/// ```compile_fail,E0133
/// tensorfile::Options::new().map(true);
/// ```
/// Owners and callbacks may be used by other threads:
/// ```compile_fail,E0277
/// let numbers: std::rc::Rc<[f32]> = std::rc::Rc::new([1.0]);
/// tensorfile::Array::from_owner::<f32, _>([1], numbers).unwrap();
/// ```
#[cfg(doctest)]
pub struct MustNotCompile;
