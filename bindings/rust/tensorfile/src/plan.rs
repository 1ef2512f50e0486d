//! Plans that read arrays and parts of them in one go.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::ptr::{self, NonNull};
use std::slice;

use crate::array::expect_dtype;
use crate::call::{callback, check, enter, finish, release};
use crate::dtype::{Dtype, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::file::{File, Part};
use crate::shape::{Slices, expect_elements};
use crate::sys;

/// Reads arrays and parts of them into the caller's memory in one go. [`File::plan`] returns it.
///
/// It is the fastest way to fill memory: what is close together in the file is read at once, large entries are read in
/// pieces on several threads, and a compressed member is decompressed once, however many of its parts are read.
///
/// ```
/// # let path = std::env::temp_dir().join("tensorfile-doc-plan.npz");
/// # let mut arrays = tensorfile::Arrays::new();
/// # arrays.insert("a", [1i8, 2]);
/// # arrays.insert("b", [0.5f32, 1.5]);
/// # tensorfile::save(&path, &arrays)?;
/// let file = tensorfile::File::open(&path)?;
/// let (mut a, mut b) = ([0.0f32; 2], [0.0f32; 1]);
/// let mut plan = file.plan()?;
/// plan.add_as(file.entry("a")?, &mut a)?;
/// plan.add(file.entry("b")?.slice(1..), &mut b)?;
/// plan.run()?;
/// assert_eq!((a, b), ([1.0, 2.0], [1.5]));
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub struct ReadPlan<'a> {
    raw: NonNull<sys::tf_read_plan>,
    file: File,
    targets: Vec<Target>,
    memory: PhantomData<&'a mut [u8]>,
}

// SAFETY: no other reference to the plan exists, files may be used by any thread, and the targets are Send.
unsafe impl Send for ReadPlan<'_> {}
// SAFETY: nothing is done with a shared plan but printing it.
unsafe impl Sync for ReadPlan<'_> {}

/// The memory of an entry.
struct Target {
    data: *mut u8,
    nbytes: usize,
    dtype: Dtype,
    /// Returns `true` if the bytes are valid elements. `None`: the memory is the caller's, and may not be readable.
    is_valid: Option<fn(&[u8]) -> bool>,
}

impl File {
    /// Creates an empty plan for reading from the file.
    pub fn plan<'a>(&self) -> Result<ReadPlan<'a>> {
        let mut raw = ptr::null_mut();
        // SAFETY: the handle is valid.
        let status = enter(|| unsafe { sys::tf_read_plan_new(&raw mut raw, self.as_ptr()) });
        finish(status, None)?;
        let raw = NonNull::new(raw).ok_or_else(|| Error::new(ErrorKind::Internal, "the library returned no plan"))?;
        Ok(ReadPlan { raw, file: self.clone(), targets: Vec::new(), memory: PhantomData })
    }
}

