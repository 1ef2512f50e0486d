// Status: what every fallible function of the core returns.
#pragma once

#include "tensorfile.h"

namespace tfile {

// A tf_status that the compiler does not let anyone drop. A failing one is made by Failure (error.h), which also says
// why.
struct [[nodiscard]] Status {
  tf_status code = TF_STATUS_OK;

  constexpr bool ok() const { return code == TF_STATUS_OK; }
};

inline constexpr Status kOk{};

// A status as a lower-case word; "unknown" for a number that is none.
const char *status_name(tf_status status);

}  // namespace tfile

// Returns a failing status to the caller.
#define TFILE_TRY(expression)                                                      \
  do {                                                                             \
    if (const ::tfile::Status tfile_status_ = (expression); !tfile_status_.ok()) { \
      return tfile_status_;                                                        \
    }                                                                              \
  } while (false)
