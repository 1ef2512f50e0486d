#include "file/read.h"

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

}  // namespace tfile
