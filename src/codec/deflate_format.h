// The numbers of the deflate format (RFC 1951).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tfile {

inline constexpr unsigned kDeflateWindow = 32768;  // the longest distance
inline constexpr unsigned kMaxCodeLength = 15;
inline constexpr unsigned kMaxPrecodeLength = 7;
inline constexpr unsigned kMinMatch = 3;
inline constexpr unsigned kMaxMatch = 258;
inline constexpr unsigned kEndOfBlock = 256;
inline constexpr unsigned kFirstLength = 257;  // the first symbol that represents a match length
// The number of symbols for which a block may define codes. The fixed codes include two more symbols of each kind,
// which must not be used.
inline constexpr unsigned kLitlenSymbols = 286;
inline constexpr unsigned kDistanceSymbols = 30;
inline constexpr unsigned kFixedLitlenSymbols = 288;
inline constexpr unsigned kFixedDistanceSymbols = 32;
inline constexpr size_t kMaxStored = 65535;  // bytes of a stored block

enum class DeflateBlockKind : uint8_t { kStored = 0, kFixed = 1, kDynamic = 2 };

// The length symbols: 257 + i represents the length kLengthBase[i] plus the value of kLengthExtra[i] extra bits.
inline constexpr unsigned kLengthSymbols = 29;
inline constexpr uint16_t kLengthBase[kLengthSymbols] = {
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
inline constexpr uint8_t kLengthExtra[kLengthSymbols] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
inline constexpr uint16_t kDistanceBase[kDistanceSymbols] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
inline constexpr uint8_t kDistanceExtra[kDistanceSymbols] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                                             6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

// The symbols of the code length code (precode), which encodes the lengths of the other two codes: lengths 0 to 15, and
// three symbols for repetitions.
inline constexpr unsigned kPrecodeSymbols = 19;
inline constexpr unsigned kRepeatLength = 16;     // repeats the previous length 3 to 6 times: 2 extra bits
inline constexpr unsigned kRepeatZeros = 17;      // repeats zero 3 to 10 times: 3 extra bits
inline constexpr unsigned kRepeatManyZeros = 18;  // repeats zero 11 to 138 times: 7 extra bits
inline constexpr uint8_t kPrecodeOrder[kPrecodeSymbols] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                           11, 4,  12, 3, 13, 2, 14, 1, 15};

// Returns the code length of a literal or length symbol in a fixed block.
constexpr uint8_t fixed_litlen_length(unsigned symbol) {
  return symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
}
inline constexpr uint8_t kFixedDistanceLength = 5;

// Reverses the bits of a code, because codes are stored from their highest bit, but all other values from their lowest.
constexpr uint32_t reverse_code(uint32_t code, unsigned length) {
  uint32_t reversed = 0;
  for (unsigned i = 0; i < length; ++i, code >>= 1)
    reversed = reversed << 1 | (code & 1);
  return reversed;
}

}  // namespace tfile
