//! Loading and opening files.

use std::fmt;
use std::ops::Index;
use std::path::Path;
use std::ptr::{self, NonNull};

use crate::array::Array;
use crate::call::{Handle, c_path, enter, finish, made, make};
use crate::error::{Error, ErrorKind, Result};
use crate::file::File;
use crate::io::Source;
use crate::map::{Arrays, Dict, Map};
use crate::options::Options;
use crate::raw::{Item, RawDict};
use crate::save::dict_ptr;
use crate::sys;

/// What [`Options::check`] found: one line of text for each entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// What would make a load with default options fail, and any damage. Each begins with the name of a status, as in
    /// `"corrupt: w.npz: array 'x': ..."`.
    pub faults: Vec<String>,
    /// Faults that [`Options::lenient`] accepts, and arrays that [`Options::skip_unsupported`] leaves out, if they are
    /// set.
    pub excused: Vec<String>,
    /// Remarks that are not faults.
    pub notes: Vec<String>,
}

impl CheckReport {
    fn from_tree(mut report: Dict) -> Result<Self> {
        Ok(CheckReport {
            faults: report.take_messages("faults")?,
            excused: report.take_messages("excused")?,
            notes: report.take_messages("notes")?,
        })
    }
}

/// The contents of a file. `loaded["name"]` is one of its arrays.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// The arrays in the order of the file. The array of a .npy file has the name `""`.
    pub arrays: Arrays,
    /// The metadata, which is empty if the format has none. That of a .safetensors file are strings; that of a .gguf
    /// file are numbers, strings, lists of strings, arrays of one dimension, and for nested arrays dicts with the keys
    /// 0, 1, and so on.
    pub metadata: Dict,
}

impl Loaded {
    /// Returns the array with a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.get(name)
    }

    /// Returns the array of a file that has one array, such as a .npy file.
    pub fn into_array(self) -> Result<Array> {
        let count = self.arrays.len();
        match self.arrays.into_iter().next() {
            Some((_, array)) if count == 1 => Ok(array),
            _ => Err(Error::new(ErrorKind::Type, format!("expected a file with one array, found {count} arrays"))),
        }
    }
}

/// See `Debug`.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Returns the array with a name.
///
/// # Panics
/// Panics if there is no such array. [`Loaded::get`] returns an option instead.
impl Index<&str> for Loaded {
    type Output = Array;

    #[track_caller]
    fn index(&self, name: &str) -> &Array {
        &self.arrays[name]
    }
}

/// Runs a call that returns arrays and metadata.
fn load(
    source: Option<&Source>,
    call: impl FnOnce(*mut *mut sys::tf_dict, *mut *mut sys::tf_dict) -> sys::tf_status,
) -> Result<Loaded> {
    let (mut arrays, mut metadata) = (ptr::null_mut(), ptr::null_mut());
    let status = enter(|| call(&raw mut arrays, &raw mut metadata));
    let made = (NonNull::new(arrays).map(RawDict::adopt), NonNull::new(metadata).map(RawDict::adopt));
    finish(status, source.and_then(Source::slot).map(|slot| &**slot))?;
    match made {
        (Some(arrays), Some(metadata)) => Ok(Loaded { arrays: arrays.arrays()?, metadata: metadata.metadata()? }),
        _ => Err(Error::new(ErrorKind::Internal, "the library succeeded without a result")),
    }
}

/// Returns a source over bytes of the caller.
///
/// # Safety
/// The source, and everything that was loaded from it, must not be used after `bytes` have been changed or freed.
unsafe fn borrowed_source(bytes: &[u8]) -> Result<Source> {
    let mut source = ptr::null_mut();
    // SAFETY: the pointer has its length, and the caller guarantees that the bytes remain.
    let status = enter(|| unsafe {
        sys::tf_source_from_memory(&raw mut source, bytes.as_ptr().cast(), bytes.len(), None, ptr::null_mut())
    });
    Source::made(source, status, None)
}

