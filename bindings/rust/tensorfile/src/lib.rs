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
//! | [`load`], [`load_array`], [`load_weights`] | a whole file: arrays by name, the array of a .npy, a tree |
//! | [`File`] | a file whose arrays, or parts of them, are read one by one |
//! | [`save`], [`savez`], [`savez_compressed`], [`save_safetensors`], [`save_gguf`], [`save_weights`] | what is saved |
//! | [`Writer`] | a file written array by array, piece by piece |
//! | [`Options`] | the same calls with settings; from and to memory, readers and writers |
//! | [`Array`], [`Dict`] | n-dimensional arrays; values by name |
//! | [`Error`] | an enum that carries status, message, byte offset and the array's name |
//!
//! # Safety
//!
//! What is loaded has memory of its own. Mapping a file instead is `unsafe`, since another process could change it:
//! [`File::open_mapped`], [`Options::map`]. Clones and views of an array share its memory; whoever changes one gets a copy
//! first. Panics in callbacks go on in the caller.
//!
//! # Features
//!
//! - `ndarray`: views as ndarray's ([`ArrayRef::view`], [`Array::view_mut`]), and arrays from its.
//! - `half`: `half::f16` and `half::bf16` are elements.
//! - `static`: zlib is built from source, too.
//!
//! Building needs a C++20 compiler, and nothing that is installed; see `tensorfile-sys` to link an installed library.
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
pub use options::{Contents, Decode, Executor, Loaded, Options};
pub use shape::{Dims, Slice};
pub use tensorfile_sys as sys;
pub use writer::Writer;

/// The version of the library that runs: `"0.1.0"`.
pub fn version() -> &'static str {
    // SAFETY: takes nothing, and gives static text.
    unsafe { error::static_text(sys::tf_version_string()) }
}

/// The same as a number: major * 10000 + minor * 100 + patch.
pub fn version_number() -> u32 {
    // SAFETY: takes nothing.
    unsafe { sys::tf_version_number() }
}

/// Loads a whole file. The format is what the extension names, else what the content shows.
///
/// Fails with [`Error::NotFound`] and [`Error::Io`], with [`Error::Corrupt`], [`Error::Truncated`],
/// [`Error::Duplicate`], [`Error::Format`] when the file is bad, with [`Error::Unsupported`] when it has what is not
/// handled, and with [`Error::Limit`].
pub fn load(path: impl AsRef<Path>) -> Result<Loaded> {
    Options::new().load(path)
}

/// Loads the array of a .npy. Fails with [`Error::Type`] for a file of another format.
pub fn load_array(path: impl AsRef<Path>) -> Result<Array> {
    Options::new().load_array(path)
}

/// Loads a .npz, .safetensors or .gguf as a tree of dicts: names split at '.'.
///
/// [`Options::load_weights`] compares it with what is expected.
pub fn load_weights(path: impl AsRef<Path>) -> Result<Dict> {
    Options::new().load_weights(path, None)
}

/// Saves one array as .npy, byte for byte as NumPy does. The extension is added when the path lacks it, here and below.
///
/// A file is written beside the target and renamed over it: a reader sees the old file or the new one, whole.
pub fn save(path: impl AsRef<Path>, array: &ArrayRef) -> Result<()> {
    Options::new().save(path, array)
}

/// Saves arrays as an .npz of stored members.
pub fn savez(path: impl AsRef<Path>, arrays: &DictRef) -> Result<()> {
    Options::new().savez(path, arrays)
}

/// Saves arrays as an .npz of deflated members.
pub fn savez_compressed(path: impl AsRef<Path>, arrays: &DictRef) -> Result<()> {
    Options::new().savez_compressed(path, arrays)
}

/// Saves arrays as .safetensors, with strings as metadata.
pub fn save_safetensors(path: impl AsRef<Path>, arrays: &DictRef, metadata: Option<&DictRef>) -> Result<()> {
    Options::new().save_safetensors(path, arrays, metadata)
}

/// Saves arrays as .gguf, version 3, with 0-d and 1-d arrays, strings, lists of strings, and dicts named 0, 1, ... for
/// nested arrays as metadata. No key is added unasked: `general.architecture` is the caller's to give.
///
/// The format holds int8 to int64, float16, bfloat16, float32, float64 and the block types, in at most 4 dimensions,
/// under names of 1 to 63 bytes.
pub fn save_gguf(path: impl AsRef<Path>, arrays: &DictRef, metadata: Option<&DictRef>) -> Result<()> {
    Options::new().save_gguf(path, arrays, metadata)
}

/// Saves a tree of arrays, flattened, in the format that the path's extension names: .npz, .safetensors or .gguf.
pub fn save_weights(path: impl AsRef<Path>, tree: &DictRef) -> Result<()> {
    Options::new().save_weights(path, tree)
}

/// What must not compile.
///
/// Elements do not outlive their array:
/// ```compile_fail,E0505
/// let array = tensorfile::Array::scalar(1.0f32).unwrap();
/// let elements = array.as_slice::<f32>().unwrap();
/// drop(array);
/// println!("{elements:?}");
/// ```
/// An array is not changed while it is borrowed:
/// ```compile_fail,E0502
/// let mut array = tensorfile::Array::scalar(1.0f32).unwrap();
/// let elements = array.as_slice::<f32>().unwrap();
/// array.as_slice_mut::<f32>().unwrap()[0] = 2.0;
/// println!("{elements:?}");
/// ```
/// A dict is not changed while something in it is borrowed:
/// ```compile_fail,E0502
/// let mut dict = tensorfile::Dict::new().unwrap();
/// let array = dict.get("a").unwrap();
/// dict.remove("a").unwrap();
/// println!("{array:?}");
/// ```
/// A file's metadata are not changed, and do not outlive it:
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
