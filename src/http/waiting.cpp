#include "http/waiting.h"

#include <time.h>

namespace tfhttp {

namespace {

constexpr int64_t kSlice = 100;  // milliseconds between two calls of the callback that can cancel

// Leaves out up to half of a wait, so that clients that failed at the same time do not come back at the same time.
int64_t vary(int64_t wait) {
  struct timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto random = static_cast<uint64_t>(now.tv_nsec) * 0x9E3779B97F4A7C15;
  return wait - static_cast<int64_t>((random >> 33) % static_cast<uint64_t>(wait / 2 + 1));
}

void sleep_for(int64_t milliseconds) {
  const struct timespec time = {static_cast<time_t>(milliseconds / 1000),
                                static_cast<long>(milliseconds % 1000) * 1000000};
  nanosleep(&time, nullptr);
}

}  // namespace

tf_status wait_before(Client &client, const Response &response, int64_t attempt) {
  const int64_t most = client.options().number(TF_HTTP_OPTION_MAX_WAIT);
  if (response.retry_after > static_cast<uint64_t>(most) / 1000) {
    return Failure(TF_STATUS_IO) << response.why << ", and asks to wait " << response.retry_after
                                 << " s, longer than the " << static_cast<uint64_t>(most) << " ms of MAX_WAIT";
  }
  int64_t wait = client.options().number(TF_HTTP_OPTION_BACKOFF);
  for (int64_t i = 0; i < attempt && wait < most; ++i)
    wait *= 2;
  wait = vary(wait < most ? wait : most);
  const auto asked = static_cast<int64_t>(response.retry_after) * 1000;
  for (wait = wait > asked ? wait : asked; wait > 0; wait -= kSlice) {
    if (client.cancelled()) return Failure(TF_STATUS_CANCELLED) << "the request was cancelled";
    sleep_for(wait < kSlice ? wait : kSlice);
  }
  return TF_STATUS_OK;
}

}  // namespace tfhttp