impl<'a> ReadPlan<'a> {
    /// Adds an array or a part of one, whose elements are read in C order into `elements`. Returns the number of the
    /// entry: 0, 1, and so on.
    ///
    /// Fails with [`ErrorKind::Type`] if `T` is not the type of the elements, and with [`ErrorKind::InvalidArgument`] if
    /// there are not as many, or if the array is in another file.
    pub fn add<'p, T: Element>(&mut self, part: impl Into<Part<'p>>, elements: &'a mut [T]) -> Result<usize> {
        let part = part.into();
        let entry = part.entry();
        if entry.dtype() != Dtype::Unsupported {
            expect_dtype::<T>(entry.dtype(), &format!("array '{}': ", entry.name()))
                .map_err(|error| error.with_name(entry.name()))?;
        }
        self.add_as(part, elements)
    }

    /// Adds an entry like [`add`](ReadPlan::add), and casts the elements as by [`Array::cast`](crate::Array::cast).
    pub fn add_as<'p, T: Element>(&mut self, part: impl Into<Part<'p>>, elements: &'a mut [T]) -> Result<usize> {
        let part = part.into();
        if part.entry().dtype() != Dtype::Unsupported {
            expect_elements(&part.shape(), elements.len()).map_err(|error| error.with_name(part.entry().name()))?;
        }
        let (data, nbytes) = (elements.as_mut_ptr().cast(), size_of_val(elements));
        let target = Target { data, nbytes, dtype: T::DTYPE, is_valid: Some(T::check) };
        // SAFETY: the memory is borrowed mutably for 'a, and becomes valid elements before that ends.
        unsafe { self.push(&part, None, target) }
    }

    /// Adds an array or a part of one, whose elements are read in C order and with their own dtype into `bytes`.
    pub fn add_bytes<'p>(&mut self, part: impl Into<Part<'p>>, bytes: &'a mut [u8]) -> Result<usize> {
        let (data, nbytes) = (bytes.as_mut_ptr(), bytes.len());
        let target = Target { data, nbytes, dtype: Dtype::Unsupported, is_valid: Some(|_| true) };
        // SAFETY: the memory is borrowed mutably for 'a.
        unsafe { self.push(&part.into(), None, target) }
    }

    /// Adds an array or a part of one, whose elements are cast to `dtype` and written to any memory, such as that of a
    /// GPU. `strides` are in bytes, one for each dimension; `None` means C order. `nbytes` is the number of bytes from
    /// `data` on that may be written.
    ///
    /// # Safety
    /// Until the plan has run or is dropped, the memory must be writable and must not be used by anything else. With
    /// negative strides this includes memory before `data`, which is not checked.
    pub unsafe fn add_raw<'p>(
        &mut self,
        part: impl Into<Part<'p>>,
        dtype: Dtype,
        data: *mut u8,
        strides: Option<&[isize]>,
        nbytes: usize,
    ) -> Result<usize> {
        let target = Target { data, nbytes, dtype, is_valid: None };
        // SAFETY: guaranteed by the caller.
        unsafe { self.push(&part.into(), strides, target) }
    }

    /// # Safety
    /// The conditions of [`add_raw`](ReadPlan::add_raw) apply.
    unsafe fn push(&mut self, part: &Part<'_>, strides: Option<&[isize]>, target: Target) -> Result<usize> {
        let entry = part.entry();
        if entry.file().as_ptr() != self.file.as_ptr() {
            let message = format!("array '{}' is in another file than that of the plan", entry.name());
            return Err(Error::new(ErrorKind::InvalidArgument, message).with_name(entry.name()));
        }
        let ndim = entry.ndim();
        if let Some(strides) = strides.filter(|strides| strides.len() != ndim) {
            let message = format!("shape {:?} needs {ndim} strides, got {}", part.shape(), strides.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message).with_name(entry.name()));
        }
        let strides: Option<Vec<i64>> = strides.map(|strides| strides.iter().map(|&stride| stride as i64).collect());
        let strides = strides.as_ref().map_or(ptr::null(), std::vec::Vec::as_ptr);
        let slices = part.slices().map(|slices| Slices::new(slices, ndim));
        let (start, stop, step, count) = match &slices {
            Some(list) => (list.start.as_ptr(), list.stop.as_ptr(), list.step.as_ptr(), list.start.len()),
            None => (ptr::null(), ptr::null(), ptr::null(), 0),
        };
        let (plan, index, dtype, dst) = (self.raw.as_ptr(), entry.index(), target.dtype.to_raw(), target.data.cast());
        // SAFETY: the handle is valid; the lists have their length; the caller guarantees the memory.
        check(|| unsafe {
            sys::tf_read_plan_add(plan, index, start, stop, step, count, dtype, dst, strides, target.nbytes)
        })?;
        self.targets.push(target);
        Ok(self.targets.len() - 1)
    }

    /// Reads all entries. If it fails, what they contain is unspecified.
    pub fn run(self) -> Result<()> {
        self.read()
    }

    /// Reads all entries, and calls `complete` with the number and the bytes of each as soon as it is complete, while
    /// other threads go on reading: for example to send it to a GPU. They may be complete in any order. If `complete`
    /// returns `Break`, the call fails with [`ErrorKind::Cancelled`].
    ///
    /// The bytes of an entry that was added by [`add_raw`](ReadPlan::add_raw) are empty.
    pub fn run_with(self, mut complete: impl FnMut(usize, &[u8]) -> ControlFlow<()>) -> Result<()> {
        let mut context = Context { targets: &self.targets, complete: &mut complete };
        let user = ptr::from_mut(&mut context).cast();
        // SAFETY: the context lives until the plan has run, after which nothing calls it.
        check(|| unsafe { sys::tf_read_plan_set_complete(self.raw.as_ptr(), Some(notify), None, user) })?;
        self.read()
    }

    fn read(&self) -> Result<()> {
        // SAFETY: no other code uses the plan; all memory is there until 'a ends.
        let status = enter(|| unsafe { sys::tf_read_plan_run(self.raw.as_ptr()) });
        let valid = self.targets.iter().filter(|target| !target.make_valid()).count() == 0;
        finish(status, self.file.slot())?;
        if valid {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Internal, "the library returned elements that are not valid for their type"))
    }
}

impl Target {
    /// Replaces elements that are not valid by zeros. Returns `true` if all are.
    fn make_valid(&self) -> bool {
        let Some(is_valid) = self.is_valid else { return true };
        // SAFETY: the memory is borrowed by the plan, and any bytes are valid as bytes.
        let bytes = unsafe { slice::from_raw_parts_mut(self.data, self.nbytes) };
        let valid = is_valid(bytes);
        if !valid {
            bytes.fill(0);
        }
        valid
    }
}

struct Context<'a> {
    targets: &'a [Target],
    complete: &'a mut dyn FnMut(usize, &[u8]) -> ControlFlow<()>,
}

/// # Safety
/// `user` is a [`Context`], used by one thread at a time.
unsafe extern "C" fn notify(user: *mut c_void, entry: usize) -> sys::tf_status {
    let mut stop = false;
    let status = callback(None, || {
        // SAFETY: guaranteed by the library.
        let context = unsafe { &mut *user.cast::<Context<'_>>() };
        let target = context.targets.get(entry);
        let bytes = target.filter(|target| target.is_valid.is_some()).map_or(&[][..], |target| {
            // SAFETY: the entry is complete, so nothing writes to its memory any more.
            unsafe { slice::from_raw_parts(target.data, target.nbytes) }
        });
        stop = (context.complete)(entry, bytes).is_break();
        Ok(())
    });
    if stop { sys::TF_STATUS_CANCELLED } else { status }
}

impl Drop for ReadPlan<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference belongs to this value and is not used again.
        release(|| unsafe { sys::tf_read_plan_release(self.raw.as_ptr()) });
    }
}

impl fmt::Debug for ReadPlan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadPlan of {} entries", self.targets.len())
    }
}
