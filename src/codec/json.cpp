#include "codec/json.h"

#include "base/endian.h"
#include "base/utf8.h"

namespace tfile {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_high_surrogate(uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}

bool is_low_surrogate(uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

// True if one of eight bytes is a quote, a backslash, a control character, or not ASCII.
bool has_special(uint64_t eight) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  constexpr uint64_t kHighs = 0x8080808080808080u;
  const uint64_t quote = eight ^ kOnes * '"';
  const uint64_t slash = eight ^ kOnes * '\\';
  return ((eight - kOnes * 0x20) | (quote - kOnes) | (slash - kOnes) | eight) & kHighs;
}

size_t plain_run(Text text) {
  size_t i = 0;
  for (uint64_t eight; text.size() - i >= sizeof(eight); i += sizeof(eight)) {
    memcpy(&eight, text.data() + i, sizeof(eight));
    if (has_special(eight)) break;
  }
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20 || static_cast<uint8_t>(c) >= 0x80) break;
  }
  return i;
}

// Returns the value of a hexadecimal digit, or 16.
uint32_t hex_value(char c) {
  if (is_digit(c)) return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A') + 10;
  return 16;
}

uint32_t hex4_of(const char *digits) {
  return hex_value(digits[0]) << 12 | hex_value(digits[1]) << 8 | hex_value(digits[2]) << 4 | hex_value(digits[3]);
}

// Decodes a checked escape at *from, which is advanced past it. Writes at most 4 bytes to out and returns their number.
size_t decode_escape(const char **from, char *out) {
  const char kind = (*from)[1];
  if (kind != 'u') {
    *from += 2;
    out[0] = kind == 'b'   ? '\b'
             : kind == 'f' ? '\f'
             : kind == 'n' ? '\n'
             : kind == 'r' ? '\r'
             : kind == 't' ? '\t'
                           : kind;
    return 1;
  }
  uint32_t point = hex4_of(*from + 2);
  *from += 6;
  if (is_high_surrogate(point)) {
    point = 0x10000 + ((point - 0xD800) << 10) + (hex4_of(*from + 2) - 0xDC00);
    *from += 6;
  }
  return utf8_encode(out, point);
}

// Decodes a raw string in place, which works because an escape is never shorter than its value.
Text decode_in_place(char *data, size_t size) {
  const char *const end = data + size;
  const auto *slash = size == 0 ? nullptr : static_cast<const char *>(memchr(data, '\\', size));
  if (slash == nullptr) return Text(data, size);
  char *to = data + (slash - data);
  for (const char *from = slash; from < end;) {
    if (*from == '\\') {
      char decoded[4];
      const size_t count = decode_escape(&from, decoded);
      memcpy(to, decoded, count);
      to += count;
    } else {
      *to++ = *from++;
    }
  }
  return Text(data, static_cast<size_t>(to - data));
}

// Iterates over the decoded bytes of a raw string.
class Decoding {
 public:
  explicit Decoding(Text raw) : from_(raw.data()), end_(raw.data() + raw.size()) {}

  // Returns the next byte, or -1 after the last one.
  int next() {
    if (given_ < count_) return static_cast<uint8_t>(bytes_[given_++]);
    if (from_ == end_) return -1;
    if (*from_ != '\\') return static_cast<uint8_t>(*from_++);
    count_ = decode_escape(&from_, bytes_);
    given_ = 1;
    return static_cast<uint8_t>(bytes_[0]);
  }

 private:
  const char *from_;
  const char *end_;
  char bytes_[4] = {};
  size_t count_ = 0;
  size_t given_ = 0;
};

}  // namespace

bool has_json_escape(Text raw) {
  return !raw.empty() && memchr(raw.data(), '\\', raw.size()) != nullptr;
}

size_t raw_json_size(Text raw) {
  if (!has_json_escape(raw)) return raw.size();
  size_t size = 0;
  for (Decoding decoding(raw); decoding.next() >= 0;)
    ++size;
  return size;
}

int compare_raw_json(Text a, Text b) {
  if (!has_json_escape(a) && !has_json_escape(b)) return compare(a, b);
  Decoding left(a);
  Decoding right(b);
  for (;;) {
    const int x = left.next();
    const int y = right.next();
    if (x != y) return x < y ? -1 : 1;
    if (x < 0) return 0;
  }
}

Failure JsonReader::fail(size_t position, tf_status status) const {
  Failure failure(status);
  failure.in(file_);
  if (array_.data() != nullptr) failure.array(array_);
  if (key_.data() != nullptr) failure.key(key_);
  failure.at(offset_ + position);
  return failure;
}

