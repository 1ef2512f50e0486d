// The error record of a thread, and Failure, the only thing that writes it.
#pragma once

#include "base/line.h"
#include "base/span.h"
#include "base/status.h"

namespace tfile {

inline constexpr uint64_t kNoOffset = UINT64_MAX;

// Trivially destructible, so that nothing needs to run when a thread ends or the library is unloaded.
struct ErrorRecord {
  tf_status status;
  uint64_t offset;
  int64_t system;  // number of the operating system's error; 0 if it did not cause the failure
  bool described;  // tf_error_set() wrote the record, and nothing else since then
  char name[256];
  char message[1024];
};

// Returns the record of this thread. parallel_for() copies the record of a failed worker to the calling thread.
ErrorRecord &error_record();

// Writes the message "FILE: array 'NAME': what, expected, found (byte N)" and converts to the status:
//   return Failure(TF_STATUS_CORRUPT).in(source.label()).array(name).at(offset) << "alignment " << n << " is not ...";
// Call in(), array(), key() and at() before the first <<.
class Failure {
 public:
  explicit Failure(tf_status status);
  Failure &in(Text file);      // appends nothing if the path is ""
  Failure &array(Text name);   // sets tf_error_name
  Failure &key(Text name);     // the same for a metadata key
  Failure &member(Text name);  // the same for a member of an archive that is not an array
  Failure &at(uint64_t offset);
  Failure &about(Text name);  // sets only tf_error_name
  Failure &system(int64_t error);
  template <typename T>
  Failure &operator<<(const T &value) {
    line_ << value;
    return *this;
  }
  Failure &quoted(Text name) { return line_.quoted(name), *this; }
  Failure &shape(Span<const int64_t> sizes) { return line_.shape(sizes), *this; }
  Failure &hex(uint64_t number) { return line_.hex(number), *this; }

  operator Status();  // NOLINT(google-explicit-constructor): so that `return Failure(...) << ...;` reads well

 private:
  Failure &name(const char *what, Text name);

  ErrorRecord &record_;
  LineWriter line_;
};

// What the message about a failure of a callback says besides the reason.
struct CallbackContext {
  const char *function;  // "the source's read_at"
  Text file = Text();
  Text array = Text();
  uint64_t offset = kNoOffset;
  uint64_t nbytes = 0;  // 0 if the function does not process a number of bytes
};

// Returns the failure of a callback that returned `code`. Its message is what the callback passed to tf_error_set()
// together with this status, or otherwise "FUNCTION returned STATUS for N bytes".
Status callback_failure(tf_status code, const CallbackContext &callback);

// Calls a function of the user that returns a tf_status.
template <typename Call>
Status call_user(const CallbackContext &callback, Call &&call) {
  error_record().described = false;
  const tf_status code = call();
  return code == TF_STATUS_OK ? kOk : callback_failure(code, callback);
}

// Writes the record as tf_error_set() does.
Status describe_error(tf_status status, Text message);

// Collects all arrays that a format cannot hold, for one message:
//   refusals.add(name) << "complex128 has no safetensors dtype";
// If they do not all fit, the message ends with "and N more".
class Refusals {
 public:
  Refusals() : line_(buffer_, sizeof(buffer_)) {}
  // Begins an entry, whose reason is appended by <<.
  Refusals &add(Text name);
  template <typename T>
  Refusals &operator<<(const T &value) {
    line_ << value;
    return *this;
  }
  Refusals &shape(Span<const int64_t> sizes) { return line_.shape(sizes), *this; }
  bool any() const { return count_ != 0; }
  // Returns kOk if nothing was added, else the status with "FILE: WHAT: 'a' (reason), 'b' (reason), and N more".
  Status result(tf_status status, Text file, Text what);

 private:
  void close();

  char buffer_[608];
  LineWriter line_;
  char first_[256];
  size_t count_ = 0;
  size_t shown_ = 0;
  size_t entry_start_ = 0;
  bool open_ = false;
};

}  // namespace tfile
