#include "cli/pieces.h"

#include <algorithm>
#include <utility>

namespace cli {

namespace {

// The maximum number of elements in a piece, a multiple of the size of every block: enough for several threads, and little
// enough that pieces stay in the cache of the processor.
constexpr int64_t kPieceElements = int64_t{2} << 20U;
// A compressed array of at most this size is read whole, because several threads can then inflate it; pieces are
// inflated by one thread.
constexpr uint64_t kMaxWholeMember = uint64_t{256} << 20U;

uint64_t bytes_of(tensorfile::Dtype dtype, uint64_t elements) {
  const uint64_t unit = tensorfile::block_size(dtype);
  return (elements + unit - 1) / unit * tensorfile::block_bytes(dtype);
}

bool may_be_compressed(const Entry &entry) {
  return tensorfile::ability(entry.file().format(), tensorfile::Ability::compression) != 0;
}

}  // namespace

bool reads_in_pieces(const Entry &entry) {
  const tensorfile::Dtype dtype = entry.dtype();
  if (dtype == tensorfile::Dtype::unsupported || entry.nbytes() == 0) return false;
  if (may_be_compressed(entry) && entry.nbytes() <= kMaxWholeMember) return false;
  const bool packed = tensorfile::block_size(dtype) > 1 && tensorfile::bits(dtype) != 0;
  return !packed && element_count(entry.shape()) > kPieceElements;
}

// The last of the axes that may be divided is divided into ranges of at least one index.
Division::Division(std::span<const int64_t> shape, size_t axes)
    : shape_(shape.begin(), shape.end()), start_(shape.size()), done_(element_count(shape) == 0) {
  if (done_) return;
  int64_t inner = element_count(shape) / shape_[0];  // elements of one index of the axis
  while (inner > kPieceElements && axis_ + 1 < axes)
    inner /= shape_[++axis_];
  step_ = std::max<int64_t>(1, kPieceElements / inner);
}

// Moves start_ to the next piece. Returns false if there is none.
bool Division::advance() {
  start_[axis_] += step_;
  if (start_[axis_] < shape_[axis_]) return true;
  start_[axis_] = 0;
  for (size_t i = axis_; i-- > 0;) {
    if (++start_[i] < shape_[i]) return true;
    start_[i] = 0;
  }
  return false;
}

std::optional<std::vector<tensorfile::Slice>> Division::next() {
  if (done_) return std::nullopt;
  std::vector<tensorfile::Slice> axes;
  for (size_t i = 0; i < axis_; ++i)
    axes.push_back({start_[i], start_[i] + 1});
  axes.push_back({start_[axis_], std::min(start_[axis_] + step_, shape_[axis_])});
  done_ = !advance();
  return axes;
}

Pieces::Pieces(const Entry &entry, bool whole, bool whole_rows) : entry_(entry) {
  const std::span<const int64_t> shape = entry.shape();
  if (!whole) division_.emplace(whole_rows ? Division::of_rows(shape) : Division(shape));
}

tensorfile::Array Pieces::next() {
  if (division_) {
    const std::optional<std::vector<tensorfile::Slice>> axes = division_->next();
    return axes ? entry_.read_slice(*axes) : tensorfile::Array();
  }
  if (std::exchange(done_, true)) return {};
  return entry_.read();
}

CastPieces::CastPieces(const Entry &entry, bool whole, tensorfile::Dtype dtype)
    : entry_(entry), dtype_(dtype == tensorfile::Dtype::as_stored ? entry.dtype() : dtype), in_order_(entry, whole) {
  if (!whole) division_.emplace(entry.shape());
}

tensorfile::Array CastPieces::next() {
  if (may_be_compressed(entry_)) {
    const tensorfile::Array piece = in_order_.next();
    return piece ? piece.cast(dtype_) : tensorfile::Array();
  }
  if (!division_) return std::exchange(done_, true) ? tensorfile::Array() : read({});
  const std::optional<std::vector<tensorfile::Slice>> axes = division_->next();
  return axes ? read(*axes) : tensorfile::Array();
}

uint64_t CastPieces::stored_bytes(const tensorfile::Array &piece) const {
  return bytes_of(entry_.dtype(), static_cast<uint64_t>(piece.size()));
}

// Reads a piece, or without axes the whole array.
tensorfile::Array CastPieces::read(const std::vector<tensorfile::Slice> &axes) {
  std::vector<int64_t> shape(entry_.shape().begin(), entry_.shape().end());
  for (size_t i = 0; i < axes.size(); ++i)
    shape[i] = axes[i].stop - axes[i].start;
  const auto nbytes = static_cast<size_t>(bytes_of(dtype_, static_cast<uint64_t>(element_count(shape))));
  if (nbytes >= capacity_) {
    capacity_ = nbytes + 1;
    memory_.reset(new std::byte[capacity_]);
  }
  tensorfile::ReadPlan plan(entry_.file());
  plan.add(entry_, axes, dtype_, memory_.get(), {}, nbytes).run();
  return tensorfile::Array::wrap(dtype_, shape, {}, memory_.get(), nbytes, false, [] {});
}

}  // namespace cli
