// Saving: from the arguments of the ABI to a format's request, and from there to a file, a buffer or a sink.
#pragma once

#include "format/format.h"

namespace tfile {

// The arrays of a dict, in its order; TYPE, naming all of them, when there are values of other kinds.
Status collect_arrays(Vec<NamedArray> *out, const Dict &arrays);

// save_to_path(), or save_in_parts() where the settings ask for parts and the format has them.
Status save_whole_or_parts(const char *path, const Format &format, const SaveRequest &request, bool add_extension);

// Checks a request, then writes it to path, to which the format's extension is added unless add_extension is false, the
// settings forbid it, or it is there.
Status save_to_path(const char *path, const Format &format, const SaveRequest &request, bool add_extension);

}  // namespace tfile
