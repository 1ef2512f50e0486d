// Slices with the semantics of Python.
#pragma once

#include "core/array.h"

namespace tfile {

// One resolved axis of a slice: `count` elements first, first + step, ..., all inside the axis.
struct SliceAxis {
  int64_t first;
  int64_t step;  // not 0; of any sign
  int64_t count;
};

// Resolves start, stop and step against a shape and writes shape.size() axes. Each of the three is NULL or has ndim
// numbers, which may be TENSORFILE_SLICE_OMITTED. Fails if ndim is not shape.size().
Status resolve_slice(SliceAxis *axes, Span<const int64_t> shape, const int64_t *start, const int64_t *stop,
                     const int64_t *step, size_t ndim);

// Makes a view, or a copy if a view is impossible for the packed or block type.
Status slice(Ref<Array> &out, Memory &memory, const Array &array, const SliceAxis *axes);

// Splits a slice of a C-contiguous array of a packed or block type, whose elements have no addresses, into runs of
// whole units. Calls run(context, byte offset, bytes) for each, in the order of the result. Fails with UNSUPPORTED if
// the slice has part of a unit.
using RunFn = Status (*)(void *context, uint64_t offset, uint64_t nbytes);
Status for_each_unit_run(const Dtype &dtype, Span<const int64_t> shape, const SliceAxis *axes, RunFn run,
                         void *context);

}  // namespace tfile
