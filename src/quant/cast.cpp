#include "quant/cast.h"

#include "base/error.h"
#include "base/threads.h"
#include "core/copy.h"
#include "quant/encode.h"
#include "quant/kernels.h"

namespace tfile {

namespace {

// What goes through all steps of a cast at once, in the first cache.
constexpr size_t kChunk = kCastChunk;
constexpr size_t kWidest = 8;  // bytes of a dtype between two steps
// Elements of one job of a thread, whole chunks; encoding a block type takes longer than any other cast.
constexpr uint64_t kJob = 256 * kChunk;
constexpr uint64_t kEncodingJob = 16 * kChunk;

size_t bytes_of(const Dtype &dtype, uint64_t count) {
  return static_cast<size_t>(count / dtype.block_size * dtype.block_bytes);
}

struct Step {
  const Dtype *from;
  const Dtype *to;
  CastKernel kernel;  // NULL: from float32 to a block type
};

// The steps from one dtype to another.
struct Route {
  static constexpr size_t kMostSteps = 3;
  Step steps[kMostSteps];
  size_t count = 0;
};

// Where ml_dtypes and NumPy pass through a third dtype, so is it here: what they round twice is rounded twice.
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

// Takes at most kChunk contiguous elements along a route; first is the place of from in the whole array.
Status run_route(char *to, const char *from, const Route &route, size_t count, uint64_t first) {
  alignas(64) char between[2][kChunk * kWidest];
  for (size_t i = 0; i < route.count; ++i) {
    const Step &step = route.steps[i];
    char *target = i + 1 == route.count ? to : between[i % 2];
    if (step.kernel != nullptr) {
      step.kernel(target, from, count);
    } else {
      float values[kChunk];  // aligned, as those of the array may not be
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
  uint64_t size;  // elements of a job
  bool contiguous;
};

Status run_job(void *context, size_t job) {
  const CastJob &cast = *static_cast<const CastJob *>(context);
  const Array &array = *cast.array;
  alignas(64) char gathered[kChunk * 2 * kWidest];
  const auto size = static_cast<uint64_t>(array.size);
  const uint64_t begin = job * cast.size;
  const uint64_t end = size - begin < cast.size ? size : begin + cast.size;
  for (uint64_t first = begin; first < end; first += kChunk) {
    const auto count = static_cast<size_t>(end - first < kChunk ? end - first : kChunk);
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
                                   << ": a complex number is no real one";
  }
  if (from.id != to.id && to.is_block() && !can_encode(to)) {
    return Failure(TF_STATUS_UNSUPPORTED) << "no rule is given for casting " << from.name << " to " << to.name;
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
  for (uint64_t done = 0; done < count; done += kChunk) {
    const auto size = static_cast<size_t>(count - done < kChunk ? count - done : kChunk);
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

Status item_double(double *value, const Array &array, Span<const int64_t> index) {
  int64_t places[kMaxRank];
  TFILE_TRY(resolve_index(places, array, index));
  const Dtype &dtype = *array.dtype;
  if (dtype.kind == DtypeClass::kComplex || dtype.is_block()) {
    return Failure(TF_STATUS_TYPE) << "a real number is wanted, the dtype is " << dtype.name;
  }
  const Route route = find_route(dtype, *find_dtype(TF_DTYPE_FLOAT64));
  if (dtype.addressable()) {
    const char *element = element_at(array, places);
    if (route.count == 0) {
      memcpy(value, element, sizeof(*value));
    } else {
      TFILE_TRY(run_route(reinterpret_cast<char *>(value), element, route, 1, 0));
    }
    return kOk;
  }
  uint64_t place = 0;  // in C order
  for (size_t i = 0; i < array.ndim; ++i)
    place = place * static_cast<uint64_t>(array.shape()[i]) + static_cast<uint64_t>(places[i]);
  double unit[4];
  const uint64_t in_unit = place % dtype.block_size;
  const char *from = array.data + bytes_of(dtype, place - in_unit);
  TFILE_TRY(run_route(reinterpret_cast<char *>(unit), from, route, dtype.block_size, 0));
  *value = unit[in_unit];
  return kOk;
}

}  // namespace tfile
