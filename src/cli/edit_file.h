// Writes the new contents of a file that `tensorfile edit` changes.
#pragma once

#include <string>

#include "cli/input_file.h"

namespace cli {

// Writes the new file in place of the old one, which it replaces when it is on the disk. It has the mode of the old file. A
// process that is killed leaves the old file or the new one.
void replace_file(const std::string &path, const tensorfile::Edit &edit, tensorfile::Options &options);

// Writes the new header into the file itself. The old header is on the disk in a file beside it until the new one is, so
// that recover_header() can undo the change if the process is killed. Throws UNSUPPORTED, and writes nothing, if the new
// header does not fit.
void patch_header(const std::string &path, const tensorfile::Edit &edit, tensorfile::Options &options);

// Restores the header that an interrupted patch_header() has saved. Returns false if there is none.
bool recover_header(const std::string &path);

// Throws an error if an interrupted patch_header() has saved a header of the file, which may be damaged.
void require_recovered(const std::string &path);

}  // namespace cli
