// Writes the codes of literals, most of what deflated arrays of floats are.
#pragma once

#include "codec/bit_writer.h"

#if defined(__GNUC__) && defined(__x86_64__)
#define TENSORFILE_LITERALS_VBMI
#endif

namespace tfile {

// A code with its extra bits, if any, and below it in 8 bits their number. Shifts look at no more than 6 bits of their
// count, so that the sum of several of these can serve as one.
using PackedCode = uint32_t;

inline constexpr unsigned kPackedShift = 8;
// Four codes of this length and 7 bits from before fit in 64 bits.
inline constexpr unsigned kMaxPackedLiteral = 14;

inline void put_code(BitWriter *writer, PackedCode code) {
  writer->add(code >> kPackedShift, code & 63);
}

// Writes four literals as one code. The codes are joined in pairs first, so that only one shift for all four has to wait
// for the one before.
inline void put_four(BitWriter *writer, const PackedCode *literal, const uint8_t *bytes) {
  const PackedCode a = literal[bytes[0]];
  const PackedCode b = literal[bytes[1]];
  const PackedCode c = literal[bytes[2]];
  const PackedCode d = literal[bytes[3]];
  const uint64_t first = a >> kPackedShift | uint64_t{b >> kPackedShift} << (a & 63);
  const uint64_t second = c >> kPackedShift | uint64_t{d >> kPackedShift} << (c & 63);
  writer->add(first | second << ((a + b) & 63), (a + b + c + d) & 63);
  writer->flush();
}

// For runs of any length: `literal` has 256 codes of at most kMaxPackedLiteral bits.
inline void put_literals(BitWriter *writer, const PackedCode *literal, const uint8_t *bytes, size_t nbytes) {
  const uint8_t *const end = bytes + nbytes;
  for (; end - bytes >= 4; bytes += 4)
    put_four(writer, literal, bytes);
  for (; bytes < end; ++bytes)
    put_code(writer, literal[*bytes]);
  writer->flush();
}

#if defined(TENSORFILE_LITERALS_VBMI)
// The same, faster for long runs. Only for a CPU with cpu_has_vbmi().
void put_literals_vbmi(BitWriter *writer, const PackedCode *literal, const uint8_t *bytes, size_t nbytes);
#endif

}  // namespace tfile
