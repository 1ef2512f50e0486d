// The description of all arrays of a file in one block of memory.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// Makes the block that tf_file_listing() documents.
Status make_file_listing(Ref<Buffer> &out, const OpenedFile &file);

}  // namespace tfile
