// NameIndex: finds the index of a name in a list of another object.
#pragma once

#include "base/vec.h"

namespace tfile {

// A hash table of indices with open addressing. The hash has a random key, so that the author of a file cannot choose
// names that collide.
class NameIndex {
 public:
  static constexpr size_t kNone = SIZE_MAX;
  // Returns the name at an index of the owner's list.
  using NameAt = Text (*)(const void *owner, size_t index);

  NameIndex(Memory &memory, NameAt name_at, const void *owner) : slots_(memory), name_at_(name_at), owner_(owner) {}

  // Allocates for at least `count` names.
  Status reserve(size_t count);
  // Returns the index of a name, or kNone.
  size_t find(Text name) const;
  // Adds a name, which is at index count() of the list. If the table already contains it, *found is its index and
  // nothing is added; else *found is kNone.
  Status add(size_t *found, Text name);
  // Adds the names of the list up to index `end`, several at a time, so that their table look-ups overlap. Stops at the
  // first name that the table has already: *found is its index and *twin that of the equal name; else *found is kNone.
  Status add_up_to(size_t end, size_t *found, size_t *twin);
  // Takes the table of another index, whose owner's list has the same names at the same indices.
  void adopt(NameIndex &other);
  // Removes the name at an index and decrements the indices after it. Call it before the name is erased from the list.
  // Takes time in proportion to the list.
  void remove(size_t index);
  size_t count() const { return count_; }

 private:
  struct Slot {
    uint32_t index_plus_one;  // 0 if the slot is free
    uint32_t hash;
  };

  uint64_t hash(Text name) const;
  size_t probe(Text name, uint32_t hash) const;
  Status grow(size_t size);

  Vec<Slot> slots_;  // their number is a power of two; at most 3/4 are used
  NameAt name_at_;
  const void *owner_;
  size_t count_ = 0;
  uint64_t key_[2] = {0, 0};
};

}  // namespace tfile
