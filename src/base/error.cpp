#include "base/error.h"

namespace tfile {

namespace {

constinit thread_local ErrorRecord record = {TF_STATUS_OK, kNoOffset, 0, false, {}, {}};

// Reserved for "(byte 18446744073709551615)" at the end of a message that fills the record.
constexpr size_t kTail = 32;

constexpr size_t kLongestPath = 512;

// A message with a list of arrays shows at most this much of the path, to leave space for the list.
constexpr size_t kShownPath = 256;

}  // namespace

ErrorRecord &error_record() {
  return record;
}

Failure::Failure(tf_status status) : record_(record), line_(record_.message, sizeof(record_.message) - kTail) {
  record_.status = status;
  record_.offset = kNoOffset;
  record_.system = 0;
  record_.described = false;
  record_.name[0] = '\0';
}

Failure &Failure::in(Text file) {
  if (file.empty()) return *this;
  // Omits the start of a long path, so that its end, which says more, and the reason fit.
  const bool is_long = file.size() > kLongestPath;
  line_ << (is_long ? "..." : "") << Text(is_long ? file.from(file.size() - kLongestPath) : file) << ": ";
  return *this;
}

Failure &Failure::about(Text name) {
  LineWriter(record_.name, sizeof(record_.name)) << name;
  return *this;
}

Failure &Failure::name(const char *what, Text name) {
  about(name);
  line_ << what;
  const size_t before = line_.size();
  line_.quoted(record_.name);
  if (line_.full()) line_.cut(before);
  line_ << ": ";
  return *this;
}

Failure &Failure::array(Text name) {
  return this->name("array ", name);
}

Failure &Failure::key(Text name) {
  return this->name("key ", name);
}

Failure &Failure::member(Text name) {
  return this->name("member ", name);
}

Failure &Failure::at(uint64_t offset) {
  record_.offset = offset;
  return *this;
}

Failure &Failure::system(int64_t error) {
  record_.system = error;
  return *this;
}

Failure::operator Status() {
  if (record_.offset != kNoOffset) {
    const size_t used = line_.size();
    LineWriter(record_.message + used, sizeof(record_.message) - used) << " (byte " << record_.offset << ")";
  }
  return Status{record_.status};
}

Status callback_failure(tf_status code, const CallbackContext &callback) {
  const bool described = record.described && record.status == code && record.message[0] != '\0';
  // The Failure overwrites the record.
  char reason[sizeof(record.message)];
  if (described) memcpy(reason, record.message, sizeof(reason));
  Failure failure(code);
  failure.in(callback.file);
  if (!callback.array.empty()) failure.array(callback.array);
  failure.at(callback.offset);
  if (described) return failure << reason;
  failure << callback.function << " returned " << status_name(code);
  if (callback.nbytes > 0) failure << " for " << callback.nbytes << " bytes";
  return failure;
}

Status describe_error(tf_status status, Text message) {
  const Status described = Failure(status) << message;
  record.described = true;
  return described;
}

Refusals &Refusals::add(Text name) {
  close();
  if (count_ == 0) LineWriter(first_, sizeof(first_)) << name;
  entry_start_ = line_.size();
  line_ << (shown_ == 0 ? "" : ", ");
  line_.quoted(name.first(sizeof(first_))) << " (";
  ++count_;
  open_ = true;
  return *this;
}

void Refusals::close() {
  if (!open_) return;
  open_ = false;
  line_ << ")";
  if (line_.full()) {
    line_.cut(entry_start_);
  } else {
    ++shown_;
  }
}

Status Refusals::result(tf_status status, Text file, Text what) {
  if (count_ == 0) return kOk;
  close();
  Failure failure(status);
  failure.in(file.first(kShownPath)) << what << ": " << line_.text();
  if (shown_ < count_) failure << (shown_ > 0 ? ", and " : "") << static_cast<uint64_t>(count_ - shown_) << " more";
  memcpy(error_record().name, first_, sizeof(first_));
  return failure;
}

}  // namespace tfile
