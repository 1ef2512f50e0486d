package org.tensorfile;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/** Converts failures of the library to exceptions. */
final class Failures {
  private static final Pattern SHAPE =
      Pattern.compile("(?<=\\b(?:shape|expected|found|of|is|to|has) )\\(((?:[0-9-]+(?:, [0-9-]+)*)?),?\\)");

  private static final Pattern OPTION = Pattern.compile("TF_OPTION_([A-Z_]+)( 0\\b)?");

  private static final Reason[] REASONS = Reason.values();

  private Failures() {}

  /** What the operating system reported, where java.nio.file has an exception of its own for it. */
  enum Reason {
    NONE, MISSING, DENIED, OTHER
  }

  /** The error record of a failure without its message. */
  record Details(Status status, long position, String label, Reason reason) implements Serializable {
    Details(Status status, long position, String label) {
      this(status, position, label, Reason.NONE);
    }

    static Details of(Status status) {
      return new Details(status, -1, "");
    }

    OptionalLong offset() {
      return position < 0 ? OptionalLong.empty() : OptionalLong.of(position);
    }

    Optional<String> name() {
      return label.isEmpty() ? Optional.empty() : Optional.of(label);
    }
  }

  /** A call with a path, as the library takes it. */
  interface AtPath<T> {
    T run(byte[] path) throws IOException;
  }

  /** Runs a call with a path, which the exceptions for failures of the system then contain. */
  static <T> T at(Path path, AtPath<T> body) throws IOException {
    byte[] bytes = Text.path(path);
    try {
      return body.run(bytes);
    } catch (FileSystemException e) {
      throw e instanceof SystemFailure failure ? failure.at(path) : e;
    }
  }

  /** Called from C. ofFile is true if the call reads or writes a file. */
  static Throwable of(int number, boolean ofFile, byte[] utf8, long offset, byte[] name, int reason) {
    Status status = Status.of(number);
    String message = inJavasTerms(Text.string(utf8));
    Details details = new Details(status, offset, Text.string(name), REASONS[reason]);
    return switch (status) {
      case INVALID_ARGUMENT -> new InvalidArgumentException(message, details);
      case OUT_OF_MEMORY -> new NativeMemoryError(message, details);
      case CANCELLED -> new CancelledException(message, details);
      default -> ofFile ? ofFile(message, details) : inMemory(message, details);
    };
  }

  private static Throwable ofFile(String message, Details details) {
    if (details.reason() != Reason.NONE || details.status() == Status.IO || details.status() == Status.NOT_FOUND) {
      return SystemFailure.of(message, details, null);
    }
    return new TensorfileException(message, details);
  }

  /**
   * Returns a message with the names of options as those of the methods of {@link Options.Builder}, with other names of
   * Java instead of those of C, and with shapes as Java prints them: [2, 3] instead of (2, 3), and [3] instead of (3,).
   */
  static String inJavasTerms(String message) {
    String named = message.contains("TF_") || message.contains("tf_") ? withJavasNames(message) : message;
    named = Option.IN_MESSAGES.matcher(named).replaceAll(match -> Option.camel(match.group()));
    return SHAPE.matcher(named).replaceAll("[$1]");
  }

  private static String withJavasNames(String message) {
    String named = OPTION.matcher(message).replaceAll(match -> "the option "
        + Option.camel(match.group(1).toLowerCase(Locale.ROOT)) + (match.group(2) == null ? "(true)" : "(false)"));
    return named.replace("TF_LOAD_MODE_", "LoadMode.").replace("TF_FORMAT_", "Format.")
        .replace("tf_source_set_resolver()", "Source.setResolver").replace("tf_part_plan_finish()", "PartPlan.finish");
  }

  private static Throwable inMemory(String message, Details details) {
    return switch (details.status()) {
      case NOT_FOUND -> new NotFoundException(message, details);
      case UNSUPPORTED -> new UnsupportedException(message, details);
      default -> new InvalidArgumentException(message, details);
    };
  }
}
