// Targets of redirects.
#pragma once

#include "http/failure.h"

namespace tfhttp {

// Replaces a URL by the one that a redirect from it leads to, which may be relative to it.
tf_status resolve_redirect(String *url, Text redirect);

}  // namespace tfhttp
