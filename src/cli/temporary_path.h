// Names of temporary files.
#pragma once

#include <string>

namespace cli {

// Returns ".NAME.tf-" and random letters in the folder of a path, as the library names its temporary files.
std::string temporary_path(const std::string &path);

}  // namespace cli
