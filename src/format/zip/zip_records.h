// Numbers of the zip format that its reader and its writer share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/endian.h"
#include "base/span.h"

namespace tfile {

inline constexpr uint32_t kZipLocalSignature = 0x04034B50;
inline constexpr uint32_t kZipEntrySignature = 0x02014B50;
inline constexpr uint32_t kZipEndSignature = 0x06054B50;
inline constexpr uint32_t kZipWideEndSignature = 0x06064B50;
inline constexpr uint32_t kZipLocatorSignature = 0x07064B50;
inline constexpr uint32_t kZipDescriptorSignature = 0x08074B50;

inline constexpr size_t kZipLocalSize = 30;
inline constexpr size_t kZipEntrySize = 46;
inline constexpr size_t kZipEndSize = 22;
inline constexpr size_t kZipWideEndSize = 56;
inline constexpr size_t kZipLocatorSize = 20;
inline constexpr size_t kZipWideExtraSize = 20;
inline constexpr size_t kZipMaxDescriptor = 24;
inline constexpr size_t kZipMaxComment = 65535;

inline constexpr uint16_t kZipFlagDescriptor = 0x0008;
inline constexpr uint16_t kZipFlagUtf8 = 0x0800;
inline constexpr uint16_t kZipFlagsEncrypted = 0x2041;
inline constexpr uint16_t kZipFlagPatch = 0x0020;
inline constexpr uint16_t kZipMethodStored = 0;
inline constexpr uint16_t kZipMethodDeflate = 8;
inline constexpr uint16_t kZipWideExtra = 1;
inline constexpr uint16_t kZipPaddingExtra = 0xD935;
// This value in a 16-bit field means that the number is stored with more bits elsewhere.
inline constexpr uint16_t kZipFull16 = 0xFFFF;
inline constexpr uint32_t kZipFull32 = 0xFFFFFFFF;

inline uint16_t load16(const uint8_t *from) {
  return load_le<uint16_t>(from);
}
inline uint32_t load32(const uint8_t *from) {
  return load_le<uint32_t>(from);
}
inline uint64_t load64(const uint8_t *from) {
  return load_le<uint64_t>(from);
}

// Removes the next record from the front of an extra field. Returns false at the end of the field, and also if the rest
// of the field is too short for the record or for the head of a record.
inline bool next_zip_extra(uint16_t *id, Bytes *content, Bytes *extra) {
  if (extra->size() < 4) return false;
  const size_t size = load16(extra->data() + 2);
  if (size > extra->size() - 4) return false;
  *id = load16(extra->data());
  *content = extra->from(4).first(size);
  *extra = extra->from(4 + size);
  return true;
}

// The parts of a whole record of the directory.
inline Text zip_record_name(Bytes record) {
  return Text(reinterpret_cast<const char *>(record.data()) + kZipEntrySize, load16(record.data() + 28));
}
inline Bytes zip_record_extra(Bytes record) {
  return record.from(kZipEntrySize + load16(record.data() + 28)).first(load16(record.data() + 30));
}
inline Bytes zip_record_comment(Bytes record) {
  return record.from(record.size() - load16(record.data() + 32));
}

inline bool zip_is_ascii(Text text) {
  for (const char c : text) {
    if (static_cast<uint8_t>(c) >= 0x80) return false;
  }
  return true;
}

}  // namespace tfile
