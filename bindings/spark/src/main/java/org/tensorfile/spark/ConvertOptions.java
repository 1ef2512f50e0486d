package org.tensorfile.spark;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.tensorfile.Dtype;
import org.tensorfile.Preset;

/** The command line of a conversion, whose options mean what those of {@code tensorfile convert} do. */
final class ConvertOptions {
  static final String USAGE = """
      usage: spark-submit --class org.tensorfile.spark.Convert tensorfile-spark.jar [OPTION...] IN... OUT

      Writes the arrays and metadata of files as another file or set, byte for byte as `tensorfile convert` does, one
      part in each task. IN may be a file, an index of sharded safetensors, a folder or a glob, of any file system of
      Hadoop. The extension of OUT names its format.

        --part-bytes SIZE         the most bytes of array data in a part, such as 5GB or 512MiB
        --cast DTYPE[:PATTERN]    cast every array, or those whose names match; may be repeated, the last match counts
        --quantize TYPE           encode the float arrays of 2 or more dimensions in a block type
        --preset NAME             encode each array in the type that llama-quantize would choose
        --tensor-type PATTERN=TYPE  with --preset, encode arrays whose names match in TYPE; the first match counts
        --include PATTERN         encode and cast only arrays whose names match; may be repeated
        --exclude PATTERN         do not encode or cast arrays whose names match; may be repeated
        --only PATTERN            only arrays whose names match; may be repeated
        --drop PATTERN            leave out arrays whose names match; may be repeated
        --set KEY=[TYPE:]VALUE    set a metadata value; may be repeated
        --delete KEY              remove a metadata value; may be repeated
        --metadata keep|drop      keep the metadata, or leave them out
        --compress                compress the members of an .npz
        --lenient                 accept faults that the reference readers of the formats accept
      """;

  private static final Map<String, Long> UNITS = Map.ofEntries(Map.entry("", 1L), Map.entry("B", 1L),
      Map.entry("kB", 1000L), Map.entry("KB", 1000L), Map.entry("MB", 1000_000L), Map.entry("GB", 1000_000_000L),
      Map.entry("TB", 1000_000_000_000L), Map.entry("KiB", 1L << 10), Map.entry("MiB", 1L << 20),
      Map.entry("GiB", 1L << 30), Map.entry("TiB", 1L << 40));
  private static final Map<String, String> SHORT = Map.of("f16", "float16", "bf16", "bfloat16", "f32", "float32");

  /** A dtype for the arrays whose names match a pattern. */
  record Typed(String pattern, Dtype dtype) {}

  final List<String> inputs = new ArrayList<>();
  final List<Typed> casts = new ArrayList<>();
  final List<Typed> types = new ArrayList<>();
  final List<String> include = new ArrayList<>();
  final List<String> exclude = new ArrayList<>();
  final List<String> only = new ArrayList<>();
  final List<String> drop = new ArrayList<>();
  final List<String> set = new ArrayList<>();
  final List<String> delete = new ArrayList<>();
  String output;
  long partBytes;
  /** The type of --quantize, or UNSUPPORTED. */
  Dtype quantize = Dtype.UNSUPPORTED;
  Preset preset = Preset.NONE;
  boolean dropsMetadata;
  boolean compress;
  boolean lenient;

  private ConvertOptions() {}

  static ConvertOptions parse(String... arguments) {
    ConvertOptions options = new ConvertOptions();
    Deque<String> rest = new ArrayDeque<>(List.of(arguments));
    while (!rest.isEmpty()) {
      String argument = rest.remove();
      int equals = argument.indexOf('=');
      if (argument.startsWith("--") && equals > 0) {
        rest.addFirst(argument.substring(equals + 1));
        argument = argument.substring(0, equals);
      }
      if (argument.startsWith("--")) {
        options.apply(argument, rest);
      } else {
        options.inputs.add(argument);
      }
    }
    options.complete();
    return options;
  }

