package org.tensorfile;

import java.util.Optional;
import java.util.OptionalLong;

/** Implemented by all exceptions of the library. */
public sealed interface TensorfileFailure permits TensorfileException, SystemFailure, InvalidArgumentException,
    UnsupportedException, NotFoundException, CancelledException, NativeMemoryError {
  /** {@return the kind of failure} */
  Status status();

  /** {@return the offset in the file at which the failure was found} */
  OptionalLong offset();

  /** {@return the array or key that the failure concerns} */
  Optional<String> name();

  /** {@return one line that says what failed and where, what was expected and what was found} */
  String getMessage();
}
