// Writes the codes of 64 literals at once with AVX-512 VBMI.
#include "codec/literal_writer.h"

#if defined(TENSORFILE_LITERALS_VBMI)

#include <immintrin.h>

#include "base/cpu.h"

#define TENSORFILE_VBMI_TARGET __attribute__((target(TENSORFILE_AVX512 ",avx512bw,avx512dq,avx512vl,avx512vbmi,bmi2")))

namespace tfile {

namespace {

// A table of 256 bytes in vector registers.
struct ByteTable {
  __m512i parts[4];

  TENSORFILE_VBMI_TARGET void load(const uint8_t *bytes) {
    for (unsigned i = 0; i < 4; ++i)
      parts[i] = _mm512_loadu_si512(bytes + 64 * i);
  }
  TENSORFILE_VBMI_TARGET inline __m512i look_up(__m512i indices) const {
    const __m512i low = _mm512_permutex2var_epi8(parts[0], indices, parts[1]);
    const __m512i high = _mm512_permutex2var_epi8(parts[2], indices, parts[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(indices), low, high);
  }
};

using Halves __attribute__((vector_size(64))) = uint32_t;
using Wholes __attribute__((vector_size(64))) = uint64_t;

// Joins codes in fields of 16 bits: each 64-bit element receives the joined codes of four literals and the sum of their
// bits.
TENSORFILE_VBMI_TARGET inline void join(Wholes *joined, Wholes *joined_bits, __m512i codes, __m512i bits) {
  const auto code = reinterpret_cast<Halves>(codes);
  const auto count = reinterpret_cast<Halves>(bits);
  const Halves first_bits = count & 0xffff;
  const auto pairs = reinterpret_cast<Wholes>((code & 0xffff) | (code >> 16) << first_bits);
  const auto pair_bits = reinterpret_cast<Wholes>(first_bits + (count >> 16));
  const Wholes half_bits = pair_bits & 0xffffffff;
  *joined = (pairs & 0xffffffff) | (pairs >> 32) << half_bits;
  *joined_bits = half_bits + (pair_bits >> 32);
}

}  // namespace

TENSORFILE_VBMI_TARGET void put_literals_vbmi(BitWriter *shared, const PackedCode *literal, const uint8_t *bytes,
                                              size_t nbytes) {
  uint8_t bytes_of[3][256];  // for each literal: the number of bits, and the low and high byte of its code
  for (unsigned i = 0; i < 256; ++i) {
    for (unsigned k = 0; k < 3; ++k)
      bytes_of[k][i] = static_cast<uint8_t>(literal[i] >> (8 * k));
  }
  ByteTable counts;
  ByteTable low;
  ByteTable high;
  counts.load(bytes_of[0]);
  low.load(bytes_of[1]);
  high.load(bytes_of[2]);
  BitWriter writer = *shared;
  for (; nbytes >= 64; bytes += 64, nbytes -= 64) {
    const __m512i indices = _mm512_loadu_si512(bytes);
    const __m512i bits = counts.look_up(indices);
    const __m512i lows = low.look_up(indices);
    const __m512i highs = high.look_up(indices);
    // Unpacking works within lanes of 16 bytes: it gives literals 0 to 7 of each lane, then literals 8 to 15.
    const __m512i zero = _mm512_setzero_si512();
    Wholes codes_of[2];
    Wholes bits_of[2];
    join(&codes_of[0], &bits_of[0], _mm512_unpacklo_epi8(lows, highs), _mm512_unpacklo_epi8(bits, zero));
    join(&codes_of[1], &bits_of[1], _mm512_unpackhi_epi8(lows, highs), _mm512_unpackhi_epi8(bits, zero));
    for (unsigned lane = 0; lane < 4; ++lane) {
      for (unsigned half = 0; half < 2; ++half) {
        for (unsigned i = 2 * lane; i < 2 * lane + 2; ++i) {
          writer.add(codes_of[half][i], static_cast<unsigned>(bits_of[half][i]));
          writer.flush();
        }
      }
    }
  }
  put_literals(&writer, literal, bytes, nbytes);
  *shared = writer;
}

}  // namespace tfile

#endif
