// Reads slices of one member in bands: ranges of its outermost stored axis.
#pragma once

#include "transfer/read_target.h"

namespace tfile {

// The targets of one member that are read together. Each band is read in one pass for all targets, so that bytes that
// several of them want are read, and inflated, once; casts need scratch memory for one band only.
class MemberBands {
 public:
  // The targets are not empty; each has elements.
  explicit MemberBands(Span<const ReadTarget> targets);

  size_t count() const { return static_cast<size_t>((end_ - begin_ + rows_ - 1) / rows_); }
  // True if one thread must read all bands, in order.
  bool in_order() const { return in_order_; }
  // Returns the bytes of elements in a band.
  uint64_t nbytes(size_t band) const;
  // Reads bands, in order. Once every byte of the member has been read, its CRC-32 is verified.
  Status read(size_t band, size_t count, Memory &memory) const;

 private:
  // The part of a target in one band.
  struct Part {
    UnitSlice units;
    uint64_t nbytes;  // as stored
    int64_t skipped;  // elements of the target along the axis before the part
    int64_t count;    // elements along the axis
  };

  // Returns false if a target has nothing in the band.
  bool part_of(Part *part, const ReadTarget &target, size_t band) const;
  // Returns the number of elements of the result before the part, if the axis is its outermost one.
  uint64_t elements_before(const Part &part, const ReadTarget &target) const;
  Destination destination_of(const Part &part, const ReadTarget &target) const;
  bool can_cut(const ReadTarget &target) const;
  void find_range();
  Status read_band(MemberStream &stream, size_t band, Memory &memory) const;
  Status convert_band(size_t band, const char *stored, Memory &memory) const;

  Span<const ReadTarget> targets_;
  const Member &member_;
  bool in_order_;
  size_t axis_ = 0;    // the axis to cut
  int64_t rows_ = 1;   // units along the axis in a band
  int64_t begin_ = 0;  // the range of the axis that the targets need, in units
  int64_t end_ = 1;
};

}  // namespace tfile
