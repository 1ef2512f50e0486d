// `tensorfile convert --quantize`: which arrays become blocks, and of which type.
#pragma once

#include <string>
#include <vector>

#include "cli/convert.h"

namespace cli {

struct Quantize {
  std::string type;                  // as given; "": nothing is quantised
  std::vector<std::string> include;  // patterns of names; empty: all
  std::vector<std::string> exclude;
  tf_dtype dtype = TF_DTYPE_UNSUPPORTED;  // of type
};

// Whether a name is what a pattern describes: * is any text, ? any character, all else itself.
bool matches(std::string_view pattern, std::string_view name);

// Sets what each array becomes, and gives a line for each that says so.
std::vector<std::string> plan_blocks(std::vector<Planned> &arrays, const Quantize &quantize);

}  // namespace cli
