// From the arguments of the ABI to a format's request, and from there to a file.
#pragma once

#include "format/format.h"

namespace tfile {

// The format of a number; INVALID_ARGUMENT: there is none.
Status require_format(const Format **out, tf_format id);

// The arrays of a dict, in its order; TYPE, naming all of them, when there are values of other kinds.
Status collect_arrays(Vec<NamedArray> *out, const Dict &arrays);

// Refuses what the format cannot hold, and what a load with the same limits would refuse.
Status check_request(const Format &format, const SaveRequest &request);

// The path to save to, NUL-terminated: the format's extension is added unless the settings forbid it, or it is there.
Status complete_path(Vec<char> *out, const char *path, const Format &format, const Settings &settings);

// Checks a request, then writes it to path, to which the format's extension is added unless add_extension is false, the
// settings forbid it, or it is there.
Status save_to_path(const char *path, const Format &format, const SaveRequest &request, bool add_extension);

}  // namespace tfile
