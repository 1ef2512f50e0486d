//go:build !cgo || tensorfile_system

package core2
