//go:build cgo && !tensorfile_system

// Package core2 is the second part of the core, whose source is in package core. Go compiles the files of a package one
// after another, but packages that do not import each other at the same time.
package core2

// #cgo CPPFLAGS: -I${SRCDIR}/../core
// #cgo CXXFLAGS: -g1
// #cgo CXXFLAGS: -std=c++20 -DNDEBUG -DTENSORFILE_API= -DTENSORFILE_PART=2 -fno-exceptions -fno-rtti -fvisibility=hidden
// #cgo !tensorfile_zlib CXXFLAGS: -DTENSORFILE_NO_ZLIB
import "C"
