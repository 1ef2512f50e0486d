// Loads all arrays of a file, or a selection of them, and its metadata.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// What tf_load() gives: the array of a format that holds a single one, or arrays by name, and metadata.
struct Loaded {
  Ref<Array> array;
  Ref<Dict> arrays;
  Ref<Dict> metadata;
};

// What the caller of tf_load() asks for.
struct LoadRequest {
  bool array;
  bool arrays;
  bool metadata;
};

// Loads what is asked for and leaves the rest of `out` empty; reads no array unless one is asked for.
Status load_file(Loaded &out, const OpenedFile &file, LoadRequest request);

// Adds the arrays of the members at these indices to `arrays`: mapped, decoded, or read on several threads, as the file's
// settings say. An array of an unknown type is an error unless TF_OPTION_SKIP_UNSUPPORTED leaves it out.
Status load_members(Dict &arrays, const OpenedFile &file, Span<const size_t> indices);

// Adds the arrays that load_members() would add, without data: their names, dtypes and shapes. Reads nothing.
Status list_members(Dict &arrays, const OpenedFile &file, Span<const size_t> indices);

}  // namespace tfile
