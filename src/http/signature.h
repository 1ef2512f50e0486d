// Signature Version 4 of Amazon Web Services, for requests without a body.
#pragma once

#include <time.h>

#include "http/failure.h"

namespace tfhttp {

struct SigningKey {
  Text access_key;
  Text secret_key;
  Text region;
  Text service;
};

// The parts of a request that are signed.
struct CanonicalRequest {
  Text path;     // percent-encoded
  Text query;    // percent-encoded and sorted, or ""
  Text headers;  // lines "name:value\n", in lower case, sorted by name
  Text names;    // the names in these lines, separated by ';'
};

// SHA-256 of an empty body, in hexadecimal.
extern const char kEmptyBodyHash[];

// Writes a time as 20150830T123600Z, NUL-terminated.
void format_time(char (&out)[17], time_t when);
// Makes the value of the header Authorization of a GET request. `when` is the time of the header x-amz-date.
tf_status sign_request(String *authorization, const CanonicalRequest &request, const SigningKey &key, Text when);

}  // namespace tfhttp
