#include "quant/cast.h"

#include "base/error.h"
#include "base/threads.h"
#include "core/copy.h"
#include "core/foreign.h"
#include "quant/cast_kernel.h"
#include "quant/encode.h"

namespace tfile {

namespace {

constexpr size_t kWidest = 8;  // size in bytes of the largest intermediate dtype
// The number of elements in one job of a thread, a multiple of kCastChunk. Jobs that encode a block type are smaller,
// because encoding takes longer.
constexpr uint64_t kJob = 256 * kCastChunk;
constexpr uint64_t kEncodingJob = 16 * kCastChunk;

size_t bytes_of(const Dtype &dtype, uint64_t count) {
  return static_cast<size_t>(count / dtype.block_size * dtype.block_bytes);
}

struct Step {
  const Dtype *from;
  const Dtype *to;
  CastKernel kernel;  // NULL if the step encodes float32 as a block type
};

// The steps of a cast.
struct Route {
  static constexpr size_t kMostSteps = 3;
  Step steps[kMostSteps];
  size_t count = 0;
};

// Returns the dtype of the next step. Some casts go through a third dtype as they do in ml_dtypes and NumPy, so that
// the double rounding, and thus the result, is the same.
tf_dtype next_dtype(const Dtype &from, const Dtype &to) {
  if (find_cast_kernel(from.id, to.id) != nullptr || (from.id == TF_DTYPE_FLOAT32 && to.is_block())) return to.id;
  if (from.id == TF_DTYPE_BOOL) return TF_DTYPE_UINT8;
  const bool wide = to.id == TF_DTYPE_COMPLEX128 && find_cast_kernel(from.id, TF_DTYPE_FLOAT64) != nullptr;
  return wide ? TF_DTYPE_FLOAT64 : TF_DTYPE_FLOAT32;
}

Route find_route(const Dtype &from, const Dtype &to) {
  Route route;
  const Dtype *at = &from;
  while (at->id != to.id && route.count < Route::kMostSteps) {
    const Dtype *next = find_dtype(next_dtype(*at, to));
    route.steps[route.count++] = Step{at, next, find_cast_kernel(at->id, next->id)};
    at = next;
  }
  return route;
}

// Casts at most kCastChunk contiguous elements; `first` is the index of the first one in the whole array.
Status run_route(char *to, const char *from, const Route &route, size_t count, uint64_t first) {
  alignas(64) char intermediate[2][kCastChunk * kWidest];
  for (size_t i = 0; i < route.count; ++i) {
    const Step &step = route.steps[i];
    char *target = i + 1 == route.count ? to : intermediate[i % 2];
    if (step.kernel != nullptr) {
      step.kernel(target, from, count);
    } else {
      float values[kCastChunk];  // an aligned copy, because elements of the array may be unaligned
      memcpy(values, from, count * sizeof(float));
      TFILE_TRY(encode_blocks(*step.to, target, values, count / step.to->block_size, first));
    }
    from = target;
  }
  return kOk;
}

struct CastJob {
  char *out;
  const Dtype *to;
  const Array *array;
  Route route;
  uint64_t size;  // number of elements in a job
  bool contiguous;
  const int64_t *strides;  // of the output; NULL if it is in C order
};

// Casts at most kCastChunk elements, and writes them in C order.
Status cast_chunk(char *to, const CastJob &cast, uint64_t first, size_t count) {
  const Array &array = *cast.array;
  if (cast.contiguous) return run_route(to, array.data + bytes_of(*array.dtype, first), cast.route, count, first);
  alignas(64) char gathered[kCastChunk * 2 * kWidest];
  copy_elements(gathered, array, static_cast<int64_t>(first), static_cast<int64_t>(count));
  return run_route(to, gathered, cast.route, count, first);
}

// Casts at most kCastChunk elements, and writes them with the strides of the output.
Status cast_and_place(const CastJob &cast, uint64_t first, size_t count) {
  alignas(64) char converted[kCastChunk * 2 * kWidest];
  TFILE_TRY(cast_chunk(converted, cast, first, count));
  place_elements(cast.out, cast.strides, cast.array->shape(), cast.to->block_bytes, converted,
                 static_cast<int64_t>(first), static_cast<int64_t>(count));
  return kOk;
}

Status run_job(void *context, size_t job) {
  const CastJob &cast = *static_cast<const CastJob *>(context);
  const auto size = static_cast<uint64_t>(cast.array->size);
  const uint64_t begin = job * cast.size;
  const uint64_t end = size - begin < cast.size ? size : begin + cast.size;
  for (uint64_t first = begin; first < end; first += kCastChunk) {
    const auto count = static_cast<size_t>(end - first < kCastChunk ? end - first : kCastChunk);
    if (cast.strides != nullptr) {
      TFILE_TRY(cast_and_place(cast, first, count));
    } else {
      TFILE_TRY(cast_chunk(cast.out + bytes_of(*cast.to, first), cast, first, count));
    }
  }
  return kOk;
}

// Casts to another dtype. The strides are those of the output, or NULL for C order.
Status run_cast(void *out, const int64_t *strides, const Dtype &to, const Array &array, const Settings &settings) {
  const uint64_t size = to.is_block() ? kEncodingJob : kJob;
  CastJob job{static_cast<char *>(out), &to, &array, find_route(*array.dtype, to), size, is_contiguous(array), strides};
  const auto jobs = static_cast<size_t>((static_cast<uint64_t>(array.size) + size - 1) / size);
  return parallel_for(jobs, settings.workers(), run_job, &job);
}

Status find_target(const Dtype **out, tf_dtype id) {
  *out = find_dtype(id);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED) << "there is no dtype " << id << " to cast to";
}

}  // namespace

