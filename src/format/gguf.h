// What reading (gguf.cpp) and writing (gguf_write.cpp) of GGUF share: its numbers and its types.
#pragma once

#include <bit>

#include "format/format.h"

namespace tfile {

inline constexpr char kGgufMagic[] = {'G', 'G', 'U', 'F'};
inline constexpr uint32_t kGgufVersion = 3;
inline constexpr Text kGgufAlignmentKey = "general.alignment";
inline constexpr uint64_t kGgufAlignment = 32;  // where nothing says otherwise
inline constexpr uint64_t kGgufMaxAlignment = uint64_t{1} << 20;
inline constexpr size_t kGgufMaxLevels = 8;  // of arrays within arrays

// What LIMIT errors say between a count and its limit.
inline constexpr const char *kGgufTooManyArrays = " arrays are more than the limit (max_arrays) of ";
inline constexpr const char *kGgufTooManyValues = " metadata values are more than the limit (max_metadata) of ";

// Types of metadata values that have names here; the others are a dtype each.
inline constexpr uint32_t kGgufUint32 = 4;
inline constexpr uint32_t kGgufString = 8;
inline constexpr uint32_t kGgufArray = 9;

// The dtype of a number or bool in metadata; NULL for other types.
const Dtype *gguf_value_dtype(uint32_t type);
// The type in metadata of a dtype; false when there is none.
bool gguf_value_type(uint32_t *type, const Dtype &dtype);
// The dtype of a tensor; NULL: no such type, or one that was removed.
const Dtype *gguf_tensor_dtype(uint32_t type);
// The type of a tensor of that dtype; false when there is none.
bool gguf_tensor_type(uint32_t *type, const Dtype &dtype);

inline bool is_gguf_alignment(uint64_t alignment) {
  return std::has_single_bit(alignment) && alignment <= kGgufMaxAlignment;
}

// Decimal digits, as lists in a dict are named.
class DecimalName {
 public:
  explicit DecimalName(uint64_t number) : line_(buffer_, sizeof(buffer_)) { line_ << number; }
  Text text() const { return line_.text(); }

 private:
  char buffer_[24];
  LineWriter line_;
};

// Members of the format's row.
Status check_gguf(const SaveRequest &request);
Status lay_out_gguf(Layout &layout, const SaveRequest &request);

}  // namespace tfile
