// Saves arrays to a path, a sink or memory.
#pragma once

#include "format/format.h"

namespace tfile {

// Finds the format of a number; fails with INVALID_ARGUMENT if there is none.
Status require_format(const Format **out, tf_format id);
// Finds the format of a name; fails with UNSUPPORTED if the library was built without it.
Status require_format(const Format **out, Text name);

// The arrays of a dict, in its order. Fails with TYPE, naming all of them, if there are values of other kinds.
Status collect_arrays(Vec<NamedArray> *out, const Dict &arrays);

// Refuses what the format cannot hold, and what a load with the same limits would refuse.
Status check_request(const Format &format, const SaveRequest &request);

// The path to save to, NUL-terminated: with the format's extension, unless it has it or the settings forbid to add it.
Status complete_path(Vec<char> *out, const char *path, const Format &format, const Settings &settings);

// Saves to a path, as one file or as the set that TF_OPTION_PART_BYTES asks for. The path is taken as it is.
Status save_to_path(const char *path, const Format &format, const SaveRequest &request);

// The functions below complete the path. tf_save():
Status save_array(const char *path, const Array &array, const Settings &settings);
// tf_save_safetensors(), tf_save_gguf(): arrays by name, and metadata, which may be NULL.
Status save_dict(const char *path, Text format, const Dict &arrays, const Dict *metadata, const Settings &settings);
// tf_savez(): the arrays of `named`, which may be NULL, then the others as arr_0, arr_1, ...
Status save_npz(const char *path, Span<const Array *const> positional, const Dict *named, bool compress,
                const Settings &settings);

// What tf_save_memory() and tf_save_sink() save: `array` if the format holds a single one, else `arrays`.
struct Content {
  const Array *array;
  const Dict *arrays;
  const Dict *metadata;
};

Status save_to_sink(Sink &sink, tf_format format, const Content &content, const Settings &settings);
Status save_to_memory(Ref<Buffer> &out, tf_format format, const Content &content, const Settings &settings);

}  // namespace tfile
