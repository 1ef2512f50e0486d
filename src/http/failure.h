// Reports failures in the error record of the thread.
#pragma once

#include "http/string.h"
#include "tensorfile.h"

namespace tfhttp {

// Writes a message:
//   return Failure(TF_STATUS_IO) << "the server answered " << code;
// A failure with a name begins with it. Callbacks use none, because the library adds the name of the source.
class Failure {
 public:
  explicit Failure(tf_status status) : status_(status) {}
  Failure(tf_status status, Text name) : status_(status) { text_ << name << ": "; }
  template <typename T>
  Failure &operator<<(const T &value) {
    text_ << value;
    return *this;
  }
  operator tf_status() const {  // NOLINT(google-explicit-constructor): so that `return Failure(...) << ...;` reads well
    if (!text_.ok()) return tf_error_set(TF_STATUS_OUT_OF_MEMORY, "out of memory", SIZE_MAX);
    return tf_error_set(status_, text_.c_str(), text_.size());
  }

 private:
  tf_status status_;
  String text_;
};

inline tf_status out_of_memory() {
  return tf_error_set(TF_STATUS_OUT_OF_MEMORY, "out of memory", SIZE_MAX);
}

// Fails if memory ran out while a string was made.
inline tf_status require(const String &string) {
  return string.ok() ? TF_STATUS_OK : out_of_memory();
}

}  // namespace tfhttp

// Returns from a function with the status of the expression if it fails.
#define TFHTTP_TRY(expression)                                                           \
  do {                                                                                   \
    if (const tf_status tfhttp_status_ = (expression); tfhttp_status_ != TF_STATUS_OK) { \
      return tfhttp_status_;                                                             \
    }                                                                                    \
  } while (false)
