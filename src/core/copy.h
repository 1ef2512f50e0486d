// Copying between strided layouts.
#pragma once

#include "core/array.h"

namespace tfile {

// Copies shape elements of item bytes each, between any two layouts; strides are in bytes and of any sign. The memory
// must not overlap. Axes are merged and reordered where that makes longer runs.
void copy_strided(char *to, const int64_t *to_strides, const char *from, const int64_t *from_strides,
                  Span<const int64_t> shape, size_t item);

// Whether the elements of two layouts are the same bytes.
bool equal_strided(const char *a, const int64_t *a_strides, const char *b, const int64_t *b_strides,
                   Span<const int64_t> shape, size_t item);

// Strides of a C-contiguous array; strides has room for shape.size(). An empty array may have other sizes whose product
// with item is out of range: such strides, which nothing uses, become INT64_MAX.
void contiguous_strides(int64_t *strides, Span<const int64_t> shape, size_t item);

// Writes elements first to first + count (counted in C order) of an addressable array, C-contiguous, to `to`.
void copy_elements(char *to, const Array &array, int64_t first, int64_t count);

}  // namespace tfile
