// Reads an array of a file in pieces, so that the memory needed does not depend on the size of the array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cli/input_file.h"

namespace cli {

// True if the array is larger than a piece and can be read in pieces. The library resumes inflating a compressed member
// where the previous piece ended, and verifies its CRC-32 after the last piece.
bool reads_in_pieces(const Entry &entry);

// Divides an array into consecutive pieces of at most 2 Mi elements, in C order.
class Division {
 public:
  explicit Division(std::span<const int64_t> shape) : Division(shape, shape.size()) {}
  // Does not divide the last dimension, so that a piece may be larger if a row is.
  static Division of_rows(std::span<const int64_t> shape) { return {shape, shape.size() - 1}; }

  // Returns the slice that is the next piece, or nothing after the last one. Dimensions that are not given are whole.
  std::optional<std::vector<tensorfile::Slice>> next();

 private:
  Division(std::span<const int64_t> shape, size_t axes);
  bool advance();

  std::vector<int64_t> shape_;
  std::vector<int64_t> start_;
  size_t axis_ = 0;   // a piece is a range of this axis, at one index of each axis before it
  int64_t step_ = 0;  // the length of that range
  bool done_ = false;
};

// Reads an array in consecutive pieces of at most 2 Mi elements, in C order. Arrays of the same shape are divided into
// the same pieces, whatever their dtypes.
class Pieces {
 public:
  // If `whole`, the array is read as one piece, whatever its size. If `whole_rows`, no row is divided.
  Pieces(const Entry &entry, bool whole, bool whole_rows = false);

  // Reads the next piece, which is C-contiguous. Returns an empty handle after the last one.
  tensorfile::Array next();

 private:
  Entry entry_;
  std::optional<Division> division_;  // empty if the array is read whole
  bool done_ = false;
};

// Reads an array in the same pieces as Pieces, on several threads, as one dtype. Each piece is in the memory of the one
// before it, because providing new memory takes longer than reading it from a file in the page cache.
class CastPieces {
 public:
  // Dtype::as_stored keeps the dtype.
  CastPieces(const Entry &entry, bool whole, tensorfile::Dtype dtype);

  // Reads the next piece, which is C-contiguous and valid until the next call. Returns an empty handle after the last one.
  tensorfile::Array next();
  // Returns the bytes that a piece has in the file, before it is cast.
  uint64_t stored_bytes(const tensorfile::Array &piece) const;

 private:
  tensorfile::Array read(const std::vector<tensorfile::Slice> &axes);

  Entry entry_;
  tensorfile::Dtype dtype_;
  Pieces in_order_;                   // used if the file may be compressed
  std::optional<Division> division_;  // used for other files, if the array is not read whole
  bool done_ = false;
  std::unique_ptr<std::byte[]> memory_;
  size_t capacity_ = 0;
};

}  // namespace cli
