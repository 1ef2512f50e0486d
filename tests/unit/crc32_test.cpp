#include "codec/crc32.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

#include "codec/crc32_fold.h"

namespace tfile {
namespace {

TEST(Crc32, KnownValues) {
  EXPECT_EQ(crc32_update(0, nullptr, 0), 0u);
  EXPECT_EQ(crc32_update(0, "123456789", 9), 0xCBF43926u);  // the check value of CRC-32/ISO-HDLC
  const std::string zeros(32, '\0');
  EXPECT_EQ(crc32_update(0, zeros.data(), 32), 0x190A55ADu);
  const std::string ones(32, '\xFF');
  EXPECT_EQ(crc32_update(0, ones.data(), 32), 0xFF6CAB0Bu);
}

// Computes the checksum bit by bit from the polynomial.
uint32_t by_definition(const std::string &bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

TEST(Crc32, GoesOnFromAnyPlace) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i)
    bytes.push_back(static_cast<char>(i * 37 + i / 7));
  const uint32_t whole = by_definition(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const uint32_t head = crc32_update(0, bytes.data(), cut);
    EXPECT_EQ(head, by_definition(bytes.substr(0, cut)));
    EXPECT_EQ(crc32_update(head, bytes.data() + cut, bytes.size() - cut), whole);
    const uint32_t rest = by_definition(bytes.substr(cut));
    EXPECT_EQ(crc32_join(head, rest, bytes.size() - cut), whole);
  }
  EXPECT_EQ(crc32_update(whole, nullptr, 0), whole);
}

// Long inputs are folded if the CPU supports it. For every length and address, the result must equal that of the
// tables.
TEST(Crc32, EqualsTheTables) {
  std::mt19937 random(11);
  std::string bytes(20000, '\0');
  for (char &byte : bytes)
    byte = static_cast<char>(random());
  const auto *const from = reinterpret_cast<const uint8_t *>(bytes.data());
  for (size_t nbytes = 0; nbytes < 2000; ++nbytes) {
    const size_t start = nbytes % 19;
    const uint32_t crc = static_cast<uint32_t>(random());
    ASSERT_EQ(crc32_update(crc, from + start, nbytes), ~crc32_tables(~crc, from + start, nbytes)) << nbytes;
  }
  EXPECT_EQ(crc32_update(0, from, bytes.size()), by_definition(bytes));
}

TEST(Crc32, PowersOfX) {
  EXPECT_EQ(crc32_power(0), 0x80000000u);
  EXPECT_EQ(crc32_power(31), 1u);
  EXPECT_EQ(crc32_power(32), kCrc32Polynomial);
  EXPECT_EQ(crc32_multiply(crc32_power(1000), crc32_power(234)), crc32_power(1234));
}

}  // namespace
}  // namespace tfile
