// Parses sizes such as 5GB and 512MiB.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cli {

// Parses a number of at least 0 with an optional unit: kB, MB, GB and TB are powers of 1000, KiB, MiB, GiB and TiB powers of
// 1024. The number may have a fraction if the size is a whole number. Returns nothing if the text is no size, or one that
// int64_t cannot hold.
std::optional<int64_t> parse_size(std::string_view text);

}  // namespace cli
