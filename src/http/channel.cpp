#include "http/channel.h"

#include <stdio.h>
#include <time.h>

#include "http/object.h"

namespace tfhttp {

namespace {

// The longest wait for a socket in milliseconds. After each wait the progress callback is called, which can cancel.
constexpr int kLongestPoll = 1000;

// True if a request has got a connection, whose handshakes are over.
bool has_connection(CURL *handle) {
  curl_off_t begin = 0;
  curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &begin);
  return begin > 0;
}

void copy_error(const Flight &flight, const char *text) {
  if (text != flight.error) snprintf(flight.error, CURL_ERROR_SIZE, "%s", text);
}

}  // namespace

Channel *Channel::make(long streams) {
  auto *const channel = make_object<Channel>();
  if (channel == nullptr) return nullptr;
  channel->multi_ = curl_multi_init();
  if (channel->multi_ != nullptr &&
      curl_multi_setopt(channel->multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) == CURLM_OK &&
      curl_multi_setopt(channel->multi_, CURLMOPT_MAX_CONCURRENT_STREAMS, streams) == CURLM_OK) {
    return channel;
  }
  destroy_object(channel);
  return nullptr;
}

Channel::~Channel() {
  curl_multi_cleanup(multi_);
}

CURLcode Channel::perform(CURL *handle, char (&error)[CURL_ERROR_SIZE]) {
  Flight own;
  own.handle = handle;
  own.error = error;
  const CURLcode code = curl_easy_setopt(handle, CURLOPT_PRIVATE, &own);
  if (code != CURLE_OK) return code;
  lock_.lock();
  own.next = arrivals_;
  arrivals_ = &own;
  if (driven_) curl_multi_wakeup(multi_);
  while (!own.done) {
    if (driven_) {
      changed_.wait(lock_);
      continue;
    }
    driven_ = true;
    lock_.unlock();
    drive(own);
    lock_.lock();
    driven_ = false;
    changed_.notify_all();
  }
  lock_.unlock();
  return own.result;
}

void Channel::drive(Flight &own) {
  while (!own.done) {
    add_arrivals();
    int running = 0;
    CURLMcode code = curl_multi_perform(multi_, &running);
    if (code == CURLM_OK) finish_completed();
    if (code == CURLM_OK && !own.done) code = curl_multi_poll(multi_, nullptr, 0, kLongestPoll, nullptr);
    if (code != CURLM_OK) finish_all(code);
  }
}

void Channel::add_arrivals() {
  Flight *arrived = nullptr;
  {
    const Guard guard(lock_);
    arrived = arrivals_;
    arrivals_ = nullptr;
  }
  while (arrived != nullptr) {
    Flight &flight = *arrived;
    arrived = flight.next;
    flight.next = active_;
    active_ = &flight;
    if (curl_multi_add_handle(multi_, flight.handle) != CURLM_OK) finish(flight, CURLE_OUT_OF_MEMORY);
  }
}

void Channel::finish_completed() {
  int queued = 0;
  while (const CURLMsg *const message = curl_multi_info_read(multi_, &queued)) {
    if (message->msg != CURLMSG_DONE) continue;
    char *flight = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight);
    Flight &done = *reinterpret_cast<Flight *>(flight);
    const CURLcode result = message->data.result;
    // The message is no longer valid when the handle is removed.
    const bool failed = result != CURLE_OK && result != CURLE_ABORTED_BY_CALLBACK;
    if (failed && !has_connection(done.handle)) finish_waiting(done.error);
    finish(done, result);
  }
}

// Fails the requests that wait for a connection which could not be made; they may be repeated. libcurl would let each of
// them try in turn, and the last would wait for all the others.
void Channel::finish_waiting(const char *error) {
  Flight *next = nullptr;
  for (Flight *flight = active_; flight != nullptr; flight = next) {
    next = flight->next;
    if (flight->error == error || has_connection(flight->handle)) continue;
    copy_error(*flight, error);
    finish(*flight, CURLE_COULDNT_CONNECT);
  }
}

void Channel::finish_all(CURLMcode code) {
  while (active_ != nullptr) {
    copy_error(*active_, curl_multi_strerror(code));
    finish(*active_, code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT);
  }
}

// Removes a request. Its thread may then continue, and the object no longer exists.
void Channel::finish(Flight &flight, CURLcode result) {
  curl_multi_remove_handle(multi_, flight.handle);
  Flight **link = &active_;
  while (*link != &flight)
    link = &(*link)->next;
  *link = flight.next;
  const Guard guard(lock_);
  flight.result = result;
  flight.done = true;
  changed_.notify_all();
}

void Channel::note_arrival() {
  last_arrival_ = now();
}

int64_t Channel::now() {
  struct timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<int64_t>(time.tv_sec) * 1000 + static_cast<int64_t>(time.tv_nsec) / 1000000;
}

}  // namespace tfhttp
