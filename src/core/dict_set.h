// DictSet: dicts that have been visited.
#pragma once

#include "core/dict.h"

namespace tfile {

// A set of dicts in insertion order; a hash table with open addressing, at most half full.
class DictSet {
 public:
  explicit DictSet(Memory &memory) : order_(memory), slots_(memory) {}

  size_t size() const { return order_.size(); }
  const Dict &operator[](size_t i) const { return *order_[i]; }
  // Adds a dict if the set does not have it. *index is its index.
  Status add(size_t *index, const Dict &dict) {
    if ((order_.size() + 1) * 2 > slots_.size()) TFILE_TRY(grow());
    size_t &slot = slots_[slot_of(dict)];
    if (slot == kFree) {
      TFILE_TRY(order_.push(&dict));
      slot = order_.size() - 1;
    }
    *index = slot;
    return kOk;
  }

 private:
  static constexpr size_t kFree = SIZE_MAX;

  // Returns the slot with the index of a dict, or the free one where it belongs.
  size_t slot_of(const Dict &dict) const {
    const size_t mask = slots_.size() - 1;
    size_t i = static_cast<size_t>((reinterpret_cast<uintptr_t>(&dict) * uint64_t{0x9E3779B97F4A7C15u}) >> 32) & mask;
    while (slots_[i] != kFree && order_[slots_[i]] != &dict)
      i = (i + 1) & mask;
    return i;
  }
  Status grow() {
    const size_t size = slots_.empty() ? 16 : slots_.size() * 2;
    slots_.clear();
    TFILE_TRY(slots_.resize(size));
    for (size_t &slot : slots_)
      slot = kFree;
    for (size_t i = 0; i < order_.size(); ++i)
      slots_[slot_of(*order_[i])] = i;
    return kOk;
  }

  Vec<const Dict *> order_;
  Vec<size_t> slots_;  // indices of order_
};

}  // namespace tfile
