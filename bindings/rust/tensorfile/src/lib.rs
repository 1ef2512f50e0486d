//! Saves and loads named n-dimensional arrays: .npy, .npz, .safetensors and .gguf.
//!
//! ```
//! # let model = std::env::temp_dir().join("tensorfile-doc-model.safetensors");
//! use tensorfile::{Array, Arrays};
//!
//! let weight = Array::from_slice([2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
//! tensorfile::save(&model, &Arrays::from([("layers.0.weight", weight)]))?;
//!
//! let sum: f32 = tensorfile::load(&model)?["layers.0.weight"].as_slice::<f32>()?.iter().sum();
//! # assert_eq!(sum, 21.0);
//! # Ok::<(), tensorfile::Error>(())
//! ```
//!
//! | | |
//! | --- | --- |
//! | [`load`], [`load_bytes`], [`load_array`], [`load_weights`] | load a whole file: arrays by name, the array of a .npy file, a tree |
//! | [`view`] | use the arrays of a file in borrowed bytes without copying them |
//! | [`File`], [`ReadPlan`] | read arrays or parts of them, one by one or in one go |
//! | [`save`], [`to_bytes`], [`save_weights`] | save a file in any format |
//! | [`save_npy`], [`save_npz`], [`save_npz_compressed`], [`save_safetensors`], [`save_gguf`] | save a file in one format |
//! | [`Writer`], [`PartPlan`] | write a file array by array, in pieces; write the parts of a set separately |
//! | [`Source`], [`Sink`] | where files are read from and written to: memory, networks, all-or-nothing uploads |
//! | [`Options`] | the same calls with settings; sources, writers and sinks instead of paths |
//! | [`Array`], [`Arrays`] | n-dimensional arrays; arrays by name |
//! | [`Dict`], [`Value`] | metadata and trees: numbers, strings, lists of strings, arrays, dicts |
//! | [`Error`] | what failed: its kind, a message, the byte offset, the name of the array, and the cause |
//!
//! # Conversions
//!
//! Nothing is converted silently. A typed read fails with [`ErrorKind::Type`] unless its type is that of the elements;
//! methods that convert say so in their names: [`Array::cast`], [`Array::to_vec_as`], [`Entry::read_as`].
//!
//! # Safety
//!
//! Loaded arrays have their own memory. Mapping a file instead is `unsafe`, since another process could change it:
//! [`File::open_mapped`], [`Options::map`]. Clones and views of an array share its memory, which is copied when one of
//! them is changed. Panics in callbacks propagate to the caller.
//!
//! Like other collections, arrays and maps panic if there is no memory for a clone or for a conversion with `From`;
//! everything else returns [`ErrorKind::OutOfMemory`].
//!
//! # Features
//!
//! - `ndarray`: conversion to views of ndarray (`Array::view`, `Array::view_mut`), and from its arrays.
//! - `half`: `half::f16` and `half::bf16` as elements.
//! - `zlib`: links zlib, for [`Options::zlib`].
//! - `static`: builds zlib, if it is used, from source.
//!
//! Building needs Rust 1.85 or later, a C++20 compiler, and no installed library. `tensorfile-sys` explains how to use
//! an installed one.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod array;
mod call;
mod dtype;
mod error;
mod file;
mod io;
mod load;
mod map;
#[cfg(feature = "ndarray")]
mod nd;
mod options;
mod parts;
mod plan;
mod preset;
mod print;
mod raw;
mod save;
mod shape;
mod sink;
mod value;
mod view;
mod writer;

use std::path::Path;

pub use array::Array;
pub use dtype::{Abilities, Dtype, DtypeKind, Element, Format, Metadata};
pub use error::{Error, ErrorKind, Result};
pub use file::{Entries, Entry, File, Location, Part};
pub use io::{Buffer, Hints, ReadAt, Source};
pub use load::{CheckReport, Loaded};
pub use map::{Arrays, Comparison, Dict, IntoIter, Iter, IterMut, Map};
pub use options::{Decode, Executor, Options};
pub use parts::{PartPlan, PartPlanBuilder, PlannedPart};
pub use plan::ReadPlan;
pub use preset::{Preset, QuantPlan};
pub use save::{Contents, Finding};
pub use shape::{IntoSlices, Slice};
pub use sink::{Commit, Sink};
pub use tensorfile_sys as sys;
pub use value::Value;
pub use view::{ArrayView, View};
pub use writer::Writer;

/// Returns the version of the library that is in use, such as `"0.9.0"`.
#[must_use]
pub fn version() -> &'static str {
    // SAFETY: the function has no preconditions and returns a static text.
    unsafe { error::static_text(sys::tf_version_string()) }
}

/// Returns the version as a number: major * 10000 + minor * 100 + patch.
#[must_use]
pub fn version_number() -> u32 {
    // SAFETY: the function has no preconditions.
    unsafe { sys::tf_version_number() }
}

