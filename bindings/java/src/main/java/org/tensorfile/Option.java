package org.tensorfile;

import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * An option of {@link Options}. The value of every option is a number.
 *
 * <p>"Switch" means 0 or 1. "Named value" means that the value may also be set by name, with
 * {@link Options.Builder#set(Option, String)}.
 */
public enum Option {
  // BEGIN tf_option: generated from tensorfile.h by bindings/swig/generate.sh
  /**
   * Number of threads that one call may use, the calling thread included. 0 to 1024. Default 0: as many as the machine
   * has cores, or the width of the executor if one is set. With 1 the call creates no thread and uses no executor.
   */
  THREADS(TensorfileNativeConstants.TF_OPTION_THREADS),
  /**
   * Format to load; also the format of {@link Tensorfile#save}, of {@link Tensorfile#saveWeights} if the extension of
   * its path names none, and of saves and writers whose format argument is {@link Format#AUTO}. Named value: a
   * {@link Format}, or "auto", "npy", "npz", "safetensors", "gguf" or "content" ({@link Format#BY_CONTENT}, for reading
   * only). Default {@link Format#AUTO}.
   */
  FORMAT(TensorfileNativeConstants.TF_OPTION_FORMAT),
  /**
   * Switch, default 0: the extension of the format is appended to a path that lacks it. With 1 the path is used as it
   * is.
   */
  EXACT_PATH(TensorfileNativeConstants.TF_OPTION_EXACT_PATH),
  /**
   * Whether loaded arrays own their memory or map the file. Named value: {@link LoadMode#OWN} ("own", the default) or
   * {@link LoadMode#MAP} ("map").
   */
  LOAD_MODE(TensorfileNativeConstants.TF_OPTION_LOAD_MODE),
  /**
   * Switch, default 0. With 1, faults are accepted that the reference readers of the formats accept: bytes after the
   * end of a file or before a zip archive; in a .npz, several members of one name (the last one is used), bytes after
   * the array of a member, and a member whose header is invalid (it is listed with {@link Dtype#UNSUPPORTED}).
   */
  LENIENT(TensorfileNativeConstants.TF_OPTION_LENIENT),
  /**
   * Switch, default 1: {@link Tensorfile#loadWeights} fails if weights are missing, unexpected, or of another shape.
   * With 0 it loads the expected weights that the file has.
   */
  STRICT(TensorfileNativeConstants.TF_OPTION_STRICT),
  /**
   * Switch, default 0. With 1, opening one part of a set of files opens the whole set: that of the index in the same
   * folder that lists a .safetensors, that of the metadata of a split .gguf, or else all parts with that name and other
   * numbers (NAME-00001-of-00003.gguf). The index of sharded safetensors (NAME.safetensors.index.json) and the folder
   * of a set always open the whole set.
   */
  PARTS(TensorfileNativeConstants.TF_OPTION_PARTS),
  /**
   * Most bytes of array data in one file, for a .safetensors or .gguf that is saved by path or to a sink that has a
   * resolver. 0 to {@link Long#MAX_VALUE}. Default 0: one file. Larger data is saved as a set of parts
   * NAME-00001-of-00003 and so on, for safetensors with an index. An array is never divided: one that is larger gets a
   * part of its own.
   */
  PART_BYTES(TensorfileNativeConstants.TF_OPTION_PART_BYTES),
  /**
   * Bytes of memory that the objects created by one call, or read through one {@link ArrayFile}, may occupy at the same
   * time. 0 to {@link Long#MAX_VALUE}. Default 0: no limit. Exceeding it is {@link Status#LIMIT}.
   */
  MAX_BYTES(TensorfileNativeConstants.TF_OPTION_MAX_BYTES),
  /**
   * Longest accepted header in bytes. 0 to {@link Long#MAX_VALUE}. Default 0: 1 MiB for the header of an npy array,
   * 100,000,000 otherwise.
   */
  MAX_HEADER_BYTES(TensorfileNativeConstants.TF_OPTION_MAX_HEADER_BYTES),
  /** Largest accepted number of arrays in a file. 1 to 2^30, default 1,000,000. */
  MAX_ARRAYS(TensorfileNativeConstants.TF_OPTION_MAX_ARRAYS),
  /**
   * Largest accepted number of metadata values in a file; the elements of a list do not count. 1 to 2^30, default
   * 1,000,000.
   */
  MAX_METADATA(TensorfileNativeConstants.TF_OPTION_MAX_METADATA),
  /** Longest accepted name or key in bytes. 1 to 2^30, default 65,536. */
  MAX_NAME_BYTES(TensorfileNativeConstants.TF_OPTION_MAX_NAME_BYTES),
  /** Largest accepted number of dimensions. 1 to 64, default 64. */
  MAX_RANK(TensorfileNativeConstants.TF_OPTION_MAX_RANK),
  /**
   * Deepest accepted nesting of metadata (gguf arrays nest at most 8 deep in any case), and of the trees that
   * {@link Tensorfile#loadWeights} and {@link Tensorfile#saveWeights} convert from and to dotted names. 1 to 64,
   * default 64.
   */
  MAX_NESTING(TensorfileNativeConstants.TF_OPTION_MAX_NESTING),
  /** Switch, default 0. With 1 the files and their folder are flushed to the disk (fsync) before a save returns. */
  DURABLE(TensorfileNativeConstants.TF_OPTION_DURABLE),
  /**
   * Switch, default 1: saves by path are all or nothing (see "Saving"). With 0 the target is written in place; this
   * needs no space for a second copy, but a save that fails leaves an incomplete file.
   */
  ATOMIC(TensorfileNativeConstants.TF_OPTION_ATOMIC),
  /**
   * Alignment of array data in bytes. 0, or a power of two from 1 to 1,048,576. Default 0: 64, for gguf 32 or what the
   * key general.alignment of the metadata says. npy always has 64, as np.save; npz accepts at most 32,768; for gguf the
   * key general.alignment is written to match.
   */
  ALIGNMENT(TensorfileNativeConstants.TF_OPTION_ALIGNMENT),
  /**
   * Switch, default 0. With 1, {@link Tensorfile#save}, {@link Tensorfile#saveWeights}, {@link Tensorfile#toBytes},
   * {@link Tensorfile#saveTo} and a {@link ArrayWriter} deflate the members of an .npz. {@link Tensorfile#saveNpz}
   * never does, {@link Tensorfile#saveNpzCompressed} always.
   */
  COMPRESS(TensorfileNativeConstants.TF_OPTION_COMPRESS),
  /**
   * Deflate level, -1 to 9: 0 stores, 1 to 3 are fast, and higher levels search longer for a smaller output. Default
   * -1: level 2, or zlib's default of 6 with {@link Options.Builder#zlib}.
   */
  COMPRESSION_LEVEL(TensorfileNativeConstants.TF_OPTION_COMPRESSION_LEVEL),
  /** Which encoder deflates. Named value: "auto" (the default) or "zlib". */
  DEFLATE(TensorfileNativeConstants.TF_OPTION_DEFLATE),
  /**
   * What loading does with ggml's block types. Named value: "keep" (the default), "mlx", or one of
   * {@link Dtype#FLOAT16}, {@link Dtype#BFLOAT16}, {@link Dtype#FLOAT32}, {@link Dtype#FLOAT64} (or its name) to decode
   * to that dtype. A {@link ArrayFile} always describes arrays as they are stored, and {@link ArrayFile.Entry#readInto}
   * has its own dtype argument.
   */
  DECODE(TensorfileNativeConstants.TF_OPTION_DECODE),
  /**
   * Switch, default 0. With 1, {@link Tensorfile#load} and {@link Tensorfile#loadWeights} leave out arrays that cannot
   * be read, because their type is unknown or their header is invalid, instead of failing.
   */
  SKIP_UNSUPPORTED(TensorfileNativeConstants.TF_OPTION_SKIP_UNSUPPORTED),
  /**
   * Switch, default 0. With 1, a .gguf may have arrays of 5 to 8 dimensions and names of 64 to 65,535 bytes. ggml and
   * other programs refuse such files.
   */
  GGUF_EXTENDED(TensorfileNativeConstants.TF_OPTION_GGUF_EXTENDED);
  // END tf_option

  private static final Option[] VALUES = values();

  /** The names of options in messages of the library, unless they are part of a quoted name or of a path. */
  static final Pattern IN_MESSAGES = Pattern.compile(Arrays.stream(VALUES).map(Option::libraryName)
      .filter(name -> name.contains("_")).collect(Collectors.joining("|", "(?<![\\w'./-])(?:", ")(?![\\w'./:-])")));

  private final int number;

  Option(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  private String libraryName() {
    return TensorfileNative.tf_option_name(number);
  }

  static String camel(String name) {
    return Pattern.compile("_(.)").matcher(name).replaceAll(match -> match.group(1).toUpperCase(Locale.ROOT));
  }

  /**
   * {@return the option with a name}
   *
   * @param name name as in C and on the command line, such as "max_arrays", or as returned by {@link #toString}
   * @throws InvalidArgumentException if there is no such option
   */
  public static Option fromName(String name) {
    int number = TensorfileNative.tf_option_from_name(Text.utf8WithNul(name));
    for (Option option : VALUES) {
      if (option.number == number || option.toString().equals(name)) {
        return option;
      }
    }
    throw new InvalidArgumentException("no option is named " + name);
  }

  /** {@return the smallest value that the option accepts} */
  public long minimum() {
    return TensorfileNative.tf_option_range(number)[0];
  }

  /**
   * {@return the largest value that the option accepts; an option with named values, and ALIGNMENT, do not accept every
   * number below it}
   */
  public long maximum() {
    return TensorfileNative.tf_option_range(number)[1];
  }

  /** {@return the value that the option has if it is not set} */
  public long defaultValue() {
    return TensorfileNative.tf_option_range(number)[2];
  }

  /** {@return the name of the option, as messages contain it: "maxArrays" for MAX_ARRAYS} */
  @Override
  public String toString() {
    return camel(libraryName());
  }
}
