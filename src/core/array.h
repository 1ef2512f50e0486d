// Array (tf_array): dtype, shape and strides over a Buffer, which several arrays may share.
#pragma once

#include "base/buffer.h"
#include "base/limits.h"
#include "core/dtype.h"

struct tf_array {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // allocated this object
  tfile::Ref<tfile::Slab> slab;      // contains this object; empty if it is allocated separately
  tfile::Ref<tfile::Buffer> buffer;
  const tfile::Dtype *dtype = nullptr;
  char *data = nullptr;  // the first element, [0, 0, ...]
  size_t ndim = 0;
  int64_t size = 0;  // number of elements
  uint64_t nbytes = 0;

  void retain() { refs.increment(); }
  void release();

  // Shape and strides follow the object in the same allocation.
  int64_t *dims() const { return reinterpret_cast<int64_t *>(const_cast<tf_array *>(this) + 1); }
  tfile::Span<const int64_t> shape() const { return {dims(), ndim}; }
  // Strides in bytes; meaningless for packed and block types.
  tfile::Span<const int64_t> strides() const { return {dims() + ndim, ndim}; }
};

namespace tfile {

using Array = ::tf_array;

// Checks a dtype and a shape from the user; *nbytes is their size in C order.
Status check_shape(uint64_t *nbytes, tf_dtype dtype, Span<const int64_t> shape);

// A dtype and a shape that have been checked.
struct Form {
  const Dtype *dtype = nullptr;
  Span<const int64_t> shape;
  uint64_t nbytes = 0;  // in C order

  Status read(tf_dtype id, const int64_t *sizes, size_t ndim);
};

// Makes an array over part of a buffer; NULL strides mean C-contiguous. check_shape() must have accepted the shape.
Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape,
                  const int64_t *strides, Ref<Buffer> buffer, char *data);
// Makes a C-contiguous array with its own buffer, uninitialized.
Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape);

// Makes a C-contiguous array whose object, buffer and data are in a slab, uninitialized.
Status make_array(Ref<Array> &out, SlabAllocator &allocator, const Dtype &dtype, Span<const int64_t> shape);
// Returns how many bytes of a slab such an array uses; 0 if it is so large that it must be allocated separately.
uint64_t slab_array_cost(const Dtype &dtype, Span<const int64_t> shape);

// Makes an array of zeros.
Status make_zeros(Ref<Array> &out, Memory &memory, const Form &form);
// Makes an array with a copy of nbytes in C order. Fails with INVALID_ARGUMENT if the form needs another number of
// bytes.
Status copy_from(Ref<Array> &out, Memory &memory, const Form &form, const void *from, size_t nbytes);

bool is_contiguous(const Array &array);
// True if the elements are in Fortran order without gaps, and not in C order.
bool is_fortran_contiguous(const Array &array);
// True if the memory is writable and no other array uses it. References to this array do not count.
bool is_exclusive(const Array &array);
// Returns the array's memory for writing. Fails with INVALID_ARGUMENT unless is_exclusive().
Status writable_data(void **data, const Array &array);
// Returns the array itself if the caller's reference is the only one and it is_exclusive(), else a copy.
Status make_exclusive(Ref<Array> &out, Array &array);

// Makes a C-contiguous copy.
Status copy(Ref<Array> &out, Memory &memory, const Array &array);
// Returns the array itself if it is C-contiguous, else a copy that is.
Status contiguous(Ref<Array> &out, Memory &memory, const Array &array);
// Gives the elements another shape, which may have one -1. Makes a view if strides can describe it, else a copy.
Status reshape(Ref<Array> &out, Memory &memory, const Array &array, Span<const int64_t> shape);
Status transpose(Ref<Array> &out, Memory &memory, const Array &array, const size_t *axes, size_t naxes);
bool equal(const Array &a, const Array &b);

// Checks an index of ndim entries and makes each of them nonnegative: a negative entry counts from the end of its axis.
Status resolve_index(int64_t *indices, const Array &array, Span<const int64_t> index);
// Returns the address of an element of an addressable array, at indices from resolve_index().
const char *element_at(const Array &array, const int64_t *indices);
// Reads one element of a bool or integer array. Negative index entries count from the end.
Status item_int64(int64_t *value, const Array &array, Span<const int64_t> index);
// Sets one element of a bool or integer array, whose memory must be is_exclusive(). Fails with INVALID_ARGUMENT if the
// dtype cannot hold the value.
Status set_item_int64(Array &array, Span<const int64_t> index, int64_t value);
// Writes an element of a bool or integer dtype. The dtype must be able to hold the value.
void store_integer(char *to, const Dtype &dtype, uint64_t value);

// Copies the element of a 0-d array. Fails with INVALID_ARGUMENT if it has more than `capacity` bytes.
Status copy_scalar(void *to, size_t capacity, const Array &scalar);
// Fails with INVALID_ARGUMENT if an element is a bool that is neither 0 nor 1.
Status check_scalar(const Dtype &dtype, const void *value);

}  // namespace tfile
