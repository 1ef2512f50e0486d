// A file on a server: what is known about it, and range requests, which follow redirects and are repeated if they fail.
#pragma once

#include "http/exchange.h"

namespace tfhttp {

struct Siblings;

class RemoteFile : public Counted {
 public:
  RemoteFile() = default;
  RemoteFile(const RemoteFile &) = delete;
  RemoteFile &operator=(const RemoteFile &) = delete;
  ~RemoteFile();

  // Parses the URL and makes the first request, which reads the start of the file.
  static tf_status open(Ref<RemoteFile> *out, Ref<Client> client, Text url);

  Client &client() { return *client_; }
  const Location &location() const { return location_; }
  uint64_t size() const { return size_; }
  // Opens another file of the set, whose name is relative to the folder of this one. The first call opens all files that
  // an index lists, side by side.
  tf_status open_sibling(Ref<RemoteFile> *out, Text name);
  // Reads exactly nbytes. The caller has checked that they are in the file.
  tf_status read(uint64_t offset, void *to, size_t nbytes);

 private:
  tf_status open_first();
  tf_status fetch(uint64_t offset, char *to, size_t nbytes);
  Outcome follow(Response *response, const Request &request);
  tf_status copy_target(String *url);
  tf_status set_target(Text url);
  tf_status pin(const Answer &answer, bool from_origin);
  static tf_status accept(uint64_t *nbytes, const Request &request, const Answer &answer);
  tf_status check_answer(uint64_t *nbytes, const Request &request, const Answer &answer);
  tf_status learn(const Answer &answer, uint64_t total);
  tf_status compare(const Answer &answer, uint64_t total) const;

  Ref<Client> client_;
  Location location_;
  bool known_ = false;  // the next four are those of the first answer
  uint64_t size_ = 0;
  String etag_;
  String last_modified_;
  char *start_ = nullptr;  // the first bytes of the file
  size_t start_size_ = 0;
  Lock lock_;
  Siblings *siblings_ = nullptr;  // used by the thread that opens the set
  String target_;                 // where redirects led to, or ""
};

}  // namespace tfhttp
