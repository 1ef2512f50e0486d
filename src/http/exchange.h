// One request and its answer.
#pragma once

#include "http/answer.h"
#include "http/client.h"
#include "http/location.h"

namespace tfhttp {

enum class Outcome {
  kDone,      // the body, or the start of it, arrived
  kEmpty,     // the file has no bytes
  kFailed,    // the error record says why
  kRetry,     // the same request may succeed later; `why` has the reason
  kRedirect,  // answer.redirect has another URL
};

// Reports that a request failed with what the error record says.
inline Outcome failed(tf_status /*reported*/) {
  return Outcome::kFailed;
}

// A body whose size its head does not say.
inline constexpr uint64_t kUntilEnd = UINT64_MAX;

struct Request;
// Decides by its head whether an answer is the wanted one. Sets *nbytes to the size of the body, or kUntilEnd.
using AcceptFn = tf_status (*)(uint64_t *nbytes, const Request &request, const Answer &answer);

struct Request {
  Text url;
  const Location *location = nullptr;
  bool with_credentials = false;  // the URL is at the origin of the location
  uint64_t offset = 0;
  char *to = nullptr;
  size_t nbytes = 0;
  AcceptFn accept = nullptr;
  void *user = nullptr;
};

// What is known after a request.
struct Response {
  Answer answer;
  size_t received = 0;       // bytes of the body in `to`
  bool until_end = false;    // the head did not say how many bytes the body has
  uint64_t retry_after = 0;  // seconds that the server asks to wait
  String why;
};

// Fails because a server answers with a whole file.
tf_status no_ranges(const Answer &answer);
// Makes one request, without following redirects.
Outcome exchange(Response *response, Client &client, const Request &request);

}  // namespace tfhttp
