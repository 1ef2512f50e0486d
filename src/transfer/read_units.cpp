#include "transfer/read_units.h"

#include "core/copy.h"
#include "quant/cast.h"
#include "transfer/read_member.h"

namespace tfile {

namespace {

// A slice along one axis, done in two steps: `read` selects the whole units to read from the file, and `take` selects
// the elements of the slice from those units.
struct Widened {
  SliceAxis read;
  SliceAxis take;

  Widened(const SliceAxis &axis, int64_t unit) : read(axis), take{0, 1, axis.count} {
    if (unit == 1 || axis.count == 0) return;
    const int64_t last = axis.first + (axis.count - 1) * axis.step;
    const int64_t low = axis.step < 0 ? last : axis.first;
    const int64_t high = axis.step < 0 ? axis.first : last;
    const int64_t begin = low / unit * unit;
    read = SliceAxis{begin, 1, (high / unit + 1) * unit - begin};
    take = SliceAxis{axis.first - begin, axis.step, axis.count};
  }
};

// Takes a slice whose step along the last axis is longer than a block. Every element is then in a different block, and
// only those blocks are decoded.
struct SparseRow {
  SliceAxis take;
  int64_t length;  // elements in the row that was read
  int64_t unit;    // elements in a block

  int64_t index_of(int64_t k) const { return take.first + k * take.step; }

  // Copies the blocks that contain an element of the slice, in the order of the result.
  Status copy_touched(Ref<Array> &out, Memory &memory, const Array &blocks) const {
    int64_t shape[kMaxRank];
    memcpy(shape, blocks.dims(), blocks.ndim * sizeof(int64_t));
    shape[blocks.ndim - 1] = take.count * unit;
    TFILE_TRY(make_array(out, memory, *blocks.dtype, Span<const int64_t>(shape, blocks.ndim)));
    const size_t bytes = blocks.dtype->block_bytes;
    const char *row = blocks.data;
    char *to = out->data;
    for (int64_t rows = blocks.size / length; rows > 0; --rows, row += length / unit * static_cast<int64_t>(bytes)) {
      for (int64_t k = 0; k < take.count; ++k, to += bytes)
        memcpy(to, row + index_of(k) / unit * static_cast<int64_t>(bytes), bytes);
    }
    return kOk;
  }

  Status decode(char *dst, const Dtype &to, const Array &blocks, const Settings &settings) const {
    Ref<Array> touched;
    TFILE_TRY(copy_touched(touched, settings.memory(), blocks));
    Ref<Array> real;
    TFILE_TRY(cast(real, *touched, to, settings));
    pick(dst, *real);
    return kOk;
  }

  // Copies the one requested element of each decoded block.
  void pick(char *dst, const Array &real) const {
    const size_t bytes = real.dtype->block_bytes;
    const char *block = real.data;
    for (int64_t rows = real.size / (take.count * unit); rows > 0; --rows) {
      for (int64_t k = 0; k < take.count; ++k, dst += bytes, block += static_cast<size_t>(unit) * bytes)
        memcpy(dst, block + static_cast<size_t>(index_of(k) % unit) * bytes, bytes);
    }
  }
};

// Reads the units of a slice, or of the whole array, on the calling thread.
Status read_units(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                  const Settings &settings) {
  if (axes == nullptr) return read_whole(to, source, member, settings.memory());
  SliceCursor cursor;
  return read_member_slice(to, source, member, axes, settings, cursor);
}

}  // namespace

Status read_units_as(void *dst, const Dtype &to, const Source &source, const Member &member, const SliceAxis *axes,
                     const Settings &settings) {
  const size_t ndim = member.shape.size();
  // A unit of a packed type may belong to two rows, so the whole array is read.
  const bool packed = !member.dtype->is_block();
  SliceAxis read[kMaxRank];
  SliceAxis take[kMaxRank];
  int64_t shape[kMaxRank];
  for (size_t i = 0; i < ndim; ++i) {
    if (axes[i].count == 0) return kOk;
    const Widened wide(axes[i], i + 1 == ndim ? member.dtype->block_size : 1);
    read[i] = wide.read;
    take[i] = packed ? axes[i] : wide.take;
    shape[i] = packed ? member.shape[i] : wide.read.count;
  }
  Memory &memory = settings.memory();
  Ref<Array> units;
  TFILE_TRY(make_array(units, memory, *member.dtype, Span<const int64_t>(shape, ndim)));
  TFILE_TRY(read_units(units->data, source, member, packed ? nullptr : read, settings));
  const int64_t unit = member.dtype->block_size;
  if (!packed && (take[ndim - 1].step > unit || take[ndim - 1].step < -unit)) {
    return SparseRow{take[ndim - 1], shape[ndim - 1], unit}.decode(static_cast<char *>(dst), to, *units, settings);
  }
  Ref<Array> real;
  TFILE_TRY(cast(real, *units, to, settings));
  Ref<Array> sliced;
  TFILE_TRY(slice(sliced, memory, *real, take));
  copy_elements(static_cast<char *>(dst), *sliced, 0, sliced->size);
  return kOk;
}

}  // namespace tfile
