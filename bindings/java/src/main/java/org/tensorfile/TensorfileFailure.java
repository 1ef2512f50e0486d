package org.tensorfile;

import java.util.Optional;
import java.util.OptionalLong;

/** What all exceptions that tell of a failure of the library have. */
public sealed interface TensorfileFailure permits TensorfileException, InvalidArgumentException, UnsupportedException,
    NotFoundException, CancelledException, NativeMemoryError {
  /** {@return what kind of failure it is} */
  Status status();

  /** {@return the byte in the file that it is about} */
  OptionalLong offset();

  /** {@return the array or key that it is about} */
  Optional<String> name();

  /** {@return one line that says what was expected, what was found, and where} */
  String getMessage();
}
