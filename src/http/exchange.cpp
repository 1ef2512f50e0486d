#include "http/exchange.h"

#include "http/request_headers.h"

namespace tfhttp {

namespace {

// A larger body of an error or a redirect is not read: closing the connection is cheaper.
constexpr size_t kMostDiscarded = size_t{64} << 10;
constexpr size_t kMostHead = size_t{256} << 10;
constexpr size_t kErrorBody = size_t{4} << 10;
// How many stall timeouts an answer may take to begin or to continue while others arrive on its connection.
constexpr int64_t kPatience = 10;

// The state of a transfer, which libcurl's callbacks change.
struct Transfer {
  Client *client = nullptr;
  Channel *channel = nullptr;
  const Request *request = nullptr;
  Response *response = nullptr;
  CURL *handle = nullptr;
  tf_status failure = TF_STATUS_OK;
  String reason;        // why it failed; the error record is that of another thread, which drives the channel
  int64_t begin = 0;    // when the request was made, in milliseconds of Channel::now()
  int64_t arrival = 0;  // when the last bytes of the answer arrived
  int64_t stalled = 0;  // how long nothing arrived when the transfer was given up for that, in milliseconds
  size_t head = 0;      // bytes of the head of the answer
  bool judged = false;
  bool wanted = false;    // the body has the bytes of the file
  uint64_t expected = 0;  // bytes of the body, if it is wanted
  size_t discarded = 0;
  bool abandoned = false;  // the rest of an unwanted body is not read
  String error_body;
};

// Ends a transfer with what the error record says.
void fail(Transfer &transfer, tf_status status) {
  transfer.failure = status;
  transfer.reason.assign(tf_error_message());
}

void note_arrival(Transfer &transfer) {
  transfer.channel->note_arrival();
  transfer.arrival = transfer.channel->last_arrival();
}

bool is_success(uint64_t status) {
  return status >= 200 && status < 300;
}

// Decides what the body is, once the head is complete.
void judge(Transfer &transfer) {
  if (transfer.judged) return;
  transfer.judged = true;
  Answer &answer = transfer.response->answer;
  long status = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<uint64_t>(status);
  long version = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_HTTP_VERSION, &version);
  if (version >= CURL_HTTP_VERSION_2_0) answer.ends_visibly = true;
  if (!answer.ok()) return fail(transfer, out_of_memory());
  if (!is_success(answer.status)) return;
  const Request &request = *transfer.request;
  const tf_status accepted = request.accept(&transfer.expected, request, answer);
  if (accepted != TF_STATUS_OK) return fail(transfer, accepted);
  transfer.response->until_end = transfer.expected == kUntilEnd;
  if (transfer.response->until_end) {
    transfer.expected = request.nbytes;
  } else if (transfer.expected > request.nbytes) {
    return fail(transfer, Failure(TF_STATUS_IO)
                              << "the server announces " << transfer.expected << " bytes, more than the "
                              << static_cast<uint64_t>(request.nbytes) << " that were asked for");
  }
  transfer.wanted = true;
}

size_t on_header(char *line, size_t size, size_t count, void *user) {
  Transfer &transfer = *static_cast<Transfer *>(user);
  note_arrival(transfer);
  transfer.head += size * count;
  if (transfer.head > kMostHead) {
    return fail(transfer, Failure(TF_STATUS_IO) << "the head of the server's answer has more than "
                                                << static_cast<uint64_t>(kMostHead) << " bytes"),
           0;
  }
  // What follows the body are trailers.
  if (!transfer.judged) transfer.response->answer.add_line(Text(line, size * count));
  return size * count;
}

// Any result but the number of bytes ends the transfer.
size_t on_body(char *bytes, size_t size, size_t count, void *user) {
  Transfer &transfer = *static_cast<Transfer *>(user);
  Response &response = *transfer.response;
  const size_t nbytes = size * count;
  note_arrival(transfer);
  judge(transfer);
  if (transfer.failure != TF_STATUS_OK) return 0;
  if (!transfer.wanted) {
    transfer.discarded += nbytes;
    if (transfer.error_body.size() + nbytes <= kErrorBody) transfer.error_body << Text(bytes, nbytes);
    transfer.abandoned = transfer.discarded > kMostDiscarded;
    return transfer.abandoned ? 0 : nbytes;
  }
  if (nbytes > transfer.expected - response.received) {
    if (response.until_end) return fail(transfer, no_ranges(response.answer)), 0;
    return fail(transfer, Failure(TF_STATUS_IO)
                              << "the server sends more than the " << transfer.expected << " bytes that it announced"),
           0;
  }
  memcpy(transfer.request->to + response.received, bytes, nbytes);
  response.received += nbytes;
  return nbytes;
}

// Returns how long nothing has arrived if that is too long, and otherwise 0. A server may send the answers that share a
// connection one after another, so that one which does not arrive yet is given up only if none does, or after a much
// longer time. (CURLOPT_LOW_SPEED_TIME is about one answer only.)
int64_t stall_time(const Transfer &transfer) {
  curl_off_t connected = 0;  // microseconds until the request was sent
  curl_easy_getinfo(transfer.handle, CURLINFO_PRETRANSFER_TIME_T, &connected);
  if (connected == 0) return 0;
  const int64_t most = transfer.client->options().number(TF_HTTP_OPTION_STALL_TIMEOUT);
  const int64_t sent = transfer.begin + connected / 1000;
  const int64_t own = transfer.arrival > sent ? transfer.arrival : sent;
  const int64_t any = transfer.channel->last_arrival() > own ? transfer.channel->last_arrival() : own;
  const int64_t now = Channel::now();
  if (now - any > most) return most;
  return now - own > kPatience * most ? kPatience * most : 0;
}

int on_progress(void *user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  Transfer &transfer = *static_cast<Transfer *>(user);
  if (transfer.client->cancelled()) {
    return fail(transfer, Failure(TF_STATUS_CANCELLED) << "the request was cancelled"), 1;
  }
  transfer.stalled = stall_time(transfer);
  return transfer.stalled > 0 ? 1 : 0;
}

// Collects the results of curl_easy_setopt().
class Setup {
 public:
  explicit Setup(CURL *handle) : handle_(handle) {}
  template <typename T>
  Setup &set(CURLoption option, T value) {
    if (result_ == CURLE_OK) result_ = curl_easy_setopt(handle_, option, value);
    return *this;
  }
  CURLcode result() const { return result_; }

