#include "format/splice.h"

#include <algorithm>

namespace tfile {

// Extends the last run if the bytes follow it, or else adds one.
Status Splice::add(uint64_t nbytes, uint64_t from, bool is_new) {
  if (nbytes == 0) return kOk;
  const Checked end = Checked(size) + nbytes;
  if (!end.valid()) return Failure(TF_STATUS_UNSUPPORTED) << "the file would have 2^63 bytes or more";
  const bool follows = !runs.empty() && runs.back().is_new == is_new && from != Run::kZeros &&
                       runs.back().from != Run::kZeros && runs.back().from + runs.back().nbytes == from;
  if (follows) {
    runs.back().nbytes += nbytes;
  } else {
    TFILE_TRY(runs.push(Run{size, nbytes, from, is_new}));
  }
  size = end.value();
  return kOk;
}

Status Splice::write(const void *bytes, size_t nbytes) {
  const size_t index = text.size();
  TFILE_TRY(text.append(static_cast<const uint8_t *>(bytes), nbytes));
  return add(nbytes, index, true);
}

Status Splice::write_zeros(uint64_t count) {
  constexpr uint8_t kFew[64] = {};
  if (count <= sizeof(kFew)) return write(kFew, static_cast<size_t>(count));
  while (count > 0) {
    const uint64_t piece = count < kMaxZeros ? count : kMaxZeros;
    TFILE_TRY(add(piece, Run::kZeros, true));
    count -= piece;
  }
  return kOk;
}

Status Splice::copy(uint64_t offset, uint64_t nbytes) {
  return add(nbytes, offset, false);
}

const uint8_t *Splice::bytes(const Run &run) const {
  static constexpr uint8_t kZeros[kMaxZeros] = {};
  return run.from == Run::kZeros ? kZeros : text.data() + run.from;
}

size_t Splice::find(uint64_t offset) const {
  const auto after = [](uint64_t position, const Run &run) { return position < run.at; };
  return static_cast<size_t>(std::upper_bound(runs.begin(), runs.end(), offset, after) - runs.begin()) - 1;
}

bool Splice::fits_in_place(uint64_t *nbytes, uint64_t old_size) const {
  *nbytes = 0;
  if (size != old_size) return false;
  bool copied = false;
  for (const Run &run : runs) {
    if (run.is_new ? copied : run.at != run.from) return false;
    copied = copied || !run.is_new;
    if (run.is_new) *nbytes += run.nbytes;
  }
  return true;
}

}  // namespace tfile
