package org.tensorfile.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import org.apache.spark.network.util.JavaUtils;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.tensorfile.Options;

/**
 * The options of a read.
 *
 * @param paths files, folders and globs
 * @param asFloat whether the data are float32 instead of bytes
 * @param pieceBytes arrays whose data are larger are cut along the first axis; 0 means never
 * @param lenient whether faults that the reference readers accept are accepted
 */
record ReadOptions(List<String> paths, boolean asFloat, long pieceBytes, boolean lenient) implements Serializable {
  private static final long DEFAULT_PIECE = 64L << 20;

  static ReadOptions of(CaseInsensitiveStringMap options) {
    return new ReadOptions(pathsOf(options), isFloat(options), bytes(options, "pieceBytes", DEFAULT_PIECE),
        options.getBoolean("lenient", false));
  }

  private static List<String> pathsOf(CaseInsensitiveStringMap options) {
    String several = options.get("paths");
    if (several == null) {
      return options.containsKey("path") ? List.of(options.get("path")) : List.of();
    }
    try {
      return List.of(new ObjectMapper().readValue(several, String[].class));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("option paths: expected a list of JSON, found " + several, e);
    }
  }

  private static boolean isFloat(CaseInsensitiveStringMap options) {
    String type = options.getOrDefault("data", "binary").toLowerCase(Locale.ROOT);
    if (!type.equals("binary") && !type.equals("float")) {
      throw new IllegalArgumentException("option data: expected binary or float, found " + options.get("data"));
    }
    return type.equals("float");
  }

  /** {@return a size such as 64m, with the units of Spark's own settings} */
  static long bytes(CaseInsensitiveStringMap options, String name, long otherwise) {
    String text = options.get(name);
    return text == null ? otherwise : parseBytes("option " + name, text);
  }

  static long parseBytes(String what, String text) {
    try {
      long bytes = JavaUtils.byteStringAsBytes(text);
      if (bytes >= 0) {
        return bytes;
      }
    } catch (NumberFormatException e) {
      // Reported below.
    }
    throw new IllegalArgumentException(what + ": expected a size of 0 or more, such as 64m or 2g, found " + text);
  }

  /** {@return the value of a session setting, in bytes} */
  static long setting(SparkSession spark, String name) {
    return parseBytes(name, spark.conf().get(name));
  }

  /** Makes the settings of the library. Spark runs a task on each core, so that a task uses one thread. */
  Options library() {
    return Options.builder().threads(1).lenient(lenient).build();
  }
}
