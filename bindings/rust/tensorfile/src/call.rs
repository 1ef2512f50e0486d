//! Calls of the library: their statuses as results, and what callbacks hand on to the caller behind the library's back.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CString, c_void};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Mutex;

use crate::error::{Error, Result, Status};
use crate::sys;

/// What a callback could not say by its status: why it failed, or that it panicked.
pub(crate) enum Carried {
    Panic(Box<dyn Any + Send>),
    Error(io::Error),
}

/// Where callbacks on other threads than the caller's leave it.
pub(crate) type Slot = Mutex<Option<Carried>>;

thread_local! {
    static CARRIED: Cell<Option<Carried>> = const { Cell::new(None) };
    /// How many calls of the library this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs a call; what its callbacks carry on this thread waits for [`finish`].
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

fn carry(slot: Option<&Slot>, what: Carried) {
    let in_call = DEPTH.try_with(Cell::get).is_ok_and(|depth| depth > 0);
    if in_call {
        let _ = CARRIED.try_with(|carried| match carried.take() {
            // A panic is worth more than an error, the first more than what it brought about.
            Some(first @ Carried::Panic(_)) => carried.set(Some(first)),
            _ => carried.set(Some(what)),
        });
    } else if let Some(slot) = slot {
        let mut slot = slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !matches!(*slot, Some(Carried::Panic(_))) {
            *slot = Some(what);
        }
    }
}

fn take(slot: Option<&Slot>) -> Option<Carried> {
    let here = CARRIED.try_with(Cell::take).ok().flatten();
    // Taken in any case: what several threads of one call left is told once.
    let there = slot.and_then(|slot| slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take());
    match (here, there) {
        (Some(Carried::Error(_)) | None, Some(panic @ Carried::Panic(_))) => Some(panic),
        (here, there) => here.or(there),
    }
}

/// The result of a call that ended with `status`; goes on with the panic of a callback.
pub(crate) fn finish(status: sys::tf_status, slot: Option<&Slot>) -> Result<()> {
    let cause = match take(slot) {
        Some(Carried::Panic(panic)) => resume_unwind(panic),
        Some(Carried::Error(error)) => Some(error),
        None => None,
    };
    match status {
        sys::TF_STATUS_OK => Ok(()),
        failure => Err(Error::last(failure, cause)),
    }
}

/// Makes a call that gives a status.
pub(crate) fn check(call: impl FnOnce() -> sys::tf_status) -> Result<()> {
    finish(enter(call), None)
}

/// Releases something; a panic of the caller's own `drop` goes on, unless another is under way.
pub(crate) fn release(call: impl FnOnce()) {
    enter(call);
    if let Some(Carried::Panic(panic)) = take(None) {
        if !std::thread::panicking() {
            resume_unwind(panic);
        }
    }
}

/// The body of a callback: no panic leaves it, the caller of the library gets it instead.
pub(crate) fn callback(slot: Option<&Slot>, body: impl FnOnce() -> io::Result<()>) -> sys::tf_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => sys::TF_STATUS_OK,
        Ok(Err(error)) => {
            let status = crate::error::status_of(&error);
            carry(slot, Carried::Error(error));
            status
        }
        Err(panic) => {
            carry(slot, Carried::Panic(panic));
            sys::TF_STATUS_CANCELLED
        }
    }
}

/// A `tf_release_fn` for a `Box<T>` made into a pointer.
///
/// # Safety
/// `user` comes from `Box::<T>::into_raw`, and nobody uses it again.
pub(crate) unsafe extern "C" fn drop_box<T>(user: *mut c_void) {
    callback(None, || {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(user.cast::<T>()) });
        Ok(())
    });
}

/// A reference to something of the library's, released when dropped.
pub(crate) trait Handle: Sized {
    type Raw;
    fn adopt(raw: NonNull<Self::Raw>) -> Self;
}

/// What a successful call gave.
pub(crate) fn made<T: Handle>(raw: *mut T::Raw, status: sys::tf_status, slot: Option<&Slot>) -> Result<T> {
    let made = NonNull::new(raw).map(T::adopt);
    finish(status, slot)?;
    made.ok_or_else(|| Error::new(Status::Internal, "the library succeeded without a result"))
}

/// Makes a call that gives one thing.
pub(crate) fn make<T: Handle>(call: impl FnOnce(*mut *mut T::Raw) -> sys::tf_status) -> Result<T> {
    let mut raw = std::ptr::null_mut();
    let status = enter(|| call(&mut raw));
    made(raw, status, None)
}

/// Implements what all owned handles have.
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
                // SAFETY: the reference is this one's, and ends here.
                $crate::call::release(|| unsafe { $crate::sys::$release(self.0.as_ptr()) });
            }
        }
    };
}
pub(crate) use handle;

/// A path as the library wants it: its bytes on Unix, else UTF-8.
pub(crate) fn c_path(path: &Path) -> Result<CString> {
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str());
    #[cfg(not(unix))]
    let bytes = path
        .to_str()
        .ok_or_else(|| Error::new(Status::InvalidArgument, format!("the path {path:?} is not Unicode")))?
        .as_bytes();
    CString::new(bytes)
        .map_err(|_| Error::new(Status::InvalidArgument, format!("the path {path:?} has a NUL character inside")))
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
    fn other_threads_leave_theirs_in_the_slot() {
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
    fn a_panic_in_drop_goes_on_after_the_release() {
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
        assert_eq!(c_path(Path::new("a\0b")).unwrap_err().status(), Status::InvalidArgument);
        assert_eq!(c_path(Path::new("a/b")).unwrap().as_bytes(), b"a/b");
    }
}
