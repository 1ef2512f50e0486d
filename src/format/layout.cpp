#include "format/layout.h"

#include "base/endian.h"

namespace tfile {

namespace {

// Gaps with fewer zeros than this are stored as text instead of as a gap.
constexpr uint64_t kMinGap = 4096;

}  // namespace

Status Layout::add(const Segment &segment) {
  const Checked end = Checked(size) + segment.nbytes;
  if (!end.valid()) return Failure(TF_STATUS_UNSUPPORTED) << "the data of all arrays do not fit in a file";
  TFILE_TRY(segments.push(segment));
  size = end.value();
  return kOk;
}

Status Layout::write(const void *bytes, size_t nbytes) {
  if (nbytes == 0) return kOk;
  const size_t index = text.size();
  TFILE_TRY(text.append(static_cast<const uint8_t *>(bytes), nbytes));
  if (segments.empty() || segments.back().kind != Kind::kText) {
    return add(Segment{Kind::kText, false, size, nbytes, index});
  }
  segments.back().nbytes += nbytes;
  size += nbytes;
  return kOk;
}

Status Layout::write_zeros(uint64_t count) {
  if (count >= kMinGap) return add(Segment{Kind::kGap, false, size, count, 0});
  static constexpr uint8_t kZeros[kMinGap] = {};
  return write(kZeros, static_cast<size_t>(count));
}

Status Layout::add_array(size_t index, uint64_t nbytes, bool fortran) {
  return nbytes > 0 ? add(Segment{Kind::kArray, fortran, size, nbytes, index}) : kOk;
}

void Layout::set_checksum(size_t array, uint32_t crc) {
  checksums[array].crc = crc;
  for (const size_t position : checksums[array].positions) {
    if (position != Checksum::kNone) store_le(text.data() + position, crc);
  }
}

}  // namespace tfile
