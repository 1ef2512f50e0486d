//! Statuses and errors.

use std::ffi::{CStr, c_char};
use std::sync::Arc;
use std::{fmt, io};

use crate::sys;

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! statuses {
    ($($(#[$comment:meta])* $name:ident = $raw:ident,)*) => {
        /// The kind of a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Status {
            $($(#[$comment])* $name,)*
            /// A status that this version of the crate does not know.
            Unknown(i32),
        }

        impl Status {
            pub(crate) fn from_raw(raw: sys::tf_status) -> Self {
                match raw {
                    $(sys::$raw => Status::$name,)*
                    other => Status::Unknown(other),
                }
            }

            pub(crate) fn to_raw(self) -> sys::tf_status {
                match self {
                    $(Status::$name => sys::$raw,)*
                    Status::Unknown(other) => other,
                }
            }
        }

        /// A failed call, with one variant for each [`Status`]. All variants have the same [`Details`].
        ///
        /// ```
        /// use tensorfile::{Error, Status};
        ///
        /// let error = tensorfile::load("missing.safetensors").unwrap_err();
        /// assert!(matches!(error, Error::NotFound(_)));
        /// assert_eq!(error.status(), Status::NotFound);
        /// assert!(error.message().contains("missing.safetensors"));
        /// assert_eq!(error.offset(), None);
        /// ```
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum Error {
            $($(#[$comment])* $name(Details),)*
            /// A status that this version of the crate does not know.
            Unknown(Details),
        }

        impl Error {
            fn from_details(details: Details) -> Self {
                match details.0.status {
                    $(Status::$name => Error::$name(details),)*
                    Status::Unknown(_) => Error::Unknown(details),
                }
            }

            /// Returns everything that is known about the failure.
            pub fn details(&self) -> &Details {
                match self {
                    $(Error::$name(details) => details,)*
                    Error::Unknown(details) => details,
                }
            }
        }

        #[cfg(test)]
        pub(crate) const STATUSES: &[Status] = &[$(Status::$name),*];
    };
}

statuses! {
    // BEGIN tf_status: generated from tensorfile.h by bindings/swig/generate.sh
    /// The caller made a mistake: a null handle, an index or number out of range, a wrong shape. Nothing was done.
    InvalidArgument = TF_STATUS_INVALID_ARGUMENT,
    /// An allocation failed. All handles are as before, and the same call may succeed later.
    OutOfMemory = TF_STATUS_OUT_OF_MEMORY,
    /// The system could not open, read, write or replace a file. The message contains the reason that it gave.
    Io = TF_STATUS_IO,
    /// There is no such file, name or key.
    NotFound = TF_STATUS_NOT_FOUND,
    /// A name occurs twice, in a file or among the names passed to a call.
    Duplicate = TF_STATUS_DUPLICATE,
    /// The bytes are not of the requested format, or of no known format.
    Format = TF_STATUS_FORMAT,
    /// The file breaks a rule of its format.
    Corrupt = TF_STATUS_CORRUPT,
    /// The file ends too early. More bytes at its end could make it valid.
    Truncated = TF_STATUS_TRUNCATED,
    /// The input is valid but not supported: a dtype, version, method or option, or something a format cannot hold.
    Unsupported = TF_STATUS_UNSUPPORTED,
    /// A limit set by an option was exceeded. The call could succeed with a larger limit.
    Limit = TF_STATUS_LIMIT,
    /// A value has another kind or dtype than the call needs.
    Type = TF_STATUS_TYPE,
    /// The loaded weights do not have the expected names and shapes.
    Mismatch = TF_STATUS_MISMATCH,
    /// A progress callback ended the call.
    Cancelled = TF_STATUS_CANCELLED,
    /// The library has a bug; please report it.
    Internal = TF_STATUS_INTERNAL,
    // END tf_status
}

impl Status {
    /// Returns the name of the status in lower case, such as `"corrupt"`.
    pub fn name(self) -> &'static str {
        // SAFETY: the function accepts any number.
        unsafe { static_text(sys::tf_status_name(self.to_raw())) }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The details of an [`Error`].
#[derive(Clone)]
pub struct Details(Box<Record>);

#[derive(Clone)]
struct Record {
    status: Status,
    message: Box<str>,
    offset: Option<u64>,
    name: Option<Box<str>>,
    cause: Option<Arc<io::Error>>,
}

impl Details {
    /// Returns the kind of failure.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// Returns one line that says what failed and where, what was expected and what was found.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the offset in the file at which the failure was found.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// Returns the array or key that the failure concerns.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }
}

impl Error {
    pub(crate) fn new(status: Status, message: impl Into<Box<str>>) -> Self {
        let record = Record { status, message: message.into(), offset: None, name: None, cause: None };
        Error::from_details(Details(Box::new(record)))
    }

    /// Returns the error of the last call on this thread. `cause` is the error of a callback.
    pub(crate) fn last(raw: sys::tf_status, cause: Option<io::Error>) -> Self {
        // SAFETY: the texts are never NULL, and valid until the next failure on this thread.
        let (message, name) = unsafe { (text(sys::tf_error_message()), text(sys::tf_error_name())) };
        // SAFETY: the function has no preconditions.
        let offset = unsafe { sys::tf_error_offset() };
        Error::from_details(Details(Box::new(Record {
            status: Status::from_raw(raw),
            message,
            offset: (offset != u64::MAX).then_some(offset),
            name: (!name.is_empty()).then_some(name),
            cause: cause.map(Arc::new),
        })))
    }

    /// Returns the kind of failure.
    pub fn status(&self) -> Status {
        self.details().status()
    }

    /// Returns one line that says what failed and where, what was expected and what was found.
    pub fn message(&self) -> &str {
        self.details().message()
    }

    /// Returns the offset in the file at which the failure was found.
    pub fn offset(&self) -> Option<u64> {
        self.details().offset()
    }

    /// Returns the array or key that the failure concerns.
    pub fn name(&self) -> Option<&str> {
        self.details().name()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { status, message, offset, name, cause } = &*self.details().0;
        let mut out = f.debug_struct("Error");
        out.field("status", status).field("message", message);
        if let Some(offset) = offset {
            out.field("offset", offset);
        }
        if let Some(name) = name {
            out.field("name", name);
        }
        if let Some(cause) = cause {
            out.field("cause", cause);
        }
        out.finish()
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Error::from_details(self.clone()), f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.details().0.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.status() {
            Status::InvalidArgument => io::ErrorKind::InvalidInput,
            Status::OutOfMemory => io::ErrorKind::OutOfMemory,
            Status::NotFound => io::ErrorKind::NotFound,
            Status::Truncated => io::ErrorKind::UnexpectedEof,
            Status::Unsupported => io::ErrorKind::Unsupported,
            Status::Duplicate | Status::Format | Status::Corrupt | Status::Mismatch => io::ErrorKind::InvalidData,
            Status::Cancelled => io::ErrorKind::Interrupted,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// Returns the status that a callback reports for an error, which is its own if it wraps an [`Error`].
pub(crate) fn status_of(error: &io::Error) -> sys::tf_status {
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return inner.status().to_raw();
    }
    match error.kind() {
        io::ErrorKind::OutOfMemory => sys::TF_STATUS_OUT_OF_MEMORY,
        io::ErrorKind::NotFound => sys::TF_STATUS_NOT_FOUND,
        io::ErrorKind::UnexpectedEof => sys::TF_STATUS_TRUNCATED,
        _ => sys::TF_STATUS_IO,
    }
}

/// Returns a copy of a text of the library.
///
/// # Safety
/// `from` is a NUL-terminated string.
unsafe fn text(from: *const c_char) -> Box<str> {
    // SAFETY: guaranteed by the caller.
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into()
}

/// Returns a static text of the library.
///
/// # Safety
/// `from` is a static NUL-terminated string.
pub(crate) unsafe fn static_text(from: *const c_char) -> &'static str {
    // SAFETY: guaranteed by the caller.
    unsafe { CStr::from_ptr(from) }.to_str().unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_goes_out_and_back() {
        for &status in STATUSES {
            assert_eq!(Status::from_raw(status.to_raw()), status);
            assert_eq!(Error::new(status, "x").status(), status);
        }
        assert_eq!(Status::from_raw(4711), Status::Unknown(4711));
        assert_eq!(Error::new(Status::Unknown(4711), "x").status(), Status::Unknown(4711));
    }

    #[test]
    fn errors_pass_through_io_errors() {
        let error = io::Error::from(Error::new(Status::Cancelled, "enough"));
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        assert_eq!(status_of(&error), sys::TF_STATUS_CANCELLED);
        assert_eq!(status_of(&io::ErrorKind::UnexpectedEof.into()), sys::TF_STATUS_TRUNCATED);
        assert_eq!(status_of(&io::Error::other("?")), sys::TF_STATUS_IO);
    }
}
