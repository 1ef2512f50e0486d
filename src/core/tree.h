// Trees: nested dicts and their flat form, names joined with '.'.
#pragma once

#include "base/limits.h"
#include "core/dict.h"

namespace tfile {

// Values but arrays are leaves too. Dicts in a flat dict are taken as what they flatten to.
Status flatten(Ref<Dict> &flat, Memory &memory, const Dict &tree);
Status unflatten(Ref<Dict> &tree, Memory &memory, const Dict &flat);

// The report of tf_dict_compare: lists "missing", "unexpected", "shape" of flat names, sorted.
Status compare_trees(Ref<Dict> &report, Memory &memory, const Dict &expected, const Dict &actual);

}  // namespace tfile
