// The outputs of tf_load() and its relatives.
#pragma once

#include "api/arguments.h"
#include "file/load.h"

namespace tfile {

// Each may be NULL.
struct LoadOutputs {
  tf_array **array;
  tf_dict **arrays;
  tf_dict **metadata;

  LoadOutputs(tf_array **array_out, tf_dict **arrays_out, tf_dict **metadata_out)
      : array(array_out), arrays(arrays_out), metadata(metadata_out) {
    clear_out(array);
    clear_out(arrays);
    clear_out(metadata);
  }
  Status load(const OpenedFile &file) const {
    Loaded loaded;
    TFILE_TRY(load_file(loaded, file, LoadRequest{array != nullptr, arrays != nullptr, metadata != nullptr}));
    give_out(array, loaded.array);
    give_out(arrays, loaded.arrays);
    give_out(metadata, loaded.metadata);
    return kOk;
  }
};

}  // namespace tfile