/// Loads a whole file. The format is that of the extension, or else that of the content.
///
/// Fails with [`ErrorKind::NotFound`] or [`ErrorKind::Io`] if the file cannot be read, with [`ErrorKind::Corrupt`],
/// [`ErrorKind::Truncated`], [`ErrorKind::Duplicate`] or [`ErrorKind::Format`] if it is invalid, with
/// [`ErrorKind::Unsupported`] if it is valid but not supported, and with [`ErrorKind::Limit`] if it exceeds a limit.
pub fn load(path: impl AsRef<Path>) -> Result<Loaded> {
    Options::new().load(path)
}

/// Loads a whole file from memory. The format is that of the content.
pub fn load_bytes(bytes: &[u8]) -> Result<Loaded> {
    Options::new().load_bytes(bytes)
}

/// Loads the array of a .npy file. Fails with [`ErrorKind::Type`] if the file has another format.
pub fn load_array(path: impl AsRef<Path>) -> Result<Array> {
    Options::new().load_array(path)
}

/// Loads a .npz, .safetensors or .gguf file as a tree of dicts, splitting names at '.'.
///
/// [`Options::load_weights_like`] compares it with expected names and shapes.
pub fn load_weights(path: impl AsRef<Path>) -> Result<Dict> {
    Options::new().load_weights(path)
}

/// Loads a file from borrowed bytes, such as those of a mapped file or `include_bytes!`, without copying its arrays.
///
/// The arrays borrow the bytes. Those that cannot be used in place are copied: compressed data, another byte order, and
/// data that are not aligned for their type.
///
/// ```
/// # let bytes = tensorfile::to_bytes(tensorfile::Format::Safetensors, &tensorfile::Arrays::from([("w", [1.5f32])]))?;
/// let view = tensorfile::view(&bytes)?;
/// assert_eq!(view["w"].as_slice::<f32>()?, [1.5]);
/// assert!(view["w"].is_borrowed());
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub fn view(bytes: &[u8]) -> Result<View<'_>> {
    Options::new().view(bytes)
}

/// Checks a file: reads every byte that can be checked, and reports every fault.
pub fn check(path: impl AsRef<Path>) -> Result<CheckReport> {
    Options::new().check(path)
}

/// Saves contents in the format of the path's extension: an array, arrays by name, or arrays and metadata.
///
/// ```
/// # let folder = std::env::temp_dir();
/// use tensorfile::{Array, Arrays, Dict};
///
/// let arrays = Arrays::from([("w", [1.5f32, 2.5])]);
/// let metadata = Dict::from([("general.architecture", "example")]);
/// # let path = folder.join("tensorfile-doc-save.npy");
/// tensorfile::save(&path, &Array::from([1, 2, 3]))?;
/// # let path = folder.join("tensorfile-doc-save.npz");
/// tensorfile::save(&path, &arrays)?;
/// # let path = folder.join("tensorfile-doc-save.gguf");
/// tensorfile::save(&path, (&arrays, &metadata))?;
/// # Ok::<(), tensorfile::Error>(())
/// ```
///
/// The file is written next to the target and then renamed, so that readers see either the old or the new file.
pub fn save<'a>(path: impl AsRef<Path>, contents: impl Into<Contents<'a>>) -> Result<()> {
    Options::new().save(path, contents)
}

/// Saves contents to memory, in any format: an array, arrays by name, or arrays and metadata.
pub fn to_bytes<'a>(format: Format, contents: impl Into<Contents<'a>>) -> Result<Buffer> {
    Options::new().to_bytes(format, contents)
}

/// Saves one array as .npy, byte for byte like `NumPy`. All functions that save in one format append its extension if
/// the path does not have it.
pub fn save_npy(path: impl AsRef<Path>, array: &Array) -> Result<()> {
    Options::new().save_npy(path, array)
}

/// Saves arrays as .npz without compression.
pub fn save_npz(path: impl AsRef<Path>, arrays: &Arrays) -> Result<()> {
    Options::new().save_npz(path, arrays)
}

/// Saves arrays as .npz with compression.
pub fn save_npz_compressed(path: impl AsRef<Path>, arrays: &Arrays) -> Result<()> {
    Options::new().save_npz_compressed(path, arrays)
}

/// Saves arrays as .safetensors, with strings as metadata.
pub fn save_safetensors(path: impl AsRef<Path>, arrays: &Arrays, metadata: Option<&Dict>) -> Result<()> {
    Options::new().save_safetensors(path, arrays, metadata)
}

/// Saves arrays as .gguf, version 3. The metadata may contain numbers, strings, lists of strings, arrays of one
/// dimension, and for nested arrays dicts with the keys 0, 1, and so on. No key is added: set `general.architecture` if
/// a reader needs it.
///
/// The format supports int8 to int64, float16, bfloat16, float32, float64 and the block types, at most 4 dimensions,
/// and names of 1 to 63 bytes.
pub fn save_gguf(path: impl AsRef<Path>, arrays: &Arrays, metadata: Option<&Dict>) -> Result<()> {
    Options::new().save_gguf(path, arrays, metadata)
}

