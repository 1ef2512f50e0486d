#include "file/open.h"

#include "file/sets/folder_sets.h"
#include "file/sets/gguf_split.h"
#include "file/sets/numbered_parts.h"
#include "file/sets/part_name.h"
#include "file/sets/safetensors_index.h"
#include "io/file.h"

namespace tfile {

namespace {

// Appends the names of the files that the user can choose from to a message.
Status list_choices(Failure &failure, const Vec<Text> &names) {
  constexpr size_t kMost = 8;
  for (size_t i = 0; i < names.size() && i < kMost; ++i)
    (failure << (i == 0 ? ": " : ", ")).quoted(names[i]);
  if (names.size() > kMost) failure << " and " << static_cast<uint64_t>(names.size() - kMost) << " more";
  return failure;
}

// Opens the index that lists a shard. *found is false if there is none.
Status open_index_of(Ref<OpenedFile> &file, bool *found) {
  Memory &memory = file->settings.memory();
  const Text label = file->source->label;
  FolderSets sets(memory);
  Vec<Text> indexes(memory);
  bool is_folder = false;
  *found = false;
  TFILE_TRY(sets.read(&is_folder, folder_of(label), file->settings));
  TFILE_TRY(sets.find_indexes(&indexes, name_of(label)));
  if (indexes.empty()) return kOk;
  if (indexes.size() > 1) {
    Failure failure(TF_STATUS_INVALID_ARGUMENT);
    failure.in(label) << "is in several sets; open one of their indexes";
    return list_choices(failure, indexes);
  }
  Vec<char> path(memory);
  Ref<Source> index;
  Ref<OpenedFile> set;
  TFILE_TRY(join(&path, folder_of(label), indexes[0], Text()));
  TFILE_TRY(source_from_path(index, memory, path.data()));
  TFILE_TRY(open_index(set, index, file->settings));
  file = std::move(set);
  *found = true;
  return kOk;
}

// Opens the index of a shard with the name that it has by convention, if there is such an index and it lists the shard.
// *found is false otherwise.
Status resolve_index_of(Ref<OpenedFile> &file, bool *found) {
  Memory &memory = file->settings.memory();
  const Text label = file->source->label;
  const Text extension(file->format->extension);
  PartName name;
  *found = false;
  if (!name.parse_part(label, extension)) return kOk;
  const ErrorRecord before = error_record();
  Vec<char> path(memory);
  Ref<Source> index;
  TFILE_TRY(join(&path, name.prefix, extension, kIndexSuffix));
  const Status status = open_beside(index, memory, *file->source, path, folder_of(label).size());
  if (status.code == TF_STATUS_NOT_FOUND) {
    error_record() = before;
    return kOk;
  }
  TFILE_TRY(status);
  Arena arena(memory);
  Vec<Text> files(memory);
  TFILE_TRY(read_index_files(&files, arena, *index, file->settings));
  for (const Text listed : files)
    *found = *found || listed == name_of(label);
  if (!*found) return kOk;
  Ref<OpenedFile> set;
  TFILE_TRY(open_index(set, index, file->settings, file->source.get()));
  file = std::move(set);
  return kOk;
}

// Replaces an opened part by its whole set. Does nothing if the file is not part of a set.
Status open_whole_set(Ref<OpenedFile> &file) {
  bool found = false;
  if (file->format->sets == SetKind::kIndex) {
    TFILE_TRY(file->source->resolver ? resolve_index_of(file, &found) : open_index_of(file, &found));
  }
  if (file->format->sets == SetKind::kSplit) TFILE_TRY(open_split(file));
  return file->parts.empty() && file->format->sets != SetKind::kNone ? open_numbered(file) : kOk;
}

// Decides by its name whether a file is an index, unless the content is to decide and is of a format of arrays.
Status find_index(bool *is_index, const Source &source, tf_format format, const Settings &settings) {
  const Format *const wanted = find_format(format);
  const bool any = format == TF_FORMAT_AUTO || format == TF_FORMAT_BY_CONTENT;
  const bool may_be = any || (wanted != nullptr && wanted->sets == SetKind::kIndex);
  *is_index = may_be && is_index_path(source.label);
  if (format == TF_FORMAT_AUTO) format = static_cast<tf_format>(settings.get(TF_OPTION_FORMAT));
  if (!*is_index || format != TF_FORMAT_BY_CONTENT) return kOk;
  const Format *content = nullptr;
  TFILE_TRY(probe_source(&content, source));
  *is_index = content == nullptr;
  return kOk;
}

Status open_file(Ref<OpenedFile> &out, Ref<Source> source, tf_format format, const Settings &settings, bool whole_set) {
  bool is_index = false;
  TFILE_TRY(find_index(&is_index, *source, format, settings));
  if (is_index) return open_index(out, source, settings);
  Ref<OpenedFile> file;
  TFILE_TRY(open_source(file, std::move(source), format, settings));
  TFILE_TRY(whole_set ? open_whole_set(file) : note_other_parts(*file));
  out = std::move(file);
  return kOk;
}

// Opens the set of files in a folder. If it succeeds, the error record is what it was before, although files in the
// folder may not be readable.
Status open_folder(Ref<OpenedFile> &out, Text path, const Settings &settings) {
  const ErrorRecord before = error_record();
  Memory &memory = settings.memory();
  Vec<char> folder(memory);
  FolderSets sets(memory);
  Vec<Text> names(memory);
  bool listed = false;
  const bool ends = folder_of(path).size() == path.size();
  TFILE_TRY(join(&folder, path, ends ? Text() : Text("/"), Text()));
  const Text prefix(folder.data(), folder.size() - 1);
  TFILE_TRY(sets.read(&listed, prefix, settings));
  if (!listed) {
    return Failure(TF_STATUS_IO).in(path)
           << "expected a regular file, found a folder that cannot be listed: permission denied";
  }
  TFILE_TRY(sets.find_sets(&names));
  if (names.empty()) {
    return Failure(TF_STATUS_IO).in(path) << "expected a regular file, found a folder without a set of files: it has "
                                             "neither an index nor a first part";
  }
  if (names.size() > 1) {
    Failure failure(TF_STATUS_INVALID_ARGUMENT);
    failure.in(path) << "the folder has several sets of files; open a file of one of them with TF_OPTION_PARTS";
    return list_choices(failure, names);
  }
  Vec<char> entry(memory);
  Ref<Source> source;
  TFILE_TRY(join(&entry, prefix, names[0], Text()));
  TFILE_TRY(source_from_path(source, memory, entry.data()));
  TFILE_TRY(open_file(out, std::move(source), TF_FORMAT_AUTO, settings, true));
  error_record() = before;
  return kOk;
}

}  // namespace

Status open_path(Ref<OpenedFile> &out, const char *path, const Settings &settings) {
  Ref<Source> source;
  bool is_folder = false;
  TFILE_TRY(source_from_path(source, settings.memory(), path, &is_folder));
  if (is_folder) return open_folder(out, path, settings);
  return open_file(out, std::move(source), TF_FORMAT_AUTO, settings, settings.on(TF_OPTION_PARTS));
}

Status open_file_source(Ref<OpenedFile> &out, Ref<Source> source, tf_format format, const Settings &settings) {
  if (!has_siblings(*source) && !is_index_path(source->label)) {
    return open_source(out, std::move(source), format, settings);
  }
  return open_file(out, std::move(source), format, settings, settings.on(TF_OPTION_PARTS));
}

}  // namespace tfile
