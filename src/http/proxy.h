// URLs of proxies.
#pragma once

#include "http/failure.h"

namespace tfhttp {

// Fails if a text is not the URL of a proxy. No message contains any of it, since it may have a password; those of libcurl
// quote a proxy that libcurl cannot use.
tf_status check_proxy(Text proxy);

}  // namespace tfhttp
