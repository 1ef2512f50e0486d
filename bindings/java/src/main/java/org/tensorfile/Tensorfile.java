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
 * <p>A file that cannot be read or written throws a {@link TensorfileException}, a mistake of the caller's an
 * {@link InvalidArgumentException}; all exceptions of the library are {@link TensorfileFailure}s. What a callback
 * throws reaches the caller as it is. Maps may be a {@link Dict} or any other, with the values that {@link Dict#put}
 * takes; options may be null.
 */
public final class Tensorfile {
  private Tensorfile() {}

  /** {@return the version of the library, "0.1.0"} */
  public static String version() {
    return TensorfileNative.tf_version_string();
  }

  /** {@return the version of the library: major * 10000 + minor * 100 + patch} */
  public static int versionNumber() {
    return (int) TensorfileNative.tf_version_number();
  }

  // Loading

  /**
   * {@return all arrays of a file, and its metadata}
   *
   * @param path of it; that of the index of sharded safetensors loads the set
   * @throws IOException when it cannot be read, or is not valid
   */
  public static Loaded load(Path path) throws IOException {
    return load(path, null);
  }

  /**
   * {@return all arrays of a file, and its metadata}
   *
   * @param path of it
   * @param options settings
   * @throws IOException when it cannot be read, or is not valid
   */
  public static Loaded load(Path path, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    return loaded(options, (made, settings) -> TensorfileNative.tf_load(made, bytes, settings));
  }

  /**
   * {@return all arrays of a file in memory, and its metadata}
   *
   * @param bytes from position to limit
   * @param format of it; AUTO: found by content
   * @param options settings
   * @throws IOException when it is not valid
   */
  public static Loaded load(ByteBuffer bytes, Format format, Options options) throws IOException {
    int nbytes = bytes.remaining();
    return loaded(options, (made, settings) -> Direct.callWithBytes(bytes,
        address -> TensorfileNative.tf_load_memory(made, address, nbytes, format.number(), settings)));
  }

  /**
   * {@return all arrays of a source, and its metadata}
   *
   * @param source to read from
   * @param format of it; AUTO: found by content
   * @param options settings
   * @throws IOException when it cannot be read, or is not valid
   */
  public static Loaded load(Source source, Format format, Options options) throws IOException {
    return loaded(options, (made, settings) -> source.handle().callLong(
        address -> TensorfileNative.tf_load_source(made, address, format.number(), settings)));
  }

  /**
   * {@return the array of a .npy}
   *
   * @param path of the file
   * @throws IOException when it cannot be read, is not valid, or is no .npy
   */
  public static Array loadArray(Path path) throws IOException {
    return loadArray(path, null);
  }

  /**
   * {@return the array of a .npy}
   *
   * @param path of the file
   * @param options settings
   * @throws IOException when it cannot be read, is not valid, or is no .npy
   */
  public static Array loadArray(Path path, Options options) throws IOException {
    try (Loaded loaded = load(path, options)) {
      if (loaded.arrays().kind("") != Kind.ARRAY) {
        throw new TensorfileException(path + ": the file has arrays by name, and is no .npy",
            Failures.Details.of(Status.TYPE));
      }
      return loaded.get("");
    }
  }

  /**
   * {@return the arrays of a .npz, .safetensors or .gguf as a tree: names split at '.'}
   *
   * @param path of the file
   * @throws IOException when it cannot be read, or is not valid
   */
  public static Dict loadWeights(Path path) throws IOException {
    return loadWeights(path, null, null);
  }

  /**
   * {@return the arrays of a .npz, .safetensors or .gguf as a tree: names split at '.'}
   *
   * @param path of the file
   * @param expected a tree or flat dict of arrays with the names and shapes that are wanted, or null: whatever is
   *     there. Unless strict, what is missing keeps expected's array, and what is unknown is left out
   * @param options settings
   * @throws IOException when it cannot be read, is not valid, or not what is expected
   */
  public static Dict loadWeights(Path path, Map<String, ?> expected, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    return Options.call(options, settings -> Dict.callWithSnapshot(expected,
        wanted -> Dict.adopt(TensorfileNative.tf_load_weights(bytes, wanted, settings))));
  }

  private interface Load {
    long run(long[] made, long settings);
  }

  private static Loaded loaded(Options options, Load load) {
    // The array of a .npy, the arrays by name, the metadata.
    long[] made = new long[3];
    Options.call(options, settings -> load.run(made, settings));
    if (made[0] != 0) {
      try {
        TensorfileNative.tf_dict_set(made[1], new byte[0], made[0]);
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
   * Saves one array as .npy, byte for byte as np.save writes it.
   *
   * @param path of the file
   * @param array to save
   * @throws IOException when it cannot be written
   */
  public static void save(Path path, Array array) throws IOException {
    save(path, array, null);
  }

  /**
   * Saves one array as .npy, byte for byte as np.save writes it.
   *
   * @param path of the file
   * @param array to save
   * @param options settings
   * @throws IOException when it cannot be written
   */
  public static void save(Path path, Array array, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    Options.call(options, settings -> array.call(address -> TensorfileNative.tf_save(bytes, address, settings)));
  }

  /**
   * Saves arrays as an .npz of stored members.
   *
   * @param path of the file
   * @param arrays by name
   * @throws IOException when it cannot be written
   */
  public static void savez(Path path, Map<String, ?> arrays) throws IOException {
    savez(path, List.of(), arrays, null);
  }

  /**
   * Saves arrays as an .npz of stored members.
   *
   * @param path of the file
   * @param unnamed arrays that get the names arr_0, arr_1, ...; they come after the others
   * @param named arrays by name; may be null
   * @param options settings
   * @throws IOException when it cannot be written
   */
  public static void savez(Path path, List<Array> unnamed, Map<String, ?> named, Options options) throws IOException {
    savez(path, unnamed, named, options, TensorfileNative::tf_savez);
  }

  /**
   * Saves arrays as an .npz of deflated members.
   *
   * @param path of the file
   * @param arrays by name
   * @throws IOException when it cannot be written
   */
  public static void savezCompressed(Path path, Map<String, ?> arrays) throws IOException {
    savezCompressed(path, List.of(), arrays, null);
  }

  /**
   * Saves arrays as an .npz of deflated members.
   *
   * @param path of the file
   * @param unnamed arrays that get the names arr_0, arr_1, ...; they come after the others
   * @param named arrays by name; may be null
   * @param options settings
   * @throws IOException when it cannot be written
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
   * @param path of the file
   * @param arrays by name
   * @param metadata strings by name; may be null: the file then has none
   * @throws IOException when it cannot be written
   */
  public static void saveSafetensors(Path path, Map<String, ?> arrays, Map<String, ?> metadata) throws IOException {
    saveSafetensors(path, arrays, metadata, null);
  }

  /**
   * Saves arrays as .safetensors.
   *
   * @param path of the file
   * @param arrays by name
   * @param metadata strings by name; may be null: the file then has none
   * @param options settings
   * @throws IOException when it cannot be written
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
   * @param path of the file
   * @param arrays by name
   * @param metadata arrays of at most one dimension, numbers, strings, lists of strings, and dicts named 0, 1, ... for
   *     nested arrays, by name; may be null. No key is added unasked
   * @throws IOException when it cannot be written
   */
  public static void saveGguf(Path path, Map<String, ?> arrays, Map<String, ?> metadata) throws IOException {
    saveGguf(path, arrays, metadata, null);
  }

  /**
   * Saves arrays as .gguf.
   *
   * @param path of the file
   * @param arrays by name
   * @param metadata arrays of at most one dimension, numbers, strings, lists of strings, and dicts named 0, 1, ... for
   *     nested arrays, by name; may be null. No key is added unasked
   * @param options settings
   * @throws IOException when it cannot be written
   */
  public static void saveGguf(Path path, Map<String, ?> arrays, Map<String, ?> metadata, Options options)
      throws IOException {
    byte[] bytes = Text.path(path);
    withDicts(arrays, metadata, options,
        (dict, texts, settings) -> TensorfileNative.tf_save_gguf(bytes, dict, texts, settings));
  }

  /**
   * Saves a tree of arrays, names joined with '.', in the format that the path's extension names.
   *
   * @param path of a .npz, .safetensors or .gguf
   * @param tree of arrays
   * @throws IOException when it cannot be written
   */
  public static void saveWeights(Path path, Map<String, ?> tree) throws IOException {
    saveWeights(path, tree, null);
  }

  /**
   * Saves a tree of arrays, names joined with '.', in the format that the path's extension names, or else the options.
   *
   * @param path of a .npz, .safetensors or .gguf
   * @param tree of arrays
   * @param options settings
   * @throws IOException when it cannot be written
   */
  public static void saveWeights(Path path, Map<String, ?> tree, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    withDicts(tree, null, options, (dict, none, settings) -> TensorfileNative.tf_save_weights(bytes, dict, settings));
  }

  /**
   * {@return the .npy of an array, in memory}
   *
   * @param array to save
   * @param options settings
   * @throws IOException when the format cannot hold it
   */
  public static Bytes toBytes(Array array, Options options) throws IOException {
    return Options.call(options, settings -> array.call(
        address -> new Bytes(TensorfileNative.tf_save_memory(Format.NPY.number(), address, 0, 0, settings))));
  }

  /**
   * {@return a file in memory}
   *
   * @param format NPZ, SAFETENSORS or GGUF
   * @param arrays by name
   * @param metadata for safetensors and gguf; may be null
   * @param options settings
   * @throws IOException when the format cannot hold them
   */
  public static Bytes toBytes(Format format, Map<String, ?> arrays, Map<String, ?> metadata, Options options)
      throws IOException {
    return withDicts(arrays, metadata, options, (dict, texts, settings) -> new Bytes(
        TensorfileNative.tf_save_memory(format.number(), 0, dict, texts, settings)));
  }

  /**
   * Writes the .npy of an array.
   *
   * @param channel to write to, from first byte to last; it is not closed
   * @param array to save
   * @param options settings
   * @throws IOException of the channel, or when the format cannot hold it
   */
  public static void saveTo(WritableByteChannel channel, Array array, Options options) throws IOException {
    Callbacks.callWithSink(channel, sink -> Options.call(options, settings -> array.call(
        address -> TensorfileNative.tf_save_sink(sink, Format.NPY.number(), address, 0, 0, settings))));
  }

  /**
   * Writes a file.
   *
   * @param channel to write to, from first byte to last; it is not closed
   * @param format NPZ, SAFETENSORS or GGUF
   * @param arrays by name
   * @param metadata for safetensors and gguf; may be null
   * @param options settings
   * @throws IOException of the channel, or when the format cannot hold them
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
