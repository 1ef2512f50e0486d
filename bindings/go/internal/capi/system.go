//go:build tensorfile_system

package capi

// #cgo pkg-config: tensorfile
import "C"
