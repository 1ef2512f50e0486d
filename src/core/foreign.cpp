#include "core/foreign.h"

#include "base/require.h"

namespace tfile {

namespace {

// Adds (size - 1) * stride to the distance that the array reaches above or below its first element, in bytes. Returns
// false on overflow.
bool extend(int64_t *above, int64_t *below, int64_t size, int64_t stride) {
  int64_t reach = 0;
  if (__builtin_mul_overflow(size - 1, stride, &reach) || reach == INT64_MIN) return false;
  int64_t *const side = reach < 0 ? below : above;
  return !__builtin_add_overflow(*side, reach, side);
}

// Does what reach_of() does for memory that needs no alignment.
Status unaligned_reach_of(uint64_t *nbytes, const Form &form, const int64_t *strides, const void *data) {
  const bool empty = form.nbytes == 0;
  if (!empty) TFILE_TRY(require(data, "data"));
  *nbytes = form.nbytes;
  if (strides == nullptr) return kOk;
  if (!form.dtype->addressable()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << form.dtype->name << " takes no strides";
  }
  int64_t above = 0;
  int64_t below = 0;
  for (size_t i = 0; i < form.shape.size() && !empty; ++i) {
    if (!extend(&above, &below, form.shape[i], strides[i])) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << "the strides reach 2^63 bytes or more";
    }
  }
  *nbytes = empty ? 0 : static_cast<uint64_t>(above) + form.dtype->block_bytes;
  return kOk;
}

}  // namespace

Status check_target(const Form &form, const void *dst, size_t nbytes, const int64_t *strides) {
  uint64_t needed = 0;
  if (form.nbytes > 0) TFILE_TRY(require(dst, "dst"));
  TFILE_TRY(unaligned_reach_of(&needed, form, strides, dst));
  if (strides == nullptr ? nbytes != needed : nbytes < needed) {
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "shape ").shape(form.shape)
           << " of " << form.dtype->name << " needs " << needed << " bytes, there are "
           << static_cast<uint64_t>(nbytes);
  }
  for (size_t i = 0; strides != nullptr && i < form.shape.size() && needed > 0; ++i) {
    if (form.shape[i] > 1 && strides[i] == 0) {
      return Failure(TF_STATUS_INVALID_ARGUMENT)
             << "the stride of axis " << static_cast<uint64_t>(i) << " is 0, so that its elements would overlap";
    }
  }
  return kOk;
}

Status reach_of(uint64_t *nbytes, const Form &form, const int64_t *strides, const void *data) {
  TFILE_TRY(unaligned_reach_of(nbytes, form, strides, data));
  const size_t alignment = form.dtype->alignment();
  if (reinterpret_cast<uintptr_t>(data) % alignment != 0) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "data of " << form.dtype->name << " must be aligned to " << static_cast<uint64_t>(alignment) << " bytes";
  }
  for (size_t i = 0; strides != nullptr && i < form.shape.size() && form.nbytes > 0; ++i) {
    if (form.shape[i] > 1 && strides[i] % static_cast<int64_t>(alignment) != 0) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << "stride " << strides[i] << " of axis " << static_cast<uint64_t>(i)
                                                 << " is not a multiple of " << static_cast<uint64_t>(alignment);
    }
  }
  return kOk;
}

namespace {

// The address of an empty array whose data is NULL. Nothing is ever read or written there.
alignas(kDataAlignment) constexpr char kNoData[1] = {};

}  // namespace

Status wrap(Ref<Array> &out, const Form &form, const int64_t *strides, const ForeignMemory &memory,
            PendingRelease &release) {
  uint64_t needed = 0;
  TFILE_TRY(reach_of(&needed, form, strides, memory.data));
  if (needed > memory.nbytes) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "the array reaches " << needed << " bytes, there are " << memory.nbytes;
  }
  void *const data = memory.data == nullptr ? const_cast<char *>(kNoData) : memory.data;
  Ref<Buffer> buffer;
  TFILE_TRY(wrap_buffer(buffer, default_memory(), data, static_cast<size_t>(memory.nbytes), memory.writable,
                        release.disarm(), release.user()));
  return make_array(out, default_memory(), *form.dtype, form.shape, strides, std::move(buffer),
                    static_cast<char *>(data));
}

}  // namespace tfile
