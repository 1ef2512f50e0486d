// Loads all arrays of a file, or a selection of them, and its metadata.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// The outputs of tf_load(): the array of a format that holds a single one, or else the arrays by name; and the metadata.
// Those that the caller does not request are NULL.
struct LoadOutputs {
  Array **array;
  Dict **arrays;
  Dict **metadata;
};

// Loads what is requested. Reads no array unless arrays are requested. Sets no output if it fails.
Status load_file(const LoadOutputs &out, const OpenedFile &file);

// Adds the arrays of the members at these indices to `arrays`. The settings of the file decide whether they are mapped,
// decoded, or read on several threads. An array of an unknown type is an error unless TF_OPTION_SKIP_UNSUPPORTED is
// set.
Status load_members(Dict &arrays, const OpenedFile &file, Span<const size_t> indices);

// Adds the arrays that load_members() would add, without data: their names, dtypes and shapes. Reads nothing.
Status list_members(Dict &arrays, const OpenedFile &file, Span<const size_t> indices);

}  // namespace tfile
