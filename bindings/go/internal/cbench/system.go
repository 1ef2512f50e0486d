//go:build cgo && tensorfile_system

package cbench

// #cgo pkg-config: tensorfile
import "C"
