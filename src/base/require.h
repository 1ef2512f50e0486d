// Checks of arguments that a caller passed through the C functions.
#pragma once

#include "base/error.h"

namespace tfile {

// Fails with INVALID_ARGUMENT, "NAME is NULL", if the pointer is NULL.
inline Status require(const void *pointer, const char *name) {
  if (pointer != nullptr) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << name << " is NULL";
}

// Reads a text argument: pointer and length, SIZE_MAX if it is NUL-terminated. NULL is allowed only with length 0.
inline Status require_text(Text *out, const char *text, size_t length, const char *name) {
  if (length != 0) TFILE_TRY(require(text, name));
  *out = length == 0 ? Text() : Text::of(text, length);
  return kOk;
}

// Reads an array argument: `values` may be NULL only if `count` is 0.
template <typename T>
Status require_span(Span<const T> *out, const T *values, size_t count, const char *name) {
  if (count != 0) TFILE_TRY(require(values, name));
  *out = Span<const T>(values, count);
  return kOk;
}

}  // namespace tfile
