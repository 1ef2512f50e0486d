// Files of the operating system. Functions are in file_posix.cpp and file_windows.cpp unless file.cpp is named.
#pragma once

#include "base/file_identity.h"
#include "base/vec.h"
#include "io/part.h"

namespace tfile {

#if defined(_WIN32)
inline constexpr char kPathSeparator = '\\';  // '/' is a separator, too
#else
inline constexpr char kPathSeparator = '/';
#endif

struct File {
#if defined(_WIN32)
  void *handle = nullptr;
#else
  int descriptor = -1;
#endif
  uint64_t base = 0;             // offset in the file that is offset 0 for reads
  bool shares_position = false;  // the descriptor is a duplicate of the caller's, whose position must not move
  FileIdentity identity = {};    // only set for a file that was opened for reading, or in place
};

// Opens a regular file read-only and close-on-exec, without blocking on a FIFO. Fails with NOT_FOUND, or with IO and a
// message that says what the path is instead. With is_folder, which may be NULL, a folder is no error: *is_folder
// becomes true, and nothing is opened.
Status open_for_reading(File *out, uint64_t *size, const char *path, bool *is_folder);
// Duplicates the user's descriptor of a regular file. *size is the size of the whole file.
Status open_descriptor(File *out, uint64_t *size, int32_t descriptor);
// Closes a file; does nothing for a File that was never opened.
void close_file(File file);
// Makes one read. The system may return fewer bytes than requested, but 0 only at the end of the file. `path` and
// `array`, which may be "", are for the message.
Status read_some(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes);
// Reads nbytes from offset; *got is less only if the file ends before them (file.cpp).
Status read_file(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes);
// Like read_some(), but reads into at most kMaxParts buffers.
Status read_some_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset,
                       Span<const ReadPart> parts);
// Reads all parts; *got is less than their total size only if the file ends earlier (file.cpp).
Status read_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset, Span<const ReadPart> parts);
// Returns the current size of the file, minus its base.
Status file_size(uint64_t *size, const File &file, Text path);
// Maps `size` bytes starting at the base, privately and writable. Returns NULL if the system cannot.
void *map_file(const File &file, uint64_t size);
void unmap_file(void *data, uint64_t size);

#if !defined(_WIN32)
// An open folder, shared by the targets in it.
struct Folder {
  explicit Folder(Memory &from) : memory(Ref<Memory>::share(&from)), path(from) {}
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  ~Folder() { close_file(File{descriptor}); }

  void retain() { refs.increment(); }
  void release();

  RefCount refs;
  Ref<Memory> memory;
  Vec<char> path;  // used in messages; NUL-terminated
  int descriptor = -1;
};
#endif

// The target of a save: the file at the end of the path's links, whether it exists or not.
struct Target {
  explicit Target(Memory &memory);
  Target(const Target &) = delete;
  Target &operator=(const Target &) = delete;
  ~Target();

  Vec<char> path;  // the path from the caller, used in messages; NUL-terminated
  Vec<char> name;  // the name of the file in its folder; NUL-terminated
  bool exists = false;
  FileIdentity identity;  // identity of the file, if it exists
#if defined(_WIN32)
  Vec<wchar_t> given;      // the path from the caller, made absolute; NUL-terminated
  Vec<wchar_t> full;       // the absolute path after following links; NUL-terminated
  size_t folder_size = 0;  // length of the start of `full` that names the folder, including the separator
  Vec<wchar_t> beside;     // the path of the file that create_sibling() made; NUL-terminated
#else
  // Both are kept open, so that a later chdir changes nothing.
  Ref<Folder> given;   // the folder of the path from the caller
  Ref<Folder> folder;  // the folder of the file after following links
  // Mode and owner of the file, if it exists.
  uint32_t mode = 0;
  uint32_t owner = 0;
  uint32_t group = 0;
#endif

  Text label() const {
    return Text(path.data(), path.size() - 1);
  }
};

