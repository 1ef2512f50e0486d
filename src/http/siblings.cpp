#include "http/siblings.h"

namespace tfhttp {

namespace {

// Files of a larger set are opened one by one after these.
constexpr size_t kMostEntries = 512;

tf_status open_file(Ref<RemoteFile> *out, Client &client, const Location &index, Text name) {
  String url;
  TFHTTP_TRY(make_sibling(&url, index, name));
  return RemoteFile::open(out, Ref<Client>::share(&client), url.text());
}

// What the threads that open the files share.
struct Work {
  Client *client;
  const Location *index;
  Siblings::Entry *entries;
  size_t count;
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
};

// Opens files until there are no more, or one could not be opened: then the set cannot be either.
void *open_some(void *user) {
  Work &work = *static_cast<Work *>(user);
  for (;;) {
    const size_t i = work.next.fetch_add(1);
    if (i >= work.count || work.failed) return nullptr;
    Siblings::Entry &entry = work.entries[i];
    entry.status = open_file(&entry.file, *work.client, *work.index, entry.name.text());
    entry.tried = true;
    if (entry.status == TF_STATUS_OK) continue;
    entry.message << tf_error_message();
    work.failed = true;
  }
}

// Runs open_some() on this thread and on others, as many as the options allow requests.
void open_side_by_side(Work &work) {
  constexpr size_t kMostThreads = 64;
  pthread_t threads[kMostThreads];
  auto wanted = static_cast<size_t>(work.client->options().number(TF_HTTP_OPTION_REQUESTS)) - 1;
  if (wanted > kMostThreads) wanted = kMostThreads;
  if (work.count > 0 && wanted > work.count - 1) wanted = work.count - 1;
  size_t started = 0;
  // With fewer threads than wanted it only takes longer.
  while (started < wanted && pthread_create(&threads[started], nullptr, open_some, &work) == 0)
    ++started;
  open_some(&work);
  for (size_t i = 0; i < started; ++i)
    pthread_join(threads[i], nullptr);
}

}  // namespace

Siblings::~Siblings() {
  for (size_t i = 0; i < count_; ++i)
    entries_[i].~Entry();
  free(entries_);
}

// Adds a name, unless it is there. False if there is no memory, or there are too many.
bool Siblings::add(Text name) {
  // The names of arrays are sorted, so most of those of one file follow each other.
  for (size_t i = count_; i > 0; --i) {
    if (entries_[i - 1].name.text() == name) return true;
  }
  if (count_ == kMostEntries) return false;
  if (count_ == capacity_) {
    const size_t capacity = capacity_ == 0 ? 64 : 2 * capacity_;
    auto *const grown = static_cast<Entry *>(malloc(capacity * sizeof(Entry)));
    if (grown == nullptr) return false;
    for (size_t i = 0; i < count_; ++i) {
      new (&grown[i]) Entry();
      grown[i].name = static_cast<String &&>(entries_[i].name);
      entries_[i].~Entry();
    }
    free(entries_);
    entries_ = grown;
    capacity_ = capacity;
  }
  auto *const entry = new (&entries_[count_++]) Entry();
  entry->name << name;
  return entry->name.ok();
}

// Finds the strings of JSON that end in ".safetensors" and are values of an object. This is only a guess at what the core
// will ask for, after it has parsed the index: a name with an escape is not found, and is opened later.
void Siblings::list(Text text) {
  constexpr Text kEnd(".safetensors\"", 13);
  for (size_t at = text.find('"'); at < text.size;) {
    size_t end = at + 1;
    while (end < text.size && text.data[end] != '"')
      end += text.data[end] == '\\' ? 2 : 1;
    const Text string = text.from(at + 1).first(end - at);
    size_t before = at;
    while (before > 0 && strchr(" \t\r\n", text.data[before - 1]) != nullptr)
      --before;
    const bool is_value = before > 0 && text.data[before - 1] == ':';
    const bool is_file = string.size > kEnd.size && string.from(string.size - kEnd.size) == kEnd;
    if (is_value && is_file && string.find('\\') == Text::kNone && !add(string.first(string.size - 1))) break;
    const size_t next = text.from(end + 1).find('"');
    if (next == Text::kNone) break;
    at = end + 1 + next;
  }
}

void Siblings::open_listed(Client &client, const Location &index, Text text) {
  if (client.options().number(TF_HTTP_OPTION_REQUESTS) == 1) return;
  list(text);
  Work work{&client, &index, entries_, count_, {}, {}};
  open_side_by_side(work);
}

tf_status Siblings::take(Ref<RemoteFile> *out, Client &client, const Location &index, Text name) {
  for (size_t i = 0; i < count_; ++i) {
    Entry &entry = entries_[i];
    if (!entry.tried || entry.name.text() != name) continue;
    entry.tried = false;
    *out = static_cast<Ref<RemoteFile> &&>(entry.file);
    if (entry.status == TF_STATUS_OK) return TF_STATUS_OK;
    return tf_error_set(entry.status, entry.message.c_str(), entry.message.size());
  }
  return open_file(out, client, index, name);
}

}  // namespace tfhttp
