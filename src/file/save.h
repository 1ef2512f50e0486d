// Saves arrays to a path, a sink or memory.
#pragma once

#include "format/format.h"

namespace tfile {

// Finds the format with a number. Fails with INVALID_ARGUMENT if there is none.
Status require_format(const Format **out, tf_format id);
// Finds the format with a name. Fails with UNSUPPORTED if the library was built without it.
Status require_format(const Format **out, Text name);

// Collects the arrays of a dict in its order. Fails with TYPE if there are values of other kinds, and names all of
// them.
Status collect_arrays(Vec<NamedArray> *out, const Dict &arrays);

// Refuses a request that the format cannot hold, or that a load with the same limits would refuse.
Status check_request(const Format &format, const SaveRequest &request);

// Makes the path to save to, NUL-terminated: appends the format's extension, unless the path already has it or the
// settings say that the path is exact.
Status complete_path(Vec<char> *out, const char *path, const Format &format, const Settings &settings);

// Saves to a path, without appending an extension. Writes one file, or a set if TF_OPTION_PART_BYTES requires it.
Status save_to_path(const char *path, const Format &format, const SaveRequest &request);

// The functions below append the extension to the path. save_array() implements tf_save().
Status save_array(const char *path, const Array &array, const Settings &settings);
// Implements tf_save_safetensors() and tf_save_gguf(). The metadata may be NULL.
Status save_dict(const char *path, Text format, const Dict &arrays, const Dict *metadata, const Settings &settings);
// Implements tf_savez(): saves the arrays of `named`, which may be NULL, then the others as arr_0, arr_1, ...
Status save_npz(const char *path, Span<const Array *const> positional, const Dict *named, bool compress,
                const Settings &settings);

// The contents that tf_save_memory() and tf_save_sink() save: `array` if the format holds a single one, else `arrays`.
struct Content {
  const Array *array;
  const Dict *arrays;
  const Dict *metadata;
};

Status save_to_sink(Sink &sink, tf_format format, const Content &content, const Settings &settings);
Status save_to_memory(Ref<Buffer> &out, tf_format format, const Content &content, const Settings &settings);

}  // namespace tfile
