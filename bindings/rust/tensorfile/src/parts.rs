//! Plans of parts, for programs that write the parts of a set separately.

use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::array::Array;
use crate::call::{c_path, check, enter, handle, make};
use crate::dtype::Dtype;
use crate::error::{Error, ErrorKind, Result, or_panic};
use crate::io::Buffer;
use crate::map::{Arrays, Dict};
use crate::options::Options;
use crate::raw::{RawDict, Save, borrowed_text, utf8};
use crate::shape::dims;
use crate::sink::Sink;
use crate::sys;
use crate::writer::{Declared, Writer};

/// Declares the arrays and metadata of a set of files, which [`finish`](PartPlanBuilder::finish) divides into parts.
/// [`Options::part_plan`] returns it.
pub struct PartPlanBuilder {
    raw: RawPlan,
    declared: Vec<Declared>,
}

/// How the arrays of a set of files are divided into parts, as a save with [`Options::part_bytes`] divides them.
///
/// The tasks of a cluster each make the same plan and write their parts; then one of them writes the entry of the set:
/// the index of sharded safetensors with [`save_index`](PartPlan::save_index), or the first part of a split .gguf. Until
/// then the set cannot be opened. The files are byte for byte those of a save of the whole set.
///
/// ```
/// # let path = std::env::temp_dir().join("tensorfile-doc-parts.safetensors");
/// use tensorfile::{Arrays, Options};
///
/// let arrays = Arrays::from([("a", vec![1.0f32; 1000]), ("b", vec![2.0f32; 1000])]);
/// let mut plan = Options::new().part_bytes(5000).part_plan(&path)?;
/// plan.declare_all(&arrays)?;
/// let plan = plan.finish()?;
/// for part in plan.parts() {
///     println!("{}: {:?}", part.path().display(), part.names().collect::<Vec<_>>());
///     part.save(&arrays)?;
/// }
/// plan.save_index()?;
/// # let loaded = tensorfile::load(plan.index_path().expect("an index"))?;
/// # assert_eq!(loaded.arrays, arrays);
/// # Ok::<(), tensorfile::Error>(())
/// ```
#[derive(Clone)]
pub struct PartPlan(Arc<Finished>);

struct Finished {
    raw: RawPlan,
    declared: Vec<Declared>,
}

struct RawPlan(NonNull<sys::tf_part_plan>);

handle!(RawPlan, tf_part_plan, tf_part_plan_release);

// SAFETY: calls that change the plan need `&mut`, and those of a finished plan are const in the library.
unsafe impl Send for RawPlan {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for RawPlan {}

impl Options {
    /// Creates an empty plan of parts for the path that a single file would have. The format is that of
    /// [`format`](Options::format), or else that of the extension.
    pub fn part_plan(&self, path: impl AsRef<Path>) -> Result<PartPlanBuilder> {
        let (path, options, format) = (c_path(path.as_ref())?, self.raw()?, sys::TF_FORMAT_AUTO);
        // SAFETY: the path is NUL-terminated; the options are valid.
        let raw = make(|out| unsafe { sys::tf_part_plan_new(out, path.as_ptr(), format, options.as_ptr()) })?;
        Ok(PartPlanBuilder { raw, declared: Vec::new() })
    }
}

impl PartPlanBuilder {
    fn as_ptr(&self) -> *mut sys::tf_part_plan {
        self.raw.0.as_ptr()
    }

    /// Declares the next array.
    pub fn declare(&mut self, name: &str, dtype: Dtype, shape: impl AsRef<[usize]>) -> Result<()> {
        let sizes = dims(shape.as_ref())?;
        let (text, length, shape, ndim) = (name.as_ptr().cast(), name.len(), sizes.as_ptr(), sizes.len());
        // SAFETY: no other code uses the plan; each pointer has its length.
        check(|| unsafe { sys::tf_part_plan_declare(self.as_ptr(), text, length, dtype.to_raw(), shape, ndim) })?;
        self.declared.push(Declared::new(name, dtype, &sizes));
        Ok(())
    }

    /// Declares all arrays in their order.
    pub fn declare_all(&mut self, arrays: &Arrays) -> Result<()> {
        let raw = arrays.to_raw()?;
        // SAFETY: the handles are valid.
        check(|| unsafe { sys::tf_part_plan_declare_all(self.as_ptr(), raw.as_ptr()) })?;
        for (name, array) in arrays {
            self.declared.push(Declared::new(name, array.dtype(), &dims(array.shape())?));
        }
        Ok(())
    }

