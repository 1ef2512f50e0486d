// GGUF: the format's row, and its types.
#include "format/gguf/gguf.h"

namespace tfile {

namespace {

// The dtype of each type of metadata value. Strings and arrays have no dtype.
constexpr tf_dtype kValueDtypes[] = {
    TF_DTYPE_UINT8,  TF_DTYPE_INT8,    TF_DTYPE_UINT16,  TF_DTYPE_INT16,       TF_DTYPE_UINT32,
    TF_DTYPE_INT32,  TF_DTYPE_FLOAT32, TF_DTYPE_BOOL,    TF_DTYPE_UNSUPPORTED, TF_DTYPE_UNSUPPORTED,
    TF_DTYPE_UINT64, TF_DTYPE_INT64,   TF_DTYPE_FLOAT64,
};
constexpr uint32_t kValueTypes = sizeof(kValueDtypes) / sizeof(kValueDtypes[0]);
// The dtype number of a block type is its id in ggml plus this number. The other tensor types are in a table.
constexpr tf_dtype kFirstBlockDtype = 64;
struct PlainType {
  uint32_t id;
  tf_dtype dtype;
};
constexpr PlainType kPlainTypes[] = {
    {0, TF_DTYPE_FLOAT32}, {1, TF_DTYPE_FLOAT16}, {24, TF_DTYPE_INT8},    {25, TF_DTYPE_INT16},
    {26, TF_DTYPE_INT32},  {27, TF_DTYPE_INT64},  {28, TF_DTYPE_FLOAT64}, {30, TF_DTYPE_BFLOAT16},
};

bool probe_gguf(Bytes head) {
  return head.size() >= sizeof(kGgufMagic) && memcmp(head.data(), kGgufMagic, sizeof(kGgufMagic)) == 0;
}

}  // namespace

const Dtype *gguf_value_dtype(uint32_t type) {
  return type < kValueTypes ? find_dtype(kValueDtypes[type]) : nullptr;
}

bool gguf_value_type(uint32_t *type, const Dtype &dtype) {
  for (*type = 0; *type < kValueTypes; ++*type) {
    if (kValueDtypes[*type] == dtype.id) return true;
  }
  return false;
}

const Dtype *gguf_tensor_dtype(uint32_t type) {
  for (const PlainType &plain : kPlainTypes) {
    if (plain.id == type) return find_dtype(plain.dtype);
  }
  if (type > INT32_MAX - kFirstBlockDtype) return nullptr;
  const Dtype *const dtype = find_dtype(kFirstBlockDtype + static_cast<tf_dtype>(type));
  return dtype != nullptr && dtype->is_block() ? dtype : nullptr;
}

bool gguf_tensor_type(uint32_t *type, const Dtype &dtype) {
  for (const PlainType &plain : kPlainTypes) {
    *type = plain.id;
    if (plain.dtype == dtype.id) return true;
  }
  *type = static_cast<uint32_t>(dtype.id - kFirstBlockDtype);
  return dtype.is_block();
}

uint64_t gguf_alignment(const Dict &metadata) {
  const DictEntry *const entry = metadata.find(kGgufAlignmentKey);
  if (entry == nullptr) return kGgufAlignment;
  uint32_t alignment = 0;
  memcpy(&alignment, entry->array->data, sizeof(alignment));
  return alignment;
}

const Format kGgufFormat = {
    .id = TF_FORMAT_GGUF,
    .name = "gguf",
    .extension = ".gguf",
    .metadata = MetadataKind::kTyped,
    .model_keys = true,
    .sets = SetKind::kSplit,
    .max_parts = UINT16_MAX,  // split.count has 16 bits
    .probe = probe_gguf,
    .list = list_gguf,
    .check = check_gguf,
    .lay_out = lay_out_gguf,
    .edit = edit_gguf,
};

}  // namespace tfile
