#include "http/client.h"

#include "http/failure.h"

namespace tfhttp {

Client::~Client() {
  for (size_t i = 0; i < idle_count_; ++i)
    curl_easy_cleanup(idle_[i]);
  free(idle_);
}

tf_status Client::make(Ref<Client> *out, const Options *options) {
  // Handles can only then be created by several threads without a call of curl_global_init(), which would be a matter of
  // the whole process.
  if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_THREADSAFE) == 0) {
    return Failure(TF_STATUS_UNSUPPORTED) << "libcurl " << curl_version_info(CURLVERSION_NOW)->version
                                          << " is not thread-safe; expected 7.84 or later, built with atomics";
  }
  Ref<Client> client(make_object<Client>());
  if (!client) return out_of_memory();
  TFHTTP_TRY(copy_options(&client->options_, options));
  TFHTTP_TRY(read_credentials(*client->options_));
  const auto most = static_cast<size_t>(client->options_->number(TF_HTTP_OPTION_REQUESTS));
  client->idle_ = static_cast<CURL **>(malloc(most * sizeof(CURL *)));
  if (client->idle_ == nullptr) return out_of_memory();
  *out = static_cast<Ref<Client> &&>(client);
  return TF_STATUS_OK;
}

CURL *Client::acquire() {
  {
    const Guard guard(lock_);
    if (idle_count_ > 0) return idle_[--idle_count_];
  }
  return curl_easy_init();
}

void Client::give_back(CURL *handle) {
  {
    const Guard guard(lock_);
    if (idle_count_ < static_cast<size_t>(options_->number(TF_HTTP_OPTION_REQUESTS))) {
      idle_[idle_count_++] = handle;
      return;
    }
  }
  curl_easy_cleanup(handle);
}

tf_status Client::copy_commit(String *out) {
  const Guard guard(lock_);
  return require(out->assign(commit_.text()));
}

tf_status Client::pin_commit(Text commit) {
  bool valid = commit.size >= 7 && commit.size <= 64;
  for (const char c : commit)
    valid = valid && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
  if (!valid) {
    return Failure(TF_STATUS_UNSUPPORTED)
           << "the server does not say which commit it answers with (X-Repo-Commit), so this is not the Hub";
  }
  const Guard guard(lock_);
  if (commit_.empty()) return require(commit_.assign(commit));
  if (commit_.text() == commit) return TF_STATUS_OK;
  return Failure(TF_STATUS_IO) << "expected an answer from the commit " << commit_ << ", found the commit " << commit;
}

}  // namespace tfhttp
