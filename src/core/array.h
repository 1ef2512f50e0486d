// Array (tf_array): dtype, shape, strides, and a share of a Buffer.
#pragma once

#include "base/buffer.h"
#include "core/dtype.h"

struct tf_array {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // of this object
  tfile::Ref<tfile::Slab> slab;      // that it lies in; empty: allocated by itself
  tfile::Ref<tfile::Buffer> buffer;
  const tfile::Dtype *dtype = nullptr;
  char *data = nullptr;  // the first element, [0, 0, ...]
  size_t ndim = 0;
  int64_t size = 0;  // elements
  uint64_t nbytes = 0;

  void retain() { refs.increment(); }
  void release();

  // Shape and strides stand behind the object, in the same allocation.
  int64_t *dims() const { return reinterpret_cast<int64_t *>(const_cast<tf_array *>(this) + 1); }
  tfile::Span<const int64_t> shape() const { return {dims(), ndim}; }
  // In bytes; meaningless for packed and block types.
  tfile::Span<const int64_t> strides() const { return {dims() + ndim, ndim}; }
};

namespace tfile {

using Array = ::tf_array;

inline constexpr size_t kMaxRank = 64;

// Checks dtype and shape as a caller gave them; *nbytes is what they need in C order.
Status check_shape(uint64_t *nbytes, tf_dtype dtype, Span<const int64_t> shape);

// An array over part of a buffer. strides NULL: C-contiguous. The arguments are right: check_shape has been asked.
Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape,
                  const int64_t *strides, Ref<Buffer> buffer, char *data);
// A C-contiguous array over a fresh buffer, uninitialised.
Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape);

// The same in one piece of a slab. What that takes of what the allocator is told to expect: slab_array_cost(), which is 0
// for an array that is too large to share.
Status make_array(Ref<Array> &out, SlabAllocator &allocator, const Dtype &dtype, Span<const int64_t> shape);
uint64_t slab_array_cost(const Dtype &dtype, Span<const int64_t> shape);

bool is_contiguous(const Array &array);
// Whether the elements lie in Fortran order without gaps, and not in C order.
bool is_fortran_contiguous(const Array &array);
// Whether this array's memory may be written: writable, and no other array has it. References to this one do not count.
bool is_exclusive(const Array &array);

// A C-contiguous copy.
Status copy(Ref<Array> &out, Memory &memory, const Array &array);
// C-contiguous: array itself, or a copy.
Status contiguous(Ref<Array> &out, Memory &memory, const Array &array);
Status transpose(Ref<Array> &out, Memory &memory, const Array &array, const size_t *axes, size_t naxes);
bool equal(const Array &a, const Array &b);

// The indices that index means: it has ndim entries, negative ones count from the end. indices has room for ndim.
Status resolve_index(int64_t *indices, const Array &array, Span<const int64_t> index);
// The address of an element of an addressable array, at indices that resolve_index() gave.
const char *element_at(const Array &array, const int64_t *indices);
// One element of bool or an integer dtype; index as in resolve_index().
Status item_int64(int64_t *value, const Array &array, Span<const int64_t> index);

}  // namespace tfile
