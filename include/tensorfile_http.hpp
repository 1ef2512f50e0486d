/**
 * @file tensorfile_http.hpp
 * A thin C++17 layer over tensorfile_http.h: reads arrays from HTTP servers and object stores.
 *
 * The layer is header-only, and follows tensorfile.hpp: owning handles, exceptions, and enumerators with the numbers of C.
 * tensorfile_http.h documents the options, and what is sent to whom. Programs link libtensorfile_http.
 *
 *     namespace tf = tensorfile;
 *     tf::HttpOptions options = {{tf::HttpOption::token, "hf_..."}, {tf::HttpOption::retries, 2}};
 *     tf::File file(tf::source_from_url("hf://owner/name/model.safetensors", options));
 */
#ifndef TENSORFILE_HTTP_HPP
#define TENSORFILE_HTTP_HPP

#include "tensorfile.hpp"
#include "tensorfile_http.h"

namespace tensorfile {

/** TF_HTTP_OPTION_*: the comments of tensorfile_http.h describe them. */
enum class HttpOption : tf_http_option {
  connect_timeout = TF_HTTP_OPTION_CONNECT_TIMEOUT,
  stall_timeout = TF_HTTP_OPTION_STALL_TIMEOUT,
  retries = TF_HTTP_OPTION_RETRIES,
  backoff = TF_HTTP_OPTION_BACKOFF,
  max_wait = TF_HTTP_OPTION_MAX_WAIT,
  redirects = TF_HTTP_OPTION_REDIRECTS,
  first_bytes = TF_HTTP_OPTION_FIRST_BYTES,
  gap = TF_HTTP_OPTION_GAP,
  piece = TF_HTTP_OPTION_PIECE,
  requests = TF_HTTP_OPTION_REQUESTS,
  streams = TF_HTTP_OPTION_STREAMS,
  ca_file = TF_HTTP_OPTION_CA_FILE,
  proxy = TF_HTTP_OPTION_PROXY,
  no_proxy = TF_HTTP_OPTION_NO_PROXY,
  user_agent = TF_HTTP_OPTION_USER_AGENT,
  token = TF_HTTP_OPTION_TOKEN,
  token_file = TF_HTTP_OPTION_TOKEN_FILE,
  hf_endpoint = TF_HTTP_OPTION_HF_ENDPOINT,
  s3_endpoint = TF_HTTP_OPTION_S3_ENDPOINT,
  s3_region = TF_HTTP_OPTION_S3_REGION,
  s3_access_key = TF_HTTP_OPTION_S3_ACCESS_KEY,
  s3_secret_key = TF_HTTP_OPTION_S3_SECRET_KEY,
  s3_session_token = TF_HTTP_OPTION_S3_SESSION_TOKEN,
  s3_credentials_file = TF_HTTP_OPTION_S3_CREDENTIALS_FILE,
  s3_profile = TF_HTTP_OPTION_S3_PROFILE,
};

/** An option of requests with its value, an element of the list that makes HttpOptions. The text is not copied. */
class HttpSetting {
 public:
  constexpr HttpSetting(HttpOption option, std::int64_t value) noexcept : value_(value), option_(option) {}
  constexpr HttpSetting(HttpOption option, std::string_view text) noexcept
      : text_(text), option_(option), is_text_(1) {}

 private:
  friend class HttpOptions;
  // In an order without padding, of which Clang warns.
  std::string_view text_;
  std::int64_t value_ = 0;
  HttpOption option_;
  std::int32_t is_text_ = 0;
};

/** The settings of requests. Setters return the object, so that calls can be chained. Empty options mean the defaults. */
class HttpOptions : public detail::Handle<tf_http_options, tf_http_options_retain, tf_http_options_release> {
 public:
  using Handle::Handle;

  /** Empty options. */
  HttpOptions() noexcept = default;
  /** Options with these values. */
  HttpOptions(std::initializer_list<HttpSetting> settings) {
    for (const HttpSetting &setting : settings) {
      if (setting.is_text_ != 0) {
        set(setting.option_, setting.text_);
      } else {
        set(setting.option_, setting.value_);
      }
    }
  }

  /** Another handle on the same options. */
  HttpOptions share() const noexcept { return HttpOptions(retained()); }
  /** tf_http_options_set() */
  HttpOptions &set(HttpOption option, std::int64_t value) & {
    detail::check(tf_http_options_set(ensure(), detail::number(option), value));
    return *this;
  }
  HttpOptions &&set(HttpOption option, std::int64_t value) && { return std::move(set(option, value)); }
  /** tf_http_options_set_string() */
  HttpOptions &set(HttpOption option, std::string_view text) & {
    detail::check(tf_http_options_set_string(ensure(), detail::number(option), text.data(), text.size()));
    return *this;
  }
  HttpOptions &&set(HttpOption option, std::string_view text) && { return std::move(set(option, text)); }
  /** tf_http_options_add_header() */
  HttpOptions &add_header(const std::string &name, const std::string &value) & {
    detail::check(tf_http_options_add_header(ensure(), name.c_str(), value.c_str()));
    return *this;
  }
  HttpOptions &&add_header(const std::string &name, const std::string &value) && {
    return std::move(add_header(name, value));
  }
  /** tf_http_options_set_cancel(): if cancelled() returns true or throws, reads fail with CANCELLED. Several threads may
      call it at the same time. */
  HttpOptions &set_cancel(std::function<bool()> cancelled) & {
    using Cancelled = decltype(cancelled);
    tf_http_options *const handle = ensure();
    auto kept = std::make_unique<Cancelled>(std::move(cancelled));
    const auto trampoline = [](void *user) noexcept -> std::int32_t {
      try {
        return (*static_cast<Cancelled *>(user))() ? 1 : 0;
      } catch (...) {
        return 1;
      }
    };
    detail::check(tf_http_options_set_cancel(handle, trampoline, detail::destroy<Cancelled>, kept.release()));
    return *this;
  }
  HttpOptions &&set_cancel(std::function<bool()> cancelled) && { return std::move(set_cancel(std::move(cancelled))); }

 private:
  tf_http_options *ensure() {
    if (handle_ == nullptr) detail::check(tf_http_options_new(&handle_));
    return handle_;
  }
};

/** tf_source_from_url() */
inline Source source_from_url(const std::string &url, const HttpOptions &options = {}) {
  tf_source *source = nullptr;
  detail::check(tf_source_from_url(&source, url.c_str(), options.get()));
  return Source(source);
}

/** tf_is_url(): true if a string begins with the scheme of a URL that source_from_url() opens. */
inline bool is_url(const std::string &text) noexcept {
  return tf_is_url(text.c_str()) != 0;
}

}  // namespace tensorfile

#endif /* TENSORFILE_HTTP_HPP */
