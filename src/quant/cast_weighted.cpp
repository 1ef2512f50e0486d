#include "quant/cast_weighted.h"

#include "base/error.h"
#include "base/threads.h"
#include "core/copy.h"
#include "quant/encode_weighted.h"

namespace tfile {

namespace {

constexpr uint64_t kJobElements = 16 * kCastChunk;  // about as many elements go to one job of a thread

struct WeightedJob {
  char *out;
  const Dtype *to;
  const Array *array;
  const Array *weights;  // a view with the shape of the array
  uint64_t row;          // elements in a row
  uint64_t rows;
  uint64_t rows_in_job;
  bool is_contiguous;
};

// Reads at most kCastChunk elements as float32, in C order.
Status read_floats(float *to, const WeightedJob &cast, uint64_t first, size_t count) {
  const Array &array = *cast.array;
  const Dtype &dtype = *array.dtype;
  alignas(64) char gathered[kCastChunk * 16];
  const char *from = gathered;
  if (cast.is_contiguous) {
    from = array.data + first / dtype.block_size * dtype.block_bytes;
  } else {
    copy_elements(gathered, array, static_cast<int64_t>(first), static_cast<int64_t>(count));
  }
  if (dtype.id != TF_DTYPE_FLOAT32) return cast_run(to, *find_dtype(TF_DTYPE_FLOAT32), from, dtype, first, count);
  memcpy(to, from, count * sizeof(float));
  return kOk;
}

// Calls work(first element, number of elements) for each chunk of a row.
template <typename Work>
Status for_each_chunk(const WeightedJob &cast, uint64_t row, Work &&work) {
  for (uint64_t done = 0; done < cast.row; done += kCastChunk) {
    const uint64_t remaining = cast.row - done;
    TFILE_TRY(work(row * cast.row + done, static_cast<size_t>(remaining < kCastChunk ? remaining : kCastChunk)));
  }
  return kOk;
}

Status add_squares(float *sum, const WeightedJob &cast, uint64_t first, size_t count) {
  float values[kCastChunk];
  TFILE_TRY(read_floats(values, cast, first, count));
  for (size_t i = 0; i < count; ++i)
    *sum += values[i] * values[i];
  return kOk;
}

Status find_row_mean(float *mean, const WeightedJob &cast, uint64_t row) {
  float sum = 0;
  TFILE_TRY(
      for_each_chunk(cast, row, [&](uint64_t first, size_t count) { return add_squares(&sum, cast, first, count); }));
  *mean = sum / static_cast<float>(cast.row);
  return kOk;
}

Status encode_row(const WeightedJob &cast, uint64_t row) {
  const Dtype &to = *cast.to;
  float mean = 0;
  if (needs_row_mean(to)) TFILE_TRY(find_row_mean(&mean, cast, row));
  return for_each_chunk(cast, row, [&](uint64_t first, size_t count) {
    float values[kCastChunk];
    float weights[kCastChunk];
    TFILE_TRY(read_floats(values, cast, first, count));
    copy_elements(reinterpret_cast<char *>(weights), *cast.weights, static_cast<int64_t>(first),
                  static_cast<int64_t>(count));
    char *const out = cast.out + first / to.block_size * to.block_bytes;
    return encode_weighted_blocks(to, out, values, weights, mean, count / to.block_size, first);
  });
}

Status run_job(void *context, size_t job) {
  const WeightedJob &cast = *static_cast<const WeightedJob *>(context);
  const uint64_t begin = job * cast.rows_in_job;
  for (uint64_t row = begin; row < cast.rows && row < begin + cast.rows_in_job; ++row)
    TFILE_TRY(encode_row(cast, row));
  return kOk;
}

// Makes a view of the weights with the shape of the array.
Status broadcast(Ref<Array> &out, const Array &weights, const Array &array, const Settings &settings) {
  if (weights.dtype->id != TF_DTYPE_FLOAT32) {
    return Failure(TF_STATUS_TYPE) << "weights must be float32, not " << weights.dtype->name;
  }
  bool fits = array.ndim > 0 && weights.ndim > 0 && weights.ndim <= array.ndim;
  int64_t strides[kMaxRank] = {};
  const size_t added = fits ? array.ndim - weights.ndim : 0;
  for (size_t i = 0; fits && i < weights.ndim; ++i) {
    const int64_t size = weights.shape()[i];
    const bool is_equal = size == array.shape()[added + i];
    const bool is_last = i + 1 == weights.ndim;
    fits = is_equal || (size == 1 && !is_last);
    strides[added + i] = is_equal ? weights.strides()[i] : 0;
  }
  if (!fits) {
    Failure failure(TF_STATUS_INVALID_ARGUMENT);
    failure << "weights of shape ";
    failure.shape(weights.shape()) << " do not fit an array of shape ";
    return failure.shape(array.shape());
  }
  return make_array(out, settings.memory(), *weights.dtype, array.shape(), strides, weights.buffer, weights.data);
}

}  // namespace

Status cast_weighted(Ref<Array> &out, const Array &array, tf_dtype to, const Array &weights, const Settings &settings) {
  const Dtype *const dtype = find_dtype(to);
  Ref<Array> view;
  TFILE_TRY(broadcast(view, weights, array, settings));
  if (dtype == nullptr || !uses_weights(*dtype) || array.dtype->id == to) return cast(out, array, to, settings);
  TFILE_TRY(check_cast(*array.dtype, *dtype));
  uint64_t nbytes = 0;
  TFILE_TRY(check_shape(&nbytes, to, array.shape()));
  Ref<Array> fresh;
  TFILE_TRY(make_array(fresh, settings.memory(), *dtype, array.shape()));
  const auto row = static_cast<uint64_t>(array.shape()[array.ndim - 1]);
  const uint64_t rows = row == 0 ? 0 : static_cast<uint64_t>(array.size) / row;
  const uint64_t rows_in_job = row == 0 || row >= kJobElements ? 1 : kJobElements / row;
  WeightedJob job{fresh->data, dtype, &array, view.get(), row, rows, rows_in_job, is_contiguous(array)};
  TFILE_TRY(
      parallel_for(static_cast<size_t>((rows + rows_in_job - 1) / rows_in_job), settings.workers(), run_job, &job));
  out = std::move(fresh);
  return kOk;
}

}  // namespace tfile
