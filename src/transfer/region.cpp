#include "transfer/region.h"

#include "api/arguments.h"
#include "core/copy.h"
#include "quant/cast.h"

namespace tfile {

namespace {

Status convert(void *to, const Dtype &dtype, const void *from, const Member &member, uint64_t first, uint64_t count) {
  static_assert(kConvertedAtOnce % kCastChunk == 0);
  return cast_run(to, dtype, from, *member.dtype, first, count);
}

Status read_target(const ReadTarget &target, const Settings &settings) {
  Vec<ReadTarget> targets(settings.memory());
  TFILE_TRY(targets.push(target));
  return read_members(targets, settings);
}

// As stored.
Status read_stored(void *to, const OpenedFile &file, const Region &region) {
  const Member &member = *region.member;
  if (region.axes != nullptr) {
    return read_slice_into(to, file.source_of(member), member, region.axes, file.settings, file.cursor);
  }
  return read_target(make_target(file, member, to, *member.dtype), file.settings);
}

// The part of a slice along an axis that lies on whole units, and the slice within that part.
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

// The elements of a row that a slice takes along its last axis, when its step is longer than a block: each has a block
// of its own, and those between are not decoded.
struct SparseRow {
  SliceAxis take;
  int64_t length;  // of the row that was read
  int64_t unit;

  int64_t place(int64_t k) const { return take.first + k * take.step; }

  // The blocks with an element of the slice, in the order of the result.
  Status keep_touched(Ref<Array> &out, Memory &memory, const Array &blocks) const {
    int64_t shape[kMaxRank];
    memcpy(shape, blocks.dims(), blocks.ndim * sizeof(int64_t));
    shape[blocks.ndim - 1] = take.count * unit;
    TFILE_TRY(make_array(out, memory, *blocks.dtype, Span<const int64_t>(shape, blocks.ndim)));
    const size_t bytes = blocks.dtype->block_bytes;
    const char *row = blocks.data;
    char *to = out->data;
    for (int64_t rows = blocks.size / length; rows > 0; --rows, row += length / unit * static_cast<int64_t>(bytes)) {
      for (int64_t k = 0; k < take.count; ++k, to += bytes)
        memcpy(to, row + place(k) / unit * static_cast<int64_t>(bytes), bytes);
    }
    return kOk;
  }

  Status decode(char *dst, const Dtype &to, const Array &blocks, const Settings &settings) const {
    Ref<Array> touched;
    TFILE_TRY(keep_touched(touched, settings.memory(), blocks));
    Ref<Array> real;
    TFILE_TRY(cast(real, *touched, to, settings));
    pick(dst, *real);
    return kOk;
  }

