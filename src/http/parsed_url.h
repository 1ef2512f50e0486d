// A URL that libcurl parses.
#pragma once

#include <curl/curl.h>

namespace tfhttp {

class ParsedUrl {
 public:
  ParsedUrl() : handle_(curl_url()) {}
  ParsedUrl(const ParsedUrl &) = delete;
  ParsedUrl &operator=(const ParsedUrl &) = delete;
  ~ParsedUrl() {
    curl_free(text_);
    curl_url_cleanup(handle_);
  }
  // False if there is no memory.
  bool ok() const { return handle_ != nullptr; }
  // Sets the URL; a relative one is relative to the one before.
  bool set(const char *url, unsigned flags = 0) {
    return curl_url_set(handle_, CURLUPART_URL, url, flags) == CURLUE_OK;
  }
  // Returns the URL without its fragment, or NULL. It is valid until the next call.
  const char *text() {
    curl_url_set(handle_, CURLUPART_FRAGMENT, nullptr, 0);
    CURLUcode code = CURLUE_OK;
    return part(CURLUPART_URL, &code);
  }
  // Returns a part, or NULL. It is valid until the next call.
  const char *part(CURLUPart part, CURLUcode *code, unsigned flags = 0) {
    curl_free(text_);
    text_ = nullptr;
    *code = curl_url_get(handle_, part, &text_, flags);
    return *code == CURLUE_OK ? text_ : nullptr;
  }

 private:
  CURLU *handle_;
  char *text_ = nullptr;
};

}  // namespace tfhttp
