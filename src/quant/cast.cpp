#include "quant/cast.h"

#include "base/error.h"
#include "base/threads.h"
#include "core/copy.h"
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
};

Status run_job(void *context, size_t job) {
  const CastJob &cast = *static_cast<const CastJob *>(context);
  const Array &array = *cast.array;
  alignas(64) char gathered[kCastChunk * 2 * kWidest];
  const auto size = static_cast<uint64_t>(array.size);
  const uint64_t begin = job * cast.size;
  const uint64_t end = size - begin < cast.size ? size : begin + cast.size;
  for (uint64_t first = begin; first < end; first += kCastChunk) {
    const auto count = static_cast<size_t>(end - first < kCastChunk ? end - first : kCastChunk);
    const char *from = gathered;
    if (cast.contiguous) {
      from = array.data + bytes_of(*array.dtype, first);
    } else {
      copy_elements(gathered, array, static_cast<int64_t>(first), static_cast<int64_t>(count));
    }
    TFILE_TRY(run_route(cast.out + bytes_of(*cast.to, first), from, cast.route, count, first));
  }
  return kOk;
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
  const uint64_t size = to.is_block() ? kEncodingJob : kJob;
  CastJob job{static_cast<char *>(out), &to, &array, find_route(*array.dtype, to), size, is_contiguous(array)};
  const auto jobs = static_cast<size_t>((static_cast<uint64_t>(array.size) + size - 1) / size);
  return parallel_for(jobs, settings.workers(), run_job, &job);
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
  const Dtype *const dtype = find_dtype(to);
  if (dtype == nullptr) return Failure(TF_STATUS_UNSUPPORTED) << "there is no dtype " << to << " to cast to";
  return cast(out, array, *dtype, settings);
}

Status item_double(double *value, const Array &array, Span<const int64_t> index) {
  int64_t resolved[kMaxRank];
  TFILE_TRY(resolve_index(resolved, array, index));
  const Dtype &dtype = *array.dtype;
  if (dtype.kind == DtypeClass::kComplex || dtype.is_block()) {
    return Failure(TF_STATUS_TYPE) << "expected a real dtype, found " << dtype.name;
  }
  const Route route = find_route(dtype, *find_dtype(TF_DTYPE_FLOAT64));
  if (dtype.addressable()) {
    const char *element = element_at(array, resolved);
    if (route.count == 0) {
      memcpy(value, element, sizeof(*value));
    } else {
      TFILE_TRY(run_route(reinterpret_cast<char *>(value), element, route, 1, 0));
    }
    return kOk;
  }
  uint64_t element = 0;  // its index in C order
  for (size_t i = 0; i < array.ndim; ++i)
    element = element * static_cast<uint64_t>(array.shape()[i]) + static_cast<uint64_t>(resolved[i]);
  double unit[4];
  const uint64_t in_unit = element % dtype.block_size;
  const char *from = array.data + bytes_of(dtype, element - in_unit);
  TFILE_TRY(run_route(reinterpret_cast<char *>(unit), from, route, dtype.block_size, 0));
  *value = unit[in_unit];
  return kOk;
}

}  // namespace tfile
