//! Calls of the library: statuses become results, and errors and panics of callbacks reach the caller.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CString, c_void};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Result, status_of};
use crate::sys;

/// What a callback cannot express by its status: an error, or a panic.
pub(crate) enum CallbackError {
    Panic(Box<dyn Any + Send>),
    Error(io::Error),
}

/// Receives the errors of callbacks that run on threads of the library.
#[derive(Default)]
pub(crate) struct Slot {
    error: Mutex<Option<CallbackError>>,
    /// The slot of the set of files that the source belongs to, which receives the errors instead.
    set: Mutex<Option<Arc<Slot>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    /// Makes errors go to another slot, that of a set.
    pub fn forward(&self, set: &Arc<Slot>) {
        if !ptr::eq(self, &raw const **set) {
            *lock(&self.set) = Some(set.clone());
        }
    }

    fn record(&self, error: CallbackError) {
        let set = lock(&self.set).clone();
        let mut slot = lock(set.as_ref().map_or(&self.error, |set| &set.error));
        if !matches!(*slot, Some(CallbackError::Panic(_))) {
            *slot = Some(error);
        }
    }
}

thread_local! {
    static PENDING: Cell<Option<CallbackError>> = const { Cell::new(None) };
    /// The number of calls of the library that this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs a call. Errors of its callbacks on this thread are kept for [`finish`].
pub(crate) fn enter<T>(call: impl FnOnce() -> T) -> T {
    struct Depth;
    impl Drop for Depth {
        fn drop(&mut self) {
            let _ = DEPTH.try_with(|depth| depth.set(depth.get() - 1));
        }
    }
    let _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
    let _depth = Depth;
    call()
}

fn record(slot: Option<&Slot>, error: CallbackError) {
    let in_call = DEPTH.try_with(Cell::get).is_ok_and(|depth| depth > 0);
    if in_call {
        let _ = PENDING.try_with(|pending| match pending.take() {
            // A panic replaces an error, but not an earlier panic, which is the reason for the later one.
            Some(first @ CallbackError::Panic(_)) => pending.set(Some(first)),
            _ => pending.set(Some(error)),
        });
    } else if let Some(slot) = slot {
        slot.record(error);
    }
}

fn take(slot: Option<&Slot>) -> Option<CallbackError> {
    let here = PENDING.try_with(Cell::take).ok().flatten();
    // Always cleared: several threads of one call may have failed, and only one error is reported.
    let there = slot.and_then(|slot| lock(&slot.error).take());
    match (here, there) {
        (Some(CallbackError::Error(_)) | None, Some(panic @ CallbackError::Panic(_))) => Some(panic),
        (here, there) => here.or(there),
    }
}

/// Converts the status of a call to a result. Resumes the panic of a callback.
pub(crate) fn finish(status: sys::tf_status, slot: Option<&Slot>) -> Result<()> {
    let cause = match take(slot) {
        Some(CallbackError::Panic(panic)) => resume_unwind(panic),
        Some(CallbackError::Error(error)) => Some(error),
        None => None,
    };
    match status {
        sys::TF_STATUS_OK => Ok(()),
        // A callback may have failed before, without making the call fail.
        failure => Err(Error::last(failure, cause.filter(|cause| status_of(cause) == failure))),
    }
}

/// Runs a call that returns a status.
pub(crate) fn check(call: impl FnOnce() -> sys::tf_status) -> Result<()> {
    finish(enter(call), None)
}

/// Releases an object. Resumes a panic of the caller's own `drop`, unless the thread is already panicking.
pub(crate) fn release(call: impl FnOnce()) {
    enter(call);
    if let Some(CallbackError::Panic(panic)) = take(None) {
        if !std::thread::panicking() {
            resume_unwind(panic);
        }
    }
}

/// Runs the body of a callback. A panic does not leave the callback: it is resumed in the call that invoked it.
pub(crate) fn callback(slot: Option<&Slot>, body: impl FnOnce() -> io::Result<()>) -> sys::tf_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => sys::TF_STATUS_OK,
        Ok(Err(error)) => {
            let status = status_of(&error);
            record(slot, CallbackError::Error(error));
            status
        }
        Err(panic) => {
            record(slot, CallbackError::Panic(panic));
            sys::TF_STATUS_CANCELLED
        }
    }
}

