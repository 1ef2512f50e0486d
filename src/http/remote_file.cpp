#include "http/remote_file.h"

#include "http/redirect.h"
#include "http/siblings.h"
#include "http/waiting.h"

namespace tfhttp {

namespace {

// A shorter answer than asked for counts as an attempt, unless it has at least this many bytes.
constexpr size_t kProgress = size_t{64} << 10;

bool ends_with(Text name, Text end) {
  return name.size >= end.size && name.from(name.size - end.size) == end;
}

// Returns how many bytes to ask for before anything is known about the file. Only the names of URLs are known here, and
// the core's table of formats is in another library.
size_t first_bytes(const Options &options, Text name) {
  const int64_t chosen = options.number(TF_HTTP_OPTION_FIRST_BYTES);
  if (chosen != 0) return static_cast<size_t>(chosen);
  if (ends_with(name, ".npz")) return size_t{64} << 10;
  return ends_with(name, ".json") ? size_t{16} << 20 : size_t{1} << 20;
}

// True if a target of a redirect that was good before no longer is: signed URLs expire.
bool has_expired(const Answer &answer) {
  return answer.status >= 400 && answer.status < 500 && answer.status != 416;
}

tf_status too_many_redirects(int64_t most) {
  return Failure(TF_STATUS_IO) << "the server redirects more than " << static_cast<uint64_t>(most) << " times";
}

}  // namespace

RemoteFile::~RemoteFile() {
  if (siblings_ != nullptr) destroy_object(siblings_);
  free(start_);
}

tf_status RemoteFile::open(Ref<RemoteFile> *out, Ref<Client> client, Text url) {
  Ref<RemoteFile> file(make_object<RemoteFile>());
  if (!file) return out_of_memory();
  String commit;
  TFHTTP_TRY(client->copy_commit(&commit));
  file->client_ = static_cast<Ref<Client> &&>(client);
  TFHTTP_TRY(parse_location(&file->location_, url, file->client_->options(), commit.text()));
  TFHTTP_TRY(file->open_first());
  *out = static_cast<Ref<RemoteFile> &&>(file);
  return TF_STATUS_OK;
}

tf_status RemoteFile::open_first() {
  const size_t first = first_bytes(client_->options(), location_.name.text());
  start_ = static_cast<char *>(malloc(first));
  if (start_ == nullptr) return out_of_memory();
  TFHTTP_TRY(fetch(0, start_, first));
  start_size_ = size_ < first ? static_cast<size_t>(size_) : first;
  char *const smaller = static_cast<char *>(realloc(start_, start_size_ + 1));
  if (smaller != nullptr) start_ = smaller;
  if (location_.scheme != Scheme::kHub) return TF_STATUS_OK;
  // Later requests must not follow the branch to another commit.
  String commit;
  Location pinned;
  TFHTTP_TRY(client_->copy_commit(&commit));
  TFHTTP_TRY(parse_location(&pinned, location_.name.text(), client_->options(), commit.text()));
  location_ = static_cast<Location &&>(pinned);
  return TF_STATUS_OK;
}

tf_status RemoteFile::open_sibling(Ref<RemoteFile> *out, Text name) {
  if (siblings_ == nullptr) {
    siblings_ = make_object<Siblings>();
    if (siblings_ == nullptr) return out_of_memory();
    // An index that does not begin with the first bytes is read, but its files are then opened one after another.
    const bool complete = start_size_ == size_ && ends_with(location_.name.text(), ".json");
    if (complete) siblings_->open_listed(*client_, location_, Text(start_, start_size_));
  }
  return siblings_->take(out, *client_, location_, name);
}

tf_status RemoteFile::read(uint64_t offset, void *to, size_t nbytes) {
  auto *bytes = static_cast<char *>(to);
  if (offset < start_size_) {
    const size_t have = start_size_ - static_cast<size_t>(offset);
    const size_t count = nbytes < have ? nbytes : have;
    memcpy(bytes, start_ + offset, count);
    offset += count;
    bytes += count;
    nbytes -= count;
  }
  return nbytes == 0 ? TF_STATUS_OK : fetch(offset, bytes, nbytes);
}

// Reads a range, with as many requests as it takes. The first answer may show that the file has fewer bytes.
tf_status RemoteFile::fetch(uint64_t offset, char *to, size_t nbytes) {
  const int64_t retries = client_->options().number(TF_HTTP_OPTION_RETRIES);
  size_t got = 0;
  for (int64_t attempt = 0;;) {
    Response response;
    Request request;
    request.location = &location_;
    request.offset = offset + got;
    request.to = to + got;
    request.nbytes = nbytes - got;
    request.accept = accept;
    request.user = this;
    const Outcome outcome = follow(&response, request);
    got += response.received;
    if (outcome == Outcome::kEmpty && !known_) {
      known_ = true;
      return TF_STATUS_OK;
    }
    if (outcome == Outcome::kEmpty) return compare(response.answer, 0);
    if (outcome == Outcome::kFailed) return tf_error_status();
    if (outcome == Outcome::kDone && response.until_end) return learn(response.answer, got);
    if (known_ && nbytes > size_ - offset) nbytes = static_cast<size_t>(size_ - offset);
    if (got == nbytes) return TF_STATUS_OK;
    if (outcome == Outcome::kDone && response.received >= kProgress) continue;
    if (attempt == retries) {
      if (response.why.empty()) response.why << "the server sends less than was asked for";
      return Failure(TF_STATUS_IO) << response.why << ", at each of " << static_cast<uint64_t>(retries + 1)
                                   << " attempts";
    }
    TFHTTP_TRY(wait_before(*client_, response, attempt++));
  }
}

// Makes a request and follows redirects. A target that was found before may have expired; then it is looked for again.
Outcome RemoteFile::follow(Response *response, const Request &request) {
  const int64_t most = client_->options().number(TF_HTTP_OPTION_REDIRECTS);
  Request next = request;
  String url;
  if (copy_target(&url) != TF_STATUS_OK) return Outcome::kFailed;
  bool remembered = !url.empty();
  if (!remembered) url << location_.url;
  for (int64_t redirects = 0;;) {
    next.url = url.text();
    next.with_credentials = has_origin(location_, next.url);
    const Outcome outcome = exchange(response, *client_, next);
    if (remembered && outcome == Outcome::kFailed && has_expired(response->answer)) {
      if (set_target(Text()) != TF_STATUS_OK) return Outcome::kFailed;
      url.assign(location_.url.text());
    } else if (outcome != Outcome::kRedirect) {
      if (outcome != Outcome::kDone) return outcome;
      if (pin(response->answer, next.with_credentials) != TF_STATUS_OK) return Outcome::kFailed;
      return redirects > 0 && set_target(url.text()) != TF_STATUS_OK ? Outcome::kFailed : outcome;
    } else {
      if (redirects++ == most) return failed(too_many_redirects(most));
      if (!response->answer.commit.empty() && next.with_credentials && pin(response->answer, true) != TF_STATUS_OK) {
        return Outcome::kFailed;
      }
      if (resolve_redirect(&url, response->answer.redirect.text()) != TF_STATUS_OK) return Outcome::kFailed;
    }
    remembered = false;
    *response = Response();
  }
}

tf_status RemoteFile::copy_target(String *url) {
  const Guard guard(lock_);
  return require(url->assign(target_.text()));
}

tf_status RemoteFile::set_target(Text url) {
  const Guard guard(lock_);
  return require(target_.assign(url));
}

// Pins the commit of a file of the Hub, which the Hub itself says, not the store that it redirects to.
tf_status RemoteFile::pin(const Answer &answer, bool from_origin) {
  if (location_.scheme != Scheme::kHub) return TF_STATUS_OK;
  if (from_origin) return client_->pin_commit(answer.commit.text());
  String commit;
  TFHTTP_TRY(client_->copy_commit(&commit));
  return commit.empty() ? client_->pin_commit(Text()) : TF_STATUS_OK;
}

tf_status RemoteFile::accept(uint64_t *nbytes, const Request &request, const Answer &answer) {
  return static_cast<RemoteFile *>(request.user)->check_answer(nbytes, request, answer);
}

tf_status RemoteFile::check_answer(uint64_t *nbytes, const Request &request, const Answer &answer) {
  if (!answer.encoding.empty() && !answer.encoding.text().equals_ignoring_case("identity")) {
    return Failure(TF_STATUS_UNSUPPORTED) << "the server compresses the file, although it was asked not to";
  }
  if (answer.status == 200) {
    // A whole file that is no longer than the wanted part is as good as that part.
    const bool is_short = answer.has_length ? answer.length <= request.nbytes : answer.ends_visibly && !known_;
    if (request.offset != 0 || !is_short) return no_ranges(answer);
    *nbytes = answer.has_length ? answer.length : kUntilEnd;
    return answer.has_length ? learn(answer, answer.length) : TF_STATUS_OK;
  }
  const ContentRange range = answer.content_range();
  if (answer.status != 206 || !range.valid || !range.satisfied) {
    Failure failure(TF_STATUS_IO);
    failure << "expected an answer with a range, found " << answer.status;
    return failure << " without a valid Content-Range";
  }
  if (!range.has_total) {
    return Failure(TF_STATUS_UNSUPPORTED) << "the server does not say how long the file is (Content-Range)";
  }
  *nbytes = range.last - range.first + 1;
  if (range.first != request.offset) {
    return Failure(TF_STATUS_IO) << "expected a range from byte " << request.offset << " on, found one from byte "
                                 << range.first << " on";
  }
  if (answer.has_length && answer.length != *nbytes) {
    return Failure(TF_STATUS_IO) << "Content-Range has " << *nbytes << " bytes, but Content-Length has "
                                 << answer.length;
  }
  return learn(answer, range.total);
}

// Stores what the first answer says about the file, and compares later ones with it.
tf_status RemoteFile::learn(const Answer &answer, uint64_t total) {
  if (known_) return compare(answer, total);
  known_ = true;
  size_ = total;
  etag_.assign(answer.etag.text());
  last_modified_.assign(answer.last_modified.text());
  TFHTTP_TRY(require(etag_));
  return require(last_modified_);
}

tf_status RemoteFile::compare(const Answer &answer, uint64_t total) const {
  if (total != size_) {
    return Failure(TF_STATUS_IO) << "the file changed while it was read: it had " << size_ << " bytes, and has "
                                 << total;
  }
  const bool by_tag = !etag_.empty();
  const Text before = by_tag ? etag_.text() : last_modified_.text();
  const Text now = by_tag ? answer.etag.text() : answer.last_modified.text();
  if (before == now) return TF_STATUS_OK;
  return Failure(TF_STATUS_IO) << "the file changed while it was read: its " << (by_tag ? "ETag" : "Last-Modified")
                               << " was " << before << ", and is " << (now.empty() ? Text("missing") : now);
}

}  // namespace tfhttp
