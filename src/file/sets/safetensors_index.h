// The index of sharded safetensors, such as NAME.safetensors.index.json: which file has which array.
#pragma once

#include "file/opened_file.h"
#include "file/sets/part_plan.h"

namespace tfile {

inline constexpr char kIndexSuffix[] = ".index.json";

// True if a path has the name of such an index. Libraries of Hugging Face write NAME.safetensors.index.json, or the
// name of a variant, VARIANT, in one of two places: NAME.safetensors.VARIANT.index.json and
// NAME.safetensors.index.VARIANT.json.
bool is_index_path(Text path);

// Opens all files that an index lists as one set. `beside` is the source that finds them; NULL: the index itself.
Status open_index(Ref<OpenedFile> &out, const Ref<Source> &index, const Settings &settings, Source *beside = nullptr);

// Reads the paths of the files that an index lists into *out. They are copied to the arena, NUL-terminated. Each is
// relative to the folder of the index and below it: it has neither ".." nor "." in it, and "/" between the names of
// folders.
Status read_index_files(Vec<Text> *out, Arena &arena, const Source &index, const Settings &settings);

// Makes the text of the index of a set, in the format of Python's json.dumps(indent=2, sort_keys=True), which other
// programs use.
Status make_index(Vec<char> *text, const PartPlan &plan);

}  // namespace tfile