Status check_cast(const Dtype &from, const Dtype &to) {
  const bool to_bool = to.id == TF_DTYPE_BOOL;
  if (from.kind == DtypeClass::kComplex && to.kind != DtypeClass::kComplex && !to_bool) {
    return Failure(TF_STATUS_TYPE) << "cannot cast " << from.name << " to " << to.name
                                   << ": imaginary parts would be lost";
  }
  const char *const reason = from.id == to.id ? nullptr : why_decoded_only(to);
  if (reason != nullptr) {
    return Failure(TF_STATUS_UNSUPPORTED)
           << "cannot cast " << from.name << " to " << to.name << ", which can only be decoded: " << reason;
  }
  return kOk;
}

Status cast_into(void *out, const Dtype &to, const Array &array, const Settings &settings) {
  if (array.dtype->id == to.id) {
    if (to.addressable()) {
      copy_elements(static_cast<char *>(out), array, 0, array.size);
    } else if (array.nbytes > 0) {
      memcpy(out, array.data, static_cast<size_t>(array.nbytes));
    }
    return kOk;
  }
  return run_cast(out, nullptr, to, array, settings);
}

Status copy_to(void *dst, size_t nbytes, const int64_t *strides, tf_dtype to, const Array &array,
               const Settings &settings) {
  Form form;
  TFILE_TRY(find_target(&form.dtype, to == TF_DTYPE_UNSUPPORTED ? array.dtype->id : to));
  TFILE_TRY(check_cast(*array.dtype, *form.dtype));
  TFILE_TRY(form.read(form.dtype->id, array.shape().data(), array.ndim));
  TFILE_TRY(check_target(form, dst, nbytes, strides));
  if (strides == nullptr) return cast_into(dst, *form.dtype, array, settings);
  if (form.dtype != array.dtype) return run_cast(dst, strides, *form.dtype, array, settings);
  copy_strided(static_cast<char *>(dst), strides, array.data, array.strides().data(), array.shape(),
               form.dtype->block_bytes);
  return kOk;
}

Status cast_run(void *out, const Dtype &to, const void *from, const Dtype &from_dtype, uint64_t first, uint64_t count) {
  const Route route = find_route(from_dtype, to);
  for (uint64_t done = 0; done < count; done += kCastChunk) {
    const auto size = static_cast<size_t>(count - done < kCastChunk ? count - done : kCastChunk);
    char *const target = static_cast<char *>(out) + bytes_of(to, done);
    TFILE_TRY(
        run_route(target, static_cast<const char *>(from) + bytes_of(from_dtype, done), route, size, first + done));
  }
  return kOk;
}

Status cast(Ref<Array> &out, const Array &array, const Dtype &to, const Settings &settings) {
  if (array.dtype->id == to.id) return contiguous(out, settings.memory(), array);
  TFILE_TRY(check_cast(*array.dtype, to));
  uint64_t nbytes = 0;
  TFILE_TRY(check_shape(&nbytes, to.id, array.shape()));
  Ref<Array> fresh;
  TFILE_TRY(make_array(fresh, settings.memory(), to, array.shape()));
  TFILE_TRY(cast_into(fresh->data, to, array, settings));
  out = std::move(fresh);
  return kOk;
}

