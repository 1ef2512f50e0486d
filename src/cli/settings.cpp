#include "cli/settings.h"

namespace cli {

Settings &settings() {
  static Settings settings;
  return settings;
}

}  // namespace cli
