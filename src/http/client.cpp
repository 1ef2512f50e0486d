#include "http/client.h"

#include "http/failure.h"

namespace tfhttp {

Client::~Client() {
  while (channels_ != nullptr) {
    Channel *const channel = channels_;
    channels_ = channel->next;
    destroy_object(channel);
  }
}

tf_status Client::make(Ref<Client> *out, const Options *options) {
  // Handles can only then be created by several threads without a call of curl_global_init(), which would be a matter of
  // the whole process.
  if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_THREADSAFE) == 0) {
    return Failure(TF_STATUS_UNSUPPORTED) << "libcurl " << curl_version_info(CURLVERSION_NOW)->version
                                          << " is not thread-safe; expected 7.85 or later, built with atomics";
  }
  Ref<Client> client(make_object<Client>());
  if (!client) return out_of_memory();
  TFHTTP_TRY(copy_options(&client->options_, options));
  TFHTTP_TRY(read_credentials(*client->options_));
  *out = static_cast<Ref<Client> &&>(client);
  return TF_STATUS_OK;
}

Channel *Client::acquire() {
  const auto streams = static_cast<size_t>(options_->number(TF_HTTP_OPTION_STREAMS));
  const Guard guard(lock_);
  bool multiplexes = false;
  Channel **end = &channels_;
  // The first ones are preferred, so that those that are not needed stay idle, and servers close them.
  for (; *end != nullptr; end = &(*end)->next) {
    Channel &channel = **end;
    if (channel.broken) continue;
    multiplexes = multiplexes || channel.multiplexes;
    if (channel.requests >= (channel.multiplexes ? streams : 1)) continue;
    ++channel.requests;
    return &channel;
  }
  Channel *const made = Channel::make(static_cast<long>(streams));
  if (made == nullptr) return nullptr;
  made->requests = 1;
  // The server is expected to answer as on the others, so that the next requests need not make connections too.
  made->multiplexes = multiplexes;
  *end = made;
  return made;
}

void Client::give_back(Channel *channel, Conclusion conclusion) {
  {
    const Guard guard(lock_);
    --channel->requests;
    channel->multiplexes = conclusion == Conclusion::kMultiplexed;
    channel->broken = channel->broken || conclusion == Conclusion::kBroken;
    if (channel->requests > 0) return;
    size_t before = 0;
    Channel **link = &channels_;
    for (; *link != channel; link = &(*link)->next)
      ++before;
    if (!channel->broken && before < static_cast<size_t>(options_->number(TF_HTTP_OPTION_REQUESTS))) return;
    *link = channel->next;
  }
  destroy_object(channel);
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
