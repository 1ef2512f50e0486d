// The dtypes and constants of safetensors, which its reader and its writer share.
#pragma once

#include "format/format.h"

namespace tfile {

struct SafetensorsDtype {
  Text text;  // the name in the header
  tf_dtype id;
};

inline constexpr size_t kSafetensorsLength = 8;  // size of the field before the header that contains its length
inline constexpr Text kSafetensorsMetadata = "__metadata__";
inline constexpr Text kSafetensorsOffsets = "data_offsets";  // the member of an array's description

// Returns the row of a dtype, or NULL if the format does not have it. Arrays of dtypes further down in the table are
// written first.
const SafetensorsDtype *safetensors_dtype(tf_dtype id);
// Returns the dtype for a JSON string in the header, which may contain escapes, or NULL.
const Dtype *safetensors_dtype(Text raw);

inline bool is_json_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
// True if a raw key, which may contain escapes, equals a name that needs none.
bool is_safetensors_key(Text raw, Text name);
// Returns the first character that is not JSON white space, or a space if there is none.
char first_json_token(Text text);

// The functions in the row of the format.
Status list_safetensors(Listing &listing, const Source &source, const Settings &settings);
Status check_safetensors(const SaveRequest &request);
Status lay_out_safetensors(Layout &layout, const SaveRequest &request);
Status edit_safetensors(Splice &splice, const EditRequest &request);

}  // namespace tfile
