#include "file/sets/gguf_split.h"

#include "file/sets/opened_set.h"
#include "format/gguf/gguf.h"

namespace tfile {

namespace {

constexpr char kSplitNo[] = "split.no";
constexpr char kSplitCount[] = "split.count";
constexpr char kSplitTensors[] = "split.tensors.count";

// Returns the value of an integer key, or -1 if there is none.
int64_t split_value(const Dict &metadata, Text key) {
  const DictEntry *const entry = metadata.find(key);
  int64_t value = -1;
  if (entry == nullptr || entry->kind != TF_KIND_ARRAY || entry->array->ndim != 0) return -1;
  return item_int64(&value, *entry->array, {}).ok() ? value : -1;
}

Status expect_split_value(const OpenedFile &part, Text key, uint64_t expected, const char *from) {
  const int64_t found = split_value(*part.listing.metadata, key);
  if (found >= 0 && static_cast<uint64_t>(found) == expected) return kOk;
  Failure failure(TF_STATUS_CORRUPT);
  failure.in(part.source->label).key(key) << "expected " << expected << ", as " << from << " says, found ";
  if (found < 0) return failure << "none";
  return failure << found;
}

bool is_split_key(Text key) {
  return key == Text(kSplitNo) || key == Text(kSplitCount) || key == Text(kSplitTensors);
}

// Adds the part with this index, which was opened last, to the set. The metadata of the first part become those of the
// set.
Status adopt_split(OpenedFile &set, const OpenedFile &part, uint64_t index, uint64_t count, uint64_t total) {
  const Settings &settings = set.settings;
  TFILE_TRY(settings.collect(expect_split_value(part, kSplitNo, index, "its name")));
  TFILE_TRY(settings.collect(expect_split_value(part, kSplitCount, count, "its name")));
  TFILE_TRY(settings.collect(expect_split_value(part, kSplitTensors, total, "the part that was named")));
  TFILE_TRY(adopt_members(set, part));
  if (index > 0) return kOk;
  for (const DictEntry *value : part.listing.metadata->entries) {
    if (!is_split_key(value->key)) TFILE_TRY(set.listing.metadata->set_value(value->key, *value));
  }
  return kOk;
}

}  // namespace

bool find_split(PartName *part, const OpenedFile &file) {
  if (file.format->sets != SetKind::kSplit) return false;
  const int64_t index = split_value(*file.listing.metadata, kSplitNo);
  const int64_t count = split_value(*file.listing.metadata, kSplitCount);
  if (index < 0 || index >= count || count < 2 || count > file.format->max_parts) return false;
  part->number = static_cast<uint64_t>(index) + 1;
  part->count = static_cast<uint64_t>(count);
  return true;
}

Status open_split(Ref<OpenedFile> &file) {
  const Dict &metadata = *file->listing.metadata;
  if (file->format->sets != SetKind::kSplit || metadata.find(kSplitCount) == nullptr) return kOk;
  const Text extension(file->format->extension);
  PartName name;
  if (!name.parse(file->source->label, extension) || name.number == 0 || name.number > name.count) {
    return Failure(TF_STATUS_CORRUPT).in(file->source->label).key(kSplitCount)
           << "the file is a part of several, but its name does not end in -NNNNN-of-NNNNN" << extension;
  }
  const int64_t total = split_value(metadata, kSplitTensors);
  if (total < 0) {
    return Failure(TF_STATUS_CORRUPT).in(file->source->label).key(kSplitTensors)
           << "a part of several files should say how many arrays they have together";
  }
  Ref<OpenedFile> set;
  TFILE_TRY(open_all_parts(set, *file, name, [&](OpenedFile &to, const OpenedFile &part, uint64_t index) {
    return adopt_split(to, part, index, name.count, static_cast<uint64_t>(total));
  }));
  const bool complete = set->parts.size() == name.count;
  if (complete && set->listing.members.size() != static_cast<uint64_t>(total)) {
    return Failure(TF_STATUS_CORRUPT).in(file->source->label).key(kSplitTensors)
           << "the parts should have " << total << " arrays together, and have "
           << static_cast<uint64_t>(set->listing.members.size());
  }
  file = std::move(set);
  return kOk;
}

Status read_split_count(uint64_t *count, const char *path, const Format &format, const Settings &settings) {
  *count = 0;
  Ref<Source> source;
  Ref<OpenedFile> file;
  TFILE_TRY(source_from_path(source, settings.memory(), path));
  TFILE_TRY(open_source(file, source, format.id, settings));
  PartName name;
  if (!name.parse(source->label, format.extension)) return kOk;
  const Dict &metadata = *file->listing.metadata;
  const int64_t stated = split_value(metadata, kSplitCount);
  if (split_value(metadata, kSplitNo) != 0 || stated < 0 || static_cast<uint64_t>(stated) != name.count) return kOk;
  *count = name.count;
  return kOk;
}

Status make_split_metadata(Ref<Dict> &out, const SaveRequest &request, size_t part, size_t count) {
  TFILE_TRY(make_dict(out, request.settings.memory()));
  if (request.metadata != nullptr) {
    for (const DictEntry *entry : request.metadata->entries) {
      if (part == 0 || entry->key == kGgufAlignmentKey) TFILE_TRY(out->set_value(entry->key, *entry));
    }
  }
  const auto index = static_cast<uint16_t>(part);
  const auto total = static_cast<uint16_t>(count);
  const auto arrays = static_cast<int32_t>(request.arrays.size());
  TFILE_TRY(out->set_scalar(kSplitNo, TF_DTYPE_UINT16, &index));
  TFILE_TRY(out->set_scalar(kSplitCount, TF_DTYPE_UINT16, &total));
  return out->set_scalar(kSplitTensors, TF_DTYPE_INT32, &arrays);
}

}  // namespace tfile
