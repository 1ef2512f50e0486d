// Saves arrays to a path, a sink or memory.
#pragma once

#include "format/format.h"

namespace tfile {

// Finds the format with a number. Fails with INVALID_ARGUMENT if there is none.
Status require_format(const Format **out, tf_format id);
// Finds the format with a name. Fails with UNSUPPORTED if the library was built without it.
Status require_format(const Format **out, Text name);

// Chooses the format to save in: the argument, else TF_OPTION_FORMAT, else that of the path's extension, in which case
// *by_extension is true and nothing is to be appended to the path. `path` is NULL if there is none. Fails with
// INVALID_ARGUMENT if none of them names a format.
Status choose_format(const Format **out, bool *by_extension, tf_format asked, const char *path,
                     const Settings &settings);

// Collects the arrays of a dict in its order. Fails with TYPE if there are values of other kinds, and names all of
// them; or adds them to the report, if there is one.
Status collect_arrays(Vec<NamedArray> *out, const Dict &arrays, SaveReport *report = nullptr);

// Refuses a request that the format cannot hold, or that a load with the same limits would refuse; or adds the reasons
// to its report, if it has one.
Status check_request(const Format &format, const SaveRequest &request);

// Makes the path to save to, NUL-terminated: appends the format's extension, unless the path already has it or the
// settings say that the path is exact.
Status complete_path(Vec<char> *out, const char *path, const Format &format, const Settings &settings);

// Saves to a path, without appending an extension. Writes one file, or a set if TF_OPTION_PART_BYTES requires it.
Status save_to_path(const char *path, const Format &format, const SaveRequest &request);

// Implements tf_save_file(). The metadata may be NULL.
Status save_file(const char *path, const Dict &arrays, const Dict *metadata, const Settings &settings);
// The functions below append the extension to the path. save_array() implements tf_save().
Status save_array(const char *path, const Array &array, const Settings &settings);
// Implements tf_save_safetensors() and tf_save_gguf(). The metadata may be NULL.
Status save_dict(const char *path, Text format, const Dict &arrays, const Dict *metadata, const Settings &settings);
// Implements tf_savez(): saves the arrays of `named`, which may be NULL, then the others as arr_0, arr_1, ...
Status save_npz(const char *path, Span<const Array *const> positional, const Dict *named, bool compress,
                const Settings &settings);

// The contents that tf_save_memory() and tf_save_sink() save: one of `array` and `arrays`. `array` is for a format that
// holds a single one.
struct Content {
  const Array *array;
  const Dict *arrays;
  const Dict *metadata;
};

Status save_to_sink(Sink &sink, tf_format format, const Content &content, const Settings &settings);
// Implements tf_save_check(). The metadata may be NULL.
Status check_save(Ref<Dict> &out, tf_format format, const Dict &arrays, const Dict *metadata, const Settings &settings);
Status save_to_memory(Ref<Buffer> &out, tf_format format, const Content &content, const Settings &settings);

}  // namespace tfile
