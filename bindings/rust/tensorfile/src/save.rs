//! Saving files.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::ptr;

use crate::array::Array;
use crate::call::{c_path, check, enter, finish, make};
use crate::dtype::{Dtype, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::io::Buffer;
use crate::load::Loaded;
use crate::map::{Arrays, Dict, Map};
use crate::options::Options;
use crate::raw::{Item, RawDict, Save};
use crate::shape::dims;
use crate::sink::Sink;
use crate::sys;
use crate::view::View;

/// What a save writes: an array (.npy), or arrays with or without metadata.
///
/// It converts from references: `&array`, `&arrays`, `(&arrays, &metadata)`, `&tree`, `&loaded` and `&view`.
#[derive(Clone, Copy)]
pub struct Contents<'a> {
    what: What<'a>,
    metadata: Option<&'a Dict>,
}

#[derive(Clone, Copy)]
enum What<'a> {
    Array(&'a Array),
    Map(&'a dyn Save),
}

impl<'a> From<&'a Array> for Contents<'a> {
    fn from(array: &'a Array) -> Self {
        Contents { what: What::Array(array), metadata: None }
    }
}

macro_rules! contents {
    ($($(#[$comment:meta])* $source:ty: $pattern:pat => $map:expr, $metadata:expr;)*) => {$(
        $(#[$comment])*
        impl<'a> From<$source> for Contents<'a> {
            fn from($pattern: $source) -> Self {
                Contents { what: What::Map($map), metadata: $metadata }
            }
        }
    )*};
}
contents! {
    &'a Arrays: arrays => arrays, None;
    /// Saves a tree under flattened names.
    &'a Dict: tree => tree, None;
    (&'a Arrays, &'a Dict): (arrays, metadata) => arrays, Some(metadata);
    (&'a Arrays, Option<&'a Dict>): (arrays, metadata) => arrays, metadata;
    &'a Loaded: loaded => &loaded.arrays, Some(&loaded.metadata);
    &'a View<'_>: view => &view.arrays, Some(&view.metadata);
}

impl fmt::Debug for Contents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// Contents in the form that the library takes.
struct RawContents {
    arrays: RawDict,
    metadata: Option<RawDict>,
}

impl RawContents {
    fn new(contents: Contents<'_>, format: Format) -> Result<Self> {
        let arrays = match contents.what {
            What::Map(map) => map.to_raw()?,
            What::Array(array) if format.abilities().single_array => Arrays::from([("", array)]).to_raw()?,
            What::Array(_) => {
                let message = match format {
                    Format::Auto => "no format is given for the array".to_owned(),
                    format => format!("{format} holds arrays with names, got an array without one"),
                };
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        };
        // A file without metadata stays one that has none.
        let metadata = contents.metadata.filter(|metadata| !metadata.is_empty());
        Ok(RawContents { arrays, metadata: metadata.map(RawDict::from_map).transpose()? })
    }

    fn as_ptrs(&self) -> (*const sys::tf_dict, *const sys::tf_dict) {
        (self.arrays.as_ptr(), dict_ptr(self.metadata.as_ref()))
    }
}

/// What [`Options::check_save`] found about an array, a value of the metadata or the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is about: `"array"`, `"metadata"` or `"file"`.
    pub subject: String,
    /// The name of the array or value, or `""` for the file.
    pub name: String,
    /// One of the words `"count"`, `"kind"`, `"dtype"`, `"rank"`, `"name"`, `"duplicate"`, `"value"`, `"option"`,
    /// `"limit"` and `"size"`; later versions may add words.
    pub problem: String,
    /// What the problem is, in one line for a user.
    pub reason: String,
}

pub(crate) fn dict_ptr(dict: Option<&RawDict>) -> *const sys::tf_dict {
    dict.map_or(ptr::null(), |dict| dict.as_ptr())
}

/// Saving.
impl Options {
    /// Saves contents in the format of [`format`](Options::format), or else of the path's extension; see
    /// [`save`](crate::save). The extension is only appended to the path if [`format`](Options::format) is set.
    pub fn save<'a>(&self, path: impl AsRef<Path>, contents: impl Into<Contents<'a>>) -> Result<()> {
        let path = path.as_ref();
        let format = match Format::from_raw(self.raw_format()?) {
            Format::Auto => Format::from_path(path),
            format => format,
        };
        let (raw, options, path) = (RawContents::new(contents.into(), format)?, self.raw()?, c_path(path)?);
        let (arrays, metadata) = raw.as_ptrs();
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_file(path.as_ptr(), arrays, metadata, options.as_ptr()) })
    }

    /// Saves one array as .npy, byte for byte like `NumPy`.
    pub fn save_npy(&self, path: impl AsRef<Path>, array: &Array) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save(path.as_ptr(), array.as_ptr(), options.as_ptr()) })
    }

    /// Saves arrays as .npz without compression.
    pub fn save_npz(&self, path: impl AsRef<Path>, arrays: &Arrays) -> Result<()> {
        let (path, options, arrays) = (c_path(path.as_ref())?, self.raw()?, arrays.to_raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_savez(path.as_ptr(), ptr::null(), 0, arrays.as_ptr(), options.as_ptr()) })
    }

    /// Saves arrays as .npz with compression.
    pub fn save_npz_compressed(&self, path: impl AsRef<Path>, arrays: &Arrays) -> Result<()> {
        let (path, options, arrays) = (c_path(path.as_ref())?, self.raw()?, arrays.to_raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_savez_compressed(path.as_ptr(), ptr::null(), 0, arrays.as_ptr(), options.as_ptr()) })
    }

    /// Saves arrays as .safetensors, with strings as metadata.
    pub fn save_safetensors(&self, path: impl AsRef<Path>, arrays: &Arrays, metadata: Option<&Dict>) -> Result<()> {
        let (path, options, arrays) = (c_path(path.as_ref())?, self.raw()?, arrays.to_raw()?);
        let metadata = metadata.map(RawDict::from_map).transpose()?;
        let metadata = dict_ptr(metadata.as_ref());
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_safetensors(path.as_ptr(), arrays.as_ptr(), metadata, options.as_ptr()) })
    }

    /// Saves arrays as .gguf with metadata; see [`save_gguf`](crate::save_gguf).
    pub fn save_gguf(&self, path: impl AsRef<Path>, arrays: &Arrays, metadata: Option<&Dict>) -> Result<()> {
        let (path, options, arrays) = (c_path(path.as_ref())?, self.raw()?, arrays.to_raw()?);
        let metadata = metadata.map(RawDict::from_map).transpose()?;
        let metadata = dict_ptr(metadata.as_ref());
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_gguf(path.as_ptr(), arrays.as_ptr(), metadata, options.as_ptr()) })
    }

    /// Saves a tree of arrays under flattened names, in the format of the path's extension or of
    /// [`format`](Options::format).
    pub fn save_weights<V: Item>(&self, path: impl AsRef<Path>, tree: &Map<V>) -> Result<()> {
        let (path, options, tree) = (c_path(path.as_ref())?, self.raw()?, tree.to_raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_weights(path.as_ptr(), tree.as_ptr(), options.as_ptr()) })
    }

    /// Replaces the metadata of a file; see [`save_metadata`](crate::save_metadata).
    ///
    /// With [`atomic(false)`](Options::atomic) the header is written into the file itself. This fails if the new header
    /// does not have the size of the old one, and damages the file if the process is killed meanwhile.
    pub fn save_metadata<V: Item>(&self, path: impl AsRef<Path>, metadata: &Map<V>) -> Result<()> {
        let (path, options, metadata) = (c_path(path.as_ref())?, self.raw()?, metadata.to_raw()?);
        // SAFETY: the path is NUL-terminated; the handles are valid.
        check(|| unsafe { sys::tf_save_metadata(path.as_ptr(), metadata.as_ptr(), options.as_ptr()) })
    }

    /// Saves to memory; see [`to_bytes`](crate::to_bytes).
    pub fn to_bytes<'a>(&self, format: Format, contents: impl Into<Contents<'a>>) -> Result<Buffer> {
        let (options, raw) = (self.raw()?, RawContents::new(contents.into(), format)?);
        let (format, (arrays, metadata)) = (format.to_raw(), raw.as_ptrs());
        // SAFETY: the handles are valid.
        make(|out| unsafe { sys::tf_save_memory(out, format, ptr::null(), arrays, metadata, options.as_ptr()) })
    }

    /// Saves to a writer from the first byte to the last. If the writer fails, its error becomes the
    /// [`source`](std::error::Error::source) of the error; bytes already written stay written.
    pub fn save_to<'a>(
        &self,
        writer: &mut impl Write,
        format: Format,
        contents: impl Into<Contents<'a>>,
    ) -> Result<()> {
        self.save_sink(Sink::from_mut(writer)?, format, contents)
    }

    /// Saves to a sink, which can be all or nothing, and with [`part_bytes`](Options::part_bytes) and a
    /// [resolver](Sink::with_resolver) to a set of files.
    pub fn save_sink<'a>(&self, sink: Sink<'_>, format: Format, contents: impl Into<Contents<'a>>) -> Result<()> {
        let (options, raw) = (self.raw()?, RawContents::new(contents.into(), format)?);
        let (format, (arrays, metadata)) = (format.to_raw(), raw.as_ptrs());
        // SAFETY: the handles are valid.
        let status = enter(|| unsafe {
            sys::tf_save_sink(sink.as_ptr(), format, ptr::null(), arrays, metadata, options.as_ptr())
        });
        let saved = finish(status, None);
        drop(sink);
        saved
    }

    /// Returns everything that would make a save of the contents fail: what the format cannot hold, and what exceeds a
    /// limit when it is loaded. Nothing is written, and the elements are not read.
    ///
    /// ```
    /// use tensorfile::{Arrays, Format, Options};
    ///
    /// let arrays = Arrays::from([("x", [[1.0f64, 2.0]])]);
    /// let findings = Options::new().check_save(Format::Safetensors, &arrays)?;
    /// assert_eq!((findings[0].name.as_str(), findings[0].problem.as_str()), ("x", "dtype"));
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    pub fn check_save<'a>(&self, format: Format, contents: impl Into<Contents<'a>>) -> Result<Vec<Finding>> {
        let (options, raw) = (self.raw()?, RawContents::new(contents.into(), format)?);
        let (format, (arrays, metadata)) = (format.to_raw(), raw.as_ptrs());
        // SAFETY: the handles are valid.
        let report: RawDict =
            make(|out| unsafe { sys::tf_save_check(out, format, arrays, metadata, options.as_ptr()) })?;
        let mut report = report.tree()?;
        let mut columns = Vec::with_capacity(4);
        for name in ["subject", "name", "problem"] {
            columns.push(report.take_list(name)?.into_iter());
        }
        columns.push(report.take_messages("reason")?.into_iter());
        let mut row = || {
            let mut next = columns.iter_mut().map(Iterator::next);
            Some(Finding { subject: next.next()??, name: next.next()??, problem: next.next()??, reason: next.next()?? })
        };
        Ok(std::iter::from_fn(&mut row).collect())
    }

    /// Creates an array of zeros like [`Array::zeros`], in memory of the [`allocator`](Options::allocator).
    pub fn zeros(&self, dtype: Dtype, shape: impl AsRef<[usize]>) -> Result<Array> {
        let (shape, options) = (dims(shape.as_ref())?, self.raw()?);
        // SAFETY: the pointer has its length; the options are valid.
        make(|out| unsafe {
            sys::tf_array_new_with(out, dtype.to_raw(), shape.as_ptr(), shape.len(), options.as_ptr())
        })
    }

    /// Returns a C-contiguous copy of an array with another dtype, like [`Array::cast`].
    pub fn cast(&self, array: &Array, dtype: Dtype) -> Result<Array> {
        array.cast_with(dtype, self.raw()?.as_ptr())
    }
}
