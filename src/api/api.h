// What every extern "C" function needs: checked arguments, and a Status made a tf_status.
#pragma once

#include "base/error.h"

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

// For plain getters, which have no status to return: sets the record when the handle is NULL.
inline bool is_null(const void *pointer, const char *name) {
  return !require(pointer, name).ok();
}

}  // namespace tfile
