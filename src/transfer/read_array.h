// Reads an array of a file, whole or a slice of it: as stored, cast, or decoded from blocks.
#pragma once

#include "core/slice.h"
#include "transfer/member_stream.h"
#include "transfer/read_batch.h"

namespace tfile {

// An array in a file, with everything that is needed to read it.
struct StoredArray {
  Source &source;
  const Member &member;
  const Settings &settings;
  SliceCursor &cursor;  // the stream that the file keeps for reading successive slices
};

// The part of an array to read.
struct Region {
  const SliceAxis *axes;      // NULL: the whole array
  Span<const int64_t> shape;  // shape of the result

  static Region whole(const Member &member) { return Region{nullptr, member.shape}; }
};

// A slice in the caller's terms, resolved against the shape of the array.
struct ResolvedSlice {
  SliceAxis axes[kMaxRank];
  int64_t shape[kMaxRank];  // shape of the result
  size_t rank = 0;

  Status resolve(const StoredArray &array, const int64_t *start, const int64_t *stop, const int64_t *step, size_t ndim);
  Region region() const { return Region{axes, Span<const int64_t>(shape, rank)}; }
};

// Returns the dtype that an array is loaded as: TF_OPTION_DECODE may replace a block type.
const Dtype &loaded_dtype(const Member &member, const Settings &settings);

// Finds the dtype to convert an array to when reading it; TF_DTYPE_UNSUPPORTED means the stored dtype.
Status find_read_dtype(const Dtype **out, tf_dtype dtype, const StoredArray &array);

// Fails unless nbytes is exactly the size of the region in that dtype.
Status check_destination(const void *dst, size_t nbytes, const Dtype &dtype, const StoredArray &array,
                         const Region &region);

// Reads into a new array. Block types are decoded if the settings ask for it.
Status read_region(Ref<Array> &out, const StoredArray &array, const Region &region);

// Reads into the caller's memory and converts to dtype; TF_DTYPE_UNSUPPORTED means the stored dtype. nbytes must be
// exactly the size of the result.
Status read_region_into(void *dst, size_t nbytes, tf_dtype dtype, const StoredArray &array, const Region &region);

}  // namespace tfile
