// Checks a file and reports all faults instead of only the first one.
#pragma once

#include "base/options.h"
#include "core/dict.h"
#include "io/source.h"

namespace tfile {

// Makes the report of tf_check(). Fails only if the check cannot be made.
Status check_path(Ref<Dict> &out, const char *path, const Settings &settings);

// Makes the report of tf_check_source().
Status check_source(Ref<Dict> &out, Ref<Source> source, tf_format format, const Settings &settings);

}  // namespace tfile