  // Of each decoded block its one element.
  void pick(char *dst, const Array &real) const {
    const size_t bytes = real.dtype->block_bytes;
    const char *block = real.data;
    for (int64_t rows = real.size / (take.count * unit); rows > 0; --rows) {
      for (int64_t k = 0; k < take.count; ++k, dst += bytes, block += static_cast<size_t>(unit) * bytes)
        memcpy(dst, block + static_cast<size_t>(place(k) % unit) * bytes, bytes);
    }
  }
};

// A slice of an array whose elements have no addresses: reads the units that it touches, casts them, and takes the
// slice of what comes out.
Status read_units_as(void *dst, const Dtype &to, const OpenedFile &file, const Region &region) {
  const Member &member = *region.member;
  const size_t ndim = member.shape.size();
  // Units of a packed type run across rows: then all of it is read.
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
  Memory &memory = file.settings.memory();
  Ref<Array> units;
  TFILE_TRY(make_array(units, memory, *member.dtype, Span<const int64_t>(shape, ndim)));
  TFILE_TRY(read_stored(units->data, file, Region{&member, packed ? nullptr : read, units->shape()}));
  const int64_t unit = member.dtype->block_size;
  if (!packed && (take[ndim - 1].step > unit || take[ndim - 1].step < -unit)) {
    return SparseRow{take[ndim - 1], shape[ndim - 1], unit}.decode(static_cast<char *>(dst), to, *units, file.settings);
  }
  Ref<Array> real;
  TFILE_TRY(cast(real, *units, to, file.settings));
  Ref<Array> taken;
  TFILE_TRY(slice(taken, memory, *real, take));
  copy_elements(static_cast<char *>(dst), *taken, 0, taken->size);
  return kOk;
}

Status read_as(void *dst, const Dtype &to, const OpenedFile &file, const Region &region) {
  const Member &member = *region.member;
  if (&to == member.dtype) return read_stored(dst, file, region);
  TFILE_TRY(check_cast(*member.dtype, to));
  if (region.axes == nullptr)
    return read_target(make_target(file, member, static_cast<char *>(dst), to), file.settings);
  if (!member.dtype->addressable() && to.addressable()) {
    return read_units_as(dst, to, file, region);
  }
  Ref<Array> stored;
  TFILE_TRY(make_array(stored, file.settings.memory(), *member.dtype, region.shape));
  TFILE_TRY(read_stored(stored->data, file, region));
  return cast_into(dst, to, *stored, file.settings);
}

}  // namespace

ReadTarget make_target(const OpenedFile &file, const Member &member, void *to, const Dtype &dtype) {
  ReadTarget target{&file.source_of(member), &member, to};
  if (&dtype == member.dtype) return target;
  target.convert = convert;
  target.dtype = &dtype;
  return target;
}

Status find_read_dtype(const Dtype **out, tf_dtype dtype, const OpenedFile &file, const Member &member) {
  TFILE_TRY(check_known(file.source_of(member), member));
  *out = dtype == TF_DTYPE_UNSUPPORTED ? member.dtype : find_dtype(dtype);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no dtype with the number " << dtype;
}

Status check_destination(const void *dst, size_t nbytes, const Dtype &dtype, const OpenedFile &file,
                         const Region &region) {
  const Member &member = *region.member;
  const Checked needed = byte_count(dtype, region.shape);
  if (!needed.valid() || nbytes != needed.value()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(file.source_of(member).label).array(member.name)
           << "needs " << needed.value() << " bytes as " << dtype.name << ", dst has " << static_cast<uint64_t>(nbytes);
  }
  return nbytes > 0 ? require(dst, "dst") : kOk;
}

Status ResolvedSlice::resolve(const OpenedFile &file, const Member &member, const int64_t *start, const int64_t *stop,
                              const int64_t *step, size_t ndim) {
  TFILE_TRY(check_known(file.source_of(member), member));
  TFILE_TRY(resolve_slice(axes, member.shape, start, stop, step, ndim));
  for (size_t i = 0; i < ndim; ++i)
    shape[i] = axes[i].count;
  return kOk;
}

const Dtype &handed_out_as(const Member &member, const Settings &settings) {
  const int64_t decode = settings.get(TF_OPTION_DECODE);
  if (!member.dtype->is_block() || decode == TF_DECODE_KEEP || decode == TF_DECODE_MLX) return *member.dtype;
  return *find_dtype(static_cast<tf_dtype>(decode));
}

Status read_region(Ref<Array> &out, const OpenedFile &file, const Region &region) {
  const Dtype &dtype = handed_out_as(*region.member, file.settings);
  Ref<Array> array;
  TFILE_TRY(make_array(array, file.settings.memory(), dtype, region.shape));
  TFILE_TRY(read_as(array->data, dtype, file, region));
  out = std::move(array);
  return kOk;
}

Status read_region_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Region &region) {
  const Dtype *to = nullptr;
  TFILE_TRY(find_read_dtype(&to, dtype, file, *region.member));
  TFILE_TRY(check_destination(dst, nbytes, *to, file, region));
  return read_as(dst, *to, file, region);
}

}  // namespace tfile
