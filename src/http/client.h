// What the files of a set share: options, connections, and the commit that was pinned.
#pragma once

#include <curl/curl.h>

#include "http/lock.h"
#include "http/request_options.h"

namespace tfhttp {

class Client : public Counted {
 public:
  Client() = default;
  Client(const Client &) = delete;
  Client &operator=(const Client &) = delete;
  ~Client();

  // Copies the options, which may be NULL, and reads the files that they name.
  static tf_status make(Ref<Client> *out, const Options *options);

  const Options &options() const { return *options_; }
  // Returns a handle for one request, with a connection that is still open if there is one; NULL if there is no memory.
  CURL *acquire();
  // Keeps the handle and its connections for the next request.
  void give_back(CURL *handle);
  // Copies the commit of the Hub that the set is read from; "" before the first answer.
  tf_status copy_commit(String *out);
  // Stores the commit if there is none yet. Fails if there is another one.
  tf_status pin_commit(Text commit);
  // True if the caller wants to stop.
  bool cancelled() const { return options_->cancel != nullptr && options_->cancel(options_->cancel_user) != 0; }

 private:
  Ref<Options> options_;
  Lock lock_;
  CURL **idle_ = nullptr;  // the last one was used last
  size_t idle_count_ = 0;
  String commit_;
};

}  // namespace tfhttp
