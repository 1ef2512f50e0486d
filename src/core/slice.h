// Slices, with Python's meaning.
#pragma once

#include "core/array.h"

namespace tfile {

// One axis of a slice, resolved: elements first, first + step, ... (count of them), all within the axis.
struct SliceAxis {
  int64_t first;
  int64_t step;  // not 0; of any sign
  int64_t count;
};

// Resolves start, stop and step (each NULL or one number an axis, TENSORFILE_SLICE_OMITTED allowed) against a shape.
// axes has room for shape.size(). ndim is what the caller said it gave.
Status resolve_slice(SliceAxis *axes, Span<const int64_t> shape, const int64_t *start, const int64_t *stop,
                     const int64_t *step, size_t ndim);

// A view, or for packed and block types where no view can be, a copy.
Status slice(Ref<Array> &out, Memory &memory, const Array &array, const SliceAxis *axes);

// For packed and block types, whose elements have no addresses: calls run(context, byte offset in the C-contiguous
// source, bytes) for each run of whole units that a slice touches, in the order of the result.
// UNSUPPORTED when the slice cuts through a unit.
using RunFn = Status (*)(void *context, uint64_t offset, uint64_t nbytes);
Status for_each_unit_run(const Dtype &dtype, Span<const int64_t> shape, const SliceAxis *axes, RunFn run,
                         void *context);

}  // namespace tfile
