// Writes safetensors.
#include <algorithm>

#include "base/endian.h"
#include "base/utf8.h"
#include "codec/json_text.h"
#include "format/safetensors/safetensors.h"

namespace tfile {

namespace {

// An array to save, its dtype in the header, and its offset in the data section.
struct Item {
  const NamedArray *named;  // points into the request
  const SafetensorsDtype *dtype;
  uint64_t begin;
  uint64_t key;  // bytes of the name by which nearly all pairs can be compared without reading their names
};

// Returns how many bytes all names have in common at their start.
size_t common_prefix(Span<const NamedArray> arrays) {
  if (arrays.empty()) return 0;
  Text prefix = arrays[0].name;
  for (const NamedArray &named : arrays) {
    size_t same = 0;
    while (same < prefix.size() && same < named.name.size() && prefix[same] == named.name[same])
      ++same;
    prefix = prefix.first(same);
  }
  return prefix.size();
}

// Returns the bytes of a name after the common prefix as a number that is greater if they sort later.
uint64_t sort_key(Text name, size_t prefix) {
  const Text rest = Text(name.from(prefix)).first(sizeof(uint64_t));
  uint64_t key = 0;
  if (!rest.empty()) memcpy(&key, rest.data(), rest.size());
  return kHostIsBig ? key : byteswap(key);
}

// The contents of a header: the arrays in the order of the reference implementation (or of the request, if the data
// arrives in that order), and the metadata sorted by key.
struct Plan {
  explicit Plan(Memory &memory) : items(memory), metadata(memory) {}
  Status make(const SaveRequest &request);

