// Checks of the arguments of the C functions, and the conversion of a Status to a tf_status.
#pragma once

#include "base/error.h"
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

// Moves the reference to an output that the caller may leave NULL.
template <typename T>
void give_out(T **out, Ref<T> &value) {
  if (out != nullptr) *out = value.take();
}

// Checks the outputs of a text, of which the length may be NULL, and sets them to an empty one.
inline Status require_text_out(const char **text, size_t *length, const char *name) {
  if (length != nullptr) *length = 0;
  return require_out(text, name);
}

inline void return_text(const char **text, size_t *length, Text value) {
  *text = value.data();
  if (length != nullptr) *length = value.size();
}

// True if a handle is NULL, which the error record then says. For getters, which return no status.
inline bool is_null(const void *pointer, const char *name) {
  return !require(pointer, name).ok();
}

}  // namespace tfile
