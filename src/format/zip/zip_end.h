// What the end records of a zip archive say. Only the files of ZipReader include it.
#pragma once

#include "format/zip/zip.h"

namespace tfile {

// The contents of the records at the end of an archive.
struct ZipReader::End {
  uint64_t at;    // where the directory must end
  uint64_t disk;  // numbers of the disks
  uint64_t first_disk;
  uint64_t entries_here;
  uint64_t entries;
  uint64_t size;    // size of the directory
  uint64_t offset;  // offset of the directory from the start of the archive
  bool wide;
  uint64_t wide_at;  // offset of the zip64 record from the start of the archive, according to the locator
};

}  // namespace tfile
