// Weights: trees of arrays, saved and loaded by flat names such as "layers.0.w".
#pragma once

#include "base/options.h"
#include "core/dict.h"

namespace tfile {

// Loads a file as a tree. `expected`, which may be NULL, has the names and shapes that are wanted. With TF_OPTION_STRICT
// they are compared with those in the file before any array is read; without it, only the arrays that `expected` names are
// read, and those that the file does not have are taken from `expected`.
Status load_weights(Ref<Dict> &tree, const char *path, const Dict *expected, const Settings &settings);

Status save_weights(const char *path, const Dict &tree, const Settings &settings);

}  // namespace tfile
