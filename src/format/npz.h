// What tests need to know about how .npz files are compressed.
#pragma once

#include <cstdint>

namespace tfile {

// Returns the number of array bytes in a chunk of a deflated member: 1 MiB, or more so that there are at most 4096 chunks.
uint64_t npz_chunk_size(uint64_t nbytes);

}  // namespace tfile
