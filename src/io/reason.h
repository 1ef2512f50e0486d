// Why the operating system refused, in the words of messages.
#pragma once

#include "base/error.h"

namespace tfile {

struct Reason {
  int64_t error;
  const char *text;
};

// The system's part: our own words, because its own depend on locale and version.
Span<const Reason> system_reasons();

// ": REASON" at the end of a failure's line.
inline Status end_with(Failure &failure, int64_t error) {
  for (const Reason &reason : system_reasons()) {
    if (reason.error == error) return failure << ": " << reason.text;
  }
  return failure << ": error " << error;
}

// "FILE: array 'NAME': could not DO: REASON (byte N)".
inline Status refuse(int64_t error, Text path, const char *what, Text array = Text(), uint64_t offset = kNoOffset) {
  Failure failure(TF_STATUS_IO);
  failure.in(path);
  if (!array.empty()) failure.array(array);
  failure.at(offset) << "could not " << what;
  return end_with(failure, error);
}

}  // namespace tfile
