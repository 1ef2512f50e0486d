package org.tensorfile;

import java.util.Optional;
import java.util.OptionalLong;

/** The caller's mistake: an argument out of range, of the wrong dtype or kind, or against another; its status tells. */
public final class InvalidArgumentException extends IllegalArgumentException implements TensorfileFailure {
  private static final long serialVersionUID = 1L;

  /** What the error record of the failure says. */
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
