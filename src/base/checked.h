// Checked: arithmetic with overflow checks, for every size that comes from a file or from the user.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tfile {

// A number from 0 to 2^63 - 1, or invalid. Whatever is computed from an invalid number is invalid.
class Checked {
 public:
  constexpr Checked() = default;
  constexpr Checked(uint64_t value)  // NOLINT(google-explicit-constructor): mixes with plain numbers
      : value_(value), valid_(value <= kMax) {}
  static constexpr Checked from_signed(int64_t value) {
    return value < 0 ? invalid() : Checked(static_cast<uint64_t>(value));
  }
  static constexpr Checked invalid() {
    Checked result;
    result.valid_ = false;
    return result;
  }

  constexpr bool valid() const { return valid_; }
  // Call it only if valid().
  constexpr uint64_t value() const { return value_; }
  // True if an object in memory can have this size.
  constexpr bool fits_memory() const { return valid_ && value_ <= static_cast<uint64_t>(PTRDIFF_MAX); }

  friend constexpr Checked operator+(Checked a, Checked b) {
    uint64_t sum = 0;
    const bool overflow = __builtin_add_overflow(a.value_, b.value_, &sum);
    return combine(a, b, !overflow, sum);
  }
  friend constexpr Checked operator-(Checked a, Checked b) {
    return combine(a, b, a.value_ >= b.value_, a.value_ - b.value_);
  }
  friend constexpr Checked operator*(Checked a, Checked b) {
    uint64_t product = 0;
    const bool overflow = __builtin_mul_overflow(a.value_, b.value_, &product);
    return combine(a, b, !overflow, product);
  }
  // True if a range of this length at offset is inside total; false if any number is invalid.
  static constexpr bool within(Checked offset, Checked length, Checked total) {
    const Checked end = offset + length;
    return end.valid() && total.valid() && end.value_ <= total.value_;
  }
  // Rounds up to a multiple of a power of two.
  constexpr Checked align_up(uint64_t alignment) const {
    const Checked raised = *this + (alignment - 1);
    return raised.valid_ ? Checked(raised.value_ & ~(alignment - 1)) : invalid();
  }

 private:
  static constexpr uint64_t kMax = INT64_MAX;
  static constexpr Checked combine(Checked a, Checked b, bool fits, uint64_t value) {
    return a.valid_ && b.valid_ && fits ? Checked(value) : invalid();
  }

  uint64_t value_ = 0;
  bool valid_ = true;
};

}  // namespace tfile
