#include "transfer/read_array.h"

#include "base/require.h"
#include "core/copy.h"
#include "quant/cast.h"
#include "transfer/read_member.h"

namespace tfile {

namespace {

Status read_whole_as(void *to, const Dtype &dtype, const StoredArray &array) {
  Vec<ReadTarget> targets(array.settings.memory());
  TFILE_TRY(targets.push(ReadTarget{&array.source, &array.member, to, &dtype}));
  return read_members(targets, array.settings);
}

Status read_stored(void *to, const StoredArray &array, const Region &region) {
  const Member &member = array.member;
  if (region.axes == nullptr) return read_whole_as(to, *member.dtype, array);
  return read_member_slice(to, array.source, member, region.axes, array.settings, array.cursor);
}

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

// Reads a slice of a packed or block type, whose elements have no addresses of their own: reads the units that contain
// the slice, casts them, and takes the slice from the result.
Status read_units_as(void *dst, const Dtype &to, const StoredArray &array, const Region &region) {
  const Member &member = array.member;
  const size_t ndim = member.shape.size();
  // A unit of a packed type may belong to two rows, so the whole array is read.
  const bool packed = !member.dtype->is_block();
  SliceAxis read[kMaxRank];
  SliceAxis take[kMaxRank];
  int64_t shape[kMaxRank];
  for (size_t i = 0; i < ndim; ++i) {
    if (region.shape[i] == 0) return kOk;
    const Widened wide(region.axes[i], i + 1 == ndim ? member.dtype->block_size : 1);
    read[i] = wide.read;
    take[i] = packed ? region.axes[i] : wide.take;
    shape[i] = packed ? member.shape[i] : wide.read.count;
  }
  Memory &memory = array.settings.memory();
  Ref<Array> units;
  TFILE_TRY(make_array(units, memory, *member.dtype, Span<const int64_t>(shape, ndim)));
  TFILE_TRY(read_stored(units->data, array, Region{packed ? nullptr : read, units->shape()}));
  const int64_t unit = member.dtype->block_size;
  if (!packed && (take[ndim - 1].step > unit || take[ndim - 1].step < -unit)) {
    return SparseRow{take[ndim - 1], shape[ndim - 1], unit}.decode(static_cast<char *>(dst), to, *units,
                                                                   array.settings);
  }
  Ref<Array> real;
  TFILE_TRY(cast(real, *units, to, array.settings));
  Ref<Array> sliced;
  TFILE_TRY(slice(sliced, memory, *real, take));
  copy_elements(static_cast<char *>(dst), *sliced, 0, sliced->size);
  return kOk;
}

Status read_as(void *dst, const Dtype &to, const StoredArray &array, const Region &region) {
  const Dtype &from = *array.member.dtype;
  if (&to == &from) return read_stored(dst, array, region);
  TFILE_TRY(check_cast(from, to));
  if (region.axes == nullptr) return read_whole_as(dst, to, array);
  if (!from.addressable() && to.addressable()) return read_units_as(dst, to, array, region);
  Ref<Array> stored;
  TFILE_TRY(make_array(stored, array.settings.memory(), from, region.shape));
  TFILE_TRY(read_stored(stored->data, array, region));
  return cast_into(dst, to, *stored, array.settings);
}

}  // namespace

Status find_read_dtype(const Dtype **out, tf_dtype dtype, const StoredArray &array) {
  TFILE_TRY(check_known(array.source, array.member));
  *out = dtype == TF_DTYPE_UNSUPPORTED ? array.member.dtype : find_dtype(dtype);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no dtype with the number " << dtype;
}

Status check_destination(const void *dst, size_t nbytes, const Dtype &dtype, const StoredArray &array,
                         const Region &region) {
  const Checked needed = byte_count(dtype, region.shape);
  if (!needed.valid() || nbytes != needed.value()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(array.source.label).array(array.member.name)
           << "needs " << needed.value() << " bytes as " << dtype.name << ", dst has " << static_cast<uint64_t>(nbytes);
  }
  return nbytes > 0 ? require(dst, "dst") : kOk;
}

Status ResolvedSlice::resolve(const StoredArray &array, const int64_t *start, const int64_t *stop, const int64_t *step,
                              size_t ndim) {
  TFILE_TRY(check_known(array.source, array.member));
  TFILE_TRY(resolve_slice(axes, array.member.shape, start, stop, step, ndim));
  rank = ndim;
  for (size_t i = 0; i < ndim; ++i)
    shape[i] = axes[i].count;
  return kOk;
}

const Dtype &loaded_dtype(const Member &member, const Settings &settings) {
  const int64_t decode = settings.get(TF_OPTION_DECODE);
  if (!member.dtype->is_block() || decode == TF_DECODE_KEEP || decode == TF_DECODE_MLX) return *member.dtype;
  return *find_dtype(static_cast<tf_dtype>(decode));
}

Status read_region(Ref<Array> &out, const StoredArray &array, const Region &region) {
  const Dtype &dtype = loaded_dtype(array.member, array.settings);
  Ref<Array> made;
  TFILE_TRY(make_array(made, array.settings.memory(), dtype, region.shape));
  TFILE_TRY(read_as(made->data, dtype, array, region));
  out = std::move(made);
  return kOk;
}

Status read_region_into(void *dst, size_t nbytes, tf_dtype dtype, const StoredArray &array, const Region &region) {
  const Dtype *to = nullptr;
  TFILE_TRY(find_read_dtype(&to, dtype, array));
  TFILE_TRY(check_destination(dst, nbytes, *to, array, region));
  return read_as(dst, *to, array, region);
}

}  // namespace tfile
