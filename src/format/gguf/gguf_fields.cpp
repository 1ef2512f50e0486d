#include "format/gguf/gguf_fields.h"

#include <algorithm>

#include "core/copy.h"

namespace tfile {

Status GgufFields::numbers(const Array &array) {
  if (out_ == nullptr) {
    size_ = size_ + array.nbytes;
    return kOk;
  }
  char piece[4096];
  const size_t item = array.dtype->block_bytes;
  const auto most = static_cast<int64_t>(sizeof(piece) / item);
  for (int64_t first = 0; first < array.size; first += most) {
    const int64_t count = std::min(most, array.size - first);
    const size_t nbytes = static_cast<size_t>(count) * item;
    copy_elements(piece, array, first, count);
    if (big_ != kHostIsBig && item > 1) (void)swap_bytes(*array.dtype, piece, nbytes);
    TFILE_TRY(bytes(piece, nbytes));
  }
  return kOk;
}

uint32_t gguf_entry_type(const DictEntry &entry) {
  uint32_t type = kGgufArray;
  if (entry.kind == TF_KIND_STRING) return kGgufString;
  if (entry.kind == TF_KIND_ARRAY && entry.array->ndim == 0) gguf_value_type(&type, *entry.array->dtype);
  return type;
}

namespace {

// Puts what follows the type of an array: the type of its elements, their number, and the elements.
Status put_array(GgufFields &fields, const DictEntry &entry) {
  if (entry.kind == TF_KIND_ARRAY) {
    uint32_t type = 0;
    gguf_value_type(&type, *entry.array->dtype);
    TFILE_TRY(fields.number(type));
    TFILE_TRY(fields.number(static_cast<uint64_t>(entry.array->size)));
    return fields.numbers(*entry.array);
  }
  if (entry.kind == TF_KIND_STRING_LIST) {
    TFILE_TRY(fields.number(kGgufString));
    TFILE_TRY(fields.number<uint64_t>(entry.list->size()));
    for (size_t i = 0; i < entry.list->size(); ++i)
      TFILE_TRY(fields.string(entry.list->at(i)));
    return kOk;
  }
  TFILE_TRY(fields.number(kGgufArray));
  TFILE_TRY(fields.number<uint64_t>(entry.dict->size()));
  for (size_t i = 0; i < entry.dict->size(); ++i)
    TFILE_TRY(put_array(fields, entry.dict->at(i)));
  return kOk;
}

Status put_value(GgufFields &fields, const DictEntry &entry) {
  const uint32_t type = gguf_entry_type(entry);
  TFILE_TRY(fields.string(entry.key));
  TFILE_TRY(fields.number(type));
  if (type == kGgufArray) return put_array(fields, entry);
  return type == kGgufString ? fields.string(entry.string) : fields.numbers(*entry.array);
}

}  // namespace

Status put_gguf_metadata(GgufFields &fields, uint64_t tensors, const Dict *metadata, uint64_t alignment) {
  const size_t values = metadata != nullptr ? metadata->size() : 0;
  TFILE_TRY(fields.bytes(kGgufMagic, sizeof(kGgufMagic)));
  TFILE_TRY(fields.number(kGgufVersion));
  TFILE_TRY(fields.number(tensors));
  TFILE_TRY(fields.number<uint64_t>(values + (alignment != 0 ? 1 : 0)));
  for (size_t i = 0; i < values; ++i)
    TFILE_TRY(put_value(fields, metadata->at(i)));
  if (alignment == 0) return kOk;
  TFILE_TRY(fields.string(kGgufAlignmentKey));
  TFILE_TRY(fields.number(kGgufUint32));
  return fields.number(static_cast<uint32_t>(alignment));
}

}  // namespace tfile
