package org.tensorfile;

import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/** A file could not be read or written; its status tells why. */
public final class TensorfileException extends IOException implements TensorfileFailure {
  private static final long serialVersionUID = 1L;

  /** What the error record of the failure says. */
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
