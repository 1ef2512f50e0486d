// Reads one member of a listing: whole, mapped, or a slice of it, from stored or deflated bytes.
#pragma once

#include "core/slice.h"
#include "format/format.h"
#include "transfer/member_stream.h"

namespace tfile {

// Presents the stored bytes of a member as a 1-d array of uint8, so that they are not swapped, reordered or normalised.
class RawMember {
 public:
  explicit RawMember(const Member &member) : size_(static_cast<int64_t>(member.nbytes)), member_(member) {
    member_.dtype = find_dtype(TF_DTYPE_UINT8);
    member_.shape = Span<const int64_t>(&size_, 1);
    member_.fortran = false;
    member_.big_endian = false;
  }
  RawMember(const RawMember &) = delete;
  RawMember &operator=(const RawMember &) = delete;

  const Member &member() const { return member_; }

 private:
  int64_t size_;
  Member member_;
};

// Reads a whole member in C order, on the calling thread.
Status read_whole(void *to, const Source &source, const Member &member, Memory &memory);

// Reads a slice to `to`, in C order; the caller provides enough memory for it. Once successive slices have covered
// every byte of a member, its CRC-32 is verified.
Status read_member_slice(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                         const Settings &settings, SliceCursor &cursor);

// Makes an array over the mapped bytes of the source. `out` stays empty if they cannot be used without conversion (see
// TF_LOAD_MODE_MAP).
Status map_member(Ref<Array> &out, Source &source, const Member &member, Memory &memory);

// True if the stored elements do not have the byte order of this machine.
bool needs_swap(const Member &member);

// Converts stored bytes in place to their form in memory: the byte order of this machine, and bools of 0 or 1.
void finish_bytes(const Member &member, void *data, size_t nbytes);

// Fails with CORRUPT if `crc`, the checksum of all bytes of a member, differs from the one in the file.
Status check_crc(const Source &source, const Member &member, uint32_t crc);

// Fails with UNSUPPORTED if the dtype of the member is unknown.
Status check_known(const Source &source, const Member &member);

}  // namespace tfile
