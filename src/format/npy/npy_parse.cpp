// Parses .npy headers.
#include "base/error.h"
#include "base/utf8.h"
#include "codec/common_form.h"
#include "format/npy/npy.h"

namespace tfile {

namespace {

constexpr size_t kMaxDepth = 32;  // maximum nesting of lists and tuples in a structured dtype

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

bool is_word(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A string of the header, decoded to UTF-8. No valid key or dtype string is longer than `text`, so the rest is dropped.
struct Literal {
  char text[64];
  size_t size = 0;
  bool cut = false;

  Literal() = default;
  explicit Literal(Text word) : size(word.size()) { memcpy(text, word.data(), size); }

  Text value() const { return Text(text, size); }
  bool is(Text other) const { return !cut && value() == other; }
  void put(uint32_t code_point) {
    char encoded[4];
    const size_t length = utf8_encode(encoded, code_point);
    cut = cut || length > sizeof(text) - size;
    if (cut) return;
    memcpy(text + size, encoded, length);
    size += length;
  }
};

// Parses the Python literal in a header: a dict with exactly the keys descr, fortran_order and shape. Accepts the
// literals that writers produce, with any spacing, order and comments, but no other Python.
class HeaderParser {
 public:
  HeaderParser(NpyHeader *out, Arena &arena, const NpyContext &context, Bytes header, size_t start)
      : out_(out), arena_(arena), context_(context), header_(header), at_(start), utf8_(header[6] >= 3) {}

  Status run() {
    TFILE_TRY(check_encoding());
    bool common = false;
    TFILE_TRY(parse_common(&common));
    if (common) return finish();
    TFILE_TRY(skip_space());
    if (peek() != '{') return expected("a dictionary, '{'");
    ++at_;
    TFILE_TRY(skip_space());
    while (peek() != '}') {
      TFILE_TRY(parse_pair());
      TFILE_TRY(skip_space());
      if (peek() == '}') break;
      if (peek() != ',') return expected("',' or '}'");
      ++at_;
      TFILE_TRY(skip_space());
    }
    TFILE_TRY(check_keys());
    ++at_;
    TFILE_TRY(skip_space());
    if (at_ != header_.size()) return expected("the end of the header");
    return finish();
  }

 private:
  enum Key { kDescr, kFortranOrder, kShape, kKeys };
  static constexpr const char *kKeyNames[kKeys] = {"descr", "fortran_order", "shape"};

  Failure failure(size_t position) const { return npy_failure(TF_STATUS_CORRUPT, context_, position); }
  Status expected(Text what) const {
    Failure made = failure(at_);
    made << "expected " << what << ", found ";
    if (at_ == header_.size()) return made << "its end";
    return made.quoted(Text(reinterpret_cast<const char *>(header_.data()) + at_, 1));
  }
  // Returns the next character, or NUL at the end, which no rule accepts.
  char peek() const { return at_ < header_.size() ? static_cast<char>(header_[at_]) : '\0'; }

  Status check_encoding() const {
    if (!utf8_) return kOk;
    const Text text(reinterpret_cast<const char *>(header_.data()) + at_, header_.size() - at_);
    const size_t valid = utf8_valid_prefix(text);
    if (valid == text.size()) return kOk;
    return failure(at_ + valid) << "expected UTF-8, as version 3 has it, found "
                                << Hex{static_cast<uint8_t>(text[valid])};
  }

  // Parses a header in the exact form of np.save and nearly every other writer, which is fast. Sets *common to false,
  // with nothing parsed, if the header has another form.
  Status parse_common(bool *common) {
    const size_t size = header_.size() - at_;
    CommonForm form(Text(reinterpret_cast<const char *>(header_.data()) + at_, size));
    const auto position = [&] { return header_.size() - form.remaining(); };
    Text code;
    int64_t sizes[kMaxRank];
    size_t rank = 0;
    if (!form.literal("{'descr': '")) return kOk;
    const size_t descr_at = position() - 1;
    if (!form.word(&code, '\'')) return kOk;
    const bool fortran = form.literal(", 'fortran_order': True, 'shape': (");
    if (!fortran && !form.literal(", 'fortran_order': False, 'shape': (")) return kOk;
    const size_t shape_at = position() - 1;
    for (bool more = !form.character(')'); more; ++rank) {
      uint64_t size = 0;
      if (rank == kMaxRank || !form.number(&size)) return kOk;
      sizes[rank] = static_cast<int64_t>(size);
      more = form.literal(", ");
      if (!more && !(rank == 0 ? form.literal(",)") : form.character(')'))) return kOk;
    }
    if (!form.literal(", }")) return kOk;
    while (form.character(' ')) {
    }
    if (!form.character('\n') || form.remaining() > 0) return kOk;
    *common = true;
    out_->fortran = fortran;
    descr_at_ = descr_at;
    TFILE_TRY(resolve(Literal(code)));
    return set_shape(shape_at, sizes, rank);
  }

  // Stores the sizes. If the rank is above kMaxRank, `sizes` contains only the first ones; the caller refuses such
  // shapes.
  Status set_shape(size_t start, const int64_t *sizes, size_t rank) {
    TFILE_TRY(check_rank(context_.source, context_.settings, context_.array, rank, context_.offset_of(start)));
    shape_at_ = start;
    return arena_.copy(&out_->shape, Span<const int64_t>(sizes, rank));
  }

  // Skips white space and comments.
  Status skip_space() {
    bool comment = false;
    for (; at_ < header_.size(); ++at_) {
      const char c = peek();
      if (c == '\0') return failure(at_) << "it has a NUL";
      if (c == '#') comment = true;
      if (c == '\n') comment = false;
      if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f') break;
    }
    return kOk;
  }

  Status parse_pair() {
    const size_t start = at_;
    Literal key;
    TFILE_TRY(parse_string(&key));
    size_t which = 0;
    while (which < kKeys && !key.is(kKeyNames[which]))
      ++which;
    if (which == kKeys) {
      return failure(start) << "unexpected key '" << key.value() << "'; the keys are descr, fortran_order and shape";
    }
    if (seen_[which]) return failure(start) << "key '" << kKeyNames[which] << "' occurs twice";
    seen_[which] = true;
    TFILE_TRY(skip_space());
    if (peek() != ':') return expected("':'");
    ++at_;
    TFILE_TRY(skip_space());
    if (which == kDescr) return parse_descr();
    return which == kShape ? parse_shape() : parse_order();
  }

  Status check_keys() const {
    for (size_t i = 0; i < kKeys; ++i) {
      if (!seen_[i]) return failure(at_) << "key '" << kKeyNames[i] << "' is missing";
    }
    return kOk;
  }

  // Parses 'text' or "text", with or without the prefix u of Python 2.
  Status parse_string(Literal *out) {
    const size_t start = at_;
    if (peek() == 'u' || peek() == 'U') ++at_;
    const char quote = peek();
    if (quote != '\'' && quote != '"') {
      at_ = start;
      return expected("a string");
    }
    for (++at_; peek() != quote;) {
      const char c = peek();
      if (at_ == header_.size() || c == '\n' || c == '\r') return failure(start) << "a string has no end";
      if (c == '\0') return failure(at_) << "it has a NUL";
      if (c == '\\') {
        TFILE_TRY(parse_escape(out));
      } else {
        parse_character(out);
      }
    }
    ++at_;
    return kOk;
  }

  void parse_character(Literal *out) {
    if (!utf8_) return out->put(header_[at_++]);
    const size_t length = utf8_sequence(header_.from(at_));
    const uint32_t code_point = utf8_decode(header_.from(at_).first(length));
    at_ += length;
    out->put(code_point);
  }

  Status parse_escape(Literal *out) {
    const size_t start = at_++;
    const char c = peek();
    ++at_;
    switch (c) {
      case 'x':
        return parse_code_point(out, start, 2);
      case 'u':
        return parse_code_point(out, start, 4);
      case 'U':
        return parse_code_point(out, start, 8);
      default:
        break;
    }
    if (is_octal(c)) return parse_octal(out, c);
    // Pairs of an escaped character and what it means.
    static constexpr char kEscapes[] = "\\\\''\"\"n\nr\rt\ta\ab\bf\fv\v";
    for (const char *pair = kEscapes; *pair != '\0'; pair += 2) {
      if (*pair != c) continue;
      out->put(static_cast<uint32_t>(pair[1]));
      return kOk;
    }
    return failure(start) << "a string has an escape that is not one of \\\\ \\' \\\" \\n \\r \\t \\a \\b \\f \\v "
                             "\\ooo \\xHH \\uHHHH \\UHHHHHHHH";
  }

  // Parses up to two digits after the first one.
  Status parse_octal(Literal *out, char first) {
    auto code_point = static_cast<uint32_t>(first - '0');
    for (int i = 0; i < 2 && is_octal(peek()); ++i, ++at_)
      code_point = code_point << 3 | static_cast<uint32_t>(peek() - '0');
    out->put(code_point);
    return kOk;
  }

  Status parse_code_point(Literal *out, size_t start, size_t digits) {
    uint32_t code_point = 0;
    for (size_t i = 0; i < digits; ++i) {
      const char c = peek();
      const char low = static_cast<char>(c | 0x20);
      if (!is_digit(c) && !(low >= 'a' && low <= 'f')) return expected("a hexadecimal digit");
      code_point = code_point << 4 | static_cast<uint32_t>(is_digit(c) ? c - '0' : low - 'a' + 10);
      ++at_;
    }
    if (code_point >= 0xD800 && code_point <= 0xDFFF) return failure(start) << "a string has half a surrogate pair";
    if (code_point > 0x10FFFF) return failure(start) << "a string has a code point above U+10FFFF";
    out->put(code_point);
    return kOk;
  }

  Text word() const {
    size_t end = at_;
    while (end < header_.size() && is_word(static_cast<char>(header_[end])))
      ++end;
    return Text(reinterpret_cast<const char *>(header_.data()) + at_, end - at_);
  }

  Status parse_order() {
    const Text found = word();
    if (found != Text("True") && found != Text("False")) return expected("fortran_order to be True or False");
    out_->fortran = found == Text("True");
    at_ += found.size();
    return kOk;
  }

  Status parse_shape() {
    if (peek() != '(') return expected("shape to be a tuple, '('");
    const size_t start = at_++;
    int64_t sizes[kMaxRank];
    size_t rank = 0;
    bool comma = false;
    for (;;) {
      TFILE_TRY(skip_space());
      if (peek() == ')') break;
      if (rank > 0 && !comma) return expected("',' or ')' in shape");
      int64_t size = 0;
      TFILE_TRY(parse_size(&size));
      if (rank < kMaxRank) sizes[rank] = size;
      ++rank;
      TFILE_TRY(skip_space());
      comma = peek() == ',';
      if (comma) ++at_;
    }
    if (rank == 1 && !comma) return failure(start) << "shape is an integer in parentheses, not a tuple";
    ++at_;
    return set_shape(start, sizes, rank);
  }

  // Parses a plain decimal number, with or without the suffix L of Python 2.
  Status parse_size(int64_t *out) {
    const size_t start = at_;
    if (peek() == '-') return failure(start) << "shape has a negative size";
    if (peek() == '+') ++at_;
    if (!is_digit(peek())) return expected("a size in shape");
    const bool zero = peek() == '0';
    Checked size;
    size_t digits = 0;
    for (; is_digit(peek()); ++at_, ++digits)
      size = size * 10 + static_cast<uint64_t>(peek() - '0');
    if (peek() == 'L' || peek() == 'l') ++at_;
    if (is_word(peek()) || peek() == '.' || (zero && digits > 1)) {
      return failure(start) << "shape has a size that is not a plain decimal integer";
    }
    if (!size.valid()) return failure(start) << "shape has a size that needs more than 63 bits";
    *out = static_cast<int64_t>(size.value());
    return kOk;
  }

  Status parse_descr() {
    descr_at_ = at_;
    const char c = peek();
    if (c == '[' || c == '(') {
      bool objects = false;
      bool comma = false;
      const size_t start = at_;
      TFILE_TRY(skip_nested(&objects, &comma));
      if (c == '(' && !comma) return failure(start) << "descr is in parentheses, but not a tuple";
      const Text type = c == '[' ? "a structured dtype" : "a subarray dtype";
      const Text spelled(reinterpret_cast<const char *>(header_.data()) + start, at_ - start);
      out_->sized = false;
      TFILE_TRY(set_type(spelled, type));
      return set_reason(objects ? "Python objects (in a structured dtype), which are pickles and never loaded" : type);
    }
    Literal descr;
    TFILE_TRY(parse_string(&descr));
    return resolve(descr);
  }

  // Skips the nested lists and tuples of a structured dtype. *comma becomes true if the outermost has a comma.
  Status skip_nested(bool *objects, bool *comma) {
    char closers[kMaxDepth];
    size_t depth = 0;
    bool value_ended = false;
    do {
      TFILE_TRY(skip_space());
      const char c = peek();
      if (depth > 0 && c == closers[depth - 1]) {
        --depth;
        ++at_;
        value_ended = true;
      } else if (value_ended || c == ',') {
        if (c != ',' || !value_ended) return expected(value_ended ? "',' or a closing bracket" : "a value");
        *comma = *comma || depth == 1;
        ++at_;
        value_ended = false;
      } else if (c == '(' || c == '[') {
        if (depth == kMaxDepth) return failure(at_) << "descr is nested deeper than " << uint64_t{kMaxDepth};
        closers[depth++] = c == '(' ? ')' : ']';
        ++at_;
      } else {
        TFILE_TRY(skip_scalar(objects));
        value_ended = true;
      }
    } while (depth > 0);
    return kOk;
  }

  Status skip_scalar(bool *objects) {
    if (is_digit(peek())) {
      int64_t size = 0;
      return parse_size(&size);
    }
    Literal text;
    TFILE_TRY(parse_string(&text));
    *objects = *objects || text.is("|O");
    return kOk;
  }

  Status set_reason(Text reason) { return arena_.copy(&out_->reason, reason); }

  // Sets the type to a structured dtype as the file spells it, in UTF-8. If that is not one short line, sets it to the
  // description.
  Status set_type(Text spelled, Text description) {
    constexpr size_t kLongest = 160;
    char text[2 * kLongest];
    size_t size = 0;
    for (const char c : spelled) {
      const auto byte = static_cast<uint8_t>(c);
      if (spelled.size() > kLongest || byte < ' ' || byte == 0x7F) return arena_.copy(&out_->type, description);
      if (utf8_ || byte < 0x80) {
        text[size++] = c;
      } else {
        size += utf8_encode(text + size, byte);  // Latin-1, as versions before 3 have it
      }
    }
    return arena_.copy(&out_->type, Text(text, size));
  }

  Status resolve(const Literal &descr) {
    const Text spelled = descr.value();
    const NpyDtype found = npy_dtype(spelled);
    bool plain = !descr.cut && !found.code.empty() && !is_digit(found.code[0]);
    for (const char c : spelled)
      plain = plain && c > ' ' && c <= '~';
    if (!plain) return failure(descr_at_) << "descr is not a dtype string: '" << spelled << "'";
    out_->dtype = found.dtype;
    out_->big_endian = found.big_endian && (found.dtype == nullptr || found.dtype->scalar > 1);
    item_ = found.item_bytes;
    out_->sized = item_.valid();
    if (found.dtype != nullptr) return kOk;
    TFILE_TRY(arena_.copy(&out_->type, spelled));
    if (found.code[0] == 'O' || found.code == Text("object"))
      return set_reason("Python objects (dtype '|O'), which are pickles and never loaded");
    char buffer[96];
    LineWriter line(buffer, sizeof(buffer));
    line << "dtype '" << spelled << "'";
    return set_reason(line.text());
  }

  // Computes what depends on all three values.
  Status finish() {
    size_t long_axes = 0;
    for (const int64_t size : out_->shape)
      long_axes += size > 1 ? 1 : 0;
    out_->fortran = out_->fortran && long_axes > 1;
    out_->size = header_.size();
    Checked nbytes = element_count(out_->shape);
    if (out_->dtype != nullptr) {
      nbytes = byte_count(*out_->dtype, out_->shape);
    } else if (out_->sized) {
      nbytes = nbytes * item_;
    }
    if (!nbytes.valid()) {
      return (failure(shape_at_) << "the bytes of shape ").shape(out_->shape) << " do not fit in 63 bits";
    }
    out_->nbytes = out_->sized ? nbytes.value() : 0;
    return kOk;
  }

  NpyHeader *out_;
  Arena &arena_;
  const NpyContext &context_;
  Bytes header_;
  size_t at_;
  bool utf8_;
  bool seen_[kKeys] = {};
  size_t descr_at_ = 0;
  size_t shape_at_ = 0;
  Checked item_ = Checked::invalid();
};

}  // namespace

Status parse_npy_header(NpyHeader *out, Arena &arena, const NpyContext &context, Bytes header) {
  return HeaderParser(out, arena, context, header, npy_prefix_size(header[6])).run();
}

}  // namespace tfile
