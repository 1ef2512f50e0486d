// What every extern "C" function needs: checked arguments, and a Status made a tf_status.
#pragma once

#include "base/error.h"
#include "base/memory.h"

// Ends an extern "C" function with the status of a failing expression.
#define TFILE_API_TRY(expression)                                                  \
  do {                                                                             \
    if (const ::tfile::Status tfile_status_ = (expression); !tfile_status_.ok()) { \
      return tfile_status_.code;                                                   \
    }                                                                              \
  } while (false)

namespace tfile {

// INVALID_ARGUMENT "NAME is NULL".
inline Status require(const void *pointer, const char *name) {
  if (pointer != nullptr) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << name << " is NULL";
}

// An output argument: set to NULL on entry, and must be there.
template <typename T>
Status require_out(T **out, const char *name) {
  TFILE_TRY(require(out, name));
  *out = nullptr;
  return kOk;
}

// A text argument of the ABI: pointer and length, SIZE_MAX for NUL-terminated. NULL only when the length is 0.
inline Status require_text(Text *out, const char *text, size_t length, const char *name) {
  if (length != 0) TFILE_TRY(require(text, name));
  *out = length == 0 ? Text() : Text::of(text, length);
  return kOk;
}

// An array argument of the ABI: a pointer that may be NULL only when the count is 0.
template <typename T>
Status require_span(Span<const T> *out, const T *values, size_t count, const char *name) {
  if (count != 0) TFILE_TRY(require(values, name));
  *out = Span<const T>(values, count);
  return kOk;
}

// What is made from an object comes from the object's allocator, but not out of the budget of the call that made it.
inline Memory &without_budget(Memory &memory) {
  return memory.parent != nullptr ? *memory.parent : memory;
}

// The caller's release callback: called at the end of its scope, unless something else has taken that over.
class PendingRelease {
 public:
  PendingRelease(tf_release_fn release, void *user) : release_(release), user_(user) {}
  PendingRelease(const PendingRelease &) = delete;
  PendingRelease &operator=(const PendingRelease &) = delete;
  ~PendingRelease() {
    if (release_ != nullptr) release_(user_);
  }
  tf_release_fn hand_over() {
    const tf_release_fn release = release_;
    release_ = nullptr;
    return release;
  }

 private:
  tf_release_fn release_;
  void *user_;
};

// For plain getters, which have no status to return: sets the record when the handle is NULL.
inline bool is_null(const void *pointer, const char *name) {
  return !require(pointer, name).ok();
}

}  // namespace tfile
