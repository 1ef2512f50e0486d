// The operating system's files: file_posix.cpp and file_windows.cpp each have what is not in file.cpp.
#pragma once

#include "base/file_identity.h"
#include "base/vec.h"
#include "io/part.h"

namespace tfile {

#if defined(_WIN32)
inline constexpr char kPathSeparator = '\\';  // beside '/'
#else
inline constexpr char kPathSeparator = '/';
#endif

struct File {
#if defined(_WIN32)
  void *handle = nullptr;
#else
  int descriptor = -1;
#endif
  uint64_t base = 0;           // where reads count their offsets from
  FileIdentity identity = {};  // of a file that was opened for reading
};

// Opens a regular file read-only, close-on-exec; never waits on a FIFO. NOT_FOUND, or IO with what the path is instead.
Status open_for_reading(File *out, uint64_t *size, const char *path);
// The regular file that a caller has open, by a descriptor of our own; *size is the whole file's.
Status open_descriptor(File *out, uint64_t *size, int32_t descriptor);
// Also of a File that was never opened.
void close_file(File file);
// What the system gives in one go, not 0 before the end of the file. path and array ("" for none) are for the message.
Status read_some(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes);
// nbytes from offset; *got is less only at the end of the file (file.cpp).
Status read_file(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes);
// As read_some(), into at most kMaxParts places.
Status read_some_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset,
                       Span<const ReadPart> parts);
// All parts; *got is less than their bytes only at the end of the file (file.cpp).
Status read_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset, Span<const ReadPart> parts);
// How many bytes it has now, behind its base.
Status file_size(uint64_t *size, const File &file, Text path);
// size bytes from its base on, privately and writable; NULL where the system cannot map them.
void *map_file(const File &file, uint64_t size);
void unmap_file(void *data, uint64_t size);
// Returns the file that a path leads to through all links; unknown if there is none.
FileIdentity identify_path(const char *path);

// Where a save goes: the file that the path's links lead to, there or not.
struct Target {
  explicit Target(Memory &memory);
  Target(const Target &) = delete;
  Target &operator=(const Target &) = delete;
  ~Target();

  Vec<char> path;  // as the caller gave it, for messages; NUL-terminated
  Vec<char> name;  // in its folder; NUL-terminated
  bool exists = false;
#if defined(_WIN32)
  Vec<wchar_t> full;       // absolute; NUL-terminated
  size_t folder_size = 0;  // of full's front that names the folder, with its separator
  Vec<wchar_t> beside;     // the file that create_sibling() made; NUL-terminated
#else
  Vec<char> where;  // the folder's path, for messages; NUL-terminated
  int folder = -1;  // held open, so that a chdir in between changes nothing
  // Of the file that is there.
  uint32_t mode = 0;
  uint32_t owner = 0;
  uint32_t group = 0;
#endif

  Text label() const {
    return Text(path.data(), path.size() - 1);
  }
};

// NOT_FOUND: its folder is not there; IO: it is not a regular file, or may not be written.
Status find_target(Target &target, const char *path);
// Makes a new file in the target's folder, with the target's mode. *exists: there is a file of that name already.
Status create_sibling(File *out, bool *exists, Target &target, const char *name);
// Opens the target itself, emptied.
Status open_in_place(File *out, const Target &target);
// Puts the file of that name in the target's place.
Status replace_target(const Target &target, const char *name);
void remove_sibling(const Target &target, const char *name);

// What the system takes in one go, not 0.
Status write_some(size_t *put, const File &file, Text path, uint64_t offset, const void *from, size_t nbytes);
// The same of pieces that lie behind one another in the file, none of them empty; what the system takes of them in one go.
Status write_some_pieces(size_t *put, const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count);
// All of nbytes, wherever in the file (file.cpp).
Status write_file(const File &file, Text path, uint64_t offset, const void *from, size_t nbytes);
// All of the pieces (file.cpp).
Status write_pieces(const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count);
// Has the system find room for a file of `size` bytes at once, which is faster than bit by bit. in_place: its size stays
// what was written. Where that cannot be, the writes tell why.
void reserve_file(const File &file, uint64_t size, bool in_place);
Status sync_file(const File &file, Text path);
// Whether its folder can be synced: one that may be written but not read cannot.
Status check_sync_folder(const Target &target);
Status sync_folder(const Target &target);
// Closes a file that was written, when the system may tell of a late failure.
Status finish_file(File file, Text path);

}  // namespace tfile
