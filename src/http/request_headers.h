// The headers of a request.
#pragma once

#include "http/exchange.h"

namespace tfhttp {

class RequestHeaders {
 public:
  RequestHeaders() = default;
  RequestHeaders(const RequestHeaders &) = delete;
  RequestHeaders &operator=(const RequestHeaders &) = delete;
  ~RequestHeaders() { curl_slist_free_all(list_); }

  // Adds the range and, if the request has credentials, those of the options.
  tf_status make(const Options &options, const Request &request);
  curl_slist *list() const { return list_; }

 private:
  tf_status add(const String &line);
  tf_status add_secrets(const Options &options);
  tf_status sign(const Options &options, const Location &location, Text range);

  curl_slist *list_ = nullptr;
};

}  // namespace tfhttp
