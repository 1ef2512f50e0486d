//go:build cgo && !tensorfile_system

// Package core is the C++ core, in one file as bindings/vendor.sh makes it. This package compiles its first part, and
// package core2, beside it, the second. To import both is to link the core; the build tag tensorfile_system leaves it out.
package core

// Go compiles with -g. A backtrace needs only the lines, and the rest takes a fifth of the compile time.

// #cgo CXXFLAGS: -g1
// #cgo CXXFLAGS: -std=c++20 -DNDEBUG -DTENSORFILE_API= -DTENSORFILE_PART=1 -fno-exceptions -fno-rtti -fvisibility=hidden
// #cgo !tensorfile_zlib CXXFLAGS: -DTENSORFILE_NO_ZLIB
// #cgo tensorfile_zlib LDFLAGS: -lz
// #cgo linux LDFLAGS: -Wl,--as-needed
import "C"
