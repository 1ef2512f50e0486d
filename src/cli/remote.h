// Files at URLs, which libtensorfile_http reads.
#pragma once

#include <string>
#include <string_view>

#include "tensorfile.hpp"

namespace cli {

// True if an argument is a URL that can be opened instead of a file, with or without libtensorfile_http.
bool is_url(std::string_view argument);

// Opens a URL with the credentials, proxies and certificates that the environment names. Throws UNSUPPORTED if the program
// was built without libtensorfile_http.
tensorfile::Source open_url(const std::string &url);

// Returns an argument as messages and listings show it: a URL without user name and query, which may be secret.
std::string shown_argument(std::string_view argument);

// Returns the same, escaped for a terminal. Nothing else of an argument that may be a URL is ever printed or written.
std::string argument_text(std::string_view argument);

}  // namespace cli
