// NameIndex: finds the index of a name in a list that its owner keeps.
#pragma once

#include "base/vec.h"

namespace tfile {

// A hash table of indices, open addressing, keyed with random bits, so that a file's author cannot choose collisions.
class NameIndex {
 public:
  static constexpr size_t kNone = SIZE_MAX;
  // The name at a index of the owner's list.
  using NameAt = Text (*)(const void *owner, size_t index);

  NameIndex(Memory &memory, NameAt name_at, const void *owner) : slots_(memory), name_at_(name_at), owner_(owner) {}

  // Makes room for count names at least.
  Status reserve(size_t count);
  // The index of name, or kNone.
  size_t find(Text name) const;
  // Adds the name at index count() of the list, unless it is there: *found is then its index, else kNone.
  Status add(size_t *found, Text name);
  // As add() of the next names of the list, up to `end`; with many at once no look into the table waits for the one before.
  // *found: the index of the first name that is there already, else kNone; *twin: where it stands in the table.
  Status add_up_to(size_t end, size_t *found, size_t *twin);
  // Takes over what another index has found; its owner's list and this one's have the same names in the same indices.
  void adopt(NameIndex &other);
  // Forgets a index; the owner has yet to close the gap in its list. Time in proportion to the list.
  void remove(size_t index);
  size_t count() const { return count_; }

 private:
  struct Slot {
    uint32_t index_plus_one;  // 0: free
    uint32_t hash;
  };

  uint64_t hash(Text name) const;
  size_t probe(Text name, uint32_t hash) const;
  Status grow(size_t size);

  Vec<Slot> slots_;  // a power of two, at most 3/4 full
  NameAt name_at_;
  const void *owner_;
  size_t count_ = 0;
  uint64_t key_[2] = {0, 0};
};

}  // namespace tfile
