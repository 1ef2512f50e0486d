// Text members of .npz archives: the arrays that NumPy saves for strings and lists of strings, which are metadata here.
#pragma once

#include "format/format.h"

namespace tfile {

// An array of strings of a fixed size, filled up with zeros.
struct NpzTextType {
  bool is_list = false;     // true: an array of 1 dimension; false: 0 dimensions
  bool is_unicode = false;  // true: the strings consist of 32-bit code points; false: of bytes
  bool big_endian = false;
  uint64_t item_bytes = 0;  // size of a string in bytes
};

// Returns true and sets *out if a member of an unknown dtype is text of 0 or 1 dimensions.
bool find_npz_text_type(NpzTextType *out, const Member &member);
// True if all code points of an array are characters. The bytes are whole code points.
bool has_valid_characters(const NpzTextType &type, Bytes bytes);

// Decodes the bytes of a text member, which can come in pieces of whole code points. Zeros at the end of a string are
// not part of it.
class NpzTextDecoder {
 public:
  NpzTextDecoder(const NpzTextType &type, Memory &memory) : type_(type), string_(memory) {}

  // Decodes a piece, and appends each string that ends in it to the list, which is NULL if the array has 0 dimensions.
  Status add(Bytes piece, StringList *list);
  // Returns the string of an array of 0 dimensions; borrowed from *this.
  Text string() const { return Text(string_.data(), string_.size()); }

 private:
  Status add_code(uint32_t code);
  Status end_string(StringList *list);

  NpzTextType type_;
  Vec<char> string_;
  uint64_t zeros_ = 0;      // number of zeros read since the last character of the string
  uint64_t item_read_ = 0;  // bytes of the current string that have been read
};

// Returns the reason why a metadata value cannot be saved as text, or NULL.
const char *npz_text_refusal(const DictEntry &value);
// Returns the size of the array that put_npz_text() appends for a value without a refusal. It may be invalid.
Checked npz_text_bytes(const DictEntry &value);
// Appends a value as a .npy. *head is set to the size of its header.
Status put_npz_text(Vec<uint8_t> &out, size_t *head, const DictEntry &value);

}  // namespace tfile