Status JsonReader::expected(const char *what) const {
  Failure failure = fail(at_);
  failure << "JSON: expected " << what << ", found ";
  if (at_ == document_.size()) return failure << "the end";
  const char *const found = document_.data() + at_;
  const size_t length = utf8_sequence(Bytes(reinterpret_cast<const uint8_t *>(found), document_.size() - at_));
  return failure.quoted(Text(found, length == 0 ? 1 : length));
}

void JsonReader::skip_space() {
  while (at_ < document_.size()) {
    const char c = document_[at_];
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
    ++at_;
  }
}

size_t JsonReader::position() {
  skip_space();
  return at_;
}

void JsonReader::seek(size_t position) {
  at_ = position;
  depth_ = 0;
  fresh_ = false;
}

JsonType JsonReader::peek() {
  skip_space();
  if (at_ == document_.size()) return JsonType::kNone;
  switch (const char c = document_[at_]; c) {
    case '{':
      return JsonType::kObject;
    case '[':
      return JsonType::kArray;
    case '"':
      return JsonType::kString;
    case 't':
      return JsonType::kTrue;
    case 'f':
      return JsonType::kFalse;
    case 'n':
      return JsonType::kNull;
    default:
      return c == '-' || is_digit(c) ? JsonType::kNumber : JsonType::kNone;
  }
}

Status JsonReader::begin(char bracket, const char *what) {
  skip_space();
  if (at_ == document_.size() || document_[at_] != bracket) return expected(what);
  if (depth_ == kMaxDepth) return fail(at_) << "JSON: nested deeper than " << kMaxDepth;
  ++at_;
  ++depth_;
  fresh_ = true;
  return kOk;
}

Status JsonReader::begin_object() {
  return begin('{', "'{'");
}

Status JsonReader::begin_array() {
  return begin('[', "'['");
}

Status JsonReader::next(bool *more, char bracket, const char *what) {
  skip_space();
  const char c = at_ < document_.size() ? document_[at_] : '\0';
  const bool first = fresh_;
  fresh_ = false;
  *more = c != bracket;
  if (!*more) {
    ++at_;
    --depth_;
    return kOk;
  }
  if (first) return kOk;
  if (c != ',') return expected(what);
  ++at_;
  return kOk;
}

Status JsonReader::next_element(bool *more) {
  return next(more, ']', "',' or ']'");
}

Status JsonReader::next_raw_key(bool *more, Text *key) {
  const bool first = fresh_;
  TFILE_TRY(next(more, '}', "',' or '}'"));
  if (!*more) return kOk;
  if (peek() != JsonType::kString) return expected(first ? "a key or '}'" : "a key");
  TFILE_TRY(raw_string(key));
  skip_space();
  if (at_ == document_.size() || document_[at_] != ':') return expected("':'");
  ++at_;
  return kOk;
}

Status JsonReader::next_key(bool *more, Text *key) {
  TFILE_TRY(next_raw_key(more, key));
  if (*more) *key = decode(*key);
  return kOk;
}

Status JsonReader::string(Text *text) {
  TFILE_TRY(raw_string(text));
  *text = decode(*text);
  return kOk;
}

Text JsonReader::decode(Text raw) {
  return decode_in_place(document_.data() + (raw.data() - document_.data()), raw.size());
}

Status JsonReader::raw_string(Text *text) {
  if (peek() != JsonType::kString) return expected("a string");
  const size_t quote = at_++;
  for (;;) {
    at_ += plain_run(Text(Span<const char>(document_.data() + at_, document_.size() - at_)));
    if (at_ == document_.size()) return fail(quote) << "JSON: a string without its closing quote";
    const char c = document_[at_];
    if (c == '"') break;
    if (c == '\\') {
      TFILE_TRY(escape());
      continue;
    }
    if (static_cast<uint8_t>(c) < 0x20) {
      return fail(at_) << "JSON: a control character in a string (" << Hex{static_cast<uint8_t>(c)} << "), not escaped";
    }
    const Bytes rest(reinterpret_cast<const uint8_t *>(document_.data()) + at_, document_.size() - at_);
    const size_t length = utf8_sequence(rest);
    if (length == 0) return fail(at_) << "JSON: a string is not UTF-8";
    at_ += length;
  }
  *text = Text(document_.data() + quote + 1, at_ - quote - 1);
  ++at_;
  return kOk;
}

Status JsonReader::hex4(uint32_t *unit) {
  *unit = 0;
  for (size_t i = 0; i < 4; ++i) {
    const uint32_t digit = at_ + i < document_.size() ? hex_value(document_[at_ + i]) : 16;
    if (digit == 16) return fail(at_ + i) << "JSON: \\u needs four hexadecimal digits";
    *unit = *unit << 4 | digit;
  }
  at_ += 4;
  return kOk;
}

