// Trees: nested dicts, and their flat form in which names are joined with '.'.
#pragma once

#include "base/limits.h"
#include "core/dict.h"

namespace tfile {

// Every value except a dict is a leaf. If the argument of unflatten() contains dicts, it is flattened first.
Status flatten(Ref<Dict> &flat, Memory &memory, const Dict &tree);
Status unflatten(Ref<Dict> &tree, Memory &memory, const Dict &flat);

// Makes the report of tf_dict_compare(): sorted lists "missing", "unexpected" and "shape" of flat names.
Status compare_trees(Ref<Dict> &report, Memory &memory, const Dict &expected, const Dict &actual);

}  // namespace tfile
