// Status: the result of every function that can fail.
#pragma once

#include "tensorfile.h"

namespace tfile {

// A tf_status that must not be ignored. Failure (error.h) makes the failing ones, and sets the error record.
struct [[nodiscard]] Status {
  tf_status code = TF_STATUS_OK;

  constexpr bool ok() const { return code == TF_STATUS_OK; }
};

inline constexpr Status kOk{};

// True if a status describes a fault of a file. Other statuses mean that the file could not be read.
bool is_fault(Status status);

// Returns the name of a status in lower case, "unknown" for other numbers.
const char *status_name(tf_status status);

}  // namespace tfile

// Returns from the function with the status of a failing expression.
#define TFILE_TRY(expression)                                                      \
  do {                                                                             \
    if (const ::tfile::Status tfile_status_ = (expression); !tfile_status_.ok()) { \
      return tfile_status_;                                                        \
    }                                                                              \
  } while (false)
