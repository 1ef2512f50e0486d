//go:build !tensorfile_system

package capi

// #cgo CPPFLAGS: -I${SRCDIR}/../core
import "C"

import (
	_ "github.com/tensorfile/tensorfile/bindings/go/internal/core"  // defines the functions declared here
	_ "github.com/tensorfile/tensorfile/bindings/go/internal/core2" // together with core
)