    /// Sets the metadata of the set.
    pub fn set_metadata(&mut self, metadata: &Dict) -> Result<()> {
        let metadata = RawDict::from_map(metadata)?;
        // SAFETY: the handles are valid.
        check(|| unsafe { sys::tf_part_plan_set_metadata(self.as_ptr(), metadata.as_ptr()) })
    }

    /// Divides the arrays into parts. Fails like a save if the format cannot hold what was declared.
    pub fn finish(self) -> Result<PartPlan> {
        // SAFETY: no other code uses the plan.
        check(|| unsafe { sys::tf_part_plan_finish(self.as_ptr()) })?;
        Ok(PartPlan(Arc::new(Finished { raw: self.raw, declared: self.declared })))
    }
}

impl PartPlan {
    fn as_ptr(&self) -> *mut sys::tf_part_plan {
        self.0.raw.0.as_ptr()
    }

    /// Returns the number of parts.
    #[must_use]
    pub fn len(&self) -> usize {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_part_plan_count(self.as_ptr()) }
    }

    /// Returns `true` if there are no parts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns an iterator over the parts.
    #[must_use]
    pub fn parts(&self) -> impl ExactSizeIterator<Item = PlannedPart<'_>> + DoubleEndedIterator {
        (0..self.len()).map(|number| PlannedPart { plan: self, number })
    }

    /// Returns a part, or `None` if there are not as many.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<PlannedPart<'_>> {
        (number < self.len()).then_some(PlannedPart { plan: self, number })
    }

    fn has_index(&self) -> bool {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_part_plan_has_index(self.as_ptr()) != 0 }
    }

    fn path(&self, part: usize) -> Result<PathBuf> {
        // SAFETY: the handle is valid.
        let path: Buffer = make(|out| unsafe { sys::tf_part_plan_path(out, self.as_ptr(), part) })?;
        #[cfg(unix)]
        let path = Path::new::<std::ffi::OsStr>(std::os::unix::ffi::OsStrExt::from_bytes(&path[..])).to_owned();
        #[cfg(not(unix))]
        let path = PathBuf::from(utf8(&path)?);
        Ok(path)
    }

    /// Returns the path of the index, or `None` if the set has none.
    #[must_use]
    pub fn index_path(&self) -> Option<PathBuf> {
        self.has_index().then(|| or_panic(self.path(self.len())))
    }

    /// Returns the text of the index, or `None` if the set has none.
    pub fn index(&self) -> Result<Option<String>> {
        if !self.has_index() {
            return Ok(None);
        }
        // SAFETY: the handle is valid.
        let text: Buffer = make(|out| unsafe { sys::tf_part_plan_index(out, self.as_ptr()) })?;
        utf8(&text).map(|text| Some(text.to_owned()))
    }

    /// Writes the index to its path. Fails with [`ErrorKind::NotFound`] if the set has none.
    pub fn save_index(&self) -> Result<()> {
        // SAFETY: the handle is valid.
        check(|| unsafe { sys::tf_part_plan_save_index(self.as_ptr(), ptr::null()) })
    }

    /// Writes the index to another path.
    pub fn save_index_as(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path.as_ref())?;
        // SAFETY: the handle is valid; the path is NUL-terminated.
        check(|| unsafe { sys::tf_part_plan_save_index(self.as_ptr(), path.as_ptr()) })
    }
}

/// A part of a [`PartPlan`].
#[derive(Clone, Copy)]
pub struct PlannedPart<'p> {
    plan: &'p PartPlan,
    number: usize,
}

impl<'p> PlannedPart<'p> {
    /// Returns the number of the part, from 0.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the index of the first array, the number of arrays, and the number of bytes of their data.
    fn extent(&self) -> (usize, usize, u64) {
        let (mut first, mut count, mut nbytes) = (0, 0, 0);
        // SAFETY: the handle is valid.
        or_panic(check(|| unsafe {
            let (first, count, nbytes) = (&raw mut first, &raw mut count, &raw mut nbytes);
            sys::tf_part_plan_part(first, count, nbytes, self.plan.as_ptr(), self.number)
        }));
        (first, count, nbytes)
    }

    /// Returns the number of bytes of the data of its arrays.
    #[must_use]
    pub fn nbytes(&self) -> u64 {
        self.extent().2
    }

