// FolderSets: finds the sets of files in a folder.
#pragma once

#include "base/arena.h"
#include "file/opened_file.h"

namespace tfile {

// Finds the files by which the sets of a folder can be opened: indexes, and first parts that no index lists.
class FolderSets {
 public:
  explicit FolderSets(Memory &memory)
      : arena_(memory), indexes_(memory), first_parts_(memory), files_(memory), listed_(memory) {}
  FolderSets(const FolderSets &) = delete;
  FolderSets &operator=(const FolderSets &) = delete;

  // Reads the names in a folder. The path ends with a separator, or is "" for the current folder. *is_folder is false
  // if the folder cannot be listed.
  Status read(bool *is_folder, Text folder, const Settings &settings);
  // Appends the names of the indexes that list a file of the folder. If several indexes list the same files, appends
  // only the first.
  Status find_indexes(Vec<Text> *out, Text file) const;
  // Appends the names of the files that the sets of the folder can be opened by.
  Status find_sets(Vec<Text> *out) const;

 private:
  struct Index {
    Text name;
    size_t first = 0;  // index in files_ of its first file; its files are sorted
    size_t count = 0;  // number of its files; 0 if the index could not be read

    Span<const Text> files(const Vec<Text> &all) const { return all.span().from(first).first(count); }
  };

  static Status add_name(void *context, Text name);
  Status read_index(Index &index, Text folder, const Settings &settings);
  bool is_first_with_its_files(size_t index) const;
  bool is_candidate(size_t index) const;

  Arena arena_;
  Vec<Index> indexes_;     // sorted by name
  Vec<Text> first_parts_;  // sorted
  Vec<Text> files_;        // the files of the first index, then those of the next, and so on
  Vec<Text> listed_;       // the same files in sorted order
};

}  // namespace tfile
