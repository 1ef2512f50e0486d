#include "cli/colour.h"

#include <cstdlib>

#include "cli/platform.h"

namespace cli {

namespace {

bool has_colours(Stream stream) {
  const char *const no_colour = std::getenv("NO_COLOR");
  const bool wanted = no_colour == nullptr || *no_colour == '\0';
  return wanted && shows_colours(stream == Stream::out);
}

}  // namespace

std::string coloured(const std::string &text, Colour colour, Stream stream) {
  static const bool out = has_colours(Stream::out);
  static const bool err = has_colours(Stream::err);
  if (!(stream == Stream::out ? out : err)) return text;
  return "\x1b[" + std::to_string(static_cast<int>(colour)) + "m" + text + "\x1b[0m";
}

}  // namespace cli
