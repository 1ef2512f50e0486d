#include "codec/crc32.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

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

// Bit by bit, from the polynomial.
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

}  // namespace
}  // namespace tfile