  private void apply(String option, Deque<String> rest) {
    switch (option) {
      case "--compress" -> compress = true;
      case "--lenient" -> lenient = true;
      case "--part-bytes" -> partBytes = parseSize(value(option, rest));
      case "--cast" -> casts.add(cast(value(option, rest)));
      case "--quantize" -> quantize = blockType(value(option, rest));
      case "--preset" -> preset = Preset.fromName(value(option, rest));
      case "--tensor-type" -> types.add(tensorType(value(option, rest)));
      case "--include" -> include.add(value(option, rest));
      case "--exclude" -> exclude.add(value(option, rest));
      case "--only" -> only.add(value(option, rest));
      case "--drop" -> drop.add(value(option, rest));
      case "--set" -> set.add(value(option, rest));
      case "--delete" -> delete.add(value(option, rest));
      case "--metadata" -> dropsMetadata = dropsMetadata(value(option, rest));
      default -> throw new IllegalArgumentException(
          option + ": unknown option; `tensorfile convert` on one machine has more options than this job\n\n" + USAGE);
    }
  }

  private static String value(String option, Deque<String> rest) {
    if (rest.isEmpty()) {
      throw new IllegalArgumentException(option + " requires a value");
    }
    return rest.remove();
  }

  private void complete() {
    if (inputs.size() < 2) {
      throw new IllegalArgumentException("expected IN... and OUT\n\n" + USAGE);
    }
    output = inputs.remove(inputs.size() - 1);
    if (preset != Preset.NONE && quantize != Dtype.UNSUPPORTED) {
      throw new IllegalArgumentException("--preset and --quantize both choose types; give one of them");
    }
    if (!types.isEmpty() && preset == Preset.NONE) {
      throw new IllegalArgumentException("--tensor-type requires --preset");
    }
    if ((!include.isEmpty() || !exclude.isEmpty()) && !encodes() && casts.isEmpty()) {
      throw new IllegalArgumentException("--include and --exclude require --quantize, --preset or --cast");
    }
    set.forEach(MetadataEdits::key);
  }

  /** {@return true if arrays are encoded in block types} */
  boolean encodes() {
    return preset != Preset.NONE || quantize != Dtype.UNSUPPORTED;
  }

  static long parseSize(String text) {
    int digits = 0;
    while (digits < text.length() && Character.isDigit(text.charAt(digits))) {
      digits++;
    }
    Long unit = UNITS.get(text.substring(digits));
    try {
      if (unit != null) {
        return Math.multiplyExact(Long.parseLong(text.substring(0, digits)), unit);
      }
    } catch (NumberFormatException | ArithmeticException e) {
      // Reported below.
    }
    throw new IllegalArgumentException(
        "--part-bytes " + text + ": expected a whole number with a unit such as 5GB or 512MiB");
  }

  private static Typed cast(String text) {
    int colon = text.indexOf(':');
    Dtype dtype = Dtype.fromName(colon < 0 ? text : text.substring(0, colon));
    return new Typed(colon < 0 ? "*" : text.substring(colon + 1), dtype);
  }

  private static Dtype blockType(String text) {
    Dtype dtype = Dtype.fromName(text);
    if (!dtype.isBlock()) {
      throw new IllegalArgumentException("--quantize: " + text + " is not a block type");
    }
    return dtype;
  }

  private static Typed tensorType(String text) {
    int equals = text.lastIndexOf('=');
    if (equals <= 0) {
      throw new IllegalArgumentException("--tensor-type " + text + ": expected PATTERN=TYPE");
    }
    String type = text.substring(equals + 1).toLowerCase(Locale.ROOT);
    return new Typed(text.substring(0, equals), Dtype.fromName(SHORT.getOrDefault(type, type)));
  }

  private static boolean dropsMetadata(String text) {
    if (!text.equals("keep") && !text.equals("drop")) {
      throw new IllegalArgumentException("--metadata: expected keep or drop, not " + text);
    }
    return text.equals("drop");
  }

  /** {@return whether a name matches a pattern, in which * is any text and ? any character} */
  static boolean matches(String pattern, String name) {
    int[] p = pattern.codePoints().toArray();
    int[] n = name.codePoints().toArray();
    int at = 0;
    int i = 0;
    int star = -1;
    int from = 0;
    while (i < n.length) {
      if (at < p.length && p[at] == '*') {
        star = at++;
        from = i;
      } else if (at < p.length && (p[at] == '?' || p[at] == n[i])) {
        at++;
        i++;
      } else if (star >= 0) {
        at = star + 1;
        i = ++from;
      } else {
        return false;
      }
    }
    while (at < p.length && p[at] == '*') {
      at++;
    }
    return at == p.length;
  }

  static boolean matchesAny(List<String> patterns, String name) {
    return patterns.stream().anyMatch(pattern -> matches(pattern, name));
  }
}
