#include "http/redirect.h"

#include "http/location.h"
#include "http/parsed_url.h"

namespace tfhttp {

namespace {

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
