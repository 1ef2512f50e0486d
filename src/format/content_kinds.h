// Recognises files that are often found under the extension of a tensor format but are something else.
#pragma once

#include "base/span.h"

namespace tfile {

// The number of bytes at the start of a file that content_kind() examines, if the file has as many.
inline constexpr size_t kContentHead = 512;

// Returns what a file with these first bytes seems to be, such as "an HTML page", or NULL if that is unknown. Does not
// recognise the formats that the library reads: probe_format() in format.h does.
const char *content_kind(Bytes head);

// True if the name of a zip member is that of the pickle in an archive of PyTorch.
bool is_pytorch_member(Text name);

}  // namespace tfile
