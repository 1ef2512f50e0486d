// Connections to servers, and the requests that are in flight on them.
#pragma once

#include <curl/curl.h>

#include "http/lock.h"

namespace tfhttp {

// One request of curl_multi_add_handle(), on the stack of the thread that waits for it.
struct Flight {
  CURL *handle = nullptr;
  char *error = nullptr;  // CURL_ERROR_SIZE bytes, which CURLOPT_ERRORBUFFER names too
  CURLcode result = CURLE_OK;
  bool done = false;
  Flight *next = nullptr;
};

// A CURLM, which has the connections. libcurl lets only one thread at a time use it, and creates none. So one of the
// threads that wait for their answers drives the requests of all: it sends, receives, and calls the callbacks. When its
// own request is done, another thread that still waits continues.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel &) = delete;
  Channel &operator=(const Channel &) = delete;
  ~Channel();

  // Returns NULL if memory runs out. At most `streams` requests share a connection of HTTP/2.
  static Channel *make(long streams);

  // Makes the request of a handle. Other threads may do so at the same time: with HTTP/2 the requests share a connection.
  CURLcode perform(CURL *handle, char (&error)[CURL_ERROR_SIZE]);

  // Remembers that something arrived. Called by the thread that drives, as the next one.
  void note_arrival();
  // When something arrived last, in milliseconds of now().
  int64_t last_arrival() const { return last_arrival_; }
  // Milliseconds of a clock that is never set.
  static int64_t now();

  // The next four belong to the client, and are protected by its lock.
  Channel *next = nullptr;
  size_t requests = 0;       // in flight
  bool multiplexes = false;  // the last answer was one of HTTP/2
  bool broken = false;       // a connection failed; no other request may use it

 private:
  void drive(Flight &own);
  void add_arrivals();
  void finish_completed();
  void finish_waiting(const char *error);
  void finish_all(CURLMcode code);
  void finish(Flight &flight, CURLcode result);

  CURLM *multi_ = nullptr;
  Flight *active_ = nullptr;  // added to multi_; used by the thread that drives
  int64_t last_arrival_ = 0;
  Lock lock_;  // of what follows, and of Flight::done
  Condition changed_;
  Flight *arrivals_ = nullptr;  // to be added to multi_
  bool driven_ = false;
};

}  // namespace tfhttp
