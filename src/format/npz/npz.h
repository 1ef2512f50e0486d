// Constants and functions that the sources of the .npz format share.
#pragma once

#include "format/zip/zip.h"

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

// Returns the name that an array has in the library: that of its member without the suffix.
inline Text without_npz_suffix(Text name) {
  return name.ends_with(kNpzSuffix) ? Text(name.first(name.size() - strlen(kNpzSuffix))) : name;
}
// Makes the name of a member, in the arena.
Status npz_member_name(Text *out, Arena &arena, Vec<char> &scratch, Text name);
// Appends a metadata value as a text member, which begins at offset `at` of the archive. The arena owns its name.
Status put_npz_text_member(Vec<uint8_t> &out, ZipWriter &zip, Arena &names, const DictEntry &entry, uint64_t at);

Status list_npz(Listing &listing, const Source &source, const Settings &settings);
Status edit_npz(Splice &splice, const EditRequest &request);

}  // namespace tfile
