#include "transfer/read_array.h"

#include "base/require.h"
#include "core/copy.h"
#include "quant/cast.h"
#include "transfer/read_member.h"
#include "transfer/read_units.h"

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

Status read_as(void *dst, const Dtype &to, const StoredArray &array, const Region &region) {
  const Dtype &from = *array.member.dtype;
  if (&to == &from) return read_stored(dst, array, region);
  TFILE_TRY(check_cast(from, to));
  if (region.axes == nullptr) return read_whole_as(dst, to, array);
  if (!from.addressable() && to.addressable()) {
    return read_units_as(dst, to, array.source, array.member, region.axes, array.settings);
  }
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
