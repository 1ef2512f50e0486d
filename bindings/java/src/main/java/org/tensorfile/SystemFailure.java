package org.tensorfile;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/** The exceptions for failures of the operating system, which are those of java.nio.file. */
sealed interface SystemFailure extends TensorfileFailure {
  /** {@return the error record of the failure} */
  Failures.Details details();

  /** {@return the same exception for a path} */
  default FileSystemException at(Path path) {
    return of(getMessage(), details(), path);
  }

  @Override
  default Status status() {
    return details().status();
  }

  @Override
  default OptionalLong offset() {
    return details().offset();
  }

  @Override
  default Optional<String> name() {
    return details().name();
  }

  /** {@return the exception of java.nio.file for a failure; the path may be null} */
  static FileSystemException of(String message, Failures.Details details, Path path) {
    String file = path == null ? null : path.toString();
    if (details.reason() == Failures.Reason.DENIED) {
      return new Denied(file, message, details);
    }
    boolean missing = details.reason() == Failures.Reason.MISSING || details.status() == Status.NOT_FOUND;
    return missing ? new Missing(file, message, details) : new Other(file, message, details);
  }

  /** {@return what a message says after the path} */
  private static String reason(String file, String message) {
    return file != null && message.startsWith(file + ": ") ? message.substring(file.length() + 2) : message;
  }

  /** There is no such file or folder. */
  final class Missing extends NoSuchFileException implements SystemFailure {
    private static final long serialVersionUID = 1L;

    /** The error record of the failure. */
    private final Failures.Details details;
    /** The message of the library, which begins with the path. */
    private final String message;

    Missing(String file, String message, Failures.Details details) {
      super(file, null, reason(file, message));
      this.details = details;
      this.message = message;
    }

    @Override
    public Failures.Details details() {
      return details;
    }

    @Override
    public String getMessage() {
      return message;
    }

    @Override
    public String toString() {
      return NoSuchFileException.class.getName() + ": " + message;
    }
  }

  /** The system denies access to a file. */
  final class Denied extends AccessDeniedException implements SystemFailure {
    private static final long serialVersionUID = 1L;

    /** The error record of the failure. */
    private final Failures.Details details;
    /** The message of the library, which begins with the path. */
    private final String message;

    Denied(String file, String message, Failures.Details details) {
      super(file, null, reason(file, message));
      this.details = details;
      this.message = message;
    }

    @Override
    public Failures.Details details() {
      return details;
    }

    @Override
    public String getMessage() {
      return message;
    }

    @Override
    public String toString() {
      return AccessDeniedException.class.getName() + ": " + message;
    }
  }

  /** The system reports another error, such as that there is no space left. */
  final class Other extends FileSystemException implements SystemFailure {
    private static final long serialVersionUID = 1L;

    /** The error record of the failure. */
    private final Failures.Details details;
    /** The message of the library, which begins with the path. */
    private final String message;

    Other(String file, String message, Failures.Details details) {
      super(file, null, reason(file, message));
      this.details = details;
      this.message = message;
    }

    @Override
    public Failures.Details details() {
      return details;
    }

    @Override
    public String getMessage() {
      return message;
    }

    @Override
    public String toString() {
      return FileSystemException.class.getName() + ": " + message;
    }
  }
}
