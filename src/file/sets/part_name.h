// The names of the files of a set: PREFIX-00001-of-00003.gguf.
#pragma once

#include "base/vec.h"

namespace tfile {

struct PartName {
  Text prefix;
  uint64_t number = 0;  // from 1
  uint64_t count = 0;

  // True if a path has this form, with an extension such as ".gguf".
  bool parse(Text path, Text extension);
  // True if a path has this form and the number is one of a set of several files.
  bool parse_part(Text path, Text extension) {
    return parse(path, extension) && number > 0 && number <= count && count > 1;
  }
};

// PREFIX-NUMBER-of-COUNT and an extension, NUL-terminated.
Status make_part_path(Vec<char> *out, Text prefix, uint64_t number, uint64_t count, Text extension);

// Everything up to the last separator of a path, and the separator.
Text folder_of(Text path);
// What follows the last separator.
inline Text name_of(Text path) {
  return path.from(folder_of(path).size());
}

// Three pieces of text joined and NUL-terminated.
Status join(Vec<char> *out, Text a, Text b, Text c);

}  // namespace tfile
