package org.tensorfile;

import java.util.concurrent.CancellationException;
import java.util.Optional;
import java.util.OptionalLong;

/** Thrown by a load or save that a {@link Progress} stopped. */
public final class CancelledException extends CancellationException implements TensorfileFailure {
  private static final long serialVersionUID = 1L;

  /** The error record of the failure. */
  private final Failures.Details details;

  CancelledException(String message, Failures.Details details) {
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
