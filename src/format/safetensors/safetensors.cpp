// Safetensors: the format's row, and its dtypes.
#include "format/safetensors/safetensors.h"

#include "base/endian.h"
#include "codec/json.h"

namespace tfile {

namespace {

// The dtypes in the order of the reference implementation, which writes the arrays of the last dtype first.
constexpr SafetensorsDtype kDtypes[] = {
    {"BOOL", TF_DTYPE_BOOL},
    {"F4", TF_DTYPE_FLOAT4_E2M1FN},
    {"F6_E2M3", TF_DTYPE_FLOAT6_E2M3FN},
    {"F6_E3M2", TF_DTYPE_FLOAT6_E3M2FN},
    {"U8", TF_DTYPE_UINT8},
    {"I8", TF_DTYPE_INT8},
    {"F8_E5M2", TF_DTYPE_FLOAT8_E5M2},
    {"F8_E4M3", TF_DTYPE_FLOAT8_E4M3FN},
    {"F8_E8M0", TF_DTYPE_FLOAT8_E8M0FNU},
    {"F8_E4M3FNUZ", TF_DTYPE_FLOAT8_E4M3FNUZ},
    {"F8_E5M2FNUZ", TF_DTYPE_FLOAT8_E5M2FNUZ},
    {"I16", TF_DTYPE_INT16},
    {"U16", TF_DTYPE_UINT16},
    {"F16", TF_DTYPE_FLOAT16},
    {"BF16", TF_DTYPE_BFLOAT16},
    {"I32", TF_DTYPE_INT32},
    {"U32", TF_DTYPE_UINT32},
    {"F32", TF_DTYPE_FLOAT32},
    {"C64", TF_DTYPE_COMPLEX64},
    {"F64", TF_DTYPE_FLOAT64},
    {"I64", TF_DTYPE_INT64},
    {"U64", TF_DTYPE_UINT64},
};

bool probe_safetensors(Bytes head) {
  // Files of other formats give an implausible length, because their magic numbers are larger than this.
  constexpr uint64_t kMaxPlausible = UINT32_MAX;
  if (head.size() <= kSafetensorsLength) return false;
  const auto length = load_le<uint64_t>(head.data());
  const Text rest(reinterpret_cast<const char *>(head.data()) + kSafetensorsLength, head.size() - kSafetensorsLength);
  return length >= 2 && length <= kMaxPlausible && first_json_token(rest) == '{';
}

}  // namespace

bool is_safetensors_key(Text raw, Text name) {
  return raw == name || (has_json_escape(raw) && compare_raw_json(raw, name) == 0);
}

char first_json_token(Text text) {
  for (const char c : text) {
    if (!is_json_space(c)) return c;
  }
  return ' ';
}

const SafetensorsDtype *safetensors_dtype(tf_dtype id) {
  for (const SafetensorsDtype &row : kDtypes) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

const Dtype *safetensors_dtype(Text raw) {
  for (const SafetensorsDtype &row : kDtypes) {
    if (raw == row.text) return find_dtype(row.id);
  }
  for (const SafetensorsDtype &row : kDtypes) {
    if (has_json_escape(raw) && compare_raw_json(raw, row.text) == 0) return find_dtype(row.id);
  }
  return nullptr;
}

const Format kSafetensorsFormat = {
    .id = TF_FORMAT_SAFETENSORS,
    .name = "safetensors",
    .extension = ".safetensors",
    .metadata = MetadataKind::kStrings,
    .sets = SetKind::kIndex,
    .max_parts = 99999,  // the names of the files have five digits
    .probe = probe_safetensors,
    .list = list_safetensors,
    .check = check_safetensors,
    .lay_out = lay_out_safetensors,
    .edit = edit_safetensors,
    .header_slack = true,
};

}  // namespace tfile
