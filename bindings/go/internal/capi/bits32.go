//go:build cgo && (386 || arm || mips || mipsle || wasm)

package capi

// The bindings need an int of 64 bits. The name below appears in the error message of the compiler.
var _ = tensorfile_needs_a_64_bit_platform
