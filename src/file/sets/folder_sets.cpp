#include "file/sets/folder_sets.h"

#include <algorithm>

#include "file/sets/part_name.h"
#include "file/sets/safetensors_index.h"
#include "io/file.h"

namespace tfile {

namespace {

bool is_before(Text a, Text b) {
  return compare(a, b) < 0;
}

bool contains(Span<const Text> sorted, Text name) {
  return std::binary_search(sorted.begin(), sorted.end(), name, is_before);
}

}  // namespace

Status FolderSets::read(bool *is_folder, Text folder, const Settings &settings) {
  Vec<char> path(settings.memory());
  TFILE_TRY(join(&path, folder.empty() ? Text(".") : folder, Text(), Text()));
  TFILE_TRY(for_each_name(is_folder, path.data(), add_name, this));
  std::sort(indexes_.begin(), indexes_.end(), [](const Index &a, const Index &b) { return is_before(a.name, b.name); });
  std::sort(first_parts_.begin(), first_parts_.end(), is_before);
  for (Index &index : indexes_)
    TFILE_TRY(read_index(index, folder, settings));
  TFILE_TRY(listed_.append(files_.data(), files_.size()));
  std::sort(listed_.begin(), listed_.end(), is_before);
  return kOk;
}

Status FolderSets::add_name(void *context, Text name) {
  auto &self = *static_cast<FolderSets *>(context);
  const Format *const format = format_of_path(name);
  PartName part;
  const bool first = format != nullptr && format->sets != SetKind::kNone && part.parse(name, format->extension) &&
                     part.number == 1 && part.count > 0;
  if (!first && !is_index_path(name)) return kOk;
  Text copy;
  TFILE_TRY(self.arena_.copy(&copy, name));
  return first ? self.first_parts_.push(copy) : self.indexes_.push(Index{copy});
}

// Reads the files that an index lists. An index that cannot be read is treated as listing none.
Status FolderSets::read_index(Index &index, Text folder, const Settings &settings) {
  Vec<char> path(settings.memory());
  Ref<Source> source;
  index.first = files_.size();
  TFILE_TRY(join(&path, folder, index.name, Text()));
  Status status = source_from_path(source, settings.memory(), path.data());
  if (status.ok()) status = read_index_files(&files_, arena_, *source, settings);
  if (status.code == TF_STATUS_OUT_OF_MEMORY) return status;
  if (!status.ok()) {
    while (files_.size() > index.first)
      files_.pop();
  }
  index.count = files_.size() - index.first;
  std::sort(files_.begin() + index.first, files_.end(), is_before);
  return kOk;
}

bool FolderSets::is_first_with_its_files(size_t index) const {
  const Span<const Text> files = indexes_[index].files(files_);
  if (files.empty()) return true;
  for (size_t i = 0; i < index; ++i) {
    const Span<const Text> others = indexes_[i].files(files_);
    if (std::equal(files.begin(), files.end(), others.begin(), others.end())) return false;
  }
  return true;
}

Status FolderSets::find_indexes(Vec<Text> *out, Text file) const {
  for (size_t i = 0; i < indexes_.size(); ++i) {
    if (contains(indexes_[i].files(files_), file) && is_first_with_its_files(i)) TFILE_TRY(out->push(indexes_[i].name));
  }
  return kOk;
}

// Returns false for an index of files that are not safetensors, such as pytorch_model.bin.index.json.
bool FolderSets::is_candidate(size_t index) const {
  const Span<const Text> files = indexes_[index].files(files_);
  const Format *const format = find_format(SetKind::kIndex);
  const auto is_shard = [format](Text file) { return format_of_path(file) == format; };
  const bool has_shards = std::any_of(files.begin(), files.end(), is_shard);
  return (files.empty() || has_shards) && is_first_with_its_files(index);
}

Status FolderSets::find_sets(Vec<Text> *out) const {
  for (size_t i = 0; i < indexes_.size(); ++i) {
    if (is_candidate(i)) TFILE_TRY(out->push(indexes_[i].name));
  }
  for (const Text part : first_parts_) {
    if (!contains(listed_.span(), part)) TFILE_TRY(out->push(part));
  }
  return kOk;
}

}  // namespace tfile
