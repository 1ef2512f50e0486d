// Lists the formats of the library in help texts and messages.
#pragma once

#include <string>
#include <string_view>

#include "tensorfile.hpp"

namespace cli {

// Lists the names of all formats: "npy, npz, safetensors or gguf", where " or " is `last`.
std::string list_formats(std::string_view last = ", ");

// Lists the extensions of all formats, or of those with an ability: ".npz, .safetensors or .gguf".
std::string list_extensions(std::string_view last = ", ");
std::string list_extensions(tensorfile::Ability ability, std::string_view last);

}  // namespace cli
