#include "cli/pieces.h"

#include <algorithm>

namespace cli {

namespace {

// The maximum number of elements in a piece, a multiple of the size of every block.
constexpr int64_t kPieceElements = int64_t{8} << 20U;
// A compressed array of at most this size is read whole, because several threads can then inflate it; pieces are
// inflated by one thread.
constexpr uint64_t kMaxWholeMember = uint64_t{256} << 20U;

}  // namespace

bool reads_in_pieces(const Entry &entry) {
  const tensorfile::Dtype dtype = entry.dtype();
  if (dtype == tensorfile::Dtype::unsupported || entry.nbytes() == 0) return false;
  const bool may_be_compressed = tensorfile::ability(entry.file().format(), tensorfile::Ability::compression) != 0;
  if (may_be_compressed && entry.nbytes() <= kMaxWholeMember) return false;
  const bool packed = tensorfile::block_size(dtype) > 1 && tensorfile::bits(dtype) != 0;
  return !packed && element_count(entry.shape()) > kPieceElements;
}

Pieces::Pieces(const Entry &entry, bool whole) : entry_(entry), whole_(whole) {
  if (!whole_) divide();
}

void Pieces::divide() {
  const auto shape = entry_.shape();
  shape_.assign(shape.begin(), shape.end());
  start_.assign(shape_.size(), 0);
  int64_t inner = element_count(shape) / shape_[0];  // elements of one index of the axis
  while (inner > kPieceElements)
    inner /= shape_[++axis_];
  step_ = kPieceElements / inner;
}

// Moves start_ to the next piece. Returns false if there is none.
bool Pieces::advance() {
  start_[axis_] += step_;
  if (start_[axis_] < shape_[axis_]) return true;
  start_[axis_] = 0;
  for (size_t i = axis_; i-- > 0;) {
    if (++start_[i] < shape_[i]) return true;
    start_[i] = 0;
  }
  return false;
}

tensorfile::Array Pieces::next() {
  if (done_) return {};
  if (whole_) {
    done_ = true;
    return entry_.read();
  }
  std::vector<tensorfile::Slice> axes;
  for (size_t i = 0; i < axis_; ++i)
    axes.push_back({start_[i], start_[i] + 1});
  axes.push_back({start_[axis_], std::min(start_[axis_] + step_, shape_[axis_])});
  done_ = !advance();
  return entry_.read_slice(axes);
}

}  // namespace cli
