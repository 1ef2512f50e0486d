#include "codec/crc32.h"

#include "base/cpu.h"
#include "base/endian.h"
#include "codec/crc32_fold.h"

namespace tfile {

namespace {

// Row k contains, for each value of a byte, its contribution to the checksum if k more bytes follow it.
struct Crc32Tables {
  uint32_t rows[8][256];
};

constexpr Crc32Tables make_crc32_tables() {
  Crc32Tables made{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1) != 0 ? value >> 1 ^ kCrc32Polynomial : value >> 1;
    made.rows[0][byte] = value;
  }
  for (size_t row = 1; row < 8; ++row) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = made.rows[row - 1][byte];
      made.rows[row][byte] = before >> 8 ^ made.rows[0][before & 255];
    }
  }
  return made;
}

constexpr Crc32Tables kCrc32Tables = make_crc32_tables();

}  // namespace

uint32_t crc32_tables(uint32_t state, const uint8_t *bytes, size_t nbytes) {
  const auto &rows = kCrc32Tables.rows;
  for (; nbytes >= 8; bytes += 8, nbytes -= 8) {
    const uint32_t low = load_le<uint32_t>(bytes) ^ state;
    const auto high = load_le<uint32_t>(bytes + 4);
    state = rows[7][low & 255] ^ rows[6][low >> 8 & 255] ^ rows[5][low >> 16 & 255] ^ rows[4][low >> 24] ^
            rows[3][high & 255] ^ rows[2][high >> 8 & 255] ^ rows[1][high >> 16 & 255] ^ rows[0][high >> 24];
  }
  for (; nbytes > 0; ++bytes, --nbytes)
    state = state >> 8 ^ rows[0][(state ^ *bytes) & 255];
  return state;
}

uint32_t crc32_update(uint32_t crc, const void *bytes, size_t nbytes) {
  const auto *const from = static_cast<const uint8_t *>(bytes);
#if defined(TENSORFILE_CRC32_FOLD)
  if (nbytes >= kCrc32FoldMin && cpu_multiplies_carryless()) return ~crc32_fold(~crc, from, nbytes);
#endif
  return ~crc32_tables(~crc, from, nbytes);
}

uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t nbytes) {
  // Extends the first checksum by nbytes zeros: multiplies it by x^(8 * nbytes), computed by repeated squaring.
  uint32_t power = 0x00800000;  // x^8
  for (; nbytes != 0; nbytes >>= 1) {
    if ((nbytes & 1) != 0) first = crc32_multiply(power, first);
    power = crc32_multiply(power, power);
  }
  return first ^ second;
}

}  // namespace tfile
