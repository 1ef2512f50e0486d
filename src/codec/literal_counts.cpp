#include "codec/literal_counts.h"

#include "base/endian.h"

namespace tfile {

namespace {

constexpr size_t kPart = 64;  // bytes
constexpr size_t kParts = 4;  // one of which is counted

// The same byte often follows itself. With four tables the CPU need not wait until a counter is written before it
// increments it again.
struct CountTables {
  uint32_t tables[4][256] = {};

  void add(const uint8_t *at, const uint8_t *end) {
    for (; end - at >= 8; at += 8) {
      const auto eight = load_le<uint64_t>(at);
      ++tables[0][eight & 255];
      ++tables[1][eight >> 8 & 255];
      ++tables[2][eight >> 16 & 255];
      ++tables[3][eight >> 24 & 255];
      ++tables[0][eight >> 32 & 255];
      ++tables[1][eight >> 40 & 255];
      ++tables[2][eight >> 48 & 255];
      ++tables[3][eight >> 56];
    }
    for (; at < end; ++at)
      ++tables[0][*at];
  }
  uint32_t count(unsigned i) const { return tables[0][i] + tables[1][i] + tables[2][i] + tables[3][i]; }
};

}  // namespace

void count_literals(uint32_t *counts, Bytes bytes) {
  CountTables tables;
  tables.add(bytes.data(), bytes.end());
  for (unsigned i = 0; i < 256; ++i)
    counts[i] = tables.count(i);
}

void sample_literals(uint32_t *counts, Bytes bytes) {
  CountTables tables;
  // Of each group of four parts one is counted, by a generator of pseudo-random numbers, so that no period of the data
  // agrees with the choice.
  uint32_t state = 1;
  for (; bytes.size() >= kParts * kPart; bytes = bytes.from(kParts * kPart)) {
    state = state * 1664525 + 1013904223;
    const uint8_t *const part = bytes.data() + (state >> 30) * kPart;
    tables.add(part, part + kPart);
  }
  for (unsigned i = 0; i < 256; ++i)
    counts[i] = kParts * tables.count(i);
}

}  // namespace tfile
