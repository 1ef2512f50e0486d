#include "http/redirect.h"

#include <curl/curl.h>

#include "http/location.h"

namespace tfhttp {

namespace {

// A URL that libcurl parses.
class ParsedUrl {
 public:
  ParsedUrl() : handle_(curl_url()) {}
  ParsedUrl(const ParsedUrl &) = delete;
  ParsedUrl &operator=(const ParsedUrl &) = delete;
  ~ParsedUrl() {
    curl_free(text_);
    curl_url_cleanup(handle_);
  }
  bool ok() const { return handle_ != nullptr; }
  // Sets the URL; a relative one is relative to the one before.
  bool set(const char *url) { return curl_url_set(handle_, CURLUPART_URL, url, 0) == CURLUE_OK; }
  // Returns the URL without its fragment, or NULL. It is valid as long as the object.
  const char *text() {
    curl_url_set(handle_, CURLUPART_FRAGMENT, nullptr, 0);
    return curl_url_get(handle_, CURLUPART_URL, &text_, 0) == CURLUE_OK ? text_ : nullptr;
  }

 private:
  CURLU *handle_;
  char *text_ = nullptr;
};

bool is_secure(Text url) {
  return url.first(6).equals_ignoring_case("https:");
}

}  // namespace

tf_status resolve_redirect(String *url, Text redirect) {
  ParsedUrl parsed;
  String target;
  String origin;
  target << redirect;
  TFHTTP_TRY(require(target));
  if (!parsed.ok()) return out_of_memory();
  const char *const found = parsed.set(url->c_str()) && parsed.set(target.c_str()) ? parsed.text() : nullptr;
  Scheme scheme = Scheme::kHttp;
  if (found == nullptr || !find_scheme(&scheme, found) || scheme != Scheme::kHttp || !parse_origin(&origin, found)) {
    return Failure(TF_STATUS_IO)
           << "the server redirects to something that is not a http or https URL, or has a user name";
  }
  if (is_secure(url->text()) && !is_secure(found)) {
    return Failure(TF_STATUS_IO) << "the server redirects from https to http, which is not followed";
  }
  return require(url->assign(found));
}

}  // namespace tfhttp
