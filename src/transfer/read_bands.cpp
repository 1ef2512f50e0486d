#include "transfer/read_bands.h"

#include <algorithm>

namespace tfile {

namespace {

// Bytes of the file in a band: large enough that the cost of starting one does not matter, and small enough that all
// threads end at nearly the same time and that casts need little memory.
constexpr uint64_t kBand = uint64_t{4} << 20;

// Parts of the scratch memory begin at multiples of this.
constexpr uint64_t kScratchAlignment = 64;

uint64_t scratch_bytes(uint64_t nbytes) {
  return (nbytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
}

int64_t divide_up(int64_t number, int64_t divisor) {
  return number <= 0 ? 0 : (number + divisor - 1) / divisor;
}

// Returns the part of an axis of a slice whose indices are from begin to end - 1. *skipped receives the number of
// elements of the slice before it.
SliceAxis clip(const SliceAxis &axis, int64_t begin, int64_t end, int64_t *skipped) {
  int64_t from = 0;
  int64_t to = 0;
  if (axis.step > 0) {
    from = divide_up(begin - axis.first, axis.step);
    to = divide_up(end - axis.first, axis.step);
  } else {
    from = divide_up(axis.first - end + 1, -axis.step);
    to = divide_up(axis.first - begin + 1, -axis.step);
  }
  from = std::min(from, axis.count);
  to = std::min(to, axis.count);
  *skipped = from;
  return SliceAxis{axis.first + from * axis.step, axis.step, to - from};
}

}  // namespace

MemberBands::MemberBands(Span<const ReadTarget> targets) : targets_(targets), member_(*targets[0].member) {
  const size_t ndim = member_.shape.size();
  in_order_ = member_.deflated || member_.tail > 0;
  for (const ReadTarget &target : targets)
    in_order_ = in_order_ || (member_.has_crc && target.is_all());
  if (ndim == 0) return;
  UnitSlice whole;
  if (!whole.resolve(member_, nullptr)) return;
  const auto stored_axis = [&](size_t i) { return member_.fortran ? ndim - 1 - i : i; };
  size_t outer = 0;
  while (outer + 1 < ndim && whole.sizes[stored_axis(outer)] == 1)
    ++outer;
  axis_ = stored_axis(outer);
  uint64_t row = member_.dtype->block_bytes;
  for (size_t i = outer + 1; i < ndim; ++i)
    row *= static_cast<uint64_t>(whole.sizes[stored_axis(i)]);
  rows_ = whole.sizes[axis_];
  end_ = rows_;
  for (const ReadTarget &target : targets) {
    if (!can_cut(target)) return;
  }
  rows_ = static_cast<int64_t>(std::clamp(kBand / row, uint64_t{1}, static_cast<uint64_t>(rows_)));
  find_range();
}

// True if bands of the axis can be cast independently. A unit of a packed type can have elements of two rows.
bool MemberBands::can_cut(const ReadTarget &target) const {
  if (!target.has_cast() || target.dtype->addressable()) return true;
  return target.dtype->is_block() && axis_ + 1 < member_.shape.size() && !member_.fortran;
}

void MemberBands::find_range() {
  int64_t begin = end_;
  int64_t end = 0;
  for (const ReadTarget &target : targets_) {
    UnitSlice units;
    (void)units.resolve(member_, target.axes);
    const SliceAxis &axis = units.axes[axis_];
    const int64_t last = axis.first + (axis.count - 1) * axis.step;
    begin = std::min({begin, axis.first, last});
    end = std::max({end, axis.first + 1, last + 1});
  }
  begin_ = begin / rows_ * rows_;
  end_ = end;
}

bool MemberBands::part_of(Part *part, const ReadTarget &target, size_t band) const {
  (void)part->units.resolve(member_, target.axes);
  part->skipped = 0;
  part->count = 1;
  if (!member_.shape.empty()) {
    const int64_t begin = begin_ + static_cast<int64_t>(band) * rows_;
    SliceAxis &axis = part->units.axes[axis_];
    axis = clip(axis, begin, std::min(begin + rows_, end_), &part->skipped);
    part->units.counts[axis_] = axis.count;
    const bool last = axis_ + 1 == member_.shape.size();
    const int64_t unit = last ? member_.dtype->block_size : 1;
    part->skipped *= unit;
    part->count = axis.count * unit;
  }
  part->nbytes = member_.dtype->block_bytes;
  for (const int64_t count : part->units.shape(member_))
    part->nbytes *= static_cast<uint64_t>(count);
  return part->nbytes > 0;
}

uint64_t MemberBands::elements_before(const Part &part, const ReadTarget &target) const {
  const Destination whole(target);
  auto count = static_cast<uint64_t>(part.skipped);
  for (size_t i = axis_ + 1; i < whole.ndim; ++i)
    count *= static_cast<uint64_t>(whole.counts[i]);
  return count;
}

// The elements of a part are contiguous if no axis before the one that is cut has several elements. That is so for
// packed and block types, which are stored in C order and always contiguous.
Destination MemberBands::destination_of(const Part &part, const ReadTarget &target) const {
  Destination destination(target);
  if (member_.shape.empty()) return destination;
  const Dtype &dtype = *target.dtype;
  if (dtype.addressable()) {
    destination.to += part.skipped * destination.strides[axis_];
  } else {
    destination.to += elements_before(part, target) / dtype.block_size * dtype.block_bytes;
  }
  destination.counts[axis_] = part.count;
  for (size_t i = 0; i < axis_; ++i)
    destination.contiguous = destination.contiguous && destination.counts[i] == 1;
  return destination;
}

uint64_t MemberBands::nbytes(size_t band) const {
  uint64_t total = 0;
  Part part;
  for (const ReadTarget &target : targets_) {
    if (part_of(&part, target, band)) total += part.nbytes;
  }
  return total;
}

Status MemberBands::read(size_t band, size_t count, Memory &memory) const {
  bool whole = false;
  for (const ReadTarget &target : targets_)
    whole = whole || target.is_all();
  MemberStream stream(*targets_[0].source, member_, memory, whole);
  TFILE_TRY(stream.begin());
  for (size_t i = band; i < band + count; ++i)
    TFILE_TRY(read_band(stream, i, memory));
  return in_order_ && stream.complete() ? stream.finish() : kOk;
}

// Elements without a cast go to their destination; the others to scratch memory first.
Status MemberBands::read_band(MemberStream &stream, size_t band, Memory &memory) const {
  Vec<Walk> walks(memory);
  Part part;
  uint64_t scratch = 0;
  for (const ReadTarget &target : targets_) {
    if (target.has_cast() && part_of(&part, target, band)) scratch += scratch_bytes(part.nbytes);
  }
  Vec<char> stored(memory);
  TFILE_TRY(stored.resize(static_cast<size_t>(scratch)));
  TFILE_TRY(walks.reserve(targets_.size()));
  char *to = stored.data();
  for (const ReadTarget &target : targets_) {
    if (!part_of(&part, target, band)) continue;
    Walk walk;
    if (target.has_cast()) {
      part.units.walk(&walk, member_, to);
      to += scratch_bytes(part.nbytes);
    } else {
      const Destination destination = destination_of(part, target);
      const bool addressable = target.dtype->addressable();
      part.units.walk(&walk, member_, destination.to, addressable ? destination.strides : nullptr);
    }
    TFILE_TRY(walks.push(walk));
  }
  if (walks.empty()) return kOk;
  TFILE_TRY(read_walks(stream, member_, walks.span(), memory));
  return convert_band(band, stored.data(), memory);
}

Status MemberBands::convert_band(size_t band, const char *stored, Memory &memory) const {
  Part part;
  for (const ReadTarget &target : targets_) {
    if (!target.has_cast() || !part_of(&part, target, band)) continue;
    const Destination destination = destination_of(part, target);
    TFILE_TRY(convert(destination, target, stored, memory, elements_before(part, target)));
    stored += scratch_bytes(part.nbytes);
  }
  return kOk;
}

}  // namespace tfile
