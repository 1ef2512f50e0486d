#include "cli/remote.h"

#include "cli/text.h"
#include "http/schemes.h"

#ifdef TENSORFILE_HAS_HTTP
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <optional>

#include "cli/platform.h"
#include "tensorfile_http.hpp"
#endif

namespace cli {

namespace {

// Returns the row of the scheme of a URL, or NULL.
const tfhttp::SchemeRow *scheme_row(std::string_view argument) {
  return tfhttp::find_row(argument.data(), argument.size());
}

}  // namespace

bool is_url(std::string_view argument) {
  return scheme_row(argument) != nullptr;
}

std::string shown_argument(std::string_view argument) {
  const tfhttp::SchemeRow *const row = scheme_row(argument);
  if (row == nullptr || row->scheme != tfhttp::Scheme::kHttp) return std::string(argument);
  const std::string_view shown = argument.substr(0, argument.find_first_of("?#"));
  const std::string_view start = shown.substr(0, std::string_view(row->prefix).size());
  const std::string_view rest = shown.substr(start.size());
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const size_t at = authority.rfind('@');
  const std::string_view after = at == std::string_view::npos ? rest : rest.substr(at + 1);
  return std::string(start) + std::string(after);
}

std::string argument_text(std::string_view argument) {
  return escaped(shown_argument(argument));
}

#ifdef TENSORFILE_HAS_HTTP

namespace {

using tensorfile::HttpOption;

// Options of requests, set from the environment.
class RequestOptions {
 public:
  RequestOptions() {
    options_.set_cancel([] { return pending_interrupt() != 0; });
  }

  const tensorfile::HttpOptions &get() const { return options_; }

  // Sets an option to the value of the first of some variables that is set and not empty. Returns false if there is none.
  bool set_from(HttpOption option, std::initializer_list<const char *> names) {
    const char *const name = first_set(names);
    if (name == nullptr) return false;
    try {
      options_.set(option, std::getenv(name));
    } catch (const tensorfile::Error &error) {
      throw tensorfile::Error(error.status(), "the environment variable " + std::string(name) + ": " + error.what());
    }
    return true;
  }
  // Sets an option to the path of a file if there is one.
  void set_file(HttpOption option, const std::filesystem::path &path) {
    std::error_code ignored;
    if (!path.empty() && std::filesystem::is_regular_file(path, ignored)) options_.set(option, path.string());
  }

  static std::optional<std::string> variable(std::initializer_list<const char *> names) {
    const char *const name = first_set(names);
    return name == nullptr ? std::nullopt : std::optional<std::string>(std::getenv(name));
  }
  // Returns a path below the folder that the variable names, or "" if it names none.
  static std::filesystem::path below(const char *name, const char *path) {
    const std::optional<std::string> folder = variable({name});
    return folder ? std::filesystem::path(*folder) / path : std::filesystem::path();
  }

 private:
  static const char *first_set(std::initializer_list<const char *> names) {
    for (const char *const name : names) {
      const char *const value = std::getenv(name);
      if (value != nullptr && *value != '\0') return name;
    }
    return nullptr;
  }

  tensorfile::HttpOptions options_;
};

void set_aws(RequestOptions &options) {
  options.set_from(HttpOption::s3_endpoint, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  options.set_from(HttpOption::s3_region, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (options.set_from(HttpOption::s3_access_key, {"AWS_ACCESS_KEY_ID"})) {
    options.set_from(HttpOption::s3_secret_key, {"AWS_SECRET_ACCESS_KEY"});
    options.set_from(HttpOption::s3_session_token, {"AWS_SESSION_TOKEN"});
    return;
  }
  options.set_from(HttpOption::s3_profile, {"AWS_PROFILE"});
  if (options.set_from(HttpOption::s3_credentials_file, {"AWS_SHARED_CREDENTIALS_FILE"})) return;
  options.set_file(HttpOption::s3_credentials_file, RequestOptions::below("HOME", ".aws/credentials"));
}

// Finds the token where `hf auth login` stores it.
void set_hub(RequestOptions &options) {
  options.set_from(HttpOption::hf_endpoint, {"HF_ENDPOINT"});
  if (options.set_from(HttpOption::token, {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})) return;
  if (options.set_from(HttpOption::token_file, {"HF_TOKEN_PATH"})) return;
  std::filesystem::path path = RequestOptions::below("HF_HOME", "token");
  if (path.empty()) path = RequestOptions::below("XDG_CACHE_HOME", "huggingface/token");
  if (path.empty()) path = RequestOptions::below("HOME", ".cache/huggingface/token");
  options.set_file(HttpOption::token_file, path);
}

// Sets the proxy as curl does. Servers that run programs pass the header Proxy of a request as HTTP_PROXY, so that variable
// is not read.
void set_proxy(RequestOptions &options, bool secure) {
  const bool found = secure ? options.set_from(HttpOption::proxy, {"https_proxy", "HTTPS_PROXY"})
                            : options.set_from(HttpOption::proxy, {"http_proxy"});
  if (!found) options.set_from(HttpOption::proxy, {"all_proxy", "ALL_PROXY"});
  options.set_from(HttpOption::no_proxy, {"no_proxy", "NO_PROXY"});
}

// True if the requests for a URL use https: those of s3:// and hf:// do unless their endpoint does not.
bool is_secure(const tfhttp::SchemeRow &row) {
  std::optional<std::string> endpoint;
  if (row.scheme == tfhttp::Scheme::kS3)
    endpoint = RequestOptions::variable({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  if (row.scheme == tfhttp::Scheme::kHub) endpoint = RequestOptions::variable({"HF_ENDPOINT"});
  const tfhttp::SchemeRow *const requested = endpoint ? scheme_row(*endpoint) : &row;
  return requested == nullptr || requested->secure;
}

}  // namespace

tensorfile::Source open_url(const std::string &url) {
  RequestOptions options;
  const tfhttp::SchemeRow *const row = scheme_row(url);
  const tfhttp::Scheme scheme = row != nullptr ? row->scheme : tfhttp::Scheme::kHttp;
  if (scheme == tfhttp::Scheme::kS3) set_aws(options);
  if (scheme == tfhttp::Scheme::kHub) set_hub(options);
  if (scheme == tfhttp::Scheme::kHttp) options.set_from(HttpOption::token, {"TENSORFILE_TOKEN"});
  set_proxy(options, row != nullptr && is_secure(*row));
  options.set_from(HttpOption::ca_file, {"SSL_CERT_FILE", "CURL_CA_BUNDLE"});
  return tensorfile::source_from_url(url, options.get());
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
