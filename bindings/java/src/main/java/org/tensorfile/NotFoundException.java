package org.tensorfile;

import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalLong;

/** Thrown if a name or key does not exist. */
public final class NotFoundException extends NoSuchElementException implements TensorfileFailure {
  private static final long serialVersionUID = 1L;

  /** The error record of the failure. */
  private final Failures.Details details;

  NotFoundException(String message, Failures.Details details) {
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
