//go:build cgo && (386 || arm || mips || mipsle || wasm)

package capi

// The library's sizes and SWIG's code are for an int of 64 bits. The compiler's message about this line says so.
var _ = tensorfile_needs_a_64_bit_platform