/// A `tf_release_fn` that drops a `Box<T>`.
///
/// # Safety
/// `user` is from `Box::<T>::into_raw`, and is not used again.
pub(crate) unsafe extern "C" fn drop_box<T>(user: *mut c_void) {
    callback(None, || {
        // SAFETY: guaranteed by the caller.
        drop(unsafe { Box::from_raw(user.cast::<T>()) });
        Ok(())
    });
}

/// A reference to an object of the library, which is released when the handle is dropped.
pub(crate) trait Handle: Sized {
    type Raw;
    fn adopt(raw: NonNull<Self::Raw>) -> Self;
}

/// Returns the result of a call.
pub(crate) fn made<T: Handle>(raw: *mut T::Raw, status: sys::tf_status, slot: Option<&Slot>) -> Result<T> {
    let made = NonNull::new(raw).map(T::adopt);
    finish(status, slot)?;
    made.ok_or_else(|| Error::new(ErrorKind::Internal, "the library succeeded without a result"))
}

/// Runs a call that returns one object.
pub(crate) fn make<T: Handle>(call: impl FnOnce(*mut *mut T::Raw) -> sys::tf_status) -> Result<T> {
    let mut raw = std::ptr::null_mut();
    let status = enter(|| call(&raw mut raw));
    made(raw, status, None)
}

/// Implements the traits of all owned handles.
macro_rules! handle {
    ($owned:ty, $raw:ident, $release:ident) => {
        impl $crate::call::Handle for $owned {
            type Raw = $crate::sys::$raw;
            fn adopt(raw: std::ptr::NonNull<Self::Raw>) -> Self {
                Self(raw)
            }
        }

        impl Drop for $owned {
            fn drop(&mut self) {
                // SAFETY: the reference belongs to this handle and is not used again.
                $crate::call::release(|| unsafe { $crate::sys::$release(self.0.as_ptr()) });
            }
        }
    };
}
pub(crate) use handle;

/// Converts a path for the library: its bytes on Unix, or UTF-8 elsewhere.
pub(crate) fn c_path(path: &Path) -> Result<CString> {
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str());
    #[cfg(not(unix))]
    let bytes = path
        .to_str()
        .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format!("the path '{}' is not Unicode", path.display())))?
        .as_bytes();
    CString::new(bytes).map_err(|_| {
        Error::new(ErrorKind::InvalidArgument, format!("the path '{}' contains a NUL character", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panics(body: impl FnOnce()) -> String {
        let panic = catch_unwind(AssertUnwindSafe(body)).expect_err("a panic");
        panic.downcast_ref::<&str>().expect("text").to_string()
    }

    #[test]
    fn a_callbacks_panic_reaches_the_caller() {
        let text = panics(|| {
            let status = enter(|| callback(None, || panic!("first")));
            let _ = finish(status, None);
        });
        assert_eq!(text, "first");
    }

    #[test]
    fn the_first_panic_wins() {
        let text = panics(|| {
            let status = enter(|| {
                callback(None, || panic!("first"));
                callback(None, || Err(io::Error::other("later")));
                callback(None, || panic!("second"))
            });
            let _ = finish(status, None);
        });
        assert_eq!(text, "first");
    }

    #[test]
    fn errors_on_other_threads_are_in_the_slot() {
        let slot = Slot::default();
        std::thread::scope(|scope| {
            scope.spawn(|| callback(Some(&slot), || panic!("elsewhere")));
        });
        let text = panics(|| {
            let _ = finish(sys::TF_STATUS_OK, Some(&slot));
        });
        assert_eq!(text, "elsewhere");
        assert!(finish(sys::TF_STATUS_OK, Some(&slot)).is_ok());
    }

    #[test]
    fn a_panic_in_drop_is_resumed_after_the_release() {
        struct Loud;
        impl Drop for Loud {
            fn drop(&mut self) {
                panic!("dropped")
            }
        }
        let user = Box::into_raw(Box::new(Loud)).cast();
        // SAFETY: the pointer is a box's, used once.
        assert_eq!(panics(|| release(|| unsafe { drop_box::<Loud>(user) })), "dropped");
    }

    #[test]
    fn a_successful_call_drops_the_errors_of_callbacks() {
        let status = enter(|| {
            callback(None, || Err(io::Error::other("retried")));
            sys::TF_STATUS_OK
        });
        assert!(finish(status, None).is_ok());
        assert!(take(None).is_none());
    }

    #[test]
    fn paths_with_a_nul_are_refused() {
        assert_eq!(c_path(Path::new("a\0b")).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(c_path(Path::new("a/b")).unwrap().as_bytes(), b"a/b");
    }
}
