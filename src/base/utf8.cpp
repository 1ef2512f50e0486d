#include "base/utf8.h"

namespace tfile {

size_t utf8_sequence(Bytes bytes) {
  if (bytes.empty()) return 0;
  const uint8_t lead = bytes[0];
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || bytes.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((bytes[i] & 0xC0) != 0x80) return 0;
  }
  // The second byte excludes overlong forms, surrogates, and code points above U+10FFFF.
  if (lead == 0xE0 && bytes[1] < 0xA0) return 0;
  if (lead == 0xED && bytes[1] >= 0xA0) return 0;
  if (lead == 0xF0 && bytes[1] < 0x90) return 0;
  if (lead == 0xF4 && bytes[1] >= 0x90) return 0;
  return length;
}

size_t utf8_valid_prefix(Text text) {
  const Bytes bytes(reinterpret_cast<const uint8_t *>(text.data()), text.size());
  size_t position = 0;
  while (position < bytes.size()) {
    uint64_t eight;
    if (bytes.size() - position >= sizeof(eight)) {
      memcpy(&eight, bytes.data() + position, sizeof(eight));
      if ((eight & 0x8080808080808080u) == 0) {
        position += sizeof(eight);
        continue;
      }
    }
    const size_t length = utf8_sequence(bytes.from(position));
    if (length == 0) return position;
    position += length;
  }
  return position;
}

uint32_t utf8_decode(Bytes sequence) {
  constexpr uint8_t kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  uint32_t code_point = sequence[0] & kLeadBits[sequence.size()];
  for (size_t i = 1; i < sequence.size(); ++i)
    code_point = code_point << 6 | (sequence[i] & 0x3Fu);
  return code_point;
}

size_t utf8_encode(char *out, uint32_t code_point) {
  const auto put = [out](size_t i, uint32_t byte) { out[i] = static_cast<char>(static_cast<uint8_t>(byte)); };
  if (code_point < 0x80) {
    put(0, code_point);
    return 1;
  }
  if (code_point < 0x800) {
    put(0, 0xC0 | code_point >> 6);
    put(1, 0x80 | (code_point & 0x3F));
    return 2;
  }
  if (code_point < 0x10000) {
    put(0, 0xE0 | code_point >> 12);
    put(1, 0x80 | (code_point >> 6 & 0x3F));
    put(2, 0x80 | (code_point & 0x3F));
    return 3;
  }
  put(0, 0xF0 | code_point >> 18);
  put(1, 0x80 | (code_point >> 12 & 0x3F));
  put(2, 0x80 | (code_point >> 6 & 0x3F));
  put(3, 0x80 | (code_point & 0x3F));
  return 4;
}

}  // namespace tfile
