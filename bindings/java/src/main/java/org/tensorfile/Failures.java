package org.tensorfile;

import java.io.Serializable;
import java.util.Optional;
import java.util.OptionalLong;

/** Converts failures of the library to exceptions. */
final class Failures {
  private Failures() {}

  /** The error record of a failure without its message. */
  record Details(Status status, long position, String label) implements Serializable {
    static Details of(Status status) {
      return new Details(status, -1, "");
    }

    OptionalLong offset() {
      return position < 0 ? OptionalLong.empty() : OptionalLong.of(position);
    }

    Optional<String> name() {
      return label.isEmpty() ? Optional.empty() : Optional.of(label);
    }
  }

  /** Called from C. ofFile is true if the call reads or writes a file. */
  static Throwable of(int number, boolean ofFile, byte[] utf8, long offset, byte[] name) {
    Status status = Status.of(number);
    String message = Text.string(utf8);
    Details details = new Details(status, offset, Text.string(name));
    switch (status) {
      case INVALID_ARGUMENT:
        return new InvalidArgumentException(message, details);
      case OUT_OF_MEMORY:
        return new NativeMemoryError(message, details);
      case CANCELLED:
        return new CancelledException(message, details);
      default:
        return ofFile ? new TensorfileException(message, details) : inMemory(message, details);
    }
  }

  private static Throwable inMemory(String message, Details details) {
    switch (details.status()) {
      case NOT_FOUND:
        return new NotFoundException(message, details);
      case UNSUPPORTED:
        return new UnsupportedException(message, details);
      default:
        return new InvalidArgumentException(message, details);
    }
  }
}
