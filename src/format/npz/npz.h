// Constants and functions that the sources of the .npz format share.
#pragma once

#include "format/format.h"

namespace tfile {

inline constexpr char kNpzSuffix[] = ".npy";  // the suffix of members' names

// Private extra field in the zip directory: the chunks of a deflated member, so that several threads can inflate it and
// a slice need not be inflated from the start. The record has the bytes of array data in a chunk (64 bits), the
// compressed size of the .npy header, then that of each chunk (32 bits each). Other programs ignore it.
inline constexpr uint16_t kNpzChunksExtra = 0x6674;
inline constexpr size_t kNpzChunksHead = 12;
inline constexpr uint64_t kNpzMaxChunks = 4096;

// Returns the number of array bytes in a chunk of a deflated member: 1 MiB, or more so that there are at most
// kNpzMaxChunks chunks.
uint64_t npz_chunk_size(uint64_t nbytes);

Status list_npz(Listing &listing, const Source &source, const Settings &settings);

}  // namespace tfile