 private:
  CURL *handle_;
  CURLcode result_ = CURLE_OK;
};

const char *or_null(Text text) {
  return text.empty() ? nullptr : text.data;
}

CURLcode configure(Transfer &transfer, const char *url, curl_slist *headers, char *error) {
  const Options &options = transfer.client->options();
  Setup setup(transfer.handle);
  setup.set(CURLOPT_URL, url)
      .set(CURLOPT_PROTOCOLS_STR, "http,https")
      .set(CURLOPT_FOLLOWLOCATION, 0L)
      .set(CURLOPT_PATH_AS_IS, 1L)
      .set(CURLOPT_NOSIGNAL, 1L)
      .set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS))
      // A request waits until it is known whether a connection that is being made can be shared.
      .set(CURLOPT_PIPEWAIT, 1L)
      .set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2))
      .set(CURLOPT_SSL_VERIFYPEER, 1L)
      .set(CURLOPT_SSL_VERIFYHOST, 2L)
      .set(CURLOPT_TCP_KEEPALIVE, 1L)
      .set(CURLOPT_BUFFERSIZE, 256L << 10)
      .set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L)
      .set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.number(TF_HTTP_OPTION_CONNECT_TIMEOUT)))
      .set(CURLOPT_USERAGENT, options.string(TF_HTTP_OPTION_USER_AGENT).data)
      // An empty string keeps libcurl from looking for proxies in the environment.
      .set(CURLOPT_PROXY, options.string(TF_HTTP_OPTION_PROXY).data)
      .set(CURLOPT_NOPROXY, options.string(TF_HTTP_OPTION_NO_PROXY).data)
      .set(CURLOPT_HTTPHEADER, headers)
      .set(CURLOPT_ERRORBUFFER, error)
      .set(CURLOPT_HEADERFUNCTION, &on_header)
      .set(CURLOPT_HEADERDATA, &transfer)
      .set(CURLOPT_WRITEFUNCTION, &on_body)
      .set(CURLOPT_WRITEDATA, &transfer)
      .set(CURLOPT_NOPROGRESS, 0L)
      .set(CURLOPT_XFERINFOFUNCTION, &on_progress)
      .set(CURLOPT_XFERINFODATA, &transfer);
  if (const char *const file = or_null(options.string(TF_HTTP_OPTION_CA_FILE)); file != nullptr) {
    setup.set(CURLOPT_CAINFO, file);
  }
  return setup.result();
}

// True if the same request may succeed later.
bool is_transient(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

bool is_transient(uint64_t status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

// What the connection is good for after a transfer.
Conclusion conclusion_of(const Transfer &transfer, CURLcode code) {
  const bool ended_here = transfer.failure != TF_STATUS_OK || transfer.abandoned;
  if (code != CURLE_OK && !ended_here) return Conclusion::kBroken;
  long version = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_HTTP_VERSION, &version);
  return version >= CURL_HTTP_VERSION_2_0 ? Conclusion::kMultiplexed : Conclusion::kAlone;
}

// What a failure of libcurl means.
Outcome connection_outcome(Transfer &transfer, CURLcode code, const char *error) {
  Response &response = *transfer.response;
  String why;
  why << (error[0] != '\0' ? error : curl_easy_strerror(code));
  if (code == CURLE_OUT_OF_MEMORY || !why.ok()) return failed(out_of_memory());
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    why << "; if its authority can be trusted, name a file with the certificate (CA_FILE)";
  }
  if (code == CURLE_PARTIAL_FILE) {
    why.assign("the connection ended after ")
        << static_cast<uint64_t>(response.received) << " of " << transfer.expected << " bytes";
  }
  if (transfer.stalled > 0) why.assign("nothing arrived for ") << static_cast<uint64_t>(transfer.stalled) << " ms";
  if (!is_transient(code) && transfer.stalled == 0) {
    return failed(Failure(TF_STATUS_IO) << "the request failed: " << why);
  }
  response.why = static_cast<String &&>(why);
  return Outcome::kRetry;
}

