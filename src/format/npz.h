// What reading and laying out (npz.cpp) and packing (npz_pack.cpp) of .npz share.
#pragma once

#include "format/npy.h"
#include "format/zip.h"

namespace tfile {

inline constexpr char kNpzSuffix[] = ".npy";

// Of array data in stored members.
uint64_t npz_alignment(const Settings &settings);

// The name of an array's member, in the arena; room is scratch.
Status npz_member_name(Text *out, Arena &arena, Vec<char> &room, Text name);

// Where the chunks of a deflated member begin, as a record of the extra field in the directory has it: the size of a chunk
// before it is deflated (64 bits), the stored bytes of the .npy header, then those of each chunk (32 bits each).
inline constexpr uint16_t kNpzChunksExtra = 0x6674;
inline constexpr size_t kNpzChunksHead = 12;
inline constexpr uint64_t kNpzMostChunks = 4096;

// Bytes of array data in a chunk.
uint64_t npz_chunk_size(uint64_t nbytes);

extern const Packing kNpzPacking;

}  // namespace tfile
