#include "core/slice.h"

#include "base/error.h"

namespace tfile {

namespace {

// Resolves a start or stop as Python does: the default if it is omitted; negative numbers count from the end; clamped.
int64_t clamp(int64_t position, int64_t omitted, int64_t size, bool backwards) {
  if (position == TENSORFILE_SLICE_OMITTED) return omitted;
  if (position < 0) position += size;
  if (position < 0) return backwards ? -1 : 0;
  if (position >= size) return backwards ? size - 1 : size;
  return position;
}

SliceAxis resolve_axis(int64_t size, int64_t start, int64_t stop, int64_t step) {
  const bool backwards = step < 0;
  const int64_t first = clamp(start, backwards ? size - 1 : 0, size, backwards);
  const int64_t end = clamp(stop, backwards ? -1 : size, size, backwards);
  const int64_t span = backwards ? first - end : end - first;
  if (span <= 0) return SliceAxis{0, step, 0};
  return SliceAxis{first, step, (span - 1) / (backwards ? -step : step) + 1};
}

// A slice of a C-contiguous array as runs of consecutive elements, and the axes that lead from one run to the next. All
// numbers are in elements.
struct Runs {
  size_t axes = 0;     // number of axes that lead from run to run; indexes `counts` and `steps`
  int64_t first = 0;   // index of the first element of the first run
  int64_t length = 1;  // length of each run
  int64_t counts[kMaxRank];
  int64_t steps[kMaxRank];

  Runs(Span<const int64_t> shape, const SliceAxis *slice) {
    int64_t within = 1;
    bool together = true;
    size_t stepping = shape.size();
    for (size_t i = shape.size(); i-- > 0;) {
      const SliceAxis &axis = slice[i];
      first += axis.first * within;
      // A run can extend over the next outer axis only if it covers this axis completely.
      if (together && (axis.step == 1 || axis.count == 1)) {
        length *= axis.count;
      } else {
        --stepping;
        counts[stepping] = axis.count;
        steps[stepping] = axis.count > 1 ? axis.step * within : 0;
        together = false;
      }
      together = together && axis.count == shape[i];
      within *= shape[i];
    }
    axes = shape.size() - stepping;
    for (size_t i = 0; i < axes; ++i) {
      counts[i] = counts[stepping + i];
      steps[i] = steps[stepping + i];
    }
  }

  bool on_units_of(int64_t unit) const {
    bool whole = first % unit == 0 && length % unit == 0;
    for (size_t i = 0; i < axes; ++i)
      whole = whole && steps[i] % unit == 0;
    return whole;
  }
};

Status make_view(Ref<Array> &out, Memory &memory, const Array &array, Span<const int64_t> shape,
                 const SliceAxis *axes) {
  int64_t strides[kMaxRank];
  bool empty = array.size == 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    empty = empty || shape[i] == 0;
    // The stride of an axis with fewer than two elements is not used, and the product could overflow.
    strides[i] = shape[i] > 1 && array.size > 0 ? array.strides()[i] * axes[i].step : array.strides()[i];
  }
  char *data = array.data;
  for (size_t i = 0; !empty && i < shape.size(); ++i)
    data += axes[i].first * array.strides()[i];
  return make_array(out, memory, *array.dtype, shape, strides, array.buffer, data);
}

// The range of all runs, and whether they are consecutive.
struct Extent {
  uint64_t first = 0;
  uint64_t end = 0;
  bool any = false;
  bool together = true;

  static Status look(void *context, uint64_t offset, uint64_t nbytes) {
    auto &extent = *static_cast<Extent *>(context);
    if (!extent.any) extent.first = extent.end = offset;
    extent.together = extent.together && offset == extent.end;
    extent.end = offset + nbytes;
    extent.any = true;
    return kOk;
  }
};

struct UnitCopy {
  char *to;
  const char *from;

  static Status copy(void *context, uint64_t offset, uint64_t nbytes) {
    auto &copy = *static_cast<UnitCopy *>(context);
    memcpy(copy.to, copy.from + offset, static_cast<size_t>(nbytes));
    copy.to += nbytes;
    return kOk;
  }
};

// Slices a packed or block type; the result is a view if the runs are consecutive.
Status slice_units(Ref<Array> &out, Memory &memory, const Array &array, Span<const int64_t> shape,
                   const SliceAxis *axes) {
  Extent extent;
  TFILE_TRY(for_each_unit_run(*array.dtype, array.shape(), axes, Extent::look, &extent));
  if (extent.together) {
    return make_array(out, memory, *array.dtype, shape, nullptr, array.buffer, array.data + extent.first);
  }
  Ref<Array> copy;
  TFILE_TRY(make_array(copy, memory, *array.dtype, shape));
  UnitCopy context{copy->data, array.data};
  TFILE_TRY(for_each_unit_run(*array.dtype, array.shape(), axes, UnitCopy::copy, &context));
  out = std::move(copy);
  return kOk;
}

}  // namespace

Status resolve_slice(SliceAxis *axes, Span<const int64_t> shape, const int64_t *start, const int64_t *stop,
                     const int64_t *step, size_t ndim) {
  if (ndim != shape.size()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "a slice of " << static_cast<uint64_t>(ndim) << " axes for "
                                               << static_cast<uint64_t>(shape.size()) << " dimensions";
  }
  constexpr int64_t kOmitted = TENSORFILE_SLICE_OMITTED;
  for (size_t i = 0; i < ndim; ++i) {
    const int64_t stride = step == nullptr || step[i] == kOmitted ? 1 : step[i];
    if (stride == 0) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << "the step of axis " << static_cast<uint64_t>(i) << " is 0";
    }
    axes[i] =
        resolve_axis(shape[i], start == nullptr ? kOmitted : start[i], stop == nullptr ? kOmitted : stop[i], stride);
  }
  return kOk;
}

Status slice(Ref<Array> &out, Memory &memory, const Array &array, const SliceAxis *axes) {
  int64_t counts[kMaxRank];
  for (size_t i = 0; i < array.ndim; ++i)
    counts[i] = axes[i].count;
  const Span<const int64_t> shape(counts, array.ndim);
  if (array.dtype->addressable()) return make_view(out, memory, array, shape, axes);
  return slice_units(out, memory, array, shape, axes);
}

Status for_each_unit_run(const Dtype &dtype, Span<const int64_t> shape, const SliceAxis *axes, RunFn run,
                         void *context) {
  int64_t counts[kMaxRank];
  for (size_t i = 0; i < shape.size(); ++i)
    counts[i] = axes[i].count;
  const Checked total = byte_count(dtype, {counts, shape.size()});
  if (total.valid() && total.value() == 0) return kOk;
  const Runs runs(shape, axes);
  const int64_t unit = dtype.block_size;
  if (!total.valid() || !runs.on_units_of(unit)) {
    return Failure(TF_STATUS_UNSUPPORTED)
           << "the slice cuts through a unit of " << dtype.name << ", which is " << unit << " elements";
  }
  int64_t index[kMaxRank] = {};
  for (int64_t first = runs.first;;) {
    const auto offset = static_cast<uint64_t>(first / unit) * dtype.block_bytes;
    TFILE_TRY(run(context, offset, static_cast<uint64_t>(runs.length / unit) * dtype.block_bytes));
    size_t i = runs.axes;
    for (; i > 0; --i) {
      first += runs.steps[i - 1];
      if (++index[i - 1] < runs.counts[i - 1]) break;
      first -= runs.counts[i - 1] * runs.steps[i - 1];
      index[i - 1] = 0;
    }
    if (i == 0) return kOk;
  }
}

}  // namespace tfile
