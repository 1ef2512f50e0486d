#include "codec/matcher.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace tfile {

namespace {

constexpr size_t kRunBits = 64;

// Returns a number whose bit i is 1 if byte i equals the byte `distance` before it.
#if defined(__SSE2__)
uint64_t equal_bytes(const uint8_t *at, size_t distance) {
  uint64_t equal = 0;
  for (unsigned i = 0; i < kRunBits / 16; ++i) {
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at) + i);
    const __m128i before = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at - distance) + i);
    const auto bits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(here, before)));
    equal |= uint64_t{bits} << (16 * i);
  }
  return equal;
}
#else
uint64_t equal_bytes(const uint8_t *at, size_t distance) {
  constexpr uint64_t kLow7 = 0x7f7f7f7f7f7f7f7f;
  uint64_t equal = 0;
  for (unsigned i = 0; i < kRunBits / 8; ++i) {
    const uint64_t differ = load_le<uint64_t>(at + 8 * i) ^ load_le<uint64_t>(at - distance + 8 * i);
    // The highest bit of each byte that is zero, then those bits side by side.
    const uint64_t zeros = ~(((differ & kLow7) + kLow7) | differ | kLow7);
    equal |= ((zeros >> 7) * 0x0102040810204080 >> 56) << (8 * i);
  }
  return equal;
}
#endif

// Returns the same for fewer than 64 bytes, followed by zeros.
uint64_t equal_last_bytes(const uint8_t *at, size_t nbytes, size_t distance) {
  uint64_t equal = 0;
  for (size_t i = 0; i < nbytes; ++i)
    equal |= uint64_t{at[i] == *(at + i - distance)} << i;
  return equal;
}

// Returns the length of the run at `at`, of which the first `known` bytes have been compared.
size_t run_length(const uint8_t *at, const uint8_t *end, size_t known, size_t distance) {
  const uint8_t *p = at + known;
  while (static_cast<size_t>(end - p) >= kRunBits) {
    const uint64_t equal = equal_bytes(p, distance);
    if (equal != UINT64_MAX) return static_cast<size_t>(p - at) + static_cast<size_t>(std::countr_one(equal));
    p += kRunBits;
  }
  while (p < end && *p == *(p - distance))
    ++p;
  return static_cast<size_t>(p - at);
}

}  // namespace

void parse_runs(ParseOutput output, Bytes part, const uint8_t *chunk, const SymbolCosts &costs, unsigned distance) {
  const int32_t distance_cost = costs.distance[distance_symbol(distance)];
  const uint8_t *const end = part.end();
  const uint8_t *literals = part.data();
  const auto before = static_cast<size_t>(literals - chunk);
  const size_t skipped = before < distance ? distance - before : 0;
  const uint8_t *at = skipped < part.size() ? literals + skipped : end;
  while (static_cast<size_t>(end - at) >= kMinMatch) {
    const auto remaining = static_cast<size_t>(end - at);
    const bool whole = remaining >= kRunBits;
    const uint64_t equal = whole ? equal_bytes(at, distance) : equal_last_bytes(at, remaining, distance);
    const uint64_t starts = equal & equal >> 1 & equal >> 2;
    if (starts == 0) {
      // A run may begin at one of the last two bytes.
      at += (whole ? kRunBits : remaining) - (kMinMatch - 1);
      continue;
    }
    const auto first = static_cast<unsigned>(std::countr_zero(starts));
    at += first;
    auto length = static_cast<size_t>(std::countr_one(equal >> first));
    if (length + first == kRunBits) length = run_length(at, end, length, distance);
    while (length >= kMinMatch) {
      const auto match = static_cast<unsigned>(length < kMaxMatch ? length : kMaxMatch);
      if (costs.beats_literals(at, match, costs.worth[match] - distance_cost)) {
        output.add(literals, at, match, distance);
        literals = at + match;
      }
      at += match;
      length -= match;
    }
  }
  output.add(literals, end, 0, 0);
}

}  // namespace tfile
