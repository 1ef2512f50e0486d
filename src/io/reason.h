// Messages about errors of the operating system.
#pragma once

#include "base/error.h"

namespace tfile {

struct Reason {
  int64_t error;
  const char *text;
};

// Returns the known error numbers with a text for each. The system's own texts depend on locale and version.
Span<const Reason> system_reasons();

// Records a system error number, appends ": " and its text to the message, and returns the failure's status.
inline Status end_with(Failure &failure, int64_t error) {
  failure.system(error);
  for (const Reason &reason : system_reasons()) {
    if (reason.error == error) return failure << ": " << reason.text;
  }
  return failure << ": error " << error;
}

// Fails with "FILE: array 'NAME': could not DO: REASON (byte N)".
inline Status refuse(int64_t error, Text path, const char *what, Text array = Text(), uint64_t offset = kNoOffset) {
  Failure failure(TF_STATUS_IO);
  failure.in(path);
  if (!array.empty()) failure.array(array);
  failure.at(offset) << "could not " << what;
  return end_with(failure, error);
}

}  // namespace tfile
