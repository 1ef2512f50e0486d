#include "cli/pieces.h"

#include <algorithm>
#include <span>

#include "cli/error.h"

namespace cli {

namespace {

// A multiple of every block.
constexpr int64_t kPieceElements = int64_t{8} << 20U;
// Up to this an array of an .npz is read whole: several threads inflate it, and but one its pieces.
constexpr uint64_t kWholeMember = uint64_t{256} << 20U;

int64_t count(std::span<const int64_t> shape) {
  int64_t product = 1;
  for (const int64_t size : shape)
    product *= size;
  return product;
}

std::span<const int64_t> shape_of(const tf_file *file, size_t index) {
  return {tf_file_shape(file, index), tf_file_ndim(file, index)};
}

}  // namespace

bool reads_in_pieces(const tf_file *file, size_t index) {
  const tf_dtype dtype = tf_file_dtype(file, index);
  if (dtype == TF_DTYPE_UNSUPPORTED) return false;
  if (tf_file_format(file) == TF_FORMAT_NPZ && tf_file_nbytes(file, index) <= kWholeMember) return false;
  const bool packed = tf_dtype_block_size(dtype) > 1 && tf_dtype_bits(dtype) != 0;
  return !packed && tf_file_nbytes(file, index) > 0 && count(shape_of(file, index)) > kPieceElements;
}

Pieces::Pieces(const tf_file *file, size_t index, bool whole) : file_(file), index_(index), whole_(whole) {
  if (!whole_) cut();
}

void Pieces::cut() {
  const auto shape = shape_of(file_, index_);
  shape_.assign(shape.begin(), shape.end());
  start_.assign(shape_.size(), 0);
  int64_t inner = count(shape) / shape_[0];  // elements of one step along the axis
  while (inner > kPieceElements)
    inner /= shape_[++axis_];
  step_ = kPieceElements / inner;
}

// Counts start_ up like an odometer whose last wheel is the axis.
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

Array Pieces::next() {
  Array piece;
  if (done_) return piece;
  if (whole_) {
    done_ = true;
    expect(tf_file_read(Out(piece), file_, index_));
    return piece;
  }
  std::vector<int64_t> stop = shape_;
  for (size_t i = 0; i < axis_; ++i)
    stop[i] = start_[i] + 1;
  stop[axis_] = std::min(start_[axis_] + step_, shape_[axis_]);
  expect(tf_file_read_slice(Out(piece), file_, index_, start_.data(), stop.data(), nullptr, shape_.size()));
  done_ = !advance();
  return piece;
}

}  // namespace cli
