// Writes the codes of literals, which are most of the output for arrays of floats.
#pragma once

#include "codec/bit_writer.h"

#if defined(__GNUC__) && defined(__x86_64__)
#define TENSORFILE_LITERALS_VBMI
#endif

namespace tfile {

// A code, including any extra bits, above an 8-bit field with the number of its bits. Several of these can be added to
// get the sum of their lengths: a shift uses only the lowest 6 bits of its count.
using PackedCode = uint32_t;

inline constexpr unsigned kPackedShift = 8;
// Four codes of this length fit in 64 bits, together with up to 7 bits that are still in the writer.
inline constexpr unsigned kMaxPackedLiteral = 14;

inline void put_code(BitWriter *writer, PackedCode code) {
  writer->add(code >> kPackedShift, code & 63);
}

// Joins the codes of four literals and adds them to the writer in one step. The codes are first joined in pairs, which
// the processor can do before the previous literals are written: only one shift per four literals must wait for those.
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

// Writes any number of literals. `literal` has 256 codes of at most kMaxPackedLiteral bits.
inline void put_literals(BitWriter *writer, const PackedCode *literal, const uint8_t *bytes, size_t nbytes) {
  const uint8_t *const end = bytes + nbytes;
  for (; end - bytes >= 4; bytes += 4)
    put_four(writer, literal, bytes);
  for (; bytes < end; ++bytes)
    put_code(writer, literal[*bytes]);
  writer->flush();
}

#if defined(TENSORFILE_LITERALS_VBMI)
// Does the same as put_literals(), faster for long runs. Requires cpu_has_vbmi().
void put_literals_vbmi(BitWriter *writer, const PackedCode *literal, const uint8_t *bytes, size_t nbytes);
#endif

}  // namespace tfile
