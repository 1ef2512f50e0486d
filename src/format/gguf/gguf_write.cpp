// Writes GGUF: makes the header in memory, and the data follow it unchanged.
#include <algorithm>

#include "base/endian.h"
#include "base/utf8.h"
#include "core/copy.h"
#include "format/gguf/gguf.h"

namespace tfile {

namespace {

// What every reader accepts. TF_OPTION_GGUF_EXTENDED permits kGgufMaxRank and kMaxKey.
constexpr size_t kCommonRank = 4;
constexpr size_t kCommonName = 63;
constexpr size_t kMaxKey = 65535;  // and the longest name

// Appends the fields of a header to `out`, or only counts their bytes if it is NULL.
class Fields {
 public:
  explicit Fields(Vec<uint8_t> *out) : out_(out) {}

  Checked size() const { return size_; }
  Status bytes(const void *from, size_t nbytes) {
    size_ = size_ + nbytes;
    return out_ != nullptr ? out_->append(static_cast<const uint8_t *>(from), nbytes) : kOk;
  }
  template <typename T>
  Status number(T value) {
    uint8_t stored[sizeof(T)];
    store_le(stored, value);
    return bytes(stored, sizeof(T));
  }
  Status string(Text text) {
    TFILE_TRY(number<uint64_t>(text.size()));
    return bytes(text.data(), text.size());
  }
  // Appends the elements of an array, little-endian and in C order. gguf_value_type() knows its dtype.
  Status numbers(const Array &array) {
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
      if (kHostIsBig && item > 1) (void)swap_bytes(*array.dtype, piece, nbytes);
      TFILE_TRY(bytes(piece, nbytes));
    }
    return kOk;
  }

 private:
  Vec<uint8_t> *out_;
  Checked size_ = 0;
};

// The alignment of array data.
struct Alignment {
  uint64_t value = kGgufAlignment;
  bool add_key = false;  // the metadata do not have it yet
};

Status find_alignment(Alignment *out, const SaveRequest &request) {
  const uint64_t asked = data_alignment(request.settings, 0);
  const DictEntry *const entry = request.metadata != nullptr ? request.metadata->find(kGgufAlignmentKey) : nullptr;
  if (entry == nullptr) {
    *out = Alignment{asked != 0 ? asked : kGgufAlignment, asked != 0};
    return kOk;
  }
  if (entry->kind != TF_KIND_ARRAY || entry->array->dtype->id != TF_DTYPE_UINT32 || entry->array->ndim != 0) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).key(kGgufAlignmentKey) << "expected a uint32 scalar";
  }
  uint32_t own = 0;
  memcpy(&own, entry->array->data, sizeof(own));
  if (!is_gguf_alignment(own)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).key(kGgufAlignmentKey)
           << own << " is not a power of two of at most " << kGgufMaxAlignment;
  }
  if (asked != 0 && asked != own) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).key(kGgufAlignmentKey)
           << own << " contradicts the option (alignment), " << asked;
  }
  *out = Alignment{own, false};
  return kOk;
}

// Returns the type of a metadata value that check_gguf() has accepted.
uint32_t entry_type(const DictEntry &entry) {
  uint32_t type = kGgufArray;
  if (entry.kind == TF_KIND_STRING) return kGgufString;
  if (entry.kind == TF_KIND_ARRAY && entry.array->ndim == 0) gguf_value_type(&type, *entry.array->dtype);
  return type;
}

