#include "base/name_index.h"

#include "base/endian.h"
#include "base/random.h"

namespace tfile {

namespace {

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

// SipHash-1-3 (Aumasson and Bernstein): the fastest keyed hash without known ways to find collisions.
uint64_t sip_hash(Text text, const uint64_t key[2]) {
  SipState state{key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u,
                 key[1] ^ 0x7465646279746573u};
  size_t i = 0;
  for (; text.size() - i >= 8; i += 8)
    state.absorb(load_le<uint64_t>(text.data() + i));
  uint64_t tail = static_cast<uint64_t>(text.size()) << 56;
  for (size_t shift = 0; i < text.size(); ++i, shift += 8)
    tail |= uint64_t{static_cast<uint8_t>(text[i])} << shift;
  state.absorb(tail);
  state.v2 ^= 0xff;
  for (int i3 = 0; i3 < 3; ++i3)
    state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace

uint64_t NameIndex::hash(Text name) const {
  return sip_hash(name, key_);
}

// Returns the slot of a name, or the free slot where it would be added.
size_t NameIndex::probe(Text name, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t i = hash & mask;
  while (slots_[i].index_plus_one != 0) {
    if (slots_[i].hash == hash && name_at_(owner_, slots_[i].index_plus_one - 1) == name) return i;
    i = (i + 1) & mask;
  }
  return i;
}

size_t NameIndex::find(Text name) const {
  if (count_ == 0) return kNone;
  const Slot slot = slots_[probe(name, static_cast<uint32_t>(hash(name)))];
  return slot.index_plus_one == 0 ? kNone : slot.index_plus_one - 1;
}

Status NameIndex::add(size_t *found, Text name) {
  *found = kNone;
  if ((count_ + 1) * 4 > slots_.size() * 3) TFILE_TRY(grow(slots_.empty() ? 16 : slots_.size() * 2));
  const auto hashed = static_cast<uint32_t>(hash(name));
  Slot &slot = slots_[probe(name, hashed)];
  if (slot.index_plus_one != 0) {
    *found = slot.index_plus_one - 1;
    return kOk;
  }
  slot = Slot{static_cast<uint32_t>(count_ + 1), hashed};
  ++count_;
  return kOk;
}

Status NameIndex::add_up_to(size_t end, size_t *found, size_t *twin) {
  constexpr size_t kAtOnce = 32;
  uint32_t hashes[kAtOnce];
  *found = kNone;
  while (count_ < end) {
    const size_t begin = count_;
    const size_t many = end - begin < kAtOnce ? end - begin : kAtOnce;
    TFILE_TRY(reserve(begin + many));
    const size_t mask = slots_.size() - 1;
    for (size_t i = 0; i < many; ++i) {
      hashes[i] = static_cast<uint32_t>(hash(name_at_(owner_, begin + i)));
      __builtin_prefetch(&slots_[hashes[i] & mask], 1);
    }
    for (size_t i = 0; i < many; ++i) {
      Slot &slot = slots_[probe(name_at_(owner_, begin + i), hashes[i])];
      if (slot.index_plus_one != 0) {
        *found = begin + i;
        *twin = slot.index_plus_one - 1;
        return kOk;
      }
      slot = Slot{static_cast<uint32_t>(begin + i + 1), hashes[i]};
      ++count_;
    }
  }
  return kOk;
}

Status NameIndex::reserve(size_t count) {
  size_t size = 16;
  while (size < SIZE_MAX / 4 && count * 4 > size * 3)
    size *= 2;
  return count > 0 && size > slots_.size() ? grow(size) : kOk;
}

void NameIndex::adopt(NameIndex &other) {
  slots_.swap(other.slots_);
  std::swap(count_, other.count_);
  std::swap(key_, other.key_);
}

Status NameIndex::grow(size_t size) {
  if (slots_.empty()) fill_random(key_, sizeof(key_));
  if (count_ >= UINT32_MAX / 2) return Failure(TF_STATUS_LIMIT) << "more than " << UINT32_MAX / 2 << " names";
  Vec<Slot> larger(slots_.memory());
  TFILE_TRY(larger.resize(size));
  memset(static_cast<void *>(larger.data()), 0, size * sizeof(Slot));
  for (const Slot &slot : slots_) {
    if (slot.index_plus_one == 0) continue;
    size_t i = slot.hash & (size - 1);
    while (larger[i].index_plus_one != 0)
      i = (i + 1) & (size - 1);
    larger[i] = slot;
  }
  slots_.swap(larger);
  return kOk;
}

void NameIndex::remove(size_t index) {
  const size_t mask = slots_.size() - 1;
  size_t gap = probe(name_at_(owner_, index), static_cast<uint32_t>(hash(name_at_(owner_, index))));
  // There are no tombstones, so an entry that could be in the free slot moves there, which frees its own slot.
  for (size_t i = (gap + 1) & mask; slots_[i].index_plus_one != 0; i = (i + 1) & mask) {
    const size_t home = slots_[i].hash & mask;
    if (((i - home) & mask) >= ((i - gap) & mask)) {
      slots_[gap] = slots_[i];
      gap = i;
    }
  }
  slots_[gap] = Slot{0, 0};
  --count_;
  for (Slot &slot : slots_) {
    if (slot.index_plus_one > index + 1) --slot.index_plus_one;
  }
}

}  // namespace tfile
