// Checks of the arguments of the C functions, and the conversion of a Status to a tf_status.
#pragma once

#include "base/error.h"
#include "base/require.h"

// Returns from a C function with the tf_status of the expression if it fails.
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

// Sets an optional output to NULL; the caller passes a NULL pointer if it does not want the output.
template <typename T>
void clear_out(T **out) {
  if (out != nullptr) *out = nullptr;
}

template <typename... T>
void clear_outs(T **...outs) {
  (clear_out(outs), ...);
}

// Checks the two outputs for a text and sets them to an empty text. The pointer for the length may be NULL.
inline Status require_text_out(const char **text, size_t *length, const char *name) {
  if (length != nullptr) *length = 0;
  return require_out(text, name);
}

inline void return_text(const char **text, size_t *length, Text value) {
  *text = value.data();
  if (length != nullptr) *length = value.size();
}

// Declares an array in a writer or a plan.
template <typename To>
tf_status declare_array(To *to, const char *what, const char *name, size_t length, tf_dtype dtype, const int64_t *shape,
                        size_t ndim) {
  TFILE_API_TRY(require(to, what));
  Text text;
  TFILE_API_TRY(require_text(&text, name, length, "name"));
  Span<const int64_t> sizes;
  TFILE_API_TRY(require_span(&sizes, shape, ndim, "shape"));
  return to->declare(text, dtype, sizes).code;
}

// Returns true and sets the error record if a handle is NULL. Used by getters, which return no status.
inline bool is_null(const void *pointer, const char *name) {
  return !require(pointer, name).ok();
}

}  // namespace tfile
