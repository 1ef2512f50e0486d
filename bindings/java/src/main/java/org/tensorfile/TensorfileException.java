package org.tensorfile;

import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * T
 * r
 * w
 *  if the contents of a file are invalid or not supported, or if a format cannot hold what is saved. Its status is the
 *  reason.
 */
public final class TensorfileException extends IOException implements TensorfileFailure {
  private static final long serialVersionUID = 1L;

  /** The error record of the failure. */
  private final Failures.Details details;

  TensorfileException(String message, Failures.Details details) {
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
