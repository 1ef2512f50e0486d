// The other files of a set. Those that an index lists are opened side by side, before the core asks for them one by one.
#pragma once

#include "http/remote_file.h"

namespace tfhttp {

struct Siblings {
  Siblings() = default;
  Siblings(const Siblings &) = delete;
  Siblings &operator=(const Siblings &) = delete;
  ~Siblings();

  // Opens the files whose names are in the text of an index. A file that cannot be opened is no failure until take().
  void open_listed(Client &client, const Location &index, Text text);
  // Returns a file that open_listed() opened, or opens it.
  tf_status take(Ref<RemoteFile> *out, Client &client, const Location &index, Text name);

  struct Entry {
    String name;
    Ref<RemoteFile> file;
    bool tried = false;
    tf_status status = TF_STATUS_OK;
    String message;
  };

 private:
  void list(Text text);
  bool add(Text name);

  Entry *entries_ = nullptr;
  size_t count_ = 0;
  size_t capacity_ = 0;
};

}  // namespace tfhttp
