#include "codec/huffman.h"

#include <algorithm>
#include <bit>

#include "codec/deflate_format.h"

namespace tfile {

namespace {

constexpr unsigned kMaxSymbols = kFixedLitlenSymbols;
constexpr unsigned kSymbolBits = 9;

// Computes the number of leaves at each depth of the Huffman tree of n symbols, whose counts are in ascending order in
// `nodes`. Works in place: `nodes` is overwritten by the parents of the inner nodes, then by their depths (Moffat and
// Katajainen). No leaf is deeper than the limit.
void count_depths(uint32_t *nodes, unsigned n, unsigned limit, unsigned *at_depth) {
  unsigned leaf = 0;
  unsigned inner = 0;
  const auto take = [&](unsigned made) {
    if (leaf < n && (inner == made || nodes[leaf] <= nodes[inner])) return nodes[leaf++];
    const uint32_t count = nodes[inner];
    nodes[inner++] = made;
    return count;
  };
  for (unsigned made = 0; made + 1 < n; ++made) {
    const uint32_t first = take(made);
    nodes[made] = first + take(made);
  }
  // The root is the last inner node and has depth 0. Each inner node replaces a leaf by two leaves that are one level
  // deeper.
  nodes[n - 2] = 0;
  at_depth[1] = 2;
  for (unsigned node = n - 2; node-- > 0;) {
    const uint32_t depth = nodes[nodes[node]] + 1;
    nodes[node] = depth;
    // If the node is too deep, splits the deepest leaf above the limit instead.
    unsigned split = depth < limit ? depth : limit - 1;
    while (at_depth[split] == 0)
      --split;
    --at_depth[split];
    at_depth[split + 1] += 2;
  }
}

}  // namespace

void make_code_lengths(uint8_t *lengths, const uint32_t *counts, unsigned symbols, unsigned limit) {
  uint32_t sorted[kMaxSymbols];
  unsigned used = 0;
  for (unsigned i = 0; i < symbols; ++i) {
    lengths[i] = 0;
    if (counts[i] != 0) sorted[used++] = counts[i] << kSymbolBits | i;
  }
  if (used == 0) return;
  // Without an order of its own, this would be a function of the C++ run-time library, if that is libc++.
  std::sort(sorted, sorted + used, [](uint32_t a, uint32_t b) { return a < b; });
  if (used == 1) {
    lengths[sorted[0] & ((1U << kSymbolBits) - 1)] = 1;
    return;
  }
  uint32_t nodes[kMaxSymbols];
  for (unsigned i = 0; i < used; ++i)
    nodes[i] = sorted[i] >> kSymbolBits;
  unsigned at_depth[kMaxCodeLength + 1] = {};
  count_depths(nodes, used, limit, at_depth);
  // The rarest symbols get the longest codes.
  unsigned next = 0;
  for (unsigned length = limit; length > 0; --length) {
    for (unsigned i = 0; i < at_depth[length]; ++i)
      lengths[sorted[next++] & ((1U << kSymbolBits) - 1)] = static_cast<uint8_t>(length);
  }
}

void make_codes(uint16_t *codes, const uint8_t *lengths, unsigned symbols) {
  uint32_t next[kMaxCodeLength + 2] = {};
  for (unsigned i = 0; i < symbols; ++i)
    ++next[lengths[i] + 1];
  next[1] = 0;
  for (unsigned length = 1; length <= kMaxCodeLength; ++length) {
    const uint32_t count = next[length + 1];
    next[length + 1] = (next[length] + count) << 1;
  }
  for (unsigned i = 0; i < symbols; ++i) {
    if (lengths[i] != 0) codes[i] = static_cast<uint16_t>(reverse_code(next[lengths[i]]++, lengths[i]));
  }
}

uint64_t entropy_cost(const uint32_t *counts, unsigned symbols) {
  uint32_t total = 0;
  for (unsigned i = 0; i < symbols; ++i)
    total += counts[i];
  if (total == 0) return 0;
  const unsigned whole = log2_sixteenths(total);
  uint64_t cost = 0;
  for (unsigned i = 0; i < symbols; ++i) {
    if (counts[i] == 0) continue;
    const unsigned each = whole - log2_sixteenths(counts[i]);
    cost += uint64_t{counts[i]} * (each > kCostBit ? each : kCostBit);
  }
  return cost;
}

}  // namespace tfile
