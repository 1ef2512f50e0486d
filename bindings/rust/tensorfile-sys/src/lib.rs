//! The C ABI of tensorfile, which saves and loads named n-dimensional arrays: .npy, .npz, .safetensors and .gguf.
//!
//! This is the raw layer with the names of C; applications use the crate `tensorfile`. Building it compiles the C++
//! core in this package, and needs only a C++20 compiler. The feature `zlib` adds zlib from `libz-sys`, which only
//! `TF_DEFLATE_ZLIB` needs. With the environment variable `TENSORFILE_USE_SYSTEM=1` the crate uses an installed
//! libtensorfile instead, which it finds with pkg-config. The feature `static` links zlib (and an installed
//! libtensorfile) statically.
//!
//! The declarations are generated from SWIG's parse tree of `tensorfile.h`. In every build the C compiler compares the
//! type of each function and the value of each constant with the header.
//!
//! # Conventions
//!
//! Handles are reference-counted with atomics. `tf_X_retain` adds a reference and returns its argument, and
//! `tf_X_release` removes one; both accept NULL. A function that creates an object takes `T **out` as its first
//! argument and sets it to NULL on entry; on success the caller owns one reference. A returned pointer is borrowed;
//! its comment says how long it is valid.
//!
//! Most functions return a [`tf_status`], which is 0 on success. A function that fails creates and changes nothing,
//! and sets the error record of the calling thread: [`tf_error_message`], [`tf_error_offset`], [`tf_error_name`].
//!
//! Strings are UTF-8 and have a pointer and a length in bytes; the length `usize::MAX` means that the string is
//! NUL-terminated. Paths are NUL-terminated: bytes on POSIX, UTF-8 on Windows.
//!
//! ```
//! use tensorfile_sys as sys;
//! // SAFETY: the function has no preconditions and returns a static text.
//! let version = unsafe { std::ffi::CStr::from_ptr(sys::tf_version_string()) };
//! assert_eq!(version, sys::TENSORFILE_VERSION_STRING);
//! ```
#![no_std]
#![allow(non_camel_case_types)]
#![allow(clippy::wildcard_imports)] // Generated code imports the types of C.
#![allow(missing_debug_implementations)] // The structs are opaque.
#![allow(missing_docs)] // Some names are not documented in the header.

// Links zlib, which the core uses.
#[cfg(feature = "zlib")]
extern crate libz_sys as _;

include!("bindings.rs");
