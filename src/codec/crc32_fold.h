// CRC-32 by carry-less multiplication, for CPUs that have such an instruction.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__GNUC__) && (defined(__x86_64__) || (defined(__aarch64__) && !defined(__AARCH64EB__)))
#define TENSORFILE_CRC32_FOLD
#endif

namespace tfile {

// The polynomial of CRC-32. All polynomials here are over GF(2) and of degree below 32; bit 31 is the coefficient of
// x^0, as in the checksum itself.
inline constexpr uint32_t kCrc32Polynomial = 0xEDB88320;

// Returns a * b modulo kCrc32Polynomial.
constexpr uint32_t crc32_multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (; a != 0; a <<= 1) {
    if ((a & 0x80000000) != 0) product ^= b;
    b = (b & 1) != 0 ? b >> 1 ^ kCrc32Polynomial : b >> 1;
  }
  return product;
}

// Returns x^n modulo kCrc32Polynomial.
constexpr uint32_t crc32_power(uint64_t n) {
  uint32_t result = 0x80000000;  // x^0
  for (uint32_t square = 0x40000000; n != 0; n >>= 1) {
    if ((n & 1) != 0) result = crc32_multiply(square, result);
    square = crc32_multiply(square, square);
  }
  return result;
}

// Updates the register of the checksum (the complement of its value) by these bytes, with tables.
uint32_t crc32_tables(uint32_t state, const uint8_t *bytes, size_t nbytes);

#if defined(TENSORFILE_CRC32_FOLD)
// The shortest input for which folding is faster than the tables.
inline constexpr size_t kCrc32FoldMin = 64;
// Does the same by folding, for at least kCrc32FoldMin bytes. Only for a CPU with cpu_multiplies_carryless().
uint32_t crc32_fold(uint32_t state, const uint8_t *bytes, size_t nbytes);
#endif

}  // namespace tfile