    /// Returns the names of its arrays in order.
    #[must_use]
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'p str> + use<'p> {
        let ((first, count, _), plan) = (self.extent(), self.plan);
        (first..first + count).map(move |index| {
            // SAFETY: the handle is valid, and the name lives as long as the plan.
            let name =
                unsafe { borrowed_text(|name, length| sys::tf_part_plan_array(name, length, plan.as_ptr(), index)) };
            or_panic(name.and_then(utf8))
        })
    }

    /// Returns the path of its file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        or_panic(self.plan.path(self.number))
    }

    /// Returns its metadata, which are empty if it has none.
    pub fn metadata(&self) -> Result<Dict> {
        let (plan, number) = (self.plan.as_ptr(), self.number);
        // SAFETY: the handle is valid.
        let metadata: RawDict = make(|out| unsafe { sys::tf_part_plan_metadata(out, plan, number) })?;
        metadata.metadata()
    }

    /// Creates a writer to the path of the part, with its arrays and metadata declared.
    pub fn create(&self) -> Result<Writer<'static>> {
        // SAFETY: the handle is valid; no path is given.
        let writer =
            make(|out| unsafe { sys::tf_part_plan_open_part(out, self.plan.as_ptr(), self.number, ptr::null()) })?;
        Ok(self.declare(writer))
    }

    /// Creates a writer to another path, to which no extension is appended.
    pub fn create_at(&self, path: impl AsRef<Path>) -> Result<Writer<'static>> {
        let path = c_path(path.as_ref())?;
        // SAFETY: the handle is valid; the path is NUL-terminated.
        let writer =
            make(|out| unsafe { sys::tf_part_plan_open_part(out, self.plan.as_ptr(), self.number, path.as_ptr()) })?;
        Ok(self.declare(writer))
    }

    /// Creates a writer to a sink.
    pub fn create_sink<'a>(&self, sink: Sink<'a>) -> Result<Writer<'a>> {
        let mut raw = ptr::null_mut();
        let (plan, number) = (self.plan.as_ptr(), self.number);
        // SAFETY: the handles are valid; the writer keeps the sink as long as it lives.
        let status = enter(|| unsafe { sys::tf_part_plan_open_part_sink(&raw mut raw, plan, number, sink.as_ptr()) });
        Ok(self.declare(Writer::over(raw, status, sink)?))
    }

    fn declare<'a>(&self, mut writer: Writer<'a>) -> Writer<'a> {
        let (first, count, _) = self.extent();
        writer.declared = self.plan.0.declared[first..first + count].to_vec();
        writer
    }

    /// Writes the part: its arrays are taken from `arrays`, which may have others.
    ///
    /// Fails with [`ErrorKind::NotFound`] if one of them is absent, and with [`ErrorKind::Type`] or
    /// [`ErrorKind::Mismatch`] if it has not the declared dtype or size.
    pub fn save(&self, arrays: &Arrays) -> Result<()> {
        let mut writer = self.create()?;
        for name in self.names() {
            let missing = || Error::new(ErrorKind::NotFound, format!("there is no array '{name}'")).with_name(name);
            writer.write_array(name, arrays.get(name).ok_or_else(missing)?)?;
        }
        writer.finish()
    }
}

impl Writer<'_> {
    /// Writes all of the next array, which has this name.
    fn write_array(&mut self, name: &str, array: &Array) -> Result<()> {
        let expected = self.declared.iter().find(|declared| declared.name == name);
        if let Some(Declared { dtype, nbytes, .. }) = expected {
            if *dtype != array.dtype() {
                let message = format!("array '{name}': expected elements of {dtype}, got {}", array.dtype());
                return Err(Error::new(ErrorKind::Type, message).with_name(name));
            }
            if *nbytes != array.nbytes() as u64 {
                let message = format!("array '{name}': expected {nbytes} bytes, got {}", array.nbytes());
                return Err(Error::new(ErrorKind::Mismatch, message).with_name(name));
            }
        }
        self.write_bytes(array.contiguous()?.as_bytes()?)
    }
}

impl fmt::Debug for PartPlanBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartPlanBuilder of {} arrays", self.declared.len())
    }
}

impl fmt::Debug for PartPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts()).finish()
    }
}

impl fmt::Debug for PlannedPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} bytes of {} arrays", self.path().display(), self.nbytes(), self.names().len())
    }
}
