#include "core/array.h"

#include "base/endian.h"
#include "base/require.h"
#include "core/copy.h"

namespace {

// Returns the size of an array object, including the shape and strides that follow it.
size_t object_bytes(size_t ndim) {
  return sizeof(tf_array) + 2 * ndim * sizeof(int64_t);
}

}  // namespace

void tf_array::release() {
  if (!refs.decrement()) return;
  const tfile::Ref<tfile::Memory> from = memory;
  const tfile::Ref<tfile::Slab> home = slab;
  const size_t bytes = object_bytes(ndim);
  this->~tf_array();
  if (!home) deallocate(*from, this, bytes, alignof(tf_array));
}

namespace tfile {

Status Form::read(tf_dtype id, const int64_t *sizes, size_t ndim) {
  TFILE_TRY(require_span(&shape, sizes, ndim, "shape"));
  TFILE_TRY(check_shape(&nbytes, id, shape));
  dtype = find_dtype(id);
  return kOk;
}

Status check_shape(uint64_t *nbytes, tf_dtype id, Span<const int64_t> shape) {
  const Dtype *const dtype = find_dtype(id);
  if (dtype == nullptr) return Failure(TF_STATUS_INVALID_ARGUMENT) << id << " is not a dtype that has elements";
  if (shape.size() > kMaxRank) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << static_cast<uint64_t>(shape.size()) << " dimensions are more than " << static_cast<uint64_t>(kMaxRank);
  }
  for (const int64_t size : shape) {
    if (size < 0) return (Failure(TF_STATUS_INVALID_ARGUMENT) << "shape ").shape(shape) << " has a negative size";
  }
  const Checked bytes = byte_count(*dtype, shape);
  if (bytes.valid()) {
    *nbytes = bytes.value();
    return kOk;
  }
  Failure failure(TF_STATUS_INVALID_ARGUMENT);
  failure << "shape ";
  failure.shape(shape) << " of " << dtype->name;
  const Checked count = element_count(shape);
  if (!count.valid() || !(Checked(count.value() / dtype->block_size) * dtype->block_bytes).valid()) {
    return failure << " has 2^63 bytes or more";
  }
  return failure << (dtype->is_block() ? ": the last size" : ": the number of elements") << " is not a multiple of "
                 << int32_t{dtype->block_size};
}

namespace {

// Constructs an array object, with its shape and strides, in `storage`, which has object_bytes(ndim) bytes.
Array *construct_array(void *storage, Memory &memory, const Dtype &dtype, Span<const int64_t> shape,
                       const int64_t *strides, Ref<Buffer> buffer, char *data) {
  auto *const array = new (storage) Array{};
  array->memory = Ref<Memory>::share(&memory);
  array->buffer = std::move(buffer);
  array->dtype = &dtype;
  array->data = data;
  array->ndim = shape.size();
  array->size = static_cast<int64_t>(element_count(shape).value());
  array->nbytes = byte_count(dtype, shape).value();
  int64_t *const to = array->dims();
  for (size_t i = 0; i < shape.size(); ++i)
    to[i] = shape[i];
  if (strides == nullptr) {
    contiguous_strides(to + shape.size(), shape, dtype.block_bytes);
  } else {
    for (size_t i = 0; i < shape.size(); ++i)
      to[shape.size() + i] = strides[i];
  }
  return array;
}

// Larger arrays are allocated separately.
constexpr uint64_t kMaxInSlab = uint64_t{16} << 10;

}  // namespace

Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape,
                  const int64_t *strides, Ref<Buffer> buffer, char *data) {
  void *storage = nullptr;
  TFILE_TRY(allocate(&storage, memory, object_bytes(shape.size()), alignof(Array)));
  out = Ref<Array>::adopt(construct_array(storage, memory, dtype, shape, strides, std::move(buffer), data));
  return kOk;
}

Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape) {
  Ref<Buffer> buffer;
  TFILE_TRY(make_buffer(buffer, memory, byte_count(dtype, shape).value()));
  auto *const data = static_cast<char *>(buffer->data);
  return make_array(out, memory, dtype, shape, nullptr, std::move(buffer), data);
}

uint64_t slab_array_cost(const Dtype &dtype, Span<const int64_t> shape) {
  const uint64_t nbytes = byte_count(dtype, shape).value();
  if (nbytes > kMaxInSlab) return 0;
  return SlabAllocator::cost(slab_buffer_bytes(static_cast<size_t>(nbytes)) + object_bytes(shape.size()));
}

Status make_array(Ref<Array> &out, SlabAllocator &allocator, const Dtype &dtype, Span<const int64_t> shape) {
  const auto nbytes = static_cast<size_t>(byte_count(dtype, shape).value());
  const size_t head = slab_buffer_bytes(nbytes);
  static_assert(alignof(Array) <= alignof(Buffer));
  void *storage = nullptr;
  Ref<Slab> slab;
  TFILE_TRY(allocator.allocate(&storage, &slab, head + object_bytes(shape.size())));
  Ref<Buffer> buffer = buffer_in_slab(storage, nbytes, allocator.memory(), slab);
  auto *const data = static_cast<char *>(storage);
  out = Ref<Array>::adopt(
      construct_array(data + head, allocator.memory(), dtype, shape, nullptr, std::move(buffer), data));
  out->slab = std::move(slab);
  return kOk;
}