/// Loading.
impl Options {
    /// Loads a whole file; see [`load`](crate::load).
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Loaded> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options are valid.
        load(None, |arrays, metadata| unsafe {
            sys::tf_load(ptr::null_mut(), arrays, metadata, path.as_ptr(), options.as_ptr())
        })
    }

    /// Loads the array of a .npy; see [`load_array`](crate::load_array).
    pub fn load_array(&self, path: impl AsRef<Path>) -> Result<Array> {
        let (path, options) = (path.as_ref(), self.raw()?);
        let c_path = c_path(path)?;
        let (mut raw, none) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the path is NUL-terminated; the options are valid.
        let status = enter(|| unsafe { sys::tf_load(&raw mut raw, none, none, c_path.as_ptr(), options.as_ptr()) });
        let array = NonNull::new(raw).map(Array::adopt);
        finish(status, None)?;
        array.ok_or_else(|| {
            let message = "expected a .npy file with one array, found a file of named arrays";
            Error::new(ErrorKind::Type, format!("{}: {message}", path.display()))
        })
    }

    /// Loads a whole file from memory. Without [`format`](Options::format) the format is that of the content.
    pub fn load_bytes(&self, bytes: &[u8]) -> Result<Loaded> {
        let (options, format, data) = (self.raw()?, self.raw_format()?, bytes.as_ptr().cast());
        // SAFETY: the pointer has its length; the options are valid.
        load(None, |arrays, metadata| unsafe {
            sys::tf_load_memory(ptr::null_mut(), arrays, metadata, data, bytes.len(), format, options.as_ptr())
        })
    }

    /// Loads a whole file from a source. Without [`format`](Options::format) the format is that of the extension of the
    /// source's [name](Source::with_name), or else that of the content.
    pub fn load_source(&self, source: &Source) -> Result<Loaded> {
        let (options, format) = (self.raw()?, self.raw_format()?);
        // SAFETY: the source and the options are valid.
        load(Some(source), |arrays, metadata| unsafe {
            sys::tf_load_source(ptr::null_mut(), arrays, metadata, source.as_ptr(), format, options.as_ptr())
        })
    }

    /// Loads a file from memory without copying its arrays if possible.
    ///
    /// # Safety
    /// The arrays must not be used after `bytes` have been changed or freed.
    pub(crate) unsafe fn map_bytes(&self, bytes: &[u8]) -> Result<Loaded> {
        // SAFETY: guaranteed by the caller.
        unsafe { self.clone().map(true).load_source(&borrowed_source(bytes)?) }
    }

    /// Loads a .npz, .safetensors or .gguf file as a tree, splitting names at '.'.
    pub fn load_weights(&self, path: impl AsRef<Path>) -> Result<Dict> {
        self.weights(path.as_ref(), None)
    }

    /// Loads a tree like [`load_weights`](Options::load_weights), and compares it with a tree or flat map of arrays.
    ///
    /// Fails with [`ErrorKind::Mismatch`] if the file has other names or shapes. With [`strict`](Options::strict) off,
    /// missing arrays are those of `expected`, and unexpected ones are left out.
    pub fn load_weights_like<V: Item>(&self, path: impl AsRef<Path>, expected: &Map<V>) -> Result<Dict> {
        self.weights(path.as_ref(), Some(&RawDict::from_map(expected)?))
    }

    /// Loads a tree from a source, like [`load_weights`](Options::load_weights).
    pub fn load_weights_source(&self, source: &Source) -> Result<Dict> {
        self.source_weights(source, None)
    }

    /// Loads a tree from a source, and compares it with a tree or flat map of arrays, like
    /// [`load_weights_like`](Options::load_weights_like).
    pub fn load_weights_source_like<V: Item>(&self, source: &Source, expected: &Map<V>) -> Result<Dict> {
        self.source_weights(source, Some(&RawDict::from_map(expected)?))
    }

    fn source_weights(&self, source: &Source, expected: Option<&RawDict>) -> Result<Dict> {
        let (options, format, expected) = (self.raw()?, self.raw_format()?, dict_ptr(expected));
        let mut tree = ptr::null_mut();
        // SAFETY: the handles are valid.
        let status = enter(|| unsafe {
            sys::tf_load_weights_source(&raw mut tree, source.as_ptr(), format, expected, options.as_ptr())
        });
        made::<RawDict>(tree, status, source.slot().map(|slot| &**slot))?.tree()
    }

    fn weights(&self, path: &Path, expected: Option<&RawDict>) -> Result<Dict> {
        let (path, options, expected) = (c_path(path)?, self.raw()?, dict_ptr(expected));
        // SAFETY: the path is NUL-terminated; the handles are valid.
        let tree: RawDict =
            make(|tree| unsafe { sys::tf_load_weights(tree, path.as_ptr(), expected, options.as_ptr()) })?;
        tree.tree()
    }

    /// Checks a file or a set of files: reads every byte that can be checked, and reports every fault instead of only
    /// the first. Fails if the check cannot be made, not if it finds faults.
    pub fn check(&self, path: impl AsRef<Path>) -> Result<CheckReport> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options are valid.
        let report: RawDict = make(|out| unsafe { sys::tf_check(out, path.as_ptr(), options.as_ptr()) })?;
        CheckReport::from_tree(report.tree()?)
    }

    /// Checks a file in memory as [`check`](Options::check) does, for example an upload before it is stored.
    pub fn check_bytes(&self, bytes: &[u8]) -> Result<CheckReport> {
        // SAFETY: the source is only used here, while the bytes are borrowed.
        self.check_source(&unsafe { borrowed_source(bytes) }?)
    }

    /// Checks a file in a source as [`check`](Options::check) does. Of a set that cannot be opened, only the first
    /// fault is reported.
    pub fn check_source(&self, source: &Source) -> Result<CheckReport> {
        let (options, format, mut report) = (self.raw()?, self.raw_format()?, ptr::null_mut());
        // SAFETY: the source and the options are valid.
        let status =
            enter(|| unsafe { sys::tf_check_source(&raw mut report, source.as_ptr(), format, options.as_ptr()) });
        let report = made::<RawDict>(report, status, source.slot().map(|slot| &**slot))?;
        CheckReport::from_tree(report.tree()?)
    }

    /// Opens a file to read its arrays one by one; see [`File`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<File> {
        let (path, options) = (c_path(path.as_ref())?, self.raw()?);
        // SAFETY: the path is NUL-terminated; the options are valid.
        File::made(None, |out| unsafe { sys::tf_file_open(out, path.as_ptr(), options.as_ptr()) })
    }

    /// Opens a file in memory, which is copied. [`Source::from_bytes`] avoids the copy.
    pub fn open_bytes(&self, bytes: &[u8]) -> Result<File> {
        let (options, format, data) = (self.raw()?, self.raw_format()?, bytes.as_ptr().cast());
        // SAFETY: the pointer has its length; the options are valid.
        File::made(None, |out| unsafe { sys::tf_file_open_memory(out, data, bytes.len(), format, options.as_ptr()) })
    }

    /// Opens a file in a source.
    pub fn open_source(&self, source: &Source) -> Result<File> {
        let (options, format) = (self.raw()?, self.raw_format()?);
        // SAFETY: the source and the options are valid.
        File::made(source.slot(), |out| unsafe {
            sys::tf_file_open_source(out, source.as_ptr(), format, options.as_ptr())
        })
    }
}
