// The operating system's files: file_posix.cpp and file_windows.cpp each have all of this.
#pragma once

#include "base/checked.h"
#include "base/memory.h"
#include "base/span.h"

namespace tfile {

struct File {
#if defined(_WIN32)
  void *handle = nullptr;
#else
  int descriptor = -1;
#endif
};

// Opens a regular file read-only, close-on-exec; never waits on a FIFO. NOT_FOUND, or IO with what the path is instead.
Status open_for_reading(File *out, uint64_t *size, const char *path);
void close_file(File file);
// Up to nbytes from offset; *got is less only at the end of the file. Retries what was interrupted.
Status read_file(size_t *got, const File &file, const char *path, uint64_t offset, void *to, size_t nbytes);
// The whole file, privately and writable. size is not 0.
Status map_file(void **out, const File &file, const char *path, uint64_t size);
void unmap_file(void *data, uint64_t size);

}  // namespace tfile
