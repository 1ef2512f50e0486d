//go:build cgo

// Package cbench does in C what benchmarks do in Go, for comparison.
package cbench

// #include "tensorfile.h"
//
// static int64_t list(const void *data, size_t nbytes) {
//   tf_file *file;
//   if (tf_file_open_memory(&file, data, nbytes, TF_FORMAT_AUTO, NULL) != TF_STATUS_OK) return -1;
//   int64_t sum = 0;
//   for (size_t i = 0; i < tf_file_count(file); i++) {
//     const char *name;
//     size_t length;
//     (void)tf_file_name(&name, &length, file, i);
//     sum += (int64_t)length + tf_file_dtype(file, i);
//     const int64_t *shape = tf_file_shape(file, i);
//     for (size_t axis = 0; axis < tf_file_ndim(file, i); axis++) sum += shape[axis];
//   }
//   tf_file_release(file);
//   return sum;
// }
import "C"

import (
	"unsafe"

	_ "github.com/tensorfile/tensorfile/bindings/go/internal/capi" // links the library
)

// List opens a file in memory and returns the sum of the lengths of its names, its dtypes and the sizes of its arrays.
func List(data []byte) int {
	return int(C.list(unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data))))
}
