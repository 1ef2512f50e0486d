// Decides which bytes of the device each array gets, and divides those bytes into pieces that fit in a staging buffer.
#ifndef STAGING_LAYOUT_HPP
#define STAGING_LAYOUT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <tensorfile.hpp>
#include <vector>

namespace staging {

namespace tf = tensorfile;

// Arrays begin at multiples of this many bytes on the device, which CUDA's libraries and Vulkan's limits ask for.
constexpr std::uint64_t alignment = 256;

// An array on the device.
struct Array {
  std::string name;
  tf::Dtype dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t offset;
  std::uint64_t nbytes;
};

// Consecutive elements of an array, in C order, which are in one staging buffer.
struct Run {
  std::size_t array;            // index in the file
  std::vector<tf::Slice> axes;  // the slice of the array; empty: all of it
  std::size_t at;               // offset in the staging buffer
  std::size_t nbytes;
};

// The bytes of the device that one staging buffer fills. The runs have the same distances in both, so that one copy is
// enough; the bytes between them mean nothing.
struct Piece {
  std::uint64_t offset;
  std::size_t nbytes;
  std::vector<Run> runs;
};

// Adds numbers of bytes from a file, which may be anything.
inline std::uint64_t checked_add(std::uint64_t a, std::uint64_t b) {
  if (b > std::numeric_limits<std::uint64_t>::max() - a)
    throw tf::Error(tf::Status::limit, "the arrays have more bytes than 64 bits can count");
  return a + b;
}

inline std::uint64_t checked_multiply(std::uint64_t a, std::uint64_t b) {
  if (b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b)
    throw tf::Error(tf::Status::limit, "the arrays have more bytes than 64 bits can count");
  return a * b;
}

class Layout {
 public:
  // Floats and blocks become `cast`, unless that is Dtype::as_stored; integers, bools and complex numbers stay as they
  // are. No piece is larger than `capacity` bytes.
  Layout(const tf::File &file, std::size_t capacity, tf::Dtype cast = tf::Dtype::as_stored) : capacity_(capacity) {
    for (const tf::File::Entry &entry : file)
      append(entry, cast);
  }

  const std::vector<Array> &arrays() const { return arrays_; }
  const std::vector<Piece> &pieces() const { return pieces_; }
  std::size_t capacity() const { return capacity_; }
  // The memory that the arrays need on the device.
  std::uint64_t nbytes() const { return nbytes_; }

 private:
  static bool is_cast(tf::Dtype stored, tf::Dtype cast) {
    const tf::DtypeKind kind = tf::kind(stored);
    return cast != tf::Dtype::as_stored && (kind == tf::DtypeKind::float_ || kind == tf::DtypeKind::block);
  }

  static std::uint64_t bytes_of(tf::Dtype dtype, std::uint64_t elements) {
    const std::uint64_t unit = tf::block_size(dtype);
    return checked_multiply(elements / unit + (elements % unit != 0 ? 1 : 0), tf::block_bytes(dtype));
  }

  void append(const tf::File::Entry &entry, tf::Dtype cast) {
    if (entry.dtype() == tf::Dtype::unsupported) {
      throw tf::Error(tf::Status::unsupported,
                      "array '" + std::string(entry.name()) + "' has an unknown type, " + std::string(entry.type()),
                      std::string(entry.name()));
    }
    const tf::Dtype dtype = is_cast(entry.dtype(), cast) ? cast : entry.dtype();
    Array array = {std::string(entry.name()), dtype, {entry.shape().begin(), entry.shape().end()}, 0, 0};
    array.offset = checked_add(nbytes_, alignment - 1) / alignment * alignment;
    array.nbytes = bytes_of(dtype, static_cast<std::uint64_t>(entry.size()));
    nbytes_ = checked_add(array.offset, array.nbytes);
    if (array.nbytes > capacity_) {
      // A slice must not divide a block, neither of the stored type nor of the one on the device.
      cut(array, std::lcm<std::uint64_t>(tf::block_size(entry.dtype()), tf::block_size(dtype)));
    } else if (array.nbytes > 0) {
      append_run(array.offset, {arrays_.size(), {}, 0, static_cast<std::size_t>(array.nbytes)});
    }
    arrays_.push_back(std::move(array));
  }

  // Appends a run to the last piece, or begins another piece if it does not fit.
  void append_run(std::uint64_t offset, Run run) {
    if (pieces_.empty() || offset - pieces_.back().offset > capacity_ - run.nbytes) pieces_.push_back({offset, 0, {}});
    Piece &piece = pieces_.back();
    run.at = static_cast<std::size_t>(offset - piece.offset);
    piece.nbytes = run.at + run.nbytes;
    piece.runs.push_back(std::move(run));
  }

  // Divides an array along the first axis of which one index fits in a buffer, or as many as whole blocks need.
  void cut(const Array &array, std::uint64_t unit) {
    const std::uint64_t most = capacity_ / tf::block_bytes(array.dtype) * tf::block_size(array.dtype);
    std::uint64_t inner = 1;  // elements of one index of the axis
    for (const std::int64_t length : array.shape)
      inner *= static_cast<std::uint64_t>(length);
    for (std::size_t axis = 0; axis < array.shape.size() && inner % unit == 0; ++axis) {
      inner /= static_cast<std::uint64_t>(array.shape[axis]);
      const std::uint64_t together = unit / std::gcd(inner, unit);
      const std::uint64_t step = most / inner / together * together;
      if (step > 0) return cut_axis(array, axis, static_cast<std::int64_t>(step), inner);
    }
    throw tf::Error(tf::Status::invalid_argument,
                    "array '" + array.name + "' cannot be divided into pieces of at most " + std::to_string(capacity_) +
                        " bytes; use larger staging buffers",
                    array.name);
  }

  void cut_axis(const Array &array, std::size_t axis, std::int64_t step, std::uint64_t inner) {
    std::vector<tf::Slice> axes(axis + 1, tf::Slice::at(0));
    std::uint64_t done = 0;  // elements
    do {
      for (std::int64_t start = 0; start < array.shape[axis]; start += step) {
        const std::int64_t count = std::min(step, array.shape[axis] - start);
        axes[axis] = {start, start + count};
        const std::uint64_t elements = static_cast<std::uint64_t>(count) * inner;
        const auto nbytes = static_cast<std::size_t>(bytes_of(array.dtype, elements));
        append_run(array.offset + bytes_of(array.dtype, done), {arrays_.size(), axes, 0, nbytes});
        done += elements;
      }
    } while (advance(axes, axis, array.shape));
  }

  // Moves the axes before the divided one to the next index. Returns false after the last one.
  static bool advance(std::vector<tf::Slice> &axes, std::size_t axis, const std::vector<std::int64_t> &shape) {
    while (axis-- > 0) {
      const std::int64_t next = axes[axis].stop;
      axes[axis] = next < shape[axis] ? tf::Slice(next, next + 1) : tf::Slice(0, 1);
      if (next < shape[axis]) return true;
    }
    return false;
  }

  std::size_t capacity_;
  std::vector<Array> arrays_;
  std::vector<Piece> pieces_;
  std::uint64_t nbytes_ = 0;
};

}  // namespace staging

#endif
