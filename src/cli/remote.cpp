#include "cli/remote.h"

#include <algorithm>
#include <array>
#include <cctype>

#ifdef TENSORFILE_HAS_HTTP
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>

#include "cli/platform.h"
#include "tensorfile_http.h"
#endif

namespace cli {

namespace {

constexpr std::array<std::string_view, 4> kSchemes = {"http://", "https://", "s3://", "hf://"};

// Returns the scheme of a URL with "://", or "".
std::string_view scheme_of(std::string_view argument) {
  for (const std::string_view scheme : kSchemes) {
    const std::string_view start = argument.substr(0, scheme.size());
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    if (std::equal(start.begin(), start.end(), scheme.begin(), scheme.end(), same)) return scheme;
  }
  return {};
}

}  // namespace

bool is_url(std::string_view argument) {
  return !scheme_of(argument).empty();
}

std::string shown_argument(std::string_view argument) {
  const std::string_view scheme = scheme_of(argument);
  if (!scheme.starts_with("http")) return std::string(argument);
  const std::string_view shown = argument.substr(0, argument.find_first_of("?#"));
  const std::string_view rest = shown.substr(scheme.size());
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const size_t at = authority.rfind('@');
  const std::string_view after = at == std::string_view::npos ? rest : rest.substr(at + 1);
  return std::string(shown.substr(0, scheme.size())) + std::string(after);
}

#ifdef TENSORFILE_HAS_HTTP

namespace {

// Options of requests, set from the environment.
class RequestOptions {
 public:
  RequestOptions() {
    tf_http_options *options = nullptr;
    tensorfile::detail::check(tf_http_options_new(&options));
    options_.reset(options);
    tensorfile::detail::check(tf_http_options_set_cancel(options, cancelled, nullptr));
  }

  const tf_http_options *get() const { return options_.get(); }

  void set(tf_http_option option, const std::string &value) {
    tensorfile::detail::check(tf_http_options_set_string(options_.get(), option, value.data(), value.size()));
  }
  // Sets an option to the value of the first of some variables that is set and not empty. Returns false if there is none.
  bool set_from(tf_http_option option, std::initializer_list<const char *> names) {
    const std::optional<std::string> value = variable(names);
    if (value) set(option, *value);
    return value.has_value();
  }
  // Sets an option to the path of a file if there is one.
  void set_file(tf_http_option option, const std::filesystem::path &path) {
    std::error_code ignored;
    if (!path.empty() && std::filesystem::is_regular_file(path, ignored)) set(option, path.string());
  }

  static std::optional<std::string> variable(std::initializer_list<const char *> names) {
    for (const char *const name : names) {
      const char *const value = std::getenv(name);
      if (value != nullptr && *value != '\0') return value;
    }
    return std::nullopt;
  }
  // Returns a path below the folder that the variable names, or "" if it names none.
  static std::filesystem::path below(const char *name, const char *path) {
    const std::optional<std::string> folder = variable({name});
    return folder ? std::filesystem::path(*folder) / path : std::filesystem::path();
  }

 private:
  struct Release {
    void operator()(tf_http_options *options) const { tf_http_options_release(options); }
  };
  static int32_t cancelled(void * /*user*/) { return pending_interrupt(); }

  std::unique_ptr<tf_http_options, Release> options_;
};

void set_aws(RequestOptions &options) {
  options.set_from(TF_HTTP_OPTION_S3_ENDPOINT, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  options.set_from(TF_HTTP_OPTION_S3_REGION, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (options.set_from(TF_HTTP_OPTION_S3_ACCESS_KEY, {"AWS_ACCESS_KEY_ID"})) {
    options.set_from(TF_HTTP_OPTION_S3_SECRET_KEY, {"AWS_SECRET_ACCESS_KEY"});
    options.set_from(TF_HTTP_OPTION_S3_SESSION_TOKEN, {"AWS_SESSION_TOKEN"});
    return;
  }
  options.set_from(TF_HTTP_OPTION_S3_PROFILE, {"AWS_PROFILE"});
  if (options.set_from(TF_HTTP_OPTION_S3_CREDENTIALS_FILE, {"AWS_SHARED_CREDENTIALS_FILE"})) return;
  options.set_file(TF_HTTP_OPTION_S3_CREDENTIALS_FILE, RequestOptions::below("HOME", ".aws/credentials"));
}

// Finds the token where `hf auth login` stores it.
void set_hub(RequestOptions &options) {
  options.set_from(TF_HTTP_OPTION_HF_ENDPOINT, {"HF_ENDPOINT"});
  if (options.set_from(TF_HTTP_OPTION_TOKEN, {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})) return;
  if (options.set_from(TF_HTTP_OPTION_TOKEN_FILE, {"HF_TOKEN_PATH"})) return;
  std::filesystem::path path = RequestOptions::below("HF_HOME", "token");
  if (path.empty()) path = RequestOptions::below("XDG_CACHE_HOME", "huggingface/token");
  if (path.empty()) path = RequestOptions::below("HOME", ".cache/huggingface/token");
  options.set_file(TF_HTTP_OPTION_TOKEN_FILE, path);
}

// Sets the proxy as curl does. Servers that run programs pass the header Proxy of a request as HTTP_PROXY, so that variable
// is not read.
void set_proxy(RequestOptions &options, bool secure) {
  const bool found = secure ? options.set_from(TF_HTTP_OPTION_PROXY, {"https_proxy", "HTTPS_PROXY"})
                            : options.set_from(TF_HTTP_OPTION_PROXY, {"http_proxy"});
  if (!found) options.set_from(TF_HTTP_OPTION_PROXY, {"all_proxy", "ALL_PROXY"});
  options.set_from(TF_HTTP_OPTION_NO_PROXY, {"no_proxy", "NO_PROXY"});
}

// True if the requests for a URL use https: those of s3:// and hf:// do unless their endpoint does not.
bool is_secure(std::string_view scheme) {
  std::optional<std::string> endpoint;
  if (scheme == "s3://") endpoint = RequestOptions::variable({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  if (scheme == "hf://") endpoint = RequestOptions::variable({"HF_ENDPOINT"});
  return scheme_of(endpoint ? *endpoint : scheme) != "http://";
}

}  // namespace

tensorfile::Source open_url(const std::string &url) {
  const std::string_view scheme = scheme_of(url);
  RequestOptions options;
  if (scheme == "s3://") set_aws(options);
  if (scheme == "hf://") set_hub(options);
  if (scheme.starts_with("http")) options.set_from(TF_HTTP_OPTION_TOKEN, {"TENSORFILE_TOKEN"});
  set_proxy(options, is_secure(scheme));
  options.set_from(TF_HTTP_OPTION_CA_FILE, {"SSL_CERT_FILE", "CURL_CA_BUNDLE"});
  tf_source *source = nullptr;
  tensorfile::detail::check(tf_source_from_url(&source, url.c_str(), options.get()));
  return tensorfile::Source(source);
}

#else

tensorfile::Source open_url(const std::string &url) {
  throw tensorfile::Error(tensorfile::Status::unsupported,
                          shown_argument(url) +
                              ": this program was built without libtensorfile_http, which reads from "
                              "URLs (-DTENSORFILE_BUILD_HTTP=ON); download the file first");
}

#endif

}  // namespace cli
