#include "file/sets/set_files.h"

#include "file/sets/folder_sets.h"
#include "file/sets/part_name.h"
#include "file/sets/safetensors_index.h"
#include "io/file.h"

namespace tfile {

namespace {

class SetFiles {
 public:
  SetFiles(Vec<Text> &out, Arena &arena, const Settings &settings)
      : out_(out), arena_(arena), settings_(settings), path_(settings.memory()) {}

  Status list(Text path, bool by_part) {
    bool is_folder = false;
    TFILE_TRY(list_folder(&is_folder, path));
    if (is_folder) return kOk;
    if (is_index_path(path)) return list_index(path);
    return by_part ? list_parts(path) : kOk;
  }

 private:
  // Lists the set of a folder, unless it has none or several.
  Status list_folder(bool *is_folder, Text path) {
    FolderSets sets(settings_.memory());
    Vec<Text> names(settings_.memory());
    const bool ends = folder_of(path).size() == path.size();
    TFILE_TRY(join(&path_, path, ends ? Text() : Text("/"), Text()));
    Text folder;
    TFILE_TRY(arena_.copy(&folder, joined()));
    TFILE_TRY(sets.read(is_folder, folder, settings_));
    if (!*is_folder) return kOk;
    TFILE_TRY(sets.find_sets(&names));
    if (names.size() != 1) return kOk;
    Text entry;
    TFILE_TRY(join(&path_, folder, names[0], Text()));
    TFILE_TRY(arena_.copy(&entry, joined()));
    return is_index_path(entry) ? list_index(entry) : list_parts(entry);
  }

  Status list_index(Text path) {
    Ref<Source> index;
    Vec<Text> names(settings_.memory());
    TFILE_TRY(join(&path_, path, Text(), Text()));
    TFILE_TRY(source_from_path(index, settings_.memory(), path_.data()));
    TFILE_TRY(read_index_files(&names, arena_, *index, settings_));
    for (const Text name : names) {
      TFILE_TRY(join(&path_, folder_of(path), name, Text()));
      TFILE_TRY(append_path());
    }
    return kOk;
  }

  // Lists the set of a part: that of the one index that lists it, or else all parts with its name and other numbers.
  Status list_parts(Text path) {
    const Format *const format = format_of_path(path);
    if (format == nullptr || format->sets == SetKind::kNone) return kOk;
    if (format->sets == SetKind::kIndex) {
      bool is_folder = false;
      FolderSets sets(settings_.memory());
      Vec<Text> indexes(settings_.memory());
      TFILE_TRY(sets.read(&is_folder, folder_of(path), settings_));
      TFILE_TRY(sets.find_indexes(&indexes, name_of(path)));
      if (indexes.size() > 1) return kOk;
      if (indexes.size() == 1) {
        Text index;
        TFILE_TRY(join(&path_, folder_of(path), indexes[0], Text()));
        TFILE_TRY(arena_.copy(&index, joined()));
        return list_index(index);
      }
    }
    PartName name;
    if (!name.parse_part(path, format->extension)) return kOk;
    for (uint64_t number = 1; number <= name.count; ++number) {
      TFILE_TRY(make_part_path(&path_, name.prefix, number, name.count, format->extension));
      TFILE_TRY(append_path());
    }
    return kOk;
  }

  Text joined() const { return Text(path_.data(), path_.size() - 1); }
  Status append_path() {
    Text copy;
    TFILE_TRY(arena_.copy(&copy, joined()));
    return out_.push(copy);
  }

  Vec<Text> &out_;
  Arena &arena_;
  const Settings &settings_;
  Vec<char> path_;
};

}  // namespace

Status list_set_files(Vec<Text> *out, Arena &arena, Text path, bool by_part, const Settings &settings) {
  return SetFiles(*out, arena, settings).list(path, by_part);
}

}  // namespace tfile