// Finds the target of a path. `neighbour`, which may be NULL, is a target whose path is in the same folder; its open
// folder is then shared. Fails with NOT_FOUND if the folder does not exist, and with IO if the path does not lead to a
// regular file or the file may not be written.
Status find_target(Target &target, const char *path, const Target *neighbour);
// Creates a file in the target's folder with the target's mode. If a file with that name exists, sets *exists and
// creates nothing.
Status create_sibling(File *out, bool *exists, Target &target, const char *name);
// Opens the target itself. If `empty`, removes its contents; otherwise it must exist.
Status open_in_place(File *out, const Target &target, bool empty);
// Renames the file with that name to the target, which is replaced.
Status replace_target(const Target &target, const char *name);
void remove_sibling(const Target &target, const char *name);
// Removes the file at the end of the target's links; succeeds if there is none.
Status remove_target(const Target &target);
// Returns the identity of the file at the end of the target's links. The file must exist.
Status identify_target(FileIdentity *out, const Target &target);

// False where a file that is mapped into memory can be neither removed nor replaced.
#if defined(_WIN32)
inline constexpr bool kReplacesMappedFiles = false;
#else
inline constexpr bool kReplacesMappedFiles = true;
#endif

// Calls a function with text that is borrowed until it returns.
using NameFn = Status (*)(void *context, Text name);
// Calls `found` with each name in a folder, in any order. *is_folder is false, and nothing is called, if the path is
// not that of a folder that this process may list. Fails with IO if the names cannot be read to the end.
Status for_each_name(bool *is_folder, const char *path, NameFn found, void *context);

// The functions below look at names in the folder of the target's path, and never follow a link.

// Finds a file by name. *regular is false if there is no such file, or if it is a link, a folder, or anything else but
// a regular file.
Status find_neighbour(bool *regular, FileIdentity *out, const Target &target, const char *name);
Status remove_neighbour(const Target &target, const char *name);
// Calls found with each group of ASCII characters that is between prefix and suffix in a name of the folder. A folder
// that this process may not list has no names. Fails with IO if the names cannot be read to the end.
Status for_each_neighbour(const Target &target, Text prefix, Text suffix, NameFn found, void *context);

// Makes one write. The system may write fewer bytes than requested, but not 0.
Status write_some(size_t *put, const File &file, Text path, uint64_t offset, const void *from, size_t nbytes);
// Makes one write of consecutive pieces, none of which is empty.
Status write_some_pieces(size_t *put, const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count);
// Writes all of nbytes at any offset (file.cpp).
Status write_file(const File &file, Text path, uint64_t offset, const void *from, size_t nbytes);
// Writes all of the consecutive pieces (file.cpp).
Status write_pieces(const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count);
// Copies the next bytes of a file to an offset of another one, which has no bytes there yet. *copied is how many were
// copied: at least 1 and at most 64 MiB. The system copies them if it can: a file system that can share blocks between
// files shares them, and holes become holes, also at the end: resize_file() then sets the size (file_copy_posix.cpp and
// file_copy_windows.cpp). `to_path` and `from_path` are for messages.
Status copy_some(uint64_t *copied, const File &to, Text to_path, uint64_t at, const File &from, Text from_path,
                 uint64_t offset, uint64_t nbytes);
// Does the same by reading and writing 1 MiB (file.cpp). Fails with TRUNCATED if the file ends before the bytes.
Status copy_through_memory(uint64_t *copied, const File &to, Text to_path, uint64_t at, const File &from,
                           Text from_path, uint64_t offset, uint64_t nbytes);
// Allocates disk space for a file of `size` bytes at once, which is faster than allocating it with each write. With
// in_place the size of the file itself still grows only with the writes. Errors are ignored, because the writes will
// report them.
void reserve_file(const File &file, uint64_t size, bool in_place);
// Sets the size of a file that is open for writing. New bytes are zeros.
Status resize_file(const File &file, Text path, uint64_t size);
Status sync_file(const File &file, Text path);
// Fails if the target's folder cannot be synced, for example because it may be written but not read.
Status check_sync_folder(const Target &target);
Status sync_folder(const Target &target);
// True if two targets are in the same folder, which then needs to be synced only once.
bool same_folder(const Target &a, const Target &b);
// Closes a file that was written. Fails if the system reports an error of an earlier write only now.
Status finish_file(File file, Text path);

}  // namespace tfile
