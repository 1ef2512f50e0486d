#include "http/proxy.h"

#include "http/parsed_url.h"

namespace tfhttp {

namespace {

bool is_scheme(Text scheme) {
  if (scheme.equals_ignoring_case("https")) {
    return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTPS_PROXY) != 0;
  }
  constexpr const char *kOthers[] = {"http", "socks", "socks4", "socks4a", "socks5", "socks5h"};
  for (const char *const known : kOthers) {
    if (scheme.equals_ignoring_case(known)) return true;
  }
  return false;
}

// True if a part can be decoded, or the URL has none. Otherwise libcurl would make the request without the proxy.
bool can_be_decoded(ParsedUrl &proxy, CURLUPart part, CURLUcode absent) {
  CURLUcode code = CURLUE_OK;
  return proxy.part(part, &code, CURLU_URLDECODE) != nullptr || code == absent;
}

// True if the password ends before it should: at a character that has to be percent-encoded.
bool is_cut(ParsedUrl &proxy) {
  constexpr CURLUPart kAfterHost[] = {CURLUPART_PATH, CURLUPART_QUERY, CURLUPART_FRAGMENT};
  for (const CURLUPart part : kAfterHost) {
    CURLUcode code = CURLUE_OK;
    const char *const text = proxy.part(part, &code);
    if (text != nullptr && Text(text).find('@') != Text::kNone) return true;
  }
  return false;
}

// Parses as libcurl does when it connects.
bool is_proxy(ParsedUrl &proxy, const char *text) {
  CURLUcode code = CURLUE_OK;
  if (!proxy.set(text, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME)) return false;
  const char *const scheme = proxy.part(CURLUPART_SCHEME, &code);
  return scheme != nullptr && is_scheme(scheme) && can_be_decoded(proxy, CURLUPART_USER, CURLUE_NO_USER) &&
         can_be_decoded(proxy, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD) &&
         can_be_decoded(proxy, CURLUPART_HOST, CURLUE_OK) && !is_cut(proxy);
}

}  // namespace

tf_status check_proxy(Text proxy) {
  ParsedUrl parsed;
  String text;
  text << proxy;
  TFHTTP_TRY(require(text));
  if (!parsed.ok()) return out_of_memory();
  if (is_proxy(parsed, text.c_str())) return TF_STATUS_OK;
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << "PROXY: expected the URL of a proxy, such as http://proxy:3128, with the scheme http, socks4, socks4a, "
            "socks5, socks5h or, if libcurl supports it, https; the user name and password are percent-encoded";
}

}  // namespace tfhttp
