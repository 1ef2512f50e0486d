// Writes the fields of a GGUF header.
#pragma once

#include "base/endian.h"
#include "format/gguf/gguf.h"

namespace tfile {

// Appends the fields of a header to `out`, or only counts their bytes if it is NULL.
class GgufFields {
 public:
  explicit GgufFields(Vec<uint8_t> *out, bool big = false) : out_(out), big_(big) {}

  Checked size() const { return size_; }
  Status bytes(const void *from, size_t nbytes) {
    size_ = size_ + nbytes;
    return out_ != nullptr ? out_->append(static_cast<const uint8_t *>(from), nbytes) : kOk;
  }
  template <typename T>
  Status number(T value) {
    if (big_ != kHostIsBig) value = byteswap(value);
    return bytes(&value, sizeof(value));
  }
  Status string(Text text) {
    TFILE_TRY(number<uint64_t>(text.size()));
    return bytes(text.data(), text.size());
  }
  // Appends the elements of an array in C order. gguf_value_type() knows its dtype.
  Status numbers(const Array &array);

 private:
  Vec<uint8_t> *out_;
  bool big_;  // big-endian
  Checked size_ = 0;
};

// Returns the type of a metadata value that check_gguf() has accepted.
uint32_t gguf_entry_type(const DictEntry &entry);
// Puts what precedes the records of the tensors: the magic, the version, the numbers of tensors and of metadata values,
// and these values. The metadata may be NULL; `alignment` is added to them unless it is 0.
Status put_gguf_metadata(GgufFields &fields, uint64_t tensors, const Dict *metadata, uint64_t alignment);

}  // namespace tfile
