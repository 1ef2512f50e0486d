// The options of requests (tf_http_options), and the table that describes them.
#pragma once

#include "http/object.h"
#include "http/string.h"
#include "tensorfile_http.h"

namespace tfhttp {

inline constexpr int32_t kNumbers = 12;       // numbers are below this
inline constexpr int32_t kFirstString = 100;  // strings are from this one on
inline constexpr int32_t kStrings = 14;

// The function of the caller that cancels requests.
struct Cancellation : Counted {
  Cancellation() = default;
  Cancellation(const Cancellation &) = delete;
  Cancellation &operator=(const Cancellation &) = delete;
  ~Cancellation() {
    if (release != nullptr) release(user);
  }

  tf_http_cancel_fn cancel = nullptr;
  tf_release_fn release = nullptr;
  void *user = nullptr;
};

}  // namespace tfhttp

struct tf_http_options : tfhttp::Counted {
  tf_http_options();

  int64_t number(tf_http_option option) const { return numbers[option]; }
  // True if the caller wants to stop.
  bool cancelled() const {
    return cancellation && cancellation->cancel != nullptr && cancellation->cancel(cancellation->user) != 0;
  }
  // Returns the value, or the default.
  tfhttp::Text string(tf_http_option option) const;

  int64_t numbers[tfhttp::kNumbers] = {};
  tfhttp::String strings[tfhttp::kStrings];
  tfhttp::String headers;                          // lines "Name: value", each followed by a NUL
  tfhttp::Ref<tfhttp::Cancellation> cancellation;  // shared by copies
};

namespace tfhttp {

using Options = ::tf_http_options;

tf_status set_number(Options &options, tf_http_option option, int64_t value);
tf_status set_string(Options &options, tf_http_option option, Text value);
tf_status add_header(Options &options, Text name, Text value);
// Makes a copy; `from` may be NULL.
tf_status copy_options(Ref<Options> *out, const Options *from);
// Reads the files that options name, and replaces the options by what is in them.
tf_status read_credentials(Options &options);
// True if a text has no control characters.
bool is_printable(Text text);

}  // namespace tfhttp