Status make_zeros(Ref<Array> &out, Memory &memory, const Form &form) {
  TFILE_TRY(make_array(out, memory, *form.dtype, form.shape));
  memset(out->data, 0, static_cast<size_t>(form.nbytes));
  return kOk;
}

Status copy_from(Ref<Array> &out, Memory &memory, const Form &form, const void *from, size_t nbytes) {
  if (nbytes != form.nbytes) {
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "shape ").shape(form.shape)
           << " of " << form.dtype->name << " needs " << form.nbytes << " bytes, there are "
           << static_cast<uint64_t>(nbytes);
  }
  TFILE_TRY(make_array(out, memory, *form.dtype, form.shape));
  if (nbytes > 0) memcpy(out->data, from, nbytes);
  return kOk;
}

bool is_contiguous(const Array &array) {
  if (!array.dtype->addressable() || array.size == 0) return true;
  int64_t step = array.dtype->block_bytes;
  for (size_t i = array.ndim; i-- > 0;) {
    if (array.shape()[i] == 1) continue;
    if (array.strides()[i] != step) return false;
    step *= array.shape()[i];
  }
  return true;
}

bool is_fortran_contiguous(const Array &array) {
  if (is_contiguous(array)) return false;
  int64_t step = array.dtype->block_bytes;
  for (size_t i = 0; i < array.ndim; ++i) {
    if (array.shape()[i] == 1) continue;
    if (array.strides()[i] != step) return false;
    step *= array.shape()[i];
  }
  return true;
}

bool is_exclusive(const Array &array) {
  return array.buffer->writable && array.buffer->refs.unique();
}

Status writable_data(void **data, const Array &array) {
  if (!is_exclusive(array)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "the memory of the array is " << (array.buffer->writable ? "shared with another array" : "read-only");
  }
  *data = array.data;
  return kOk;
}

Status make_exclusive(Ref<Array> &out, Array &array) {
  if (!is_exclusive(array) || !array.refs.unique()) return copy(out, without_budget(*array.memory), array);
  out = Ref<Array>::share(&array);
  return kOk;
}

Status copy(Ref<Array> &out, Memory &memory, const Array &array) {
  Ref<Array> made;
  TFILE_TRY(make_array(made, memory, *array.dtype, array.shape()));
  if (is_contiguous(array)) {
    memcpy(made->data, array.data, static_cast<size_t>(array.nbytes));
  } else {
    copy_strided(made->data, made->strides().data(), array.data, array.strides().data(), array.shape(),
                 array.dtype->block_bytes);
  }
  out = std::move(made);
  return kOk;
}

Status contiguous(Ref<Array> &out, Memory &memory, const Array &array) {
  if (!is_contiguous(array)) return copy(out, memory, array);
  out = Ref<Array>::share(const_cast<Array *>(&array));
  return kOk;
}

Status transpose(Ref<Array> &out, Memory &memory, const Array &array, const size_t *axes, size_t naxes) {
  const bool reversed = axes == nullptr && naxes == 0;
  if (!reversed && naxes != array.ndim) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << static_cast<uint64_t>(naxes) << " axes for " << static_cast<uint64_t>(array.ndim) << " dimensions";
  }
  bool used[kMaxRank] = {};
  bool same = true;
  int64_t shape[kMaxRank];
  int64_t strides[kMaxRank];
  for (size_t i = 0; i < array.ndim; ++i) {
    const size_t axis = reversed ? array.ndim - 1 - i : axes[i];
    if (axis >= array.ndim || used[axis]) {
      return Failure(TF_STATUS_INVALID_ARGUMENT)
             << "axis " << static_cast<uint64_t>(axis) << (axis < array.ndim ? " is given twice" : " is out of range");
    }
    used[axis] = true;
    same = same && axis == i;
    shape[i] = array.shape()[axis];
    strides[i] = array.strides()[axis];
  }
  if (!array.dtype->addressable() && !same) {
    return Failure(TF_STATUS_UNSUPPORTED) << "the axes of " << array.dtype->name << " cannot change their order";
  }
  return make_array(out, memory, *array.dtype, {shape, array.ndim}, strides, array.buffer, array.data);
}

bool equal(const Array &a, const Array &b) {
  if (a.dtype != b.dtype || a.ndim != b.ndim) return false;
  for (size_t i = 0; i < a.ndim; ++i) {
    if (a.shape()[i] != b.shape()[i]) return false;
  }
  if (is_contiguous(a) && is_contiguous(b)) return memcmp(a.data, b.data, static_cast<size_t>(a.nbytes)) == 0;
  return equal_strided(a.data, a.strides().data(), b.data, b.strides().data(), a.shape(), a.dtype->block_bytes);
}

