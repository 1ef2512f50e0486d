//go:build !cgo

package capi

// The C++ core is compiled by cgo, which is disabled. The name below appears in the error message of the compiler.
var _ = tensorfile_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_and_a_Cxx20_compiler
