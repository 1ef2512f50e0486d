// Weights: trees of arrays, saved and loaded by flat names such as "layers.0.w".
#pragma once

#include "base/options.h"
#include "file/opened_file.h"

namespace tfile {

// Loads a file as a tree. `expected`, which may be NULL, contains arrays with the expected names and shapes. With
// TF_OPTION_STRICT these are compared with the file before any array is read. Without it, only arrays with a name in
// `expected` are read, and arrays that the file does not have are copied from `expected`.
Status load_weights(Ref<Dict> &tree, const OpenedFile &file, const Dict *expected);

Status save_weights(const char *path, const Dict &tree, const Settings &settings);

}  // namespace tfile