/// Saves a tree of arrays under flattened names, in the format of the path's extension: .npz, .safetensors or .gguf.
pub fn save_weights(path: impl AsRef<Path>, tree: &Dict) -> Result<()> {
    Options::new().save_weights(path, tree)
}

/// Replaces the metadata of a .npz, .safetensors or .gguf without reading its arrays, so that it costs little for a file
/// of any size. An empty dict removes them.
///
/// ```
/// # let path = std::env::temp_dir().join("tensorfile-doc-metadata.safetensors");
/// use tensorfile::{Arrays, File};
///
/// tensorfile::save(&path, &Arrays::from([("w", [1.5f32, 2.5])]))?;
/// let mut metadata = File::open(&path)?.metadata().clone();
/// metadata.insert("format", "pt");
/// tensorfile::save_metadata(&path, &metadata)?;
/// # Ok::<(), tensorfile::Error>(())
/// ```
///
/// The file is replaced by a copy with the new header when that is complete.
pub fn save_metadata(path: impl AsRef<Path>, metadata: &Dict) -> Result<()> {
    Options::new().save_metadata(path, metadata)
}

/// Code that must not compile.
///
/// Elements cannot outlive their array:
/// ```compile_fail,E0505
/// let array = tensorfile::Array::scalar(1.0f32);
/// let elements = array.as_slice::<f32>().unwrap();
/// drop(array);
/// println!("{elements:?}");
/// ```
/// An array cannot be changed while it is borrowed:
/// ```compile_fail,E0502
/// let mut array = tensorfile::Array::scalar(1.0f32);
/// let elements = array.as_slice::<f32>().unwrap();
/// array.as_slice_mut::<f32>().unwrap()[0] = 2.0;
/// println!("{elements:?}");
/// ```
/// A map cannot be changed while one of its values is borrowed:
/// ```compile_fail,E0502
/// let mut arrays = tensorfile::Arrays::new();
/// let array = arrays.get("a");
/// arrays.remove("a");
/// println!("{array:?}");
/// ```
/// The metadata of a file cannot be changed:
/// ```compile_fail,E0596
/// let file = tensorfile::File::open("a.gguf").unwrap();
/// file.metadata().insert("a", 1);
/// ```
/// Views cannot outlive the bytes that they borrow:
/// ```compile_fail,E0505
/// let bytes = std::fs::read("a.npz").unwrap();
/// let view = tensorfile::view(&bytes).unwrap();
/// drop(bytes);
/// println!("{view:?}");
/// ```
/// Nor can their arrays, parts of them, or borrowed elements:
/// ```compile_fail,E0597
/// let array = {
///     let bytes = std::fs::read("a.npz").unwrap();
///     tensorfile::view(&bytes).unwrap()["a"].clone()
/// };
/// println!("{array:?}");
/// ```
/// ```compile_fail,E0597
/// let part = {
///     let bytes = std::fs::read("a.npz").unwrap();
///     tensorfile::view(&bytes).unwrap()["a"].slice(1..2).unwrap()
/// };
/// println!("{part:?}");
/// ```
/// ```compile_fail,E0597
/// let elements = {
///     let bytes = std::fs::read("a.npz").unwrap();
///     tensorfile::view(&bytes).unwrap()["a"].to_cow::<f32>().unwrap()
/// };
/// println!("{elements:?}");
/// ```
/// The bytes cannot be changed while a view borrows them:
/// ```compile_fail,E0502
/// let mut bytes = std::fs::read("a.npz").unwrap();
/// let view = tensorfile::view(&bytes).unwrap();
/// bytes[0] = 0;
/// println!("{view:?}");
/// ```
/// A borrowed array is read-only, and can neither be stored among arrays nor make arrays that share its memory:
/// ```compile_fail,E0599
/// let bytes = std::fs::read("a.npz").unwrap();
/// tensorfile::view(&bytes).unwrap().arrays["a"].as_slice_mut::<f32>().unwrap();
/// ```
/// ```compile_fail,E0277
/// let bytes = std::fs::read("a.npz").unwrap();
/// tensorfile::Arrays::new().insert("a", &tensorfile::view(&bytes).unwrap()["a"]);
/// ```
/// ```compile_fail,E0599
/// let bytes = std::fs::read("a.npz").unwrap();
/// tensorfile::view(&bytes).unwrap().arrays.unflatten().unwrap();
/// ```
/// Mapping is unsafe:
/// ```compile_fail,E0133
/// let _ = tensorfile::Options::new().map(true);
/// ```
/// Owners and callbacks may be used by other threads:
/// ```compile_fail,E0277
/// let numbers: std::rc::Rc<[f32]> = std::rc::Rc::new([1.0]);
/// tensorfile::Array::from_owner::<f32, _>([1], numbers).unwrap();
/// ```
#[cfg(doctest)]
pub struct MustNotCompile;
