#include "codec/json_text.h"

namespace tfile {

namespace {

bool needs_escape(char c) {
  return c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20;
}

}  // namespace

Status JsonText::put(Text text) {
  size_ += text.size();
  return out_ == nullptr ? kOk : out_->append(text.data(), text.size());
}

Status JsonText::number(uint64_t number) {
  char digits[24];
  LineWriter line(digits, sizeof(digits));
  line << number;
  return put(line.text());
}

Status JsonText::escape(uint8_t byte) {
  constexpr char kHex[] = "0123456789abcdef";
  const char *const short_form = byte == '"'    ? "\\\""
                                 : byte == '\\' ? "\\\\"
                                 : byte == '\b' ? "\\b"
                                 : byte == '\f' ? "\\f"
                                 : byte == '\n' ? "\\n"
                                 : byte == '\r' ? "\\r"
                                 : byte == '\t' ? "\\t"
                                                : nullptr;
  if (short_form != nullptr) return put(short_form);
  const char unit[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
  return put(Text(unit, sizeof(unit)));
}

Status JsonText::string(Text text) {
  TFILE_TRY(put("\""));
  for (size_t start = 0; start < text.size();) {
    size_t end = start;
    while (end < text.size() && !needs_escape(text[end]))
      ++end;
    TFILE_TRY(put(Text(text.data() + start, end - start)));
    if (end < text.size()) TFILE_TRY(escape(static_cast<uint8_t>(text[end++])));
    start = end;
  }
  return put("\"");
}

}  // namespace tfile
