#include "file/read.h"

#include "quant/cast.h"
#include "transfer/read_member.h"

namespace tfile {

Status read_array(Ref<Array> &out, const OpenedFile &file, const Member &member) {
  Source &source = file.source_of(member);
  TFILE_TRY(check_known(source, member));
  const bool map = file.settings.get(TF_OPTION_LOAD_MODE) == TF_LOAD_MODE_MAP;
  if (map && &loaded_dtype(member, file.settings) == member.dtype) {
    TFILE_TRY(map_member(out, source, member, file.settings.memory()));
    if (out) return kOk;
  }
  return read_region(out, file.stored(member), Region::whole(member));
}

Status read_raw(Ref<Array> &out, const OpenedFile &file, const Member &member) {
  const RawMember raw(member);
  return read_region(out, file.stored(raw.member()), Region::whole(raw.member()));
}

Status read_slice(Ref<Array> &out, const OpenedFile &file, const Member &member, const SliceBounds &bounds) {
  ResolvedSlice slice;
  TFILE_TRY(slice.resolve(file.stored(member), bounds.start, bounds.stop, bounds.step, bounds.ndim));
  return read_region(out, file.stored(member), slice.region());
}

Status read_array_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Member &member) {
  return read_region_into(dst, nbytes, dtype, file.stored(member), Region::whole(member));
}

Status read_slice_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Member &member,
                       const SliceBounds &bounds) {
  ResolvedSlice slice;
  TFILE_TRY(slice.resolve(file.stored(member), bounds.start, bounds.stop, bounds.step, bounds.ndim));
  return read_region_into(dst, nbytes, dtype, file.stored(member), slice.region());
}

Status read_arrays_into(void *const *dst, const size_t *nbytes, tf_dtype dtype, const OpenedFile &file,
                        Span<const size_t> indices) {
  Vec<ReadTarget> targets(file.settings.memory());
  TFILE_TRY(targets.reserve(indices.size()));
  for (size_t i = 0; i < indices.size(); ++i) {
    const Member *member = nullptr;
    TFILE_TRY(file.find_member(&member, indices[i]));
    const Dtype *to = nullptr;
    TFILE_TRY(find_read_dtype(&to, dtype, file.stored(*member)));
    TFILE_TRY(check_destination(dst[i], nbytes[i], *to, file.stored(*member), Region::whole(*member)));
    TFILE_TRY(check_cast(*member->dtype, *to));
    TFILE_TRY(targets.push(ReadTarget{&file.source_of(*member), member, dst[i], to}));
  }
  return read_members(targets, file.settings);
}

}  // namespace tfile
