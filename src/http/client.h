// What the files of a set share: options, connections, and the commit that was pinned.
#pragma once

#include "http/channel.h"
#include "http/request_options.h"

namespace tfhttp {

// What a request has shown about its connection.
enum class Conclusion {
  kAlone,        // it can have one request at a time
  kMultiplexed,  // other requests can use it at the same time
  kBroken,       // it failed
};

class Client : public Counted {
 public:
  Client() = default;
  Client(const Client &) = delete;
  Client &operator=(const Client &) = delete;
  ~Client();

  // Copies the options, which may be NULL, and reads the files that they name.
  static tf_status make(Ref<Client> *out, const Options *options);

  const Options &options() const { return *options_; }
  // Returns connections for one request, or NULL if memory runs out: those that other requests use, if the server speaks
  // HTTP/2, or else those that no request uses.
  Channel *acquire();
  // Keeps the connections for the next request.
  void give_back(Channel *channel, Conclusion conclusion);
  // Copies the commit of the Hub that the set is read from; "" before the first answer.
  tf_status copy_commit(String *out);
  // Stores the commit if there is none yet. Fails if there is another one.
  tf_status pin_commit(Text commit);
  // True if the caller wants to stop.
  bool cancelled() const { return options_->cancelled(); }

 private:
  Ref<Options> options_;
  Lock lock_;
  Channel *channels_ = nullptr;
  String commit_;
};

}  // namespace tfhttp
