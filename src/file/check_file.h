// Checks a file and reports all faults instead of only the first one.
#pragma once

#include "base/options.h"
#include "core/dict.h"

namespace tfile {

// Makes the report of tf_check(). Fails only if the check cannot be made.
Status check_path(Ref<Dict> &out, const char *path, const Settings &settings);

}  // namespace tfile
