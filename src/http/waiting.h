// The waits between repeated requests.
#pragma once

#include "http/exchange.h"

namespace tfhttp {

// Waits before a request is repeated for the attempt-th time, which is counted from 0: as long as the server asks, or else
// twice as long as before. Fails if that is longer than the options allow, or the caller cancels.
tf_status wait_before(Client &client, const Response &response, int64_t attempt);

}  // namespace tfhttp