// Puts what follows the type of an array: the type of its elements, their number, and the elements.
Status put_array(Fields &fields, const DictEntry &entry) {
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

Status put_value(Fields &fields, const DictEntry &entry) {
  const uint32_t type = entry_type(entry);
  TFILE_TRY(fields.string(entry.key));
  TFILE_TRY(fields.number(type));
  if (type == kGgufArray) return put_array(fields, entry);
  return type == kGgufString ? fields.string(entry.string) : fields.numbers(*entry.array);
}

// Puts the record of a tensor, whose data begin at *offset, and moves *offset to the next tensor.
Status put_tensor(Fields &fields, const NamedArray &named, uint64_t alignment, Checked *offset) {
  const Array &array = *named.array;
  uint32_t type = 0;
  gguf_tensor_type(&type, *array.dtype);
  TFILE_TRY(fields.string(named.name));
  TFILE_TRY(fields.number(static_cast<uint32_t>(array.ndim)));
  for (size_t i = array.ndim; i-- > 0;)
    TFILE_TRY(fields.number(static_cast<uint64_t>(array.shape()[i])));
  TFILE_TRY(fields.number(type));
  TFILE_TRY(fields.number(offset->value()));
  *offset = (*offset + array.nbytes).align_up(alignment);
  if (offset->valid()) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED).array(named.name) << "the data of all arrays do not fit in a file";
}

Status put_header(Fields &fields, const SaveRequest &request, const Alignment &alignment) {
  const size_t values = request.metadata != nullptr ? request.metadata->size() : 0;
  TFILE_TRY(fields.bytes(kGgufMagic, sizeof(kGgufMagic)));
  TFILE_TRY(fields.number(kGgufVersion));
  TFILE_TRY(fields.number<uint64_t>(request.arrays.size()));
  TFILE_TRY(fields.number<uint64_t>(values + (alignment.add_key ? 1 : 0)));
  for (size_t i = 0; i < values; ++i)
    TFILE_TRY(put_value(fields, request.metadata->at(i)));
  if (alignment.add_key) {
    TFILE_TRY(fields.string(kGgufAlignmentKey));
    TFILE_TRY(fields.number(kGgufUint32));
    TFILE_TRY(fields.number(static_cast<uint32_t>(alignment.value)));
  }
  Checked offset = 0;
  for (const NamedArray &named : request.arrays)
    TFILE_TRY(put_tensor(fields, named, alignment.value, &offset));
  return kOk;
}

// Returns why a key or the name of a tensor cannot be written, or NULL if it can.
const char *refuse_name(Text name) {
  if (name.empty()) return "the name is empty";
  if (name.size() > kMaxKey) return "the name has more than 65535 bytes";
  if (!is_utf8(name)) return "the name is not UTF-8";
  return memchr(name.data(), '\0', name.size()) != nullptr ? "the name contains a NUL" : nullptr;
}

void refuse_array(Refusals &refusals, const NamedArray &named, bool extended) {
  const Array &array = *named.array;
  const uint64_t most = extended ? kGgufMaxRank : kCommonRank;
  uint32_t type = 0;
  if (const char *const reason = refuse_name(named.name); reason != nullptr) {
    refusals.add(named.name) << reason;
  } else if (!extended && named.name.size() > kCommonName) {
    refusals.add(named.name) << "the name has 64 bytes or more; TF_OPTION_GGUF_EXTENDED permits 65535";
  } else if (!gguf_tensor_type(&type, *array.dtype)) {
    refusals.add(named.name) << "dtype " << array.dtype->name;
  } else if (array.ndim > most) {
    refusals.add(named.name) << static_cast<uint64_t>(array.ndim) << " dimensions, at most " << most << " are possible";
    if (array.ndim <= kGgufMaxRank) refusals << "; TF_OPTION_GGUF_EXTENDED permits 8";
  }
}

// Totals of the metadata, for the limits.
struct Tally {
  uint64_t values = 0;
  uint64_t levels = 0;  // of nested arrays
};

// Refuses a value, or adds what is in it to the tally.
void refuse_value(Refusals &refusals, Text key, const DictEntry &entry, size_t level, Tally *tally);

// Refuses a dict that is not what nested arrays are read as.
void refuse_dict(Refusals &refusals, Text key, const Dict &dict, size_t level, Tally *tally) {
  tally->values += dict.size();
  for (size_t i = 0; i < dict.size(); ++i) {
    const DictEntry &entry = dict.at(i);
    if (!(entry.key == DecimalName(i).text())) {
      refusals.add(key) << "a dict that names element " << static_cast<uint64_t>(i) << " '" << entry.key << "'";
      return;
    }
    if (entry_type(entry) != kGgufArray) {
      refusals.add(key) << "element " << entry.key << " of a dict is not an array, a list or a dict";
      return;
    }
    refuse_value(refusals, key, entry, level + 1, tally);
  }
}