  Vec<Item> items;
  Vec<const DictEntry *> metadata;
};

// Returns the row of a dtype, or NULL. Tries the previous array's dtype first, because most arrays have the same dtype.
const SafetensorsDtype *same_or_find(const SafetensorsDtype *previous, tf_dtype id) {
  return previous != nullptr && previous->id == id ? previous : safetensors_dtype(id);
}

Status Plan::make(const SaveRequest &request) {
  TFILE_TRY(items.reserve(request.arrays.size()));
  const size_t prefix = request.forward ? 0 : common_prefix(request.arrays);
  const SafetensorsDtype *dtype = nullptr;
  for (const NamedArray &named : request.arrays) {
    dtype = same_or_find(dtype, named.array->dtype->id);
    TFILE_TRY(items.push(Item{&named, dtype, 0, sort_key(named.name, prefix)}));
  }
  const auto before = [](const Item &a, const Item &b) {
    if (a.dtype != b.dtype) return a.dtype > b.dtype;
    return a.key != b.key ? a.key < b.key : compare(a.named->name, b.named->name) < 0;
  };
  if (!request.forward) std::sort(items.begin(), items.end(), before);
  Checked end = 0;
  for (Item &item : items) {
    item.begin = end.value();
    end = end + item.named->array->nbytes;
    if (!end.valid()) return Failure(TF_STATUS_UNSUPPORTED) << "safetensors cannot hold 2^63 bytes or more";
  }
  if (request.metadata == nullptr) return kOk;
  for (const DictEntry *entry : request.metadata->entries)
    TFILE_TRY(metadata.push(entry));
  std::sort(metadata.begin(), metadata.end(),
            [](const DictEntry *a, const DictEntry *b) { return compare(a->key, b->key) < 0; });
  return kOk;
}

Status put_metadata(JsonText &json, const Plan &plan) {
  TFILE_TRY(json.put("\"__metadata__\":{"));
  for (size_t i = 0; i < plan.metadata.size(); ++i) {
    if (i > 0) TFILE_TRY(json.put(","));
    TFILE_TRY(json.string(plan.metadata[i]->key));
    TFILE_TRY(json.put(":"));
    TFILE_TRY(json.string(plan.metadata[i]->string));
  }
  return json.put("}");
}

Status put_item(JsonText &json, const Item &item) {
  const Array &array = *item.named->array;
  TFILE_TRY(json.string(item.named->name));
  TFILE_TRY(json.put(":{\"dtype\":\""));
  TFILE_TRY(json.put(item.dtype->text));
  TFILE_TRY(json.put("\",\"shape\":["));
  for (size_t i = 0; i < array.ndim; ++i) {
    if (i > 0) TFILE_TRY(json.put(","));
    TFILE_TRY(json.number(static_cast<uint64_t>(array.shape()[i])));
  }
  TFILE_TRY(json.put("],\"data_offsets\":["));
  TFILE_TRY(json.number(item.begin));
  TFILE_TRY(json.put(","));
  TFILE_TRY(json.number(item.begin + array.nbytes));
  return json.put("]}");
}

Status put_header(JsonText &json, const Plan &plan) {
  TFILE_TRY(json.put("{"));
  if (!plan.metadata.empty()) TFILE_TRY(put_metadata(json, plan));
  for (size_t i = 0; i < plan.items.size(); ++i) {
    if (i > 0 || !plan.metadata.empty()) TFILE_TRY(json.put(","));
    TFILE_TRY(put_item(json, plan.items[i]));
  }
  return json.put("}");
}

// Returns a size that the header cannot exceed, without making a plan.
Checked header_bound(const SaveRequest &request) {
  constexpr uint64_t kEscaped = 6;  // the longest form of a byte in JSON
  constexpr uint64_t kNumber = 21;  // a number of 64 bits and a comma
  constexpr uint64_t kMember = 80;  // the keys, quotes and brackets of an array, and its dtype
  Checked bound = kMember + data_alignment(request.settings);
  Checked data = 0;
  for (const NamedArray &named : request.arrays) {
    bound = bound + Checked(named.name.size()) * kEscaped + (named.array->ndim + 2) * kNumber + kMember;
    data = data + named.array->nbytes;
  }
  if (!data.valid()) return Checked::invalid();  // a plan fails with the reason
  if (request.metadata == nullptr) return bound;
  for (const DictEntry *entry : request.metadata->entries)
    bound = bound + (Checked(entry->key.size()) + entry->string.size()) * kEscaped + kMember;
  return bound;
}

// Returns why an array cannot have a name, or NULL.
const char *name_refusal(Text name) {
  if (name == kSafetensorsMetadata) return "the name is reserved for metadata";
  if (!name.empty() && memchr(name.data(), '\0', name.size()) != nullptr) return "the name contains a NUL";
  return is_utf8(name) ? nullptr : "the name is not UTF-8";
}

// Refuses arrays that the format cannot hold.
void refuse_arrays(SaveRefusals &refusals, Span<const NamedArray> arrays) {
  const SafetensorsDtype *dtype = nullptr;
  for (const NamedArray &named : arrays) {
    dtype = same_or_find(dtype, named.array->dtype->id);
    if (const char *const why = name_refusal(named.name); why != nullptr) {
      refusals.add(Subject::kArray, named.name, Problem::kName) << why;
    } else if (dtype == nullptr) {
      refusals.add(Subject::kArray, named.name, Problem::kDtype)
          << named.array->dtype->name << " has no safetensors dtype";
    }
  }
}

// Refuses metadata that the format cannot hold. *all_strings becomes false if a value is not a string.
void refuse_metadata(SaveRefusals &refusals, bool *all_strings, const Dict &metadata) {
  *all_strings = true;
  for (const DictEntry *entry : metadata.entries) {
    if (entry->kind != TF_KIND_STRING) {
      *all_strings = false;
      refusals.add(Subject::kMetadata, entry->key, Problem::kKind) << "metadata that is not a string";
    } else if (!is_utf8(entry->key) || !is_utf8(entry->string)) {
      refusals.add(Subject::kMetadata, entry->key, is_utf8(entry->key) ? Problem::kValue : Problem::kName)
          << "metadata that is not UTF-8";
    }
  }
}

}  // namespace

Status check_safetensors(const SaveRequest &request) {
  SaveRefusals refusals(request.report);
  refuse_arrays(refusals, request.arrays);
  const bool arrays_fit = !refusals.any();
  bool all_strings = true;
  if (request.metadata != nullptr) refuse_metadata(refusals, &all_strings, *request.metadata);
  const tf_status status = arrays_fit && !all_strings ? TF_STATUS_TYPE : TF_STATUS_UNSUPPORTED;
  TFILE_TRY(refusals.result(status, "safetensors cannot hold"));
  if (request.is_refused()) return kOk;
  const uint64_t limit = header_limit(request.settings);
  const Checked bound = header_bound(request);
  if (bound.valid() && bound.value() <= limit) return kOk;
  Plan plan(request.settings.memory());
  TFILE_TRY(plan.make(request));
  JsonText json(nullptr);
  TFILE_TRY(put_header(json, plan));
  const uint64_t length =
      (Checked(json.size()) + kSafetensorsLength).align_up(data_alignment(request.settings)).value();
  if (length - kSafetensorsLength <= limit) return kOk;
  return SaveRefusal(request.report, TF_STATUS_LIMIT, Problem::kLimit)
         << "the safetensors header would have " << length - kSafetensorsLength << " bytes, more than "
         << Limit{TF_OPTION_MAX_HEADER_BYTES, limit};
}

Status lay_out_safetensors(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Plan plan(memory);
  TFILE_TRY(plan.make(request));
  Vec<char> header(memory);
  TFILE_TRY(header.resize(kSafetensorsLength));
  JsonText json(&header);
  TFILE_TRY(put_header(json, plan));
  const uint64_t alignment = data_alignment(request.settings);
  const size_t written = header.size();
  TFILE_TRY(header.resize(static_cast<size_t>(Checked(written).align_up(alignment).value())));
  memset(header.data() + written, ' ', header.size() - written);
  store_le(header.data(), static_cast<uint64_t>(header.size() - kSafetensorsLength));
  TFILE_TRY(layout.write(header.data(), header.size()));
  for (const Item &item : plan.items) {
    const auto index = static_cast<size_t>(item.named - request.arrays.data());
    TFILE_TRY(layout.add_array(index, item.named->array->nbytes));
  }
  return kOk;
}

}  // namespace tfile