// Checks the escape at the current backslash and advances past it.
Status JsonReader::escape() {
  const size_t start = at_++;
  const char kind = at_ < document_.size() ? document_[at_++] : '\0';
  if (kind != 'u') {
    if (kind != '\0' && strchr("\"\\/bfnrt", kind) != nullptr) return kOk;
    return fail(start) << "JSON: no such escape as \\ and what follows it";
  }
  uint32_t unit = 0;
  TFILE_TRY(hex4(&unit));
  if (is_low_surrogate(unit)) return fail(start) << "JSON: a lone surrogate, \\u" << Hex{unit};
  if (!is_high_surrogate(unit)) return kOk;
  const bool followed = document_.size() - at_ >= 2 && document_[at_] == '\\' && document_[at_ + 1] == 'u';
  if (!followed) return fail(start) << "JSON: a lone surrogate, \\u" << Hex{unit};
  at_ += 2;
  uint32_t low = 0;
  TFILE_TRY(hex4(&low));
  if (is_low_surrogate(low)) return kOk;
  return fail(start) << "JSON: a lone surrogate, \\u" << Hex{unit};
}

Status JsonReader::unsigned_integer(uint64_t *number) {
  const JsonType type = peek();
  if (type != JsonType::kNumber || document_[at_] == '-') return expected("an integer of 0 or more");
  const size_t start = at_;
  uint64_t value = 0;
  bool fits = true;
  for (; at_ < document_.size() && is_digit(document_[at_]); ++at_) {
    const auto digit = static_cast<uint64_t>(document_[at_] - '0');
    fits =
        fits && !__builtin_mul_overflow(value, uint64_t{10}, &value) && !__builtin_add_overflow(value, digit, &value);
  }
  if (document_[start] == '0' && at_ - start > 1) return fail(start) << "JSON: a number with a leading zero";
  const char following = at_ < document_.size() ? document_[at_] : '\0';
  if (following == '.' || following == 'e' || following == 'E') {
    return fail(start) << "JSON: expected an integer, found a number with a fraction or exponent";
  }
  if (!fits) return fail(start) << "JSON: a number of 2^64 or more";
  *number = value;
  return kOk;
}

Status JsonReader::digits() {
  if (at_ == document_.size() || !is_digit(document_[at_])) return expected("a digit");
  while (at_ < document_.size() && is_digit(document_[at_]))
    ++at_;
  return kOk;
}

Status JsonReader::number() {
  const auto follows = [this](const char *any) {
    return at_ < document_.size() && document_[at_] != '\0' && strchr(any, document_[at_]) != nullptr;
  };
  if (follows("-")) ++at_;
  const size_t start = at_;
  const bool zero = follows("0");
  TFILE_TRY(digits());
  if (zero && at_ - start > 1) return fail(start) << "JSON: a number with a leading zero";
  if (follows(".")) {
    ++at_;
    TFILE_TRY(digits());
  }
  if (!follows("eE")) return kOk;
  ++at_;
  if (follows("+-")) ++at_;
  return digits();
}

Status JsonReader::literal(Text word) {
  const Text rest(Span<const char>(document_.data() + at_, document_.size() - at_));
  if (!rest.starts_with(word)) return expected("a value");
  at_ += word.size();
  return kOk;
}

Status JsonReader::null() {
  return peek() == JsonType::kNull ? literal("null") : expected("null");
}

Status JsonReader::scalar(JsonType type) {
  Text dropped;
  switch (type) {
    case JsonType::kString:
      return raw_string(&dropped);
    case JsonType::kNumber:
      return number();
    case JsonType::kTrue:
      return literal("true");
    case JsonType::kFalse:
      return literal("false");
    case JsonType::kNull:
      return literal("null");
    default:
      return expected("a value");
  }
}

// Works without recursion: a bit set records for each open container whether it is an object.
Status JsonReader::skip() {
  const unsigned outside = depth_;
  bool is_object[kMaxDepth + 1];
  for (;;) {
    const JsonType type = peek();
    if (type == JsonType::kObject || type == JsonType::kArray) {
      TFILE_TRY(type == JsonType::kObject ? begin_object() : begin_array());
      is_object[depth_] = type == JsonType::kObject;
    } else {
      TFILE_TRY(scalar(type));
    }
    bool more = false;
    while (!more) {
      if (depth_ == outside) return kOk;
      Text key;
      TFILE_TRY(is_object[depth_] ? next_raw_key(&more, &key) : next_element(&more));
    }
  }
}

Status JsonReader::end() {
  skip_space();
  return at_ == document_.size() ? kOk : expected("nothing more");
}

}  // namespace tfile