void refuse_value(Refusals &refusals, Text key, const DictEntry &entry, size_t level, Tally *tally) {
  uint32_t type = 0;
  if (entry_type(entry) == kGgufArray && level > tally->levels) tally->levels = level;
  if (entry.kind == TF_KIND_ARRAY && !gguf_value_type(&type, *entry.array->dtype)) {
    refusals.add(key) << "metadata of dtype " << entry.array->dtype->name;
  } else if (entry.kind == TF_KIND_ARRAY && entry.array->ndim > 1) {
    refusals.add(key) << "metadata of " << static_cast<uint64_t>(entry.array->ndim) << " dimensions";
  } else if (level > kGgufMaxLevels) {
    refusals.add(key) << "arrays nested deeper than " << uint64_t{kGgufMaxLevels};
  } else if (entry.kind == TF_KIND_DICT) {
    refuse_dict(refusals, key, *entry.dict, level, tally);
  }
}

// Refuses what a load with the same settings would refuse.
Status check_limits(const SaveRequest &request, const Alignment &alignment, const Tally &tally) {
  const Settings &settings = request.settings;
  Fields header(nullptr);
  TFILE_TRY(put_header(header, request, alignment));
  if (!header.size().valid()) return Failure(TF_STATUS_UNSUPPORTED) << "the header does not fit in a file";
  const struct {
    uint64_t count;
    uint64_t limit;
    const char *things;
  } rows[] = {
      {request.arrays.size(), settings.limit(TF_OPTION_MAX_ARRAYS), kGgufTooManyArrays},
      {tally.values, settings.limit(TF_OPTION_MAX_METADATA), kGgufTooManyValues},
      {tally.levels, settings.limit(TF_OPTION_MAX_NESTING),
       " levels of nested arrays are more than the limit (max_nesting) of "},
      {header.size().value(), header_limit(settings),
       " bytes of header are more than the limit (max_header_bytes) of "},
  };
  for (const auto &row : rows) {
    if (row.count > row.limit) return Failure(TF_STATUS_LIMIT) << row.count << row.things << row.limit;
  }
  return kOk;
}

}  // namespace

Status check_gguf(const SaveRequest &request) {
  Alignment alignment;
  Refusals refusals;
  TFILE_TRY(find_alignment(&alignment, request));
  for (const NamedArray &named : request.arrays)
    refuse_array(refusals, named, request.settings.on(TF_OPTION_GGUF_EXTENDED));
  const size_t count = request.metadata != nullptr ? request.metadata->size() : 0;
  Tally tally{count + (alignment.add_key ? 1 : 0), 0};
  for (size_t i = 0; i < count; ++i) {
    const DictEntry &entry = request.metadata->at(i);
    if (const char *const reason = refuse_name(entry.key); reason != nullptr) {
      refusals.add(entry.key) << reason;
    } else {
      refuse_value(refusals, entry.key, entry, 1, &tally);
    }
  }
  TFILE_TRY(refusals.result(TF_STATUS_UNSUPPORTED, "", "gguf cannot hold"));
  return check_limits(request, alignment, tally);
}

Status lay_out_gguf(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Alignment alignment;
  Vec<uint8_t> header(memory);
  Fields fields(&header);
  TFILE_TRY(find_alignment(&alignment, request));
  TFILE_TRY(put_header(fields, request, alignment));
  TFILE_TRY(layout.write(header.data(), header.size()));
  TFILE_TRY(layout.pad_to(alignment.value));
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    TFILE_TRY(layout.add_array(i, request.arrays[i].array->nbytes));
    TFILE_TRY(layout.pad_to(alignment.value));
  }
  return kOk;
}

}  // namespace tfile
