// Writes GGUF: makes the header in memory, and the data follow it unchanged.
#include <algorithm>

#include "base/utf8.h"
#include "format/gguf/gguf_fields.h"

namespace tfile {

namespace {

// What every reader accepts. TF_OPTION_GGUF_EXTENDED permits kGgufMaxRank and kMaxKey.
constexpr size_t kCommonRank = 4;
constexpr size_t kCommonName = 63;
constexpr size_t kMaxKey = 65535;  // and the longest name

// The alignment of array data.
struct Alignment {
  uint64_t value = kGgufAlignment;
  bool add_key = false;  // the metadata do not have it yet
};

// Finds the alignment that the settings and the metadata ask for. Returns false after writing to `why` if that is
// impossible.
bool find_alignment(Alignment *out, LineWriter &why, const SaveRequest &request) {
  const uint64_t asked = data_alignment(request.settings, 0);
  const DictEntry *const entry = request.metadata != nullptr ? request.metadata->find(kGgufAlignmentKey) : nullptr;
  if (entry == nullptr) {
    *out = Alignment{asked != 0 ? asked : kGgufAlignment, asked != 0};
    return true;
  }
  if (entry->kind != TF_KIND_ARRAY || entry->array->dtype->id != TF_DTYPE_UINT32 || entry->array->ndim != 0) {
    why << "expected a uint32 scalar";
    return false;
  }
  const uint64_t own = gguf_alignment(*request.metadata);
  if (!is_gguf_alignment(own)) {
    why << own << " is not a power of two of at most " << kGgufMaxAlignment;
  } else if (asked != 0 && asked != own) {
    why << own << " contradicts the option (" << option_name(TF_OPTION_ALIGNMENT) << "), " << asked;
  } else {
    *out = Alignment{own, false};
  }
  return why.size() == 0;
}

// Puts the record of a tensor, whose data begin at *offset, and moves *offset to the next tensor.
Status put_tensor(GgufFields &fields, const NamedArray &named, uint64_t alignment, Checked *offset) {
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

Status put_header(GgufFields &fields, const SaveRequest &request, const Alignment &alignment) {
  TFILE_TRY(
      put_gguf_metadata(fields, request.arrays.size(), request.metadata, alignment.add_key ? alignment.value : 0));
  Checked offset = 0;
  for (const NamedArray &named : request.arrays)
    TFILE_TRY(put_tensor(fields, named, alignment.value, &offset));
  return kOk;
}

// Returns why a key or the name of a tensor cannot be written, or NULL if it can.
const char *refuse_name(Text name) {
  if (name.empty()) return "the name is empty";
  static_assert(kMaxKey == 65535, "the message says so");
  if (name.size() > kMaxKey) return "the name has more than 65535 bytes";
  if (!is_utf8(name)) return "the name is not UTF-8";
  return memchr(name.data(), '\0', name.size()) != nullptr ? "the name contains a NUL" : nullptr;
}

void refuse_array(SaveRefusals &refusals, const NamedArray &named, bool extended) {
  const auto refuse = [&](Problem problem) -> SaveRefusals & {
    return refusals.add(Subject::kArray, named.name, problem);
  };
  const Array &array = *named.array;
  const uint64_t most = extended ? kGgufMaxRank : kCommonRank;
  uint32_t type = 0;
  if (const char *const reason = refuse_name(named.name); reason != nullptr) {
    refuse(Problem::kName) << reason;
  } else if (!extended && named.name.size() > kCommonName) {
    refuse(Problem::kName) << "the name has " << uint64_t{kCommonName + 1}
                           << " bytes or more; TF_OPTION_GGUF_EXTENDED permits " << uint64_t{kMaxKey};
  } else if (!gguf_tensor_type(&type, *array.dtype)) {
    refuse(Problem::kDtype) << "dtype " << array.dtype->name;
  } else if (array.ndim > most) {
    auto &reason = refuse(Problem::kRank)
                   << static_cast<uint64_t>(array.ndim) << " dimensions, at most " << most << " are possible";
    if (array.ndim <= kGgufMaxRank) reason << "; TF_OPTION_GGUF_EXTENDED permits " << uint64_t{kGgufMaxRank};
  }
}

// Checks the metadata.
class MetadataCheck {
 public:
  MetadataCheck(SaveRefusals &refusals, bool adds_alignment) : refusals_(refusals), values_(adds_alignment ? 1 : 0) {}

  void run(const Dict &metadata) {
    values_ += metadata.size();
    for (const DictEntry *entry : metadata.entries) {
      key_ = entry->key;
      if (const char *const reason = refuse_name(key_); reason != nullptr) {
        refuse(Problem::kName) << reason;
      } else {
        check_value(*entry, 1);
      }
    }
  }
  // Totals, for the limits.
  uint64_t values() const { return values_; }
  uint64_t levels() const { return levels_; }  // of nested arrays

 private:
  SaveRefusals &refuse(Problem problem) { return refusals_.add(Subject::kMetadata, key_, problem); }

  void check_value(const DictEntry &entry, size_t level) {
    uint32_t type = 0;
    if (gguf_entry_type(entry) == kGgufArray && level > levels_) levels_ = level;
    if (entry.kind == TF_KIND_ARRAY && !gguf_value_type(&type, *entry.array->dtype)) {
      refuse(Problem::kDtype) << "metadata of dtype " << entry.array->dtype->name;
    } else if (entry.kind == TF_KIND_ARRAY && entry.array->ndim > 1) {
      refuse(Problem::kRank) << "metadata of " << static_cast<uint64_t>(entry.array->ndim) << " dimensions";
    } else if (level > kGgufMaxLevels) {
      refuse(Problem::kValue) << "arrays nested deeper than " << uint64_t{kGgufMaxLevels};
    } else if (entry.kind == TF_KIND_DICT) {
      check_dict(*entry.dict, level);
    }
  }

  // Refuses a dict that is not what nested arrays are read as.
  void check_dict(const Dict &dict, size_t level) {
    values_ += dict.size();
    for (size_t i = 0; i < dict.size(); ++i) {
      const DictEntry &entry = dict.at(i);
      if (!(entry.key == DecimalName(i).text())) {
        refuse(Problem::kValue) << "a dict that names element " << static_cast<uint64_t>(i) << " '" << entry.key << "'";
        return;
      }
      if (gguf_entry_type(entry) != kGgufArray) {
        refuse(Problem::kValue) << "element " << entry.key << " of a dict is not an array, a list or a dict";
        return;
      }
      check_value(entry, level + 1);
    }
  }

  SaveRefusals &refusals_;
  Text key_;
  uint64_t values_;
  uint64_t levels_ = 0;
};

// Refuses what a load with the same settings would refuse.
Status check_limits(const SaveRequest &request, const Alignment &alignment, const MetadataCheck &metadata) {
  const Settings &settings = request.settings;
  GgufFields header(nullptr);
  TFILE_TRY(put_header(header, request, alignment));
  if (!header.size().valid()) return Failure(TF_STATUS_UNSUPPORTED) << "the header does not fit in a file";
  const struct {
    uint64_t count;
    const char *things;
    Limit limit;
  } rows[] = {
      {request.arrays.size(), kGgufManyArrays, {TF_OPTION_MAX_ARRAYS, settings.limit(TF_OPTION_MAX_ARRAYS)}},
      {metadata.values(), kGgufManyValues, {TF_OPTION_MAX_METADATA, settings.limit(TF_OPTION_MAX_METADATA)}},
      {metadata.levels(),
       " levels of nested arrays are more than ",
       {TF_OPTION_MAX_NESTING, settings.limit(TF_OPTION_MAX_NESTING)}},
      {header.size().value(), " bytes of header are more than ", {TF_OPTION_MAX_HEADER_BYTES, header_limit(settings)}},
  };
  for (const auto &row : rows) {
    if (row.count <= row.limit.value) continue;
    TFILE_TRY(SaveRefusal(request.report, TF_STATUS_LIMIT, Problem::kLimit) << row.count << row.things << row.limit);
  }
  return kOk;
}

}  // namespace

Status check_gguf(const SaveRequest &request) {
  Alignment alignment;
  char buffer[128];
  LineWriter why(buffer, sizeof(buffer));
  if (!find_alignment(&alignment, why, request)) {
    TFILE_TRY(
        SaveRefusal(request.report, TF_STATUS_INVALID_ARGUMENT, Subject::kMetadata, kGgufAlignmentKey, Problem::kValue)
        << why.text());
  }
  const Limit name{TF_OPTION_MAX_NAME_BYTES, request.settings.limit(TF_OPTION_MAX_NAME_BYTES)};
  if (alignment.add_key && kGgufAlignmentKey.size() > name.value) {
    TFILE_TRY(SaveRefusal(request.report, TF_STATUS_LIMIT, Subject::kMetadata, kGgufAlignmentKey, Problem::kLimit)
              << static_cast<uint64_t>(kGgufAlignmentKey.size()) << " bytes are more than " << name);
  }
  SaveRefusals refusals(request.report);
  for (const NamedArray &named : request.arrays)
    refuse_array(refusals, named, request.settings.on(TF_OPTION_GGUF_EXTENDED));
  MetadataCheck metadata(refusals, alignment.add_key);
  if (request.metadata != nullptr) metadata.run(*request.metadata);
  TFILE_TRY(refusals.result(TF_STATUS_UNSUPPORTED, "gguf cannot hold"));
  return request.is_refused() ? kOk : check_limits(request, alignment, metadata);
}

Status lay_out_gguf(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Alignment alignment;
  Vec<uint8_t> header(memory);
  GgufFields fields(&header);
  char unused[128];
  LineWriter why(unused, sizeof(unused));
  (void)find_alignment(&alignment, why, request);
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
