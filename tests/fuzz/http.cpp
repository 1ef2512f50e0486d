// What libtensorfile_http parses: URLs, redirects, and the heads of answers.
#include <curl/curl.h>

#include <string_view>

#include "fuzz.h"
#include "http/answer.h"
#include "http/location.h"
#include "http/redirect.h"
#include "http/signature.h"

namespace {

using namespace tfile::fuzz;
using namespace tfhttp;

std::string_view view(const String &text) {
  return {text.c_str(), text.size()};
}

// The input up to the next NUL, which is removed.
std::string take_text(std::string_view &rest) {
  const size_t end = rest.find('\0');
  std::string text(rest.substr(0, end));
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return text;
}

// An origin as libcurl connects to it, "" if libcurl refuses the URL.
std::string origin_of_curl(const char *url) {
  CURLU *const handle = curl_url();
  char *parts[3] = {};
  std::string origin;
  if (curl_url_set(handle, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK &&
      curl_url_get(handle, CURLUPART_SCHEME, &parts[0], 0) == CURLUE_OK &&
      curl_url_get(handle, CURLUPART_HOST, &parts[1], 0) == CURLUE_OK &&
      curl_url_get(handle, CURLUPART_PORT, &parts[2], CURLU_DEFAULT_PORT) == CURLUE_OK) {
    origin = std::string(parts[0]) + "://" + parts[1] + ":" + parts[2];
    for (char &c : origin)
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  for (char *const part : parts)
    curl_free(part);
  curl_url_cleanup(handle);
  return origin;
}

// Credentials are sent to an origin, so libcurl must connect to the same one, unless it writes its address differently.
void check_origin(const String &url, const String &origin) {
  const std::string expected = origin_of_curl(url.c_str());
  const std::string_view host = view(origin).substr(view(origin).find("://") + 3);
  const bool is_address = host.find_first_not_of("0123456789abcdefx.:[]") == std::string_view::npos;
  FUZZ_CHECK(expected.empty() || is_address || expected == view(origin));
}

// A URL that is requested consists of printable ASCII, and has no user name.
void check_requested(const Location &location) {
  for (const char c : view(location.url))
    FUZZ_CHECK(c > 0x20 && c < 0x7f);
  FUZZ_CHECK(view(location.url).substr(0, 4) == "http");
  const std::string_view rest = view(location.url).substr(view(location.url).find("://") + 3);
  FUZZ_CHECK(rest.substr(0, rest.find_first_of("/?")).find('@') == std::string_view::npos);
  check_origin(location.url, location.origin);
}

int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The path that is signed: as AWS has it, all but unreserved characters and '/' are encoded, in upper case, once.
void check_canonical_path(const Location &location, std::string_view key) {
  std::string decoded;
  const std::string_view path = view(location.path);
  for (size_t i = 0; i < path.size(); ++i) {
    const bool letter = (path[i] >= 'a' && path[i] <= 'z') || (path[i] >= 'A' && path[i] <= 'Z');
    if (path[i] != '%') {
      FUZZ_CHECK(letter || (path[i] >= '0' && path[i] <= '9') || std::strchr("-._~/", path[i]) != nullptr);
      decoded += path[i];
      continue;
    }
    FUZZ_CHECK(i + 2 < path.size() && hex(path[i + 1]) >= 0 && hex(path[i + 2]) >= 0);
    decoded += static_cast<char>(hex(path[i + 1]) * 16 + hex(path[i + 2]));
    i += 2;
  }
  FUZZ_CHECK(decoded.size() >= key.size() && decoded.substr(decoded.size() - key.size()) == key);
}

void sign(const Location &location, const std::string &secret) {
  String out;
  String headers;
  headers << "host:" << location.host << '\n';
  const tf_status status = sign_request(&out, {location.path.text(), Text(), headers.text(), "host"},
                                        {"key", secret.c_str(), "us-east-1", "s3"}, "20150830T123600Z");
  FUZZ_CHECK(status == TF_STATUS_OK && view(out).substr(0, 17) == "AWS4-HMAC-SHA256 ");
  FUZZ_CHECK(view(out).size() > 64 &&
             view(out).substr(view(out).size() - 64).find_first_not_of("0123456789abcdef") == std::string_view::npos);
}

// The name of a file of a set must not lead out of the folder of the URL.
void check_sibling(const Location &location, const Options &options, const std::string &name, const char *commit) {
  String url;
  if (make_sibling(&url, location, name.c_str()) != TF_STATUS_OK) return;
  Location sibling;
  if (parse_location(&sibling, url.text(), options, commit) != TF_STATUS_OK) return;
  check_requested(sibling);
  FUZZ_CHECK(view(sibling.origin) == view(location.origin));
  const std::string_view path = view(location.path);
  FUZZ_CHECK(view(sibling.path).substr(0, path.rfind('/') + 1) == path.substr(0, path.rfind('/') + 1));
  FUZZ_CHECK(view(sibling.path).substr(path.rfind('/')).find("/../") == std::string_view::npos);
}

// URL, name of another file, endpoint, commit
void fuzz_urls(std::string_view rest) {
  tf_http_options options;
  const std::string url = take_text(rest);
  const std::string name = take_text(rest);
  const std::string endpoint = take_text(rest);
  const std::string commit = take_text(rest);
  (void)set_string(options, TF_HTTP_OPTION_S3_ENDPOINT, endpoint.c_str());
  (void)set_string(options, TF_HTTP_OPTION_HF_ENDPOINT, endpoint.c_str());
  (void)set_string(options, TF_HTTP_OPTION_PROXY, endpoint.c_str());
  Location location;
  if (parse_location(&location, url.c_str(), options, commit.c_str()) != TF_STATUS_OK) return;
  check_requested(location);
  if (location.scheme == Scheme::kHttp) {
    FUZZ_CHECK(view(location.name).find_first_of("?#") == std::string_view::npos);
  } else if (location.scheme == Scheme::kS3 && options.string(TF_HTTP_OPTION_S3_ENDPOINT).empty()) {
    check_canonical_path(location, std::string_view(url).substr(url.find('/', 5)));
  }
  sign(location, name);
  check_sibling(location, options, name, commit.c_str());
}

// URL, and the Location of its answer
void fuzz_redirects(std::string_view rest) {
  String url;
  String origin;
  url << take_text(rest).c_str();
  const std::string target = take_text(rest);
  if (!parse_origin(&origin, url.text()) || origin_of_curl(url.c_str()).empty()) return;
  check_origin(url, origin);
  const bool secure = view(origin).substr(0, 5) == "https";
  if (resolve_redirect(&url, target.c_str()) != TF_STATUS_OK) return;
  String next;
  FUZZ_CHECK(parse_origin(&next, url.text()));
  FUZZ_CHECK(!secure || view(next).substr(0, 5) == "https");
  check_origin(url, next);
}

// The lines of a head, an empty line, and the body of an error
void fuzz_heads(std::string_view rest) {
  Answer answer;
  for (;;) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.empty()) break;
    answer.add_line(Text(line.data(), line.size()));
  }
  find_error_code(&answer, Text(rest.data(), rest.size()));
  FUZZ_CHECK(answer.ok());
  String description;
  answer.describe(description);
  for (const char c : view(description))
    FUZZ_CHECK(c >= 0x20 && c < 0x7f);
  const ContentRange range = answer.content_range();
  FUZZ_CHECK(!range.valid || !range.satisfied || range.first <= range.last);
  FUZZ_CHECK(!range.valid || !range.satisfied || !range.has_total || range.last < range.total);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Input input(data, size);
  const uint8_t kind = input.byte();
  const std::string_view all(reinterpret_cast<const char *>(input.data()), input.size());
  if (kind % 8 < 4) {
    fuzz_urls(all);
  } else if (kind % 8 < 6) {
    fuzz_redirects(all);
  } else {
    fuzz_heads(all);
  }
  return 0;
}
