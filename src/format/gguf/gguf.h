// Numbers and types of GGUF, which its reader and its writer share.
#pragma once

#include <bit>

#include "format/format.h"

namespace tfile {

inline constexpr char kGgufMagic[] = {'G', 'G', 'U', 'F'};
inline constexpr uint32_t kGgufVersion = 3;
inline constexpr Text kGgufAlignmentKey = "general.alignment";
inline constexpr uint64_t kGgufAlignment = 32;  // used unless the metadata specifies another alignment
inline constexpr uint64_t kGgufMaxAlignment = uint64_t{1} << 20;
inline constexpr size_t kGgufMaxLevels = 8;  // of arrays within arrays
inline constexpr size_t kGgufMaxRank = 8;

// The text of an error between a number and the limit.
inline constexpr const char *kGgufManyArrays = " arrays are more than ";
inline constexpr const char *kGgufManyValues = " metadata values are more than ";

// Metadata types that need special treatment. Every other type corresponds to a dtype.
inline constexpr uint32_t kGgufUint32 = 4;
inline constexpr uint32_t kGgufString = 8;
inline constexpr uint32_t kGgufArray = 9;

// Returns the dtype of a metadata value that is a number or a bool, or NULL.
const Dtype *gguf_value_dtype(uint32_t type);
// Finds the type of a metadata value with that dtype. Returns false if there is none.
bool gguf_value_type(uint32_t *type, const Dtype &dtype);
// Returns the dtype of a tensor type, or NULL if the type is unknown or was removed from ggml.
const Dtype *gguf_tensor_dtype(uint32_t type);
// Sets *type to GGUF's number for tensors of that dtype. Returns false if GGUF has no such type.
bool gguf_tensor_type(uint32_t *type, const Dtype &dtype);

// Returns the alignment that metadata specify, whose value is a uint32 scalar, or the one without.
uint64_t gguf_alignment(const Dict &metadata);
inline bool is_gguf_alignment(uint64_t alignment) {
  return std::has_single_bit(alignment) && alignment <= kGgufMaxAlignment;
}

// A number in decimal digits, which is the key of an element of a nested array in a dict.
class DecimalName {
 public:
  explicit DecimalName(uint64_t number) : line_(buffer_, sizeof(buffer_)) { line_ << number; }
  Text text() const { return line_.text(); }

 private:
  char buffer_[24];
  LineWriter line_;
};

// The functions in the row of the format.
Status list_gguf(Listing &listing, const Source &source, const Settings &settings);
Status check_gguf(const SaveRequest &request);
Status lay_out_gguf(Layout &layout, const SaveRequest &request);
Status edit_gguf(Splice &splice, const EditRequest &request);

}  // namespace tfile