Status resolve_index(int64_t *indices, const Array &array, Span<const int64_t> index) {
  if (index.size() != array.ndim) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << static_cast<uint64_t>(index.size()) << " indices for "
                                               << static_cast<uint64_t>(array.ndim) << " dimensions";
  }
  for (size_t i = 0; i < array.ndim; ++i) {
    const int64_t size = array.shape()[i];
    if (index[i] >= size || index[i] < -size) {
      return Failure(TF_STATUS_INVALID_ARGUMENT)
             << "index " << index[i] << " is out of range for a dimension of " << size;
    }
    indices[i] = index[i] < 0 ? index[i] + size : index[i];
  }
  return kOk;
}

const char *element_at(const Array &array, const int64_t *indices) {
  const char *at = array.data;
  for (size_t i = 0; i < array.ndim; ++i)
    at += indices[i] * array.strides()[i];
  return at;
}

namespace {

template <typename T>
T load_as(const char *from) {
  T value;
  memcpy(&value, from, sizeof(T));
  return value;
}

int64_t load_signed(const char *from, size_t bytes) {
  switch (bytes) {
    case 1:
      return load_as<int8_t>(from);
    case 2:
      return load_as<int16_t>(from);
    case 4:
      return load_as<int32_t>(from);
    default:
      return load_as<int64_t>(from);
  }
}

uint64_t load_unsigned(const char *from, size_t bytes) {
  switch (bytes) {
    case 1:
      return load_as<uint8_t>(from);
    case 2:
      return load_as<uint16_t>(from);
    case 4:
      return load_as<uint32_t>(from);
    default:
      return load_as<uint64_t>(from);
  }
}

}  // namespace

Status item_int64(int64_t *value, const Array &array, Span<const int64_t> index) {
  int64_t indices[kMaxRank];
  TFILE_TRY(resolve_index(indices, array, index));
  const Dtype &dtype = *array.dtype;
  if (dtype.kind == DtypeClass::kSigned) {
    *value = load_signed(element_at(array, indices), dtype.block_bytes);
    return kOk;
  }
  if (dtype.kind != DtypeClass::kUnsigned && dtype.kind != DtypeClass::kBool) {
    return Failure(TF_STATUS_TYPE) << "expected an integer dtype, found " << dtype.name;
  }
  const uint64_t number = load_unsigned(element_at(array, indices), dtype.block_bytes);
  if (number > static_cast<uint64_t>(INT64_MAX)) {
    return Failure(TF_STATUS_TYPE) << number << " is above the largest int64";
  }
  *value = dtype.kind == DtypeClass::kBool ? number != 0 : static_cast<int64_t>(number);
  return kOk;
}

namespace {

bool can_hold(const Dtype &dtype, int64_t value) {
  const unsigned bits = dtype.kind == DtypeClass::kBool ? 1 : dtype.bits;
  if (dtype.kind != DtypeClass::kSigned) return value >= 0 && (bits >= 63 || value >> bits == 0);
  return value >> (bits - 1) == 0 || value >> (bits - 1) == -1;
}

}  // namespace

Status set_item_int64(Array &array, Span<const int64_t> index, int64_t value) {
  int64_t indices[kMaxRank];
  TFILE_TRY(resolve_index(indices, array, index));
  const Dtype &dtype = *array.dtype;
  if (dtype.kind != DtypeClass::kBool && dtype.kind != DtypeClass::kSigned && dtype.kind != DtypeClass::kUnsigned) {
    return Failure(TF_STATUS_TYPE) << "expected an integer dtype, found " << dtype.name;
  }
  if (!can_hold(dtype, value)) return Failure(TF_STATUS_INVALID_ARGUMENT) << dtype.name << " cannot hold " << value;
  void *data = nullptr;
  TFILE_TRY(writable_data(&data, array));
  store_integer(const_cast<char *>(element_at(array, indices)), dtype, static_cast<uint64_t>(value));
  return kOk;
}

void store_integer(char *to, const Dtype &dtype, uint64_t value) {
  const char *const from = reinterpret_cast<const char *>(&value);
  memcpy(to, kHostIsBig ? from + sizeof(value) - dtype.block_bytes : from, dtype.block_bytes);
}

Status copy_scalar(void *to, size_t capacity, const Array &scalar) {
  if (scalar.nbytes > capacity) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << scalar.dtype->name << " needs " << scalar.nbytes
                                               << " bytes, there are " << static_cast<uint64_t>(capacity);
  }
  memcpy(to, scalar.data, static_cast<size_t>(scalar.nbytes));
  return kOk;
}

Status check_scalar(const Dtype &dtype, const void *value) {
  const uint8_t byte = *static_cast<const uint8_t *>(value);
  if (dtype.kind != DtypeClass::kBool || byte <= 1) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "a bool is 0 or 1, not " << uint64_t{byte};
}

}  // namespace tfile
