package org.tensorfile;

import java.util.Optional;
import java.util.OptionalLong;

/** Thrown for a mistake of the caller: an argument that is out of range, or has the wrong dtype, kind or shape. */
public final class InvalidArgumentException extends IllegalArgumentException implements TensorfileFailure {
  private static final long serialVersionUID = 1L;

  /** The error record of the failure. */
  private final Failures.Details details;

  InvalidArgumentException(String message) {
    this(message, Failures.Details.of(Status.INVALID_ARGUMENT));
  }

  InvalidArgumentException(String message, Failures.Details details) {
    super(message);
    this.details = details;
  }

  @Override
  public Status status() {
    return details.status();
  }

  @Override
  public OptionalLong offset() {
    return details.offset();
  }

  @Override
  public Optional<String> name() {
    return details.name();
  }
}
