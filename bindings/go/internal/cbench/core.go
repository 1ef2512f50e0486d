//go:build cgo && !tensorfile_system

package cbench

// #cgo CPPFLAGS: -I${SRCDIR}/../core
import "C"
