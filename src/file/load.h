// Loads all arrays of a file, or a selection of them, and its metadata.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// The results of tf_load(): the array of a format that holds a single one, or else the arrays by name; and the
// metadata.
struct Loaded {
  Ref<Array> array;
  Ref<Dict> arrays;
  Ref<Dict> metadata;
};

// Which results the caller of tf_load() requests.
struct LoadRequest {
  bool array;
  bool arrays;
  bool metadata;
};

// Loads the requested results and leaves the others in `out` empty. Reads no array unless arrays are requested.
Status load_file(Loaded &out, const OpenedFile &file, LoadRequest request);

// Adds the arrays of the members at these indices to `arrays`. The settings of the file decide whether they are mapped,
// decoded, or read on several threads. An array of an unknown type is an error unless TF_OPTION_SKIP_UNSUPPORTED is
// set.
Status load_members(Dict &arrays, const OpenedFile &file, Span<const size_t> indices);

// Adds the arrays that load_members() would add, without data: their names, dtypes and shapes. Reads nothing.
Status list_members(Dict &arrays, const OpenedFile &file, Span<const size_t> indices);

}  // namespace tfile
