// Loads and stores integers of files in a given byte order, at any address.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace tfile {

inline constexpr bool kHostIsBig = std::endian::native == std::endian::big;

inline uint8_t byteswap(uint8_t value) {
  return value;
}
inline uint16_t byteswap(uint16_t value) {
  return __builtin_bswap16(value);
}
inline uint32_t byteswap(uint32_t value) {
  return __builtin_bswap32(value);
}
inline uint64_t byteswap(uint64_t value) {
  return __builtin_bswap64(value);
}

// Loads an unsigned integer of type T.
template <typename T>
T load(const void *from, bool big) {
  T value;
  memcpy(&value, from, sizeof(T));
  return big == kHostIsBig ? value : byteswap(value);
}

template <typename T>
T load_le(const void *from) {
  return load<T>(from, false);
}

template <typename T>
void store_le(void *to, T value) {
  if (kHostIsBig) value = byteswap(value);
  memcpy(to, &value, sizeof(T));
}

}  // namespace tfile
