package org.tensorfile;

import java.util.Optional;
import java.util.OptionalLong;

/** Thrown for operations that this version, or a dtype, does not support. */
public final class UnsupportedException extends UnsupportedOperationException implements TensorfileFailure {
  private static final long serialVersionUID = 1L;

  /** The error record of the failure. */
  private final Failures.Details details;

  UnsupportedException(String message, Failures.Details details) {
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
