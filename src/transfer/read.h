// Reading the members of a listing: whole, mapped, or a slice; from plain or deflated bytes.
#pragma once

#include "core/slice.h"
#include "format/format.h"
#include "transfer/member_stream.h"

namespace tfile {

// Elements that are converted at once: whole units of every dtype.
inline constexpr uint64_t kConvertedAtOnce = 1024;

// Writes count elements, which begin with the member's element `first`, to `to` as another dtype.
using ConvertFn = Status (*)(void *to, const Dtype &dtype, const void *from, const Member &member, uint64_t first,
                             uint64_t count);

// A whole member, the file that it is in, and where its elements go, in C order, at any address.
struct ReadTarget {
  const Source *source;
  const Member *member;
  void *to;                      // member->nbytes; with convert: what the elements take as dtype
  ConvertFn convert = nullptr;   // NULL: as stored
  const Dtype *dtype = nullptr;  // what convert makes
};

// Reads members on as many threads as the settings and the sources allow, neighbours together and large ones in pieces,
// and reports progress (read_members.cpp). The order of the targets is any; they are sorted.
Status read_members(Vec<ReadTarget> &targets, const Settings &settings);

// One member, whole and in C order, by one thread.
Status read_whole(void *to, const Source &source, const Member &member, Memory &memory);

// Whether the stored bytes are in another order than the host's.
bool needs_swap(const Member &member);
// Turns stored bytes into those of an array in memory, in place.
void finish_bytes(const Member &member, void *data, size_t nbytes);
// CORRUPT unless crc, of all of a member's bytes, is what its directory says.
Status check_crc(const Source &source, const Member &member, uint32_t crc);

// A slice, C-contiguous, into `to`, which has the bytes that the slice needs. Where slices that followed one another
// have had every byte of a member, its checksum is compared.
Status read_slice_into(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                       const Settings &settings, SliceCursor &cursor);

// An array over the source's own bytes; out stays empty where they cannot serve as they are (see TF_LOAD_MODE_MAP).
Status map_member(Ref<Array> &out, Source &source, const Member &member, Memory &memory);

// UNSUPPORTED when the member is of a type that we do not know.
Status check_known(const Source &source, const Member &member);

}  // namespace tfile
