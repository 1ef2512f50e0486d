//! Errors.

use std::ffi::{CStr, c_char};
use std::sync::Arc;
use std::{fmt, io};

use crate::sys;

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! kinds {
    ($($(#[$comment:meta])* $name:ident = $raw:ident,)*) => {
        /// The kind of an [`Error`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$comment])* $name,)*
            /// A status of the library that this version of the crate does not know.
            Unknown(i32),
        }

        impl ErrorKind {
            pub(crate) fn from_raw(raw: sys::tf_status) -> Self {
                match raw {
                    $(sys::$raw => ErrorKind::$name,)*
                    other => ErrorKind::Unknown(other),
                }
            }

            pub(crate) fn to_raw(self) -> sys::tf_status {
                match self {
                    $(ErrorKind::$name => sys::$raw,)*
                    ErrorKind::Unknown(other) => other,
                }
            }
        }

        #[cfg(test)]
        pub(crate) const KINDS: &[ErrorKind] = &[$(ErrorKind::$name),*];
    };
}

kinds! {
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

impl ErrorKind {
    /// Returns the name of the kind in lower case, such as `"corrupt"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        // SAFETY: the function accepts any number.
        unsafe { static_text(sys::tf_status_name(self.to_raw())) }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failed call: a kind, and one line that says what failed and where, what was expected and what was found.
///
/// If the system or a reader, writer or executor of the caller failed, its error is the
/// [`source`](std::error::Error::source). Conversion to [`io::Error`] keeps its kind. The message, which `Display`
/// prints, ends with the reason too, so that a program that prints only the error shows why the call failed. A report
/// of the whole chain of sources therefore shows the reason twice.
///
/// ```
/// use tensorfile::ErrorKind;
///
/// let error = tensorfile::load("missing.safetensors").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert!(error.message().contains("missing.safetensors"));
/// assert_eq!(error.offset(), None);
/// assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
/// ```
#[derive(Clone)]
pub struct Error(Box<Record>);

#[derive(Clone)]
struct Record {
    kind: ErrorKind,
    message: Box<str>,
    offset: Option<u64>,
    name: Option<Box<str>>,
    cause: Option<Arc<io::Error>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Box<str>>) -> Self {
        Error(Box::new(Record { kind, message: message.into(), offset: None, name: None, cause: None }))
    }

    /// Returns the error with the name of the array or key that it concerns.
    pub(crate) fn with_name(mut self, name: &str) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// Returns the error with its cause, which the message ends with.
    pub(crate) fn with_cause(mut self, cause: io::Error) -> Self {
        self.0.message = explain(&self.0.message, self.0.offset, &cause).into();
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// Returns the error of the last call on this thread. `cause` is the error of a callback.
    pub(crate) fn last(raw: sys::tf_status, cause: Option<io::Error>) -> Self {
        // SAFETY: the texts are never NULL, and valid until the next failure on this thread.
        let (message, name) = unsafe { (text(sys::tf_error_message()), text(sys::tf_error_name())) };
        // SAFETY: the functions have no preconditions.
        let (offset, system) = unsafe { (sys::tf_error_offset(), sys::tf_error_system()) };
        let error = Error(Box::new(Record {
            kind: ErrorKind::from_raw(raw),
            message: in_terms_of_rust(&message).into(),
            offset: (offset != u64::MAX).then_some(offset),
            name: (!name.is_empty()).then(|| name.into()),
            // The message already has the reason.
            cause: i32::try_from(system)
                .ok()
                .filter(|&number| number != 0)
                .map(|number| Arc::new(io::Error::from_raw_os_error(number))),
        }));
        match cause {
            Some(cause) => error.with_cause(cause),
            None => error,
        }
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns one line that says what failed and where, what was expected and what was found.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the offset in the file at which the failure was found.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// Returns the array or key that the failure concerns.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Returns the number of the system's error, if the system reported one.
    #[must_use]
    pub fn raw_os_error(&self) -> Option<i32> {
        self.0.cause.as_ref()?.raw_os_error()
    }
}

/// Returns a message about a failed callback with the reason that the callback gave.
fn explain(message: &str, offset: Option<u64>, cause: &io::Error) -> String {
    let place = offset.map_or_else(String::new, |offset| format!(" at byte {offset}"));
    if let Some((before, _)) = message.split_once("the source's ") {
        return format!("{before}reading{place}: {cause}");
    }
    if let Some((before, _)) = message.split_once("the sink's ") {
        return format!("{before}writing{place}: {cause}");
    }
    format!("{message}: {cause}")
}

/// Returns a message with shapes in brackets instead of parentheses, as tuples are written in Python.
fn with_brackets(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once(" (") {
        out.push_str(before);
        let end = after.find(|c: char| !(c.is_ascii_digit() || c == ',' || c == ' ')).unwrap_or(after.len());
        let (sizes, tail) = after.split_at(end);
        let is_shape = sizes.contains(',') || (sizes.is_empty() && before.ends_with("shape"));
        if let Some(tail) = tail.strip_prefix(')').filter(|_| is_shape) {
            out.extend([" [", sizes.trim_end_matches(','), "]"]);
            rest = tail;
        } else {
            out.push_str(" (");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Returns a message with shapes as in Rust, and with the names of Rust instead of those of C: methods of
/// [`Options`](crate::Options) for options, variants of [`Format`](crate::Format), and other methods.
pub(crate) fn in_terms_of_rust(message: &str) -> String {
    let message = with_brackets(message)
        .replace("TF_LOAD_MODE_MAP", "Options::map(true)")
        .replace("tf_source_set_resolver()", "Source::with_resolver")
        .replace("tf_part_plan_finish()", "PartPlanBuilder::finish");
    let message = with_names(&message, "TF_FORMAT_", |name, _| format!("Format::{}", in_camel_case(name)));
    with_names(&message, "TF_OPTION_", |name, is_off| {
        format!("Options::{}{}", name.to_ascii_lowercase(), if is_off { "(false)" } else { "" })
    })
}

/// Replaces each name of C that starts with `mark` by `rename(rest of the name, whether " 0" follows)`. A " 0" that
/// follows is removed.
fn with_names(message: &str, mark: &str, rename: impl Fn(&str, bool) -> String) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once(mark) {
        let end = after.find(|c: char| !(c.is_ascii_uppercase() || c == '_')).unwrap_or(after.len());
        let (name, tail) = after.split_at(end);
        let value = tail.strip_prefix(" 0");
        out.extend([before, &rename(name, value.is_some())]);
        rest = value.unwrap_or(tail);
    }
    out.push_str(rest);
    out
}

/// Returns `ByContent` for `BY_CONTENT`.
fn in_camel_case(name: &str) -> String {
    let capitalized = |word: &str| word.chars().take(1).chain(word.to_ascii_lowercase().chars().skip(1)).collect();
    name.split('_').map(capitalized).collect::<Vec<String>>().concat()
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { kind, message, offset, name, cause } = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", kind).field("message", message);
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

/// The kind is that of the system's or callback's error, if there is one.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match (&error.0.cause, error.kind()) {
            (Some(cause), _) => cause.kind(),
            (None, ErrorKind::InvalidArgument) => io::ErrorKind::InvalidInput,
            (None, ErrorKind::OutOfMemory) => io::ErrorKind::OutOfMemory,
            (None, ErrorKind::NotFound) => io::ErrorKind::NotFound,
            (None, ErrorKind::Truncated) => io::ErrorKind::UnexpectedEof,
            (None, ErrorKind::Unsupported) => io::ErrorKind::Unsupported,
            (
                None,
                ErrorKind::Duplicate
                | ErrorKind::Format
                | ErrorKind::Corrupt
                | ErrorKind::Mismatch
                | ErrorKind::Limit
                | ErrorKind::Type,
            ) => io::ErrorKind::InvalidData,
            (None, ErrorKind::Cancelled) => io::ErrorKind::Interrupted,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// Returns the error itself if it is an [`Error`] that was converted to an [`io::Error`].
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(own) => own,
            Err(error) => {
                let own = Error::new(ErrorKind::from_raw(status_of(&error)), error.to_string());
                Error(Box::new(Record { cause: Some(Arc::new(error)), ..*own.0 }))
            }
        }
    }
}

/// Returns the status that a callback reports for an error, which is its own if it wraps an [`Error`].
pub(crate) fn status_of(error: &io::Error) -> sys::tf_status {
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return inner.kind().to_raw();
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
unsafe fn text(from: *const c_char) -> String {
    // SAFETY: guaranteed by the caller.
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned()
}

/// Returns a static text of the library.
///
/// # Safety
/// `from` is a static NUL-terminated string.
pub(crate) unsafe fn static_text(from: *const c_char) -> &'static str {
    // SAFETY: guaranteed by the caller.
    unsafe { CStr::from_ptr(from) }.to_str().unwrap_or("unknown")
}

/// Ends a call that can only fail for want of memory, or if the library has a bug.
#[track_caller]
pub(crate) fn or_panic<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_goes_out_and_back() {
        for &kind in KINDS {
            assert_eq!(ErrorKind::from_raw(kind.to_raw()), kind);
        }
        assert_eq!(ErrorKind::from_raw(4711), ErrorKind::Unknown(4711));
        assert_eq!(Error::new(ErrorKind::Unknown(4711), "x").kind(), ErrorKind::Unknown(4711));
    }

    #[test]
    fn errors_pass_through_io_errors() {
        let error = io::Error::from(Error::new(ErrorKind::Cancelled, "enough"));
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        assert_eq!(status_of(&error), sys::TF_STATUS_CANCELLED);
        assert_eq!(Error::from(error).message(), "enough");
        assert_eq!(status_of(&io::ErrorKind::UnexpectedEof.into()), sys::TF_STATUS_TRUNCATED);
        assert_eq!(status_of(&io::Error::other("?")), sys::TF_STATUS_IO);
        let denied = Error::from(io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(denied.kind(), ErrorKind::Io);
        assert_eq!(io::Error::from(denied).kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn messages_name_methods() {
        assert_eq!(in_terms_of_rust("x; TF_OPTION_LENIENT accepts this"), "x; Options::lenient accepts this");
        assert_eq!(
            in_terms_of_rust("TF_OPTION_ATOMIC 0 would overwrite; load without TF_LOAD_MODE_MAP"),
            "Options::atomic(false) would overwrite; load without Options::map(true)"
        );
        assert_eq!(
            in_terms_of_rust("is not npy; it seems to be gguf, and TF_FORMAT_BY_CONTENT reads it as that"),
            "is not npy; it seems to be gguf, and Format::ByContent reads it as that"
        );
        assert_eq!(in_terms_of_rust("no resolver: tf_source_set_resolver()"), "no resolver: Source::with_resolver");
        assert_eq!(in_terms_of_rust("not finished: tf_part_plan_finish()"), "not finished: PartPlanBuilder::finish");
        assert_eq!(in_terms_of_rust("shape (2, 3), not shape () or (5,)"), "shape [2, 3], not shape [] or [5]");
        let other = "the limit (max_rank) of 4 (2 bytes) in f (1).npy (); call contiguous()";
        assert_eq!(in_terms_of_rust(other), other);
    }

    #[test]
    fn messages_end_with_the_cause() {
        let explained = |message| explain(message, Some(8), &io::Error::other("lost"));
        assert_eq!(
            explained("array 'a': the source's read_at returned io for 8 bytes"),
            "array 'a': reading at byte 8: lost"
        );
        assert_eq!(explained("the sink's write returned io for 8 bytes"), "writing at byte 8: lost");
        assert_eq!(explained("the executor failed"), "the executor failed: lost");
    }
}
