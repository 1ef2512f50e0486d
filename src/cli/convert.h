// The parts of `tensorfile convert`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/handles.h"

namespace cli {

// Adds KEY=VALUE or KEY=TYPE:VALUE to metadata. Throws UsageError.
void set_metadata(tf_dict *metadata, std::string_view setting);

// An array of IN as OUT shall have it.
struct Planned {
  size_t index;      // in IN
  std::string name;  // in OUT
  tf_dtype from;
  tf_dtype to;
  std::vector<int64_t> shape;
};

// Casts an array in its place. Gives the reason when it cannot be cast, else "".
std::string cast(Array &array, tf_dtype dtype);

// What a format cannot hold, and casts that there are none of: one entry for each, with the reason; empty when all is
// well. The library is asked, with an array or a value at a time, so that nothing large is read or written.
std::vector<std::string> refusals(tf_format format, const std::vector<Planned> &arrays, const tf_dict *metadata);

}  // namespace cli
