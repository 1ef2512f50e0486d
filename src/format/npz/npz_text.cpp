#include "format/npz/npz_text.h"

#include "base/endian.h"
#include "base/utf8.h"
#include "format/npy/npy.h"

namespace tfile {

namespace {

constexpr size_t kCodeBytes = 4;  // of a code point in an array of dtype U

bool is_character(uint32_t code) {
  return code < 0xD800 || (code > 0xDFFF && code <= 0x10FFFF);
}

uint32_t load_code(const NpzTextType &type, const uint8_t *from) {
  return type.is_unicode ? load<uint32_t>(from, type.big_endian) : *from;
}

// The strings of a metadata value.
class Strings {
 public:
  explicit Strings(const DictEntry &value) : value_(value) {}
  bool is_list() const { return value_.kind == TF_KIND_STRING_LIST; }
  size_t size() const { return is_list() ? value_.list->size() : 1; }
  Text at(size_t i) const { return is_list() ? value_.list->at(i) : value_.string; }

  // Returns the array that can hold them. NumPy has no strings of 0 bytes.
  NpzTextType type() const {
    NpzTextType type;
    type.is_list = is_list();
    type.is_unicode = true;
    for (size_t i = 0; i < size() && type.is_unicode; ++i)
      type.is_unicode = is_utf8(at(i));
    type.item_bytes = type.is_unicode ? kCodeBytes : 1;
    for (size_t i = 0; i < size(); ++i) {
      const uint64_t bytes = type.is_unicode ? kCodeBytes * count_codes(at(i)) : at(i).size();
      if (bytes > type.item_bytes) type.item_bytes = bytes;
    }
    return type;
  }

 private:
  static uint64_t count_codes(Text text) {
    uint64_t count = 0;
    for (const char c : text)
      count += (static_cast<uint8_t>(c) & 0xC0) != 0x80 ? 1 : 0;
    return count;
  }

  const DictEntry &value_;
};

// Writes a string as an item of an array, which is zero before.
void put_item(uint8_t *item, Text text, bool is_unicode) {
  if (!is_unicode) {
    if (!text.empty()) memcpy(item, text.data(), text.size());
    return;
  }
  Bytes rest(reinterpret_cast<const uint8_t *>(text.data()), text.size());
  for (; !rest.empty(); item += kCodeBytes) {
    const size_t length = utf8_sequence(rest);
    store_le(item, utf8_decode(rest.first(length)));
    rest = rest.from(length);
  }
}

}  // namespace

bool find_npz_text_type(NpzTextType *out, const Member &member) {
  if (member.dtype != nullptr || member.invalid || member.shape.size() > 1) return false;
  const NpyDtype dtype = npy_dtype(member.type);
  const char kind = dtype.code.empty() ? '\0' : dtype.code[0];
  if ((kind != 'U' && kind != 'S') || !dtype.item_bytes.valid()) return false;
  out->is_list = member.shape.size() == 1;
  out->is_unicode = kind == 'U';
  out->big_endian = dtype.big_endian;
  out->item_bytes = dtype.item_bytes.value();
  // The number of strings of 0 bytes would not be bounded by the file's size.
  return out->item_bytes > 0 || !out->is_list || member.shape[0] == 0;
}

bool has_valid_characters(const NpzTextType &type, Bytes bytes) {
  if (!type.is_unicode) return true;
  for (size_t i = 0; i < bytes.size(); i += kCodeBytes) {
    if (!is_character(load_code(type, bytes.data() + i))) return false;
  }
  return true;
}

Status NpzTextDecoder::add(Bytes piece, StringList *list) {
  const size_t step = type_.is_unicode ? kCodeBytes : 1;
  for (size_t i = 0; i < piece.size(); i += step) {
    const uint32_t code = load_code(type_, piece.data() + i);
    if (code == 0) {
      ++zeros_;
    } else {
      TFILE_TRY(add_code(code));
    }
    item_read_ += step;
    if (item_read_ == type_.item_bytes) TFILE_TRY(end_string(list));
  }
  return kOk;
}

Status NpzTextDecoder::add_code(uint32_t code) {
  for (; zeros_ > 0; --zeros_)
    TFILE_TRY(string_.push('\0'));
  if (!type_.is_unicode) return string_.push(static_cast<char>(code));
  char encoded[4];
  const size_t length = utf8_encode(encoded, code);
  return string_.append(encoded, length);
}

Status NpzTextDecoder::end_string(StringList *list) {
  zeros_ = 0;
  item_read_ = 0;
  if (list == nullptr) return kOk;
  TFILE_TRY(list->append(string()));
  string_.clear();
  return kOk;
}

const char *npz_text_refusal(const DictEntry &value) {
  if (value.kind != TF_KIND_STRING && value.kind != TF_KIND_STRING_LIST) {
    return "metadata that is neither a string nor a list of strings";
  }
  const Strings strings(value);
  for (size_t i = 0; i < strings.size(); ++i) {
    const Text text = strings.at(i);
    if (!text.empty() && text[text.size() - 1] == '\0') return "a string that ends with a NUL";
  }
  return nullptr;
}

Checked npz_text_bytes(const DictEntry &value) {
  const Strings strings(value);
  return Checked(strings.type().item_bytes) * strings.size();
}

Status put_npz_text(Vec<uint8_t> &out, size_t *head, const DictEntry &value) {
  const Strings strings(value);
  const NpzTextType type = strings.type();
  char descr[32];
  LineWriter line(descr, sizeof(descr));
  line << (type.is_unicode ? "<U" : "|S") << (type.is_unicode ? type.item_bytes / kCodeBytes : type.item_bytes);
  const auto count = static_cast<int64_t>(strings.size());
  const size_t start = out.size();
  TFILE_TRY(put_npy_header(out, line.text(), false, Span<const int64_t>(&count, type.is_list ? 1 : 0)));
  *head = out.size() - start;
  const size_t data = out.size();
  TFILE_TRY(out.resize(static_cast<size_t>((Checked(data) + npz_text_bytes(value)).value())));
  if (out.size() > data) memset(out.data() + data, 0, out.size() - data);
  for (size_t i = 0; i < strings.size(); ++i)
    put_item(out.data() + data + i * static_cast<size_t>(type.item_bytes), strings.at(i), type.is_unicode);
  return kOk;
}

}  // namespace tfile
