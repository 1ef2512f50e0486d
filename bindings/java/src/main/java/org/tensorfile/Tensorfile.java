package org.tensorfile;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Loads and saves named n-dimensional arrays: .npy, .npz, .safetensors and .gguf.
 *
 * <pre>{@code
 * float[] weight = Tensorfile.load(Path.of("model.safetensors")).get("layers.0.weight").toFloatArray();
 * }</pre>
 *
 * <p>If a file cannot be read or written, the methods throw a {@link TensorfileException}; for a mistake of the caller
 * they throw an {@link InvalidArgumentException}. All exceptions of the library implement {@link TensorfileFailure}.
 * Exceptions of callbacks reach the caller unchanged. A map may be a {@link Dict} or any other map with values that
 * {@link Dict#put} accepts. Options may be null.
 */
public final class Tensorfile {
  private Tensorfile() {}

  /** {@return the version of the library, such as "0.1.0"} */
  public static String version() {
    return TensorfileNative.tf_version_string();
  }

  /** {@return the version of the library as a number: major * 10000 + minor * 100 + patch} */
  public static int versionNumber() {
    return (int) TensorfileNative.tf_version_number();
  }

  // Loading

  /**
   * {@return all arrays of a file, and its metadata}
   *
   * @param path path of the file; for the index of sharded safetensors the whole set is loaded
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Loaded load(Path path) throws IOException {
    return load(path, null);
  }

  /**
   * {@return all arrays of a file, and its metadata}
   *
   * @param path path of the file
   * @param options settings
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Loaded load(Path path, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    return loaded(options, (made, settings) -> TensorfileNative.tf_load(made, bytes, settings));
  }

  /**
   * {@return all arrays of a file in memory, and its metadata}
   *
   * @param bytes the file, from the position to the limit
   * @param format format of the file; AUTO detects it by content
   * @param options settings
   * @throws IOException if the file is invalid
   */
  public static Loaded load(ByteBuffer bytes, Format format, Options options) throws IOException {
    int nbytes = bytes.remaining();
    return loaded(options, (made, settings) -> Direct.callWithBytes(bytes,
        address -> TensorfileNative.tf_load_memory(made, address, nbytes, format.number(), settings)));
  }

  /**
   * {@return all arrays of a source, and its metadata}
   *
   * @param source source to read from
   * @param format format of the file; AUTO detects it by content
   * @param options settings
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Loaded load(Source source, Format format, Options options) throws IOException {
    return loaded(options, (made, settings) -> source.handle().callLong(
        address -> TensorfileNative.tf_load_source(made, address, format.number(), settings)));
  }

  /**
   * {@return the array of a .npy file}
   *
   * @param path path of the file
   * @throws IOException if the file cannot be read, is invalid, or is not a .npy file
   */
  public static Array loadArray(Path path) throws IOException {
    return loadArray(path, null);
  }

  /**
   * {@return the array of a .npy file}
   *
   * @param path path of the file
   * @param options settings
   * @throws IOException if the file cannot be read, is invalid, or is not a .npy file
   */
  public static Array loadArray(Path path, Options options) throws IOException {
    try (Loaded loaded = load(path, options)) {
      if (loaded.arrays().kind("") != Kind.ARRAY) {
        throw new TensorfileException(path + ": expected a .npy file with one array, found a file of named arrays",
            Failures.Details.of(Status.TYPE));
      }
      return loaded.get("");
    }
  }

  /**
   * {@return the arrays of a .npz, .safetensors or .gguf file as a tree of dicts, whose names are split at '.'}
   *
   * @param path path of the file
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Dict loadWeights(Path path) throws IOException {
    return loadWeights(path, null, null);
  }

  /**
   * {@return the arrays of a .npz, .safetensors or .gguf file as a tree of dicts, whose names are split at '.'}
   *
   * @param path path of the file
   * @param expected a tree or flat dict of arrays with the expected names and shapes, or null to accept any. Unless the
   *     options are strict, missing arrays are those of expected, and unexpected ones are left out
   * @param options settings
   * @throws IOException if the file cannot be read, is invalid, or has other names or shapes than expected
   */
  public static Dict loadWeights(Path path, Map<String, ?> expected, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    return Options.call(options, settings -> Dict.callWithSnapshot(expected,
        other -> Dict.adopt(TensorfileNative.tf_load_weights(bytes, other, settings))));
  }

  /**
   * {@return everything that is wrong with a file}
   *
   * @param path path of the file
   * @throws IOException if the file cannot be read
   */
  public static CheckReport check(Path path) throws IOException {
    return check(path, null);
  }

  /**
   * {@return everything that is wrong with a file or a set of files}
   *
   * <p>Reads every byte that can be checked. Faults that the options accept are excused.
   *
   * @param path path of the file
   * @param options settings
   * @throws IOException if the file cannot be read
   */
  public static CheckReport check(Path path, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    try (Dict report = Options.call(options, settings -> Dict.adopt(TensorfileNative.tf_check(bytes, settings)))) {
      return new CheckReport(report.getStrings("faults"), report.getStrings("excused"), report.getStrings("notes"));
    }
  }

  private interface Load {
    long run(long[] made, long settings);
  }

  private static Loaded loaded(Options options, Load load) {
    // The array of a .npy file, the arrays by name, the metadata.
    long[] made = new long[3];
    Options.call(options, settings -> load.run(made, settings));
    if (made[0] != 0) {
      try {
        TensorfileNative.tf_dict_set_array(made[1], new byte[0], made[0]);
      } catch (Throwable t) {
        TensorfileNative.tf_dict_release(made[1]);
        TensorfileNative.tf_dict_release(made[2]);
        throw t;
      } finally {
        TensorfileNative.tf_array_release(made[0]);
      }
    }
    return new Loaded(Dict.adopt(made[1]), Dict.adopt(made[2]));
  }

  // Saving

  /**
   * Saves one array as .npy, byte for byte like np.save.
   *
   * @param path path of the file
   * @param array array to save
   * @throws IOException if the file cannot be written
   */
  public static void save(Path path, Array array) throws IOException {
    save(path, array, null);
  }

  /**
   * Saves one array as .npy, byte for byte like np.save.
   *
   * @param path path of the file
   * @param array array to save
   * @param options settings
   * @throws IOException if the file cannot be written
   */
  public static void save(Path path, Array array, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    Options.call(options, settings -> array.call(address -> TensorfileNative.tf_save(bytes, address, settings)));
  }

  /**
   * Saves arrays as .npz without compression.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @throws IOException if the file cannot be written
   */
  public static void savez(Path path, Map<String, ?> arrays) throws IOException {
    savez(path, List.of(), arrays, null);
  }

  /**
   * Saves arrays as .npz without compression.
   *
   * @param path path of the file
   * @param unnamed arrays that get the names arr_0, arr_1 and so on, after the others
   * @param named arrays by name; may be null
   * @param options settings
   * @throws IOException if the file cannot be written
   */
  public static void savez(Path path, List<Array> unnamed, Map<String, ?> named, Options options) throws IOException {
    savez(path, unnamed, named, options, TensorfileNative::tf_savez);
  }

  /**
   * Saves arrays as .npz with compression.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @throws IOException if the file cannot be written
   */
  public static void savezCompressed(Path path, Map<String, ?> arrays) throws IOException {
    savezCompressed(path, List.of(), arrays, null);
  }

  /**
   * Saves arrays as .npz with compression.
   *
   * @param path path of the file
   * @param unnamed arrays that get the names arr_0, arr_1 and so on, after the others
   * @param named arrays by name; may be null
   * @param options settings
   * @throws IOException if the file cannot be written
   */
  public static void savezCompressed(Path path, List<Array> unnamed, Map<String, ?> named, Options options)
      throws IOException {
    savez(path, unnamed, named, options, TensorfileNative::tf_savez_compressed);
  }

  private interface Savez {
    long run(byte[] path, long[] unnamed, long named, long settings);
  }

  private static void savez(Path path, List<Array> unnamed, Map<String, ?> named, Options options, Savez savez) {
    byte[] bytes = Text.path(path);
    List<Array> arrays = List.copyOf(unnamed);
    Options.call(options, settings -> Dict.callWithSnapshot(named,
        dict -> Array.callAll(arrays, addresses -> savez.run(bytes, addresses, dict, settings))));
  }

  /**
   * Saves arrays as .safetensors.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param metadata strings by name; may be null
   * @throws IOException if the file cannot be written
   */
  public static void saveSafetensors(Path path, Map<String, ?> arrays, Map<String, ?> metadata) throws IOException {
    saveSafetensors(path, arrays, metadata, null);
  }

  /**
   * Saves arrays as .safetensors.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param metadata strings by name; may be null
   * @param options settings
   * @throws IOException if the file cannot be written
   */
  public static void saveSafetensors(Path path, Map<String, ?> arrays, Map<String, ?> metadata, Options options)
      throws IOException {
    byte[] bytes = Text.path(path);
    withDicts(arrays, metadata, options,
        (dict, texts, settings) -> TensorfileNative.tf_save_safetensors(bytes, dict, texts, settings));
  }

  /**
   * Saves arrays as .gguf.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param metadata 0-d and 1-d arrays, numbers, strings, lists of strings, and for nested arrays dicts with the keys
   *     0, 1 and so on, by name; may be null. No key is added
   * @throws IOException if the file cannot be written
   */
  public static void saveGguf(Path path, Map<String, ?> arrays, Map<String, ?> metadata) throws IOException {
    saveGguf(path, arrays, metadata, null);
  }

  /**
   * Saves arrays as .gguf.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param metadata 0-d and 1-d arrays, numbers, strings, lists of strings, and for nested arrays dicts with the keys
   *     0, 1 and so on, by name; may be null. No key is added
   * @param options settings
   * @throws IOException if the file cannot be written
   */
  public static void saveGguf(Path path, Map<String, ?> arrays, Map<String, ?> metadata, Options options)
      throws IOException {
    byte[] bytes = Text.path(path);
    withDicts(arrays, metadata, options,
        (dict, texts, settings) -> TensorfileNative.tf_save_gguf(bytes, dict, texts, settings));
  }

  /**
   * Saves a tree of arrays under names joined by '.', in the format of the path's extension.
   *
   * @param path path of a .npz, .safetensors or .gguf file
   * @param tree tree of arrays
   * @throws IOException if the file cannot be written
   */
  public static void saveWeights(Path path, Map<String, ?> tree) throws IOException {
    saveWeights(path, tree, null);
  }

  /**
   * Saves a tree of arrays under names joined by '.', in the format of the path's extension, or else of the options.
   *
   * @param path path of a .npz, .safetensors or .gguf file
   * @param tree tree of arrays
   * @param options settings
   * @throws IOException if the file cannot be written
   */
  public static void saveWeights(Path path, Map<String, ?> tree, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    withDicts(tree, null, options, (dict, none, settings) -> TensorfileNative.tf_save_weights(bytes, dict, settings));
  }

  /**
   * {@return an array as a .npy file in memory}
   *
   * @param array array to save
   * @param options settings
   * @throws IOException if the format cannot hold the array
   */
  public static Bytes toBytes(Array array, Options options) throws IOException {
    return Options.call(options, settings -> array.call(
        address -> new Bytes(TensorfileNative.tf_save_memory(Format.NPY.number(), address, 0, 0, settings))));
  }

  /**
   * {@return a file in memory}
   *
   * @param format NPZ, SAFETENSORS or GGUF
   * @param arrays arrays by name
   * @param metadata metadata for SAFETENSORS or GGUF; may be null
   * @param options settings
   * @throws IOException if the format cannot hold the arrays or metadata
   */
  public static Bytes toBytes(Format format, Map<String, ?> arrays, Map<String, ?> metadata, Options options)
      throws IOException {
    return withDicts(arrays, metadata, options, (dict, texts, settings) -> new Bytes(
        TensorfileNative.tf_save_memory(format.number(), 0, dict, texts, settings)));
  }

  /**
   * Writes an array to a channel as .npy.
   *
   * @param channel channel to write to, from the first byte to the last; it is not closed
   * @param array array to save
   * @param options settings
   * @throws IOException if the channel throws it, or the format cannot hold the array
   */
  public static void saveTo(WritableByteChannel channel, Array array, Options options) throws IOException {
    Callbacks.callWithSink(channel, sink -> Options.call(options, settings -> array.call(
        address -> TensorfileNative.tf_save_sink(sink, Format.NPY.number(), address, 0, 0, settings))));
  }

  /**
   * Writes a file to a channel.
   *
   * @param channel channel to write to, from the first byte to the last; it is not closed
   * @param format NPZ, SAFETENSORS or GGUF
   * @param arrays arrays by name
   * @param metadata metadata for SAFETENSORS or GGUF; may be null
   * @param options settings
   * @throws IOException if the channel throws it, or the format cannot hold the arrays or metadata
   */
  public static void saveTo(WritableByteChannel channel, Format format, Map<String, ?> arrays, Map<String, ?> metadata,
      Options options) throws IOException {
    Callbacks.callWithSink(channel, sink -> withDicts(arrays, metadata, options,
        (dict, texts, settings) -> TensorfileNative.tf_save_sink(sink, format.number(), 0, dict, texts, settings)));
  }

  private interface WithDicts<T> {
    T run(long arrays, long metadata, long settings);
  }

  private static <T> T withDicts(Map<String, ?> arrays, Map<String, ?> metadata, Options options, WithDicts<T> body) {
    Objects.requireNonNull(arrays, "arrays");
    return Options.call(options, settings -> Dict.callWithSnapshot(arrays,
        dict -> Dict.callWithSnapshot(metadata, texts -> body.run(dict, texts, settings))));
  }
}
