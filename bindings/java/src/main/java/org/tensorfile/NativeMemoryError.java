package org.tensorfile;

import java.util.Optional;
import java.util.OptionalLong;

/** Thrown if an allocation outside the Java heap fails. Nothing has changed. */
public final class NativeMemoryError extends OutOfMemoryError implements TensorfileFailure {
  private static final long serialVersionUID = 1L;

  /** The error record of the failure. */
  private final Failures.Details details;

  NativeMemoryError(String message, Failures.Details details) {
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
