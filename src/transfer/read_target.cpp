#include "transfer/read_target.h"

#include <algorithm>

#include "core/copy.h"
#include "quant/cast.h"

namespace tfile {

namespace {

// Targets of at most this many bytes are read together with their neighbours: whole arrays, slices that are one run,
// and those that are copied or cast after reading.
constexpr uint64_t kSmallArray = uint64_t{128} << 10;
constexpr uint64_t kSmallRun = uint64_t{512} << 10;
constexpr uint64_t kSmallCopied = uint64_t{128} << 10;

uint64_t small_limit(const ReadTarget &target) {
  const uint64_t most = !target.is_direct() ? kSmallCopied : target.axes == nullptr ? kSmallArray : kSmallRun;
  return std::max(most, std::min(target.source->hints.piece, kMaxPieceHint) / 2);
}

uint64_t count_bytes(const Member &member, const UnitSlice &units) {
  uint64_t nbytes = member.dtype->block_bytes;
  for (const int64_t count : units.shape(member))
    nbytes *= static_cast<uint64_t>(count);
  return nbytes;
}

// Returns the bytes of a slice that cuts through units, as if it had whole ones.
uint64_t count_cut_bytes(const Member &member, const SliceAxis *axes) {
  if (axes == nullptr) return member.nbytes;
  uint64_t elements = 1;
  for (size_t i = 0; i < member.shape.size(); ++i)
    elements *= static_cast<uint64_t>(axes[i].count);
  const uint64_t unit = member.dtype->block_size;
  return (elements + unit - 1) / unit * member.dtype->block_bytes;
}

}  // namespace

void ReadTarget::classify() {
  if (axes == nullptr && strides == nullptr) return classify_whole();
  UnitSlice units;
  const bool on_units = units.resolve(*member, axes);
  nbytes = on_units ? count_bytes(*member, units) : count_cut_bytes(*member, axes);
  if (nbytes == 0) return;
  kind = on_units ? ReadKind::kBands : ReadKind::kUnits;
  if (!on_units || is_stream(*member)) return;
  Walk walk;
  units.walk(&walk, *member, nullptr);
  uint64_t run = 0;
  start = walk.first;
  extent = walk.extent(0);
  plain = walk.run_axis(&run) == 0 && strides == nullptr;
  if (extent <= small_limit(*this) && walk.split_within(extent, source->hints.gap) == 0) {
    kind = ReadKind::kSmall;
  } else if (plain) {
    kind = ReadKind::kRun;
  }
}

void ReadTarget::classify_whole() {
  nbytes = extent = member->nbytes;
  plain = true;
  if (is_stream(*member)) {
    const bool in_bands = has_cast() || (member->fortran && !needs_order(*member));
    kind = in_bands && nbytes > 0 ? ReadKind::kBands : ReadKind::kStream;
  } else {
    kind = nbytes > 0 && nbytes <= small_limit(*this) ? ReadKind::kSmall : ReadKind::kRun;
  }
}

Destination::Destination(const ReadTarget &target)
    : to(static_cast<char *>(target.to)), ndim(target.member->shape.size()), contiguous(target.strides == nullptr) {
  for (size_t i = 0; i < ndim; ++i)
    counts[i] = target.axes != nullptr ? target.axes[i].count : target.member->shape[i];
  if (contiguous) {
    contiguous_strides(strides, shape(), target.dtype->block_bytes);
  } else {
    memcpy(strides, target.strides, ndim * sizeof(int64_t));
  }
}

uint64_t Destination::elements() const {
  uint64_t count = 1;
  for (size_t i = 0; i < ndim; ++i)
    count *= static_cast<uint64_t>(counts[i]);
  return count;
}

bool UnitSlice::resolve(const Member &member, const SliceAxis *slice) {
  const size_t ndim = member.shape.size();
  const auto unit = static_cast<int64_t>(member.dtype->block_size);
  for (size_t i = 0; i < ndim; ++i) {
    sizes[i] = member.shape[i];
    axes[i] = slice != nullptr ? slice[i] : SliceAxis{0, 1, sizes[i]};
  }
  if (unit > 1) {
    if (ndim == 0) return false;
    SliceAxis &last = axes[ndim - 1];
    if (last.step != 1 && last.count > 1) return false;
    if (sizes[ndim - 1] % unit != 0 || last.first % unit != 0 || last.count % unit != 0) return false;
    sizes[ndim - 1] /= unit;
    last = SliceAxis{last.first / unit, 1, last.count / unit};
  }
  for (size_t i = 0; i < ndim; ++i)
    counts[i] = axes[i].count;
  return true;
}

void UnitSlice::walk(Walk *out, const Member &member, void *to, const int64_t *strides) const {
  const size_t item = member.dtype->block_bytes;
  int64_t contiguous[kMaxRank];
  if (strides == nullptr) {
    contiguous_strides(contiguous, shape(member), item);
    strides = contiguous;
  }
  make_walk(out, WalkShape{Span<const int64_t>(sizes, member.shape.size()), item, member.fortran}, axes, to, strides);
}

Status convert(const Destination &destination, const ReadTarget &target, const void *from, Memory &memory,
               uint64_t first) {
  const Dtype &to = *target.dtype;
  const uint64_t count = destination.elements();
  if (destination.contiguous) return cast_run(destination.to, to, from, *target.member->dtype, first, count);
  Vec<char> cast(memory);
  TFILE_TRY(cast.resize(static_cast<size_t>(count * to.block_bytes)));
  TFILE_TRY(cast_run(cast.data(), to, from, *target.member->dtype, first, count));
  int64_t strides[kMaxRank];
  contiguous_strides(strides, destination.shape(), to.block_bytes);
  copy_strided(destination.to, destination.strides, cast.data(), strides, destination.shape(), to.block_bytes);
  return kOk;
}

}  // namespace tfile
