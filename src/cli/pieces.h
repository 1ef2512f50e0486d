// Reading an array of a file in pieces, so that memory does not grow with it.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/handles.h"

namespace cli {

// Whether the array is larger than a piece, and may be read in pieces. The library goes on inflating where the piece
// before ended, and compares the check sum of the whole at the last.
bool reads_in_pieces(const tf_file *file, size_t index);

// One array in consecutive pieces of at most 8 Mi elements, in C order. Two arrays of one shape have the same
// pieces, whatever their dtypes are.
class Pieces {
 public:
  // whole: in one piece, whatever its size.
  Pieces(const tf_file *file, size_t index, bool whole);

  // The next piece, C-contiguous; nullptr when there is none left.
  Array next();

 private:
  void cut();
  bool advance();

  const tf_file *file_;
  size_t index_;
  std::vector<int64_t> shape_;
  std::vector<int64_t> start_;
  size_t axis_ = 0;   // pieces are runs along this axis, whole behind it
  int64_t step_ = 0;  // elements of a run
  bool whole_;
  bool done_ = false;
};

}  // namespace cli
