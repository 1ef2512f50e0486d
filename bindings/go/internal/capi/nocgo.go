//go:build !cgo

package capi

// The C++ core is compiled by cgo, which is off. The compiler's message about this line says what to do.
var _ = tensorfile_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_and_a_Cxx20_compiler
