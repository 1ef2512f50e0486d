// Parses and makes the names of the files of a set: PREFIX-00001-of-00003.gguf.
#pragma once

#include "base/vec.h"

namespace tfile {

struct PartName {
  Text prefix;
  uint64_t number = 0;  // the number of the part, starting at 1
  uint64_t count = 0;

  // Parses a path with an extension such as ".gguf". Returns false if it does not have this form.
  bool parse(Text path, Text extension);
  // True if a path has this form and the number is one of a set of several files.
  bool parse_part(Text path, Text extension) {
    return parse(path, extension) && number > 0 && number <= count && count > 1;
  }
};

// Makes the path PREFIX-NUMBER-of-COUNT with an extension, NUL-terminated.
Status make_part_path(Vec<char> *out, Text prefix, uint64_t number, uint64_t count, Text extension);

// Returns the start of a path up to and including the last separator.
Text folder_of(Text path);
// Returns the rest of a path after the last separator.
inline Text name_of(Text path) {
  return path.from(folder_of(path).size());
}

// Joins three texts and appends a NUL.
Status join(Vec<char> *out, Text a, Text b, Text c);

}  // namespace tfile
