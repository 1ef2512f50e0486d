// The error record of a thread, and Failure, the only thing that writes it.
#pragma once

#include "base/line.h"
#include "base/span.h"
#include "base/status.h"

namespace tfile {

inline constexpr uint64_t kNoOffset = UINT64_MAX;

// Trivially destructible, so that a thread's end and dlclose need nothing of us.
struct ErrorRecord {
  tf_status status;
  uint64_t offset;
  char name[256];
  char message[1024];
};

// This thread's record; a worker's is copied to the caller's by whoever joins it.
ErrorRecord &error_record();

// Builds the line "FILE: array 'NAME': what, expected, found (byte N)" and gives the status:
//   return Failure(TF_STATUS_CORRUPT).in(source.label()).array(name).at(offset) << "alignment " << n << " is not ...";
// Call in(), array(), key() and at() before the first <<.
class Failure {
 public:
  explicit Failure(tf_status status);
  Failure &in(Text file);     // "" is left out
  Failure &array(Text name);  // sets tf_error_name
  Failure &key(Text name);    // likewise, for a metadata key
  Failure &at(uint64_t offset);
  Failure &about(Text name);  // sets tf_error_name, and no more
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

// Collects every array that a format cannot hold, for one message:
//   refusals.add(name) << "complex128 has no safetensors dtype";
// What does not fit in the message becomes "and N more".
class Refusals {
 public:
  Refusals() : line_(buffer_, sizeof(buffer_)) {}
  // Begins an entry; the reason follows by <<.
  Refusals &add(Text name);
  template <typename T>
  Refusals &operator<<(const T &value) {
    line_ << value;
    return *this;
  }
  Refusals &shape(Span<const int64_t> sizes) { return line_.shape(sizes), *this; }
  bool any() const { return count_ != 0; }
  // kOk when nothing was added; else status with "FILE: WHAT: 'a' (reason), 'b' (reason), and N more".
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
