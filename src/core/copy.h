// Copying between strided layouts.
#pragma once

#include "core/array.h"

namespace tfile {

// Copies the elements of a shape, `item` bytes each, between two layouts. Strides are in bytes and of any sign. The
// memory must not overlap. Axes are merged and reordered for long runs.
void copy_strided(char *to, const int64_t *to_strides, const char *from, const int64_t *from_strides,
                  Span<const int64_t> shape, size_t item);

// True if the elements of two layouts have the same bytes.
bool equal_strided(const char *a, const int64_t *a_strides, const char *b, const int64_t *b_strides,
                   Span<const int64_t> shape, size_t item);

// Computes the shape.size() strides of a C-contiguous array. An empty array can have sizes whose product overflows;
// such strides, which nothing uses, become INT64_MAX.
void contiguous_strides(int64_t *strides, Span<const int64_t> shape, size_t item);

// Copies `count` elements of an addressable array, from element `first` in C order, to C-contiguous memory.
void copy_elements(char *to, const Array &array, int64_t first, int64_t count);

// Copies `count` elements, `item` bytes each, from C-contiguous memory to a layout: to its elements from `first` on, in
// C order.
void place_elements(char *to, const int64_t *to_strides, Span<const int64_t> shape, size_t item, const char *from,
                    int64_t first, int64_t count);

}  // namespace tfile