void say_what_helps(Failure &failure, const Answer &answer) {
  if (is_word(answer.region.text()) && (answer.status == 301 || answer.status == 400)) {
    failure << "; the bucket is in the region " << answer.region;
  } else if (answer.status == 401 || answer.status == 403) {
    failure << "; reading this file may need credentials";
  } else if (answer.status == 407) {
    failure << "; the proxy needs a user name and password";
  }
}

// What an answer means that does not have the bytes.
Outcome status_outcome(Transfer &transfer) {
  Response &response = *transfer.response;
  Answer &answer = response.answer;
  find_error_code(&answer, transfer.error_body.text());
  const bool redirect = (answer.status >= 301 && answer.status <= 303) || answer.status == 307 || answer.status == 308;
  if (redirect && !answer.redirect.empty() && transfer.request->location->scheme != Scheme::kS3) {
    return Outcome::kRedirect;
  }
  const ContentRange range = answer.content_range();
  if (answer.status == 416 && range.valid && range.has_total && range.total == 0 && transfer.request->offset == 0) {
    return Outcome::kEmpty;
  }
  String text;
  answer.describe(text);
  if (is_transient(answer.status)) {
    curl_off_t wait = 0;
    curl_easy_getinfo(transfer.handle, CURLINFO_RETRY_AFTER, &wait);
    response.retry_after = wait > 0 ? static_cast<uint64_t>(wait) : 0;
    response.why << "the server answered " << text;
    return Outcome::kRetry;
  }
  Failure failure(answer.status == 404 || answer.status == 410 ? TF_STATUS_NOT_FOUND : TF_STATUS_IO);
  failure << "the server answered " << text;
  say_what_helps(failure, answer);
  return failed(failure);
}

// Reports a failure in the error record of the thread that made the request.
Outcome failed_transfer(const Transfer &transfer) {
  if (!transfer.reason.ok()) return failed(out_of_memory());
  return failed(tf_error_set(transfer.failure, transfer.reason.c_str(), transfer.reason.size()));
}

Outcome outcome_of(Transfer &transfer, CURLcode code, const char *error) {
  Response &response = *transfer.response;
  if (transfer.failure != TF_STATUS_OK) return failed_transfer(transfer);
  if (code != CURLE_OK && !transfer.abandoned) return connection_outcome(transfer, code, error);
  judge(transfer);
  if (transfer.failure != TF_STATUS_OK) return failed_transfer(transfer);
  if (!transfer.wanted) return status_outcome(transfer);
  if (response.received == transfer.expected || response.until_end) return Outcome::kDone;
  response.why << "the server sent " << static_cast<uint64_t>(response.received) << " of the " << transfer.expected
               << " bytes that it announced";
  return Outcome::kRetry;
}

}  // namespace

tf_status no_ranges(const Answer &answer) {
  return Failure(TF_STATUS_UNSUPPORTED)
         << "the server does not support ranges: asked for a part of the file, it answered " << answer.status
         << " with all of it; download the file, or use a server that supports them";
}

Outcome exchange(Response *response, Client &client, const Request &request) {
  RequestHeaders headers;
  if (headers.make(client.options(), request) != TF_STATUS_OK) return Outcome::kFailed;
  String url;
  url << request.url;
  if (!url.ok()) return failed(out_of_memory());
  Transfer transfer;
  transfer.client = &client;
  transfer.request = &request;
  transfer.response = response;
  // A handle that has shared a connection cannot be configured again: libcurl 7.88 keeps its buffer.
  transfer.handle = curl_easy_init();
  if (transfer.handle == nullptr) return failed(out_of_memory());
  transfer.channel = client.acquire();
  if (transfer.channel == nullptr) return curl_easy_cleanup(transfer.handle), failed(out_of_memory());
  char error[CURL_ERROR_SIZE] = "";
  transfer.begin = Channel::now();
  CURLcode code = configure(transfer, url.c_str(), headers.list(), error);
  if (code == CURLE_OK) code = transfer.channel->perform(transfer.handle, error);
  const Outcome outcome = outcome_of(transfer, code, error);
  // A whole file cannot be continued, only asked for again.
  if (outcome == Outcome::kRetry && response->answer.status == 200) response->received = 0;
  const Conclusion conclusion = conclusion_of(transfer, code);
  curl_easy_cleanup(transfer.handle);
  client.give_back(transfer.channel, conclusion);
  return outcome;
}

}  // namespace tfhttp
