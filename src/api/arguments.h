// Checks of the arguments of the C functions, and the conversion of a Status to a tf_status.
#pragma once

#include "base/ref.h"
#include "base/require.h"

// Returns the tf_status of a failing expression from a C function.
#define TFILE_API_TRY(expression)                                                  \
  do {                                                                             \
    if (const ::tfile::Status tfile_status_ = (expression); !tfile_status_.ok()) { \
      return tfile_status_.code;                                                   \
    }                                                                              \
  } while (false)

namespace tfile {

// Checks an output argument and sets it to NULL.
template <typename T>
Status require_out(T **out, const char *name) {
  TFILE_TRY(require(out, name));
  *out = nullptr;
  return kOk;
}

// Sets an output that the caller may leave NULL to NULL.
template <typename T>
void clear_out(T **out) {
  if (out != nullptr) *out = nullptr;
}

// Gives the reference to an output that the caller may leave NULL.
template <typename T>
void give_out(T **out, Ref<T> &value) {
  if (out != nullptr) *out = value.take();
}

// Reads an array argument: `values` may be NULL only if `count` is 0.
template <typename T>
Status require_span(Span<const T> *out, const T *values, size_t count, const char *name) {
  if (count != 0) TFILE_TRY(require(values, name));
  *out = Span<const T>(values, count);
  return kOk;
}

// True if a handle is NULL, which the error record then says. For getters, which return no status.
inline bool is_null(const void *pointer, const char *name) {
  return !require(pointer, name).ok();
}

}  // namespace tfile
