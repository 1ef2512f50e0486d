#include "format/npy.h"

#include "base/endian.h"
#include "base/error.h"
#include "base/utf8.h"
#include "codec/common_form.h"

namespace tfile {

namespace {

constexpr uint8_t kMagic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
constexpr uint64_t kDefaultMaxHeader = uint64_t{1} << 20;
constexpr size_t kMaxDepth = 32;
constexpr size_t kAlignment = 64;
// Room that np.save leaves behind the text, so that the first size may grow to its most digits in place.
constexpr size_t kGrowthDigits = 21;
// As many as a header is padded with at most.
constexpr uint8_t kSpaces[kAlignment + kGrowthDigits + 1] =
    "                                                                                     ";
// What list() reads at once: the header of nearly every file.
constexpr size_t kFirstRead = 4096;

// Dtype strings without their byte order. Types that ml_dtypes saves as '<V1' or '<f1' cannot be told apart, and are
// not here.
struct DtypeCode {
  const char *code;
  tf_dtype dtype;
};
constexpr DtypeCode kCodes[] = {
    {"b1", TF_DTYPE_BOOL},    {"i1", TF_DTYPE_INT8},      {"i2", TF_DTYPE_INT16},       {"i4", TF_DTYPE_INT32},
    {"i8", TF_DTYPE_INT64},   {"u1", TF_DTYPE_UINT8},     {"u2", TF_DTYPE_UINT16},      {"u4", TF_DTYPE_UINT32},
    {"u8", TF_DTYPE_UINT64},  {"f2", TF_DTYPE_FLOAT16},   {"V2", TF_DTYPE_BFLOAT16},    {"f4", TF_DTYPE_FLOAT32},
    {"f8", TF_DTYPE_FLOAT64}, {"c8", TF_DTYPE_COMPLEX64}, {"c16", TF_DTYPE_COMPLEX128},
};

const DtypeCode *code_of(tf_dtype dtype) {
  for (const DtypeCode &row : kCodes) {
    if (row.dtype == dtype) return &row;
  }
  return nullptr;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

uint64_t offset_in(const NpyPlace &place, uint64_t position) {
  return place.inflated ? place.offset : place.offset + position;
}

Failure failure_at(tf_status status, const NpyPlace &place, uint64_t position) {
  Failure made(status);
  made.in(place.source.label);
  if (!place.array.empty()) made.array(place.array);
  return made.at(offset_in(place, position)) << "npy header: ";
}

// Bytes of an element of a type that we do not know, from its dtype string; invalid where that does not tell.
Checked item_size(Text code) {
  Checked size;
  size_t i = 1;
  for (; i < code.size() && is_digit(code[i]); ++i)
    size = size * 10 + static_cast<uint64_t>(code[i] - '0');
  const bool with_unit = code[0] == 'M' || code[0] == 'm';  // datetime64 and timedelta64: '<M8[ns]'
  const bool whole = i == code.size() || (with_unit && code[i] == '[' && code[code.size() - 1] == ']');
  if (i == 1 || !whole) return Checked::invalid();
  switch (code[0]) {
    case 'U':
      return size * 4;
    case 'b':
    case 'i':
    case 'u':
    case 'f':
    case 'c':
    case 'S':
    case 'V':
    case 'M':
    case 'm':
      return size;
    default:
      return Checked::invalid();
  }
}

// A string of the header, decoded to UTF-8. What is longer than `text` matters to nobody, and is cut.
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

// Reads the Python literal that a header is: a dict with exactly the keys descr, fortran_order and shape. It accepts
// what writers make, with any spacing, order and comments, and refuses the rest of Python.
class HeaderParser {
 public:
  HeaderParser(NpyHeader *out, Arena &arena, const NpyPlace &place, Bytes header, size_t start)
      : out_(out), arena_(arena), place_(place), header_(header), at_(start), utf8_(header[6] >= 3) {}

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

  Failure failure(size_t position) const { return failure_at(TF_STATUS_CORRUPT, place_, position); }
  Status expected(Text what) const {
    Failure made = failure(at_);
    made << "expected " << what << ", found ";
    if (at_ == header_.size()) return made << "its end";
    return made.quoted(Text(reinterpret_cast<const char *>(header_.data()) + at_, 1));
  }
  // The next character; NUL at the end, which no rule expects.
  char peek() const { return at_ < header_.size() ? static_cast<char>(header_[at_]) : '\0'; }

  Status check_encoding() const {
    if (!utf8_) return kOk;
    const Text text(reinterpret_cast<const char *>(header_.data()) + at_, header_.size() - at_);
    const size_t valid = utf8_valid_prefix(text);
    if (valid == text.size()) return kOk;
    return failure(at_ + valid) << "expected UTF-8, as version 3 has it, found "
                                << Hex{static_cast<uint8_t>(text[valid])};
  }

  // The header as np.save and nearly every other writer has it. *common is false: it is not so, and has yet to be read.
  Status parse_common(bool *common) {
    const size_t left = header_.size() - at_;
    CommonForm form(Text(reinterpret_cast<const char *>(header_.data()) + at_, left));
    const auto place = [&] { return header_.size() - form.remaining(); };
    Text code;
    int64_t sizes[kMaxRank];
    size_t rank = 0;
    if (!form.literal("{'descr': '")) return kOk;
    const size_t descr_at = place() - 1;
    if (!form.word(&code, '\'')) return kOk;
    const bool fortran = form.literal(", 'fortran_order': True, 'shape': (");
    if (!fortran && !form.literal(", 'fortran_order': False, 'shape': (")) return kOk;
    const size_t shape_at = place() - 1;
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

  // Of a rank above kMaxRank, which is refused, sizes has the first ones.
  Status set_shape(size_t start, const int64_t *sizes, size_t rank) {
    TFILE_TRY(check_rank(place_.source, place_.settings, place_.array, rank, offset_in(place_, start)));
    shape_at_ = start;
    return arena_.copy(&out_->shape, Span<const int64_t>(sizes, rank));
  }

  // White space and comments.
  Status skip_space() {
    bool comment = false;
    for (; at_ < header_.size(); ++at_) {
      const char c = peek();
      if (c == '\0') return failure(at_) << "a NUL stands in it";
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
      return failure(start) << "unexpected key '" << key.value() << "', beside descr, fortran_order and shape";
    }
    if (seen_[which]) return failure(start) << "key '" << kKeyNames[which] << "' stands twice";
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

  // 'text' or "text", perhaps with Python 2's u before it.
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
      if (c == '\0') return failure(at_) << "a NUL stands in it";
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
    static constexpr uint8_t kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code_point = header_[at_] & kLeadBits[length];
    for (size_t i = 1; i < length; ++i)
      code_point = code_point << 6 | (header_[at_ + i] & 0x3F);
    at_ += length;
    out->put(code_point);
  }

  Status parse_escape(Literal *out) {
    const size_t start = at_++;
    const char c = peek();
    ++at_;
    switch (c) {
      case '\\':
      case '\'':
      case '"':
        out->put(static_cast<uint32_t>(c));
        return kOk;
      case 'n':
        out->put('\n');
        return kOk;
      case 't':
        out->put('\t');
        return kOk;
      case 'x':
        return parse_code_point(out, start, 2);
      case 'u':
        return parse_code_point(out, start, 4);
      default:
        return failure(start) << "a string has an escape that is not \\\\ \\' \\\" \\n \\t \\xHH or \\uHHHH";
    }
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

  // A plain decimal number, perhaps with Python 2's L behind it.
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
      if (c == '(' && !comma) return failure(start) << "descr stands in parentheses, which is no tuple";
      if (objects) return unknown("Python objects (in a structured dtype), which are pickles and never loaded");
      return unknown(c == '[' ? "a structured dtype" : "a subarray dtype");
    }
    Literal descr;
    TFILE_TRY(parse_string(&descr));
    return resolve(descr);
  }

  // Passes over the nested lists and tuples of a structured dtype; comma: one stands in the outermost.
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

  Status unknown(Text reason) {
    out_->sized = false;
    return arena_.copy(&out_->reason, reason);
  }

  Status resolve(const Literal &descr) {
    for (const char c : descr.value()) {
      if (c <= ' ' || c > '~') return failure(descr_at_) << "descr is not a dtype string: '" << descr.value() << "'";
    }
    Text code = descr.value();
    const char order = code.empty() ? '\0' : code[0];
    const bool marked = order == '<' || order == '>' || order == '=' || order == '|';
    if (marked) code = Text(code.from(1));
    if (code.empty() || descr.cut || is_digit(code[0])) {
      return failure(descr_at_) << "descr is not a dtype string: '" << descr.value() << "'";
    }
    for (const DtypeCode &row : kCodes) {
      if (code == Text(row.code)) out_->dtype = find_dtype(row.dtype);
    }
    if (out_->dtype == nullptr) return resolve_unknown(descr, code);
    const bool ordered = out_->dtype->scalar > 1;
    if (order == '|' && ordered && out_->dtype->id != TF_DTYPE_BFLOAT16) {
      return failure(descr_at_) << "dtype '" << descr.value() << "' has several bytes and no byte order";
    }
    out_->big_endian = order == '>' && ordered;
    return kOk;
  }

  Status resolve_unknown(const Literal &descr, Text code) {
    if (code[0] == 'O') return unknown("Python objects (dtype '|O'), which are pickles and never loaded");
    char buffer[96];
    LineWriter line(buffer, sizeof(buffer));
    line << "dtype '" << descr.value() << "'";
    TFILE_TRY(unknown(line.text()));
    item_ = item_size(code);
    out_->sized = item_.valid();
    return kOk;
  }

  // What takes all three values.
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
  const NpyPlace &place_;
  Bytes header_;
  size_t at_;
  bool utf8_;
  bool seen_[kKeys] = {};
  size_t descr_at_ = 0;
  size_t shape_at_ = 0;
  Checked item_ = Checked::invalid();
};

// The bytes from the magic to the length of the text, of a header whose major version is known.
size_t prefix_size(uint8_t major) {
  return major == 1 ? 10 : 12;
}

Status read_header(Vec<uint8_t> *out, const Source &source, const NpyPlace &place) {
  uint8_t first[kFirstRead];
  const size_t count = source.size < kFirstRead ? static_cast<size_t>(source.size) : kFirstRead;
  TFILE_TRY(read_at(source, 0, first, count, Text()));
  uint64_t size = 0;
  TFILE_TRY(npy_header_size(&size, place, Bytes(first, count)));
  if (size > source.size) {
    return failure_at(TF_STATUS_TRUNCATED, place, source.size)
           << "it should have " << size << " bytes, the file has " << source.size;
  }
  const size_t have = size < count ? static_cast<size_t>(size) : count;
  TFILE_TRY(out->append(first, have));
  if (have == size) return kOk;
  TFILE_TRY(out->resize(static_cast<size_t>(size)));
  return read_at(source, have, out->data() + have, size - have, Text());
}

// np.save appends to an open file, so another .npy may follow the first.
Status check_end(const Source &source, const Settings &settings, uint64_t end) {
  if (end == source.size || settings.on(TF_OPTION_LENIENT)) return kOk;
  uint8_t next[sizeof(kMagic)];
  const uint64_t extra = source.size - end;
  if (extra >= sizeof(next)) {
    TFILE_TRY(read_at(source, end, next, sizeof(next), Text()));
    if (is_npy(Bytes(next, sizeof(next)))) return kOk;
  }
  return Failure(TF_STATUS_CORRUPT).in(source.label).at(end)
         << extra << " bytes follow the array's data, and are not another npy header";
}

Status list_npy(Listing &listing, const Source &source, const Settings &settings) {
  const NpyPlace place{source, settings, Text(), 0, false, TF_STATUS_TRUNCATED};
  Vec<uint8_t> bytes(listing.memory);
  TFILE_TRY(read_header(&bytes, source, place));
  NpyHeader header;
  TFILE_TRY(parse_npy_header(&header, listing.arena, place, Bytes(bytes.data(), bytes.size())));
  Member member;
  TFILE_TRY(describe_npy(&member, place, header, source.size - header.size));
  TFILE_TRY(listing.arena.copy(&member.name, Text()));
  member.offset = header.size;
  member.stored = member.nbytes;
  TFILE_TRY(check_end(source, settings, header.size + member.nbytes));
  return listing.add(source, settings, member, 0);
}

Status check_npy(const SaveRequest &request) {
  Refusals refusals;
  for (const NamedArray &named : request.arrays) {
    if (!npy_can_hold(*named.array->dtype)) refusals.add(named.name) << named.array->dtype->name;
  }
  return refusals.result(TF_STATUS_UNSUPPORTED, Text(), "npy has no dtype string for");
}

Status lay_out_npy(Layout &layout, const SaveRequest &request) {
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    const Array &array = *request.arrays[i].array;
    Vec<uint8_t> header(request.settings.memory());
    bool fortran = false;
    TFILE_TRY(make_npy_header(header, &fortran, array));
    TFILE_TRY(layout.write(header.data(), header.size()));
    TFILE_TRY(layout.add_array(i, array.nbytes, fortran));
  }
  return kOk;
}

}  // namespace

bool is_npy(Bytes head) {
  return head.size() >= sizeof(kMagic) && memcmp(head.data(), kMagic, sizeof(kMagic)) == 0;
}

Status npy_header_size(uint64_t *size, const NpyPlace &place, Bytes prefix) {
  for (size_t i = 0; i < prefix.size() && i < sizeof(kMagic); ++i) {
    if (prefix[i] != kMagic[i]) {
      return failure_at(TF_STATUS_FORMAT, place, i)
             << "expected the magic \\x93NUMPY, found " << Hex{prefix[i]} << " in it";
    }
  }
  const uint32_t major = prefix.size() > 6 ? prefix[6] : 1;
  const uint32_t minor = prefix.size() > 7 ? prefix[7] : 0;
  if (major < 1 || major > 3 || minor != 0) {
    return failure_at(TF_STATUS_UNSUPPORTED, place, 6)
           << "version " << major << "." << minor << "; 1.0, 2.0 and 3.0 are known";
  }
  const size_t lead = prefix_size(static_cast<uint8_t>(major));
  if (prefix.size() < lead) {
    return failure_at(place.too_short, place, prefix.size())
           << "it ends after " << static_cast<uint64_t>(prefix.size()) << " bytes, before its length";
  }
  const uint64_t text = lead == 10 ? load_le<uint16_t>(prefix.data() + 8) : load_le<uint32_t>(prefix.data() + 8);
  const uint64_t asked = place.settings.limit(TF_OPTION_MAX_HEADER_BYTES);
  const uint64_t most = asked != 0 ? asked : kDefaultMaxHeader;
  if (text > most) {
    return failure_at(TF_STATUS_LIMIT, place, 8)
           << "it has " << text << " bytes, more than the limit (max_header_bytes) of " << most;
  }
  *size = lead + text;
  return kOk;
}

Status parse_npy_header(NpyHeader *out, Arena &arena, const NpyPlace &place, Bytes header) {
  return HeaderParser(out, arena, place, header, prefix_size(header[6])).run();
}

Status describe_npy(Member *out, const NpyPlace &place, const NpyHeader &header, uint64_t available) {
  if (header.nbytes > available) {
    return (failure_at(place.too_short, place, header.size + available) << "shape ").shape(header.shape)
           << " needs " << header.nbytes << " bytes of data, " << available << " are there";
  }
  out->shape = header.shape;
  out->dtype = header.dtype;
  out->reason = header.reason;
  out->nbytes = header.sized ? header.nbytes : available;
  out->fortran = header.fortran;
  out->big_endian = header.big_endian;
  return kOk;
}

bool npy_can_hold(const Dtype &dtype) {
  return code_of(dtype.id) != nullptr;
}

Status make_npy_header(Vec<uint8_t> &out, bool *fortran, const Array &array) {
  *fortran = is_fortran_contiguous(array);
  const bool ordered = array.dtype->scalar > 1;
  char text[2048];  // 64 sizes of 19 digits each leave room
  LineWriter line(text, sizeof(text));
  line << "{'descr': '" << (ordered ? "<" : "|") << code_of(array.dtype->id)->code
       << "', 'fortran_order': " << (*fortran ? "True" : "False") << ", 'shape': ";
  line.shape(array.shape()) << ", }";
  size_t spaces = 0;
  if (array.ndim > 0) {
    char digits[32];
    LineWriter number(digits, sizeof(digits));
    number << array.shape()[*fortran ? array.ndim - 1 : 0];
    if (number.size() < kGrowthDigits) spaces = kGrowthDigits - number.size();
  }
  // As np.save pads: 1 to 64 spaces, never none.
  const size_t lead = prefix_size(1);
  spaces += kAlignment - (lead + line.size() + spaces + 1) % kAlignment;
  uint8_t prefix[10] = {kMagic[0], kMagic[1], kMagic[2], kMagic[3], kMagic[4], kMagic[5], 1, 0};
  store_le(prefix + 8, static_cast<uint16_t>(line.size() + spaces + 1));
  TFILE_TRY(out.append(prefix, lead));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(line.text().data()), line.size()));
  TFILE_TRY(out.append(kSpaces, spaces));
  return out.push('\n');
}

const Format kNpyFormat = {
    .id = TF_FORMAT_NPY,
    .name = "npy",
    .extension = ".npy",
    .single_array = true,
    .probe = is_npy,
    .list = list_npy,
    .check = check_npy,
    .lay_out = lay_out_npy,
};

}  // namespace tfile
