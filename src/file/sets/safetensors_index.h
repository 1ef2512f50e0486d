// The index of sharded safetensors (NAME.safetensors.index.json): which file has which array.
#pragma once

#include "file/opened_file.h"
#include "file/sets/part_plan.h"

namespace tfile {

inline constexpr char kIndexSuffix[] = ".index.json";

// True if a path has the name of such an index.
bool is_index_path(Text path);

// Opens the files that an index lists as one set.
Status open_index(Ref<OpenedFile> &out, const Ref<Source> &index, const Settings &settings);

// Reads the names of the files that an index lists into *out. They are copied to the arena, NUL-terminated, and are never
// paths: the files are in the folder of the index.
Status read_index_files(Vec<Text> *out, Arena &arena, const Source &index, const Settings &settings);

// The text of the index of a set, as Python's json.dumps(indent=2, sort_keys=True) prints it, which is how other programs
// write such files.
Status make_index(Vec<char> *text, const PartPlan &plan);

}  // namespace tfile
