package org.tensorfile;

import java.util.Optional;
import java.util.OptionalLong;

/** An allocation outside Java's heap failed; everything is as before. */
public final class NativeMemoryError extends OutOfMemoryError implements TensorfileFailure {
  private static final long serialVersionUID = 1L;

  /** What the error record of the failure says. */
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
