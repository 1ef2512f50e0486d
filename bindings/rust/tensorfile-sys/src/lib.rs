//! The C ABI of tensorfile, which saves and loads named n-dimensional arrays: .npy, .npz, .safetensors and .gguf.
//!
//! This is the raw layer, under its names in C; the crate `tensorfile` is the one to use from Rust. Building it compiles
//! the C++ core, which stands in the package, with zlib from `libz-sys`; a C++20 compiler is all that it needs. With the
//! environment variable `TENSORFILE_USE_SYSTEM=1` an installed libtensorfile is linked instead, found by pkg-config. The
//! feature `static` links zlib (and an installed libtensorfile) statically.
//!
//! SWIG parses `tensorfile.h` and exports its parse tree, our own printer emits the Rust declarations from that, and at
//! every build the C compiler checks them against the header: each function's type and each constant's value.
//!
//! # What holds for every function
//!
//! Handles are reference-counted with atomics. `tf_X_retain` adds a reference and gives its argument back, `tf_X_release`
//! drops one; both accept NULL. A function that makes something takes `T **out` first, sets it to NULL on entry, and on
//! success the caller owns one reference. A returned pointer is borrowed: its comment says until when it lives.
//!
//! A function returns a [`tf_status`]; 0 is success. On failure nothing is made and nothing changes, and the calling
//! thread's error record is set: [`tf_error_message`], [`tf_error_offset`], [`tf_error_name`].
//!
//! Strings are UTF-8, a pointer and a length in bytes; length `usize::MAX` means "up to the NUL". Paths are
//! NUL-terminated: bytes on POSIX, UTF-8 on Windows.
//!
//! ```
//! use tensorfile_sys as sys;
//! // SAFETY: takes nothing, and gives static text.
//! let version = unsafe { std::ffi::CStr::from_ptr(sys::tf_version_string()) };
//! assert_eq!(version, sys::TENSORFILE_VERSION_STRING);
//! ```
#![no_std]
#![allow(non_camel_case_types)]
#![allow(missing_docs)] // What the header leaves to a name alone.

// zlib, which the core calls.
extern crate libz_sys as _;

include!("bindings.rs");