Status cast(Ref<Array> &out, const Array &array, tf_dtype to, const Settings &settings) {
  const Dtype *dtype = nullptr;
  TFILE_TRY(find_target(&dtype, to));
  return cast(out, array, *dtype, settings);
}

namespace {

// An element of a real dtype, in memory. Elements of packed types are only accessible as units.
struct Element {
  char *at;          // the element, or the unit that contains it
  uint64_t in_unit;  // its index there
};

Status find_element(Element *out, const Array &array, Span<const int64_t> index) {
  int64_t resolved[kMaxRank];
  TFILE_TRY(resolve_index(resolved, array, index));
  const Dtype &dtype = *array.dtype;
  if (dtype.kind == DtypeClass::kComplex || dtype.is_block()) {
    return Failure(TF_STATUS_TYPE) << "expected a real dtype, found " << dtype.name;
  }
  if (dtype.addressable()) {
    *out = Element{const_cast<char *>(element_at(array, resolved)), 0};
    return kOk;
  }
  uint64_t element = 0;  // its index in C order
  for (size_t i = 0; i < array.ndim; ++i)
    element = element * static_cast<uint64_t>(array.shape()[i]) + static_cast<uint64_t>(resolved[i]);
  const uint64_t in_unit = element % dtype.block_size;
  *out = Element{array.data + bytes_of(dtype, element - in_unit), in_unit};
  return kOk;
}

constexpr size_t kLargestUnit = 4;  // elements in a unit of a packed type

// Converts a unit: one element, or those that a packed type stores together.
Status cast_unit(void *to, const Dtype &to_dtype, const void *from, const Dtype &from_dtype, size_t count) {
  if (to_dtype.id != from_dtype.id) return cast_run(to, to_dtype, from, from_dtype, 0, count);
  memcpy(to, from, bytes_of(to_dtype, count));
  return kOk;
}

// Writes a whole number to a bool or integer element.
Status store_whole(char *to, const Dtype &dtype, double value) {
  const bool is_signed = dtype.kind == DtypeClass::kSigned;
  const unsigned bits = dtype.kind == DtypeClass::kBool ? 1 : dtype.bits - (is_signed ? 1u : 0u);
  const double limit = bits == 64 ? 0x1p64 : static_cast<double>(uint64_t{1} << bits);
  if (value < limit && value >= (is_signed ? -limit : 0)) {
    const auto bit_pattern =
        value < 0 ? static_cast<uint64_t>(static_cast<int64_t>(value)) : static_cast<uint64_t>(value);
    const double back = value < 0 ? static_cast<double>(static_cast<int64_t>(value)) : static_cast<double>(bit_pattern);
    if (back == value) {
      store_integer(to, dtype, bit_pattern);
      return kOk;
    }
  }
  return Failure(TF_STATUS_INVALID_ARGUMENT) << dtype.name << " takes only whole numbers in its range";
}

}  // namespace

Status item_double(double *value, const Array &array, Span<const int64_t> index) {
  Element element{};
  TFILE_TRY(find_element(&element, array, index));
  double unit[kLargestUnit];
  const Dtype &wide = *find_dtype(TF_DTYPE_FLOAT64);
  TFILE_TRY(cast_unit(unit, wide, element.at, *array.dtype, array.dtype->block_size));
  *value = unit[element.in_unit];
  return kOk;
}

Status set_item_double(Array &array, Span<const int64_t> index, double value) {
  const Dtype &dtype = *array.dtype;
  Element element{};
  TFILE_TRY(find_element(&element, array, index));
  void *data = nullptr;
  TFILE_TRY(writable_data(&data, array));
  if (dtype.kind != DtypeClass::kFloat && dtype.kind != DtypeClass::kPacked) {
    return store_whole(element.at, dtype, value);
  }
  double unit[kLargestUnit];
  const Dtype &wide = *find_dtype(TF_DTYPE_FLOAT64);
  if (dtype.block_size > 1) TFILE_TRY(cast_unit(unit, wide, element.at, dtype, dtype.block_size));
  unit[element.in_unit] = value;
  return cast_unit(element.at, dtype, unit, wide, dtype.block_size);
}

}  // namespace tfile
