package org.tensorfile;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Loads and saves named n-dimensional arrays: .npy, .npz, .safetensors and .gguf.
 *
 * <pre>{@code
 * try (Loaded model = Tensorfile.load(Path.of("model.safetensors"))) {
 *   float[] bias = model.get("layers.0.bias").toFloatArray();
 *   model.arrays().put("scale", NdArray.scalar(0.5f));
 *   Tensorfile.save(Path.of("scaled.npz"), model.arrays());
 * }
 * }</pre>
 *
 * <p>If the system refuses to open, read or write a file, the methods throw the exceptions of {@link
 * java.nio.file.Files}, such as {@link java.nio.file.NoSuchFileException}; if the contents of a file are invalid, or
 * its format cannot hold what is saved, a {@link TensorfileException}; and for a mistake of the caller an {@link
 * InvalidArgumentException}. All of them implement {@link TensorfileFailure}. Exceptions of the caller's own sources,
 * channels, streams and callbacks reach the caller unchanged.
 */
public final class Tensorfile {
  private Tensorfile() {}

  /** {@return the version of the library, such as "0.9.0"} */
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
   * @param path path of the file, of the index of sharded safetensors, or of the folder of a set
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Loaded load(Path path) throws IOException {
    return load(path, Options.defaults());
  }

  /**
   * {@return all arrays of a file, and its metadata}
   *
   * @param path path of the file, of the index of sharded safetensors, or of the folder of a set
   * @param options settings
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Loaded load(Path path, Options options) throws IOException {
    return Failures.at(path,
        bytes -> loaded(options, (made, settings) -> TensorfileNative.tf_load(made, bytes, settings)));
  }

  /**
   * {@return all arrays of a file in memory, and its metadata}
   *
   * @param bytes the file, whose format is detected by its content unless the options name one
   * @throws IOException if the file is invalid
   */
  public static Loaded load(byte[] bytes) throws IOException {
    return load(bytes, Options.defaults());
  }

  /**
   * {@return all arrays of a file in memory, and its metadata}
   *
   * @param bytes the file, whose format is detected by its content unless the options name one
   * @param options settings
   * @throws IOException if the file is invalid
   */
  public static Loaded load(byte[] bytes, Options options) throws IOException {
    return load(ByteBuffer.wrap(bytes), options);
  }

  /**
   * {@return all arrays of a file in memory, and its metadata}
   *
   * @param bytes the file, from the position to the limit, which do not change
   * @throws IOException if the file is invalid
   */
  public static Loaded load(ByteBuffer bytes) throws IOException {
    return load(bytes, Options.defaults());
  }

  /**
   * {@return all arrays of a file in memory, and its metadata}
   *
   * @param bytes the file, from the position to the limit, which do not change
   * @param options settings
   * @throws IOException if the file is invalid
   */
  public static Loaded load(ByteBuffer bytes, Options options) throws IOException {
    int nbytes = bytes.remaining();
    return loaded(options, (made, settings) -> Direct.callWithBytes(bytes,
        address -> TensorfileNative.tf_load_memory(made, address, nbytes, Format.AUTO.number(), settings)));
  }

  /**
   * {@return all arrays of a file that a stream contains, and its metadata}
   *
   * @param in stream to read to its end; it is not closed
   * @throws IOException if the stream throws it, or the file is invalid
   */
  public static Loaded load(InputStream in) throws IOException {
    return load(in, Options.defaults());
  }

  /**
   * {@return all arrays of a file that a stream contains, and its metadata}
   *
   * @param in stream to read to its end; it is not closed
   * @param options settings
   * @throws IOException if the stream throws it, or the file is invalid
   */
  public static Loaded load(InputStream in, Options options) throws IOException {
    return load(in.readAllBytes(), options);
  }

  /**
   * {@return all arrays of a file in a source, and its metadata}
   *
   * @param source source to read from
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Loaded load(Source source) throws IOException {
    return load(source, Options.defaults());
  }

  /**
   * {@return all arrays of a file in a source, and its metadata}
   *
   * @param source source to read from
   * @param options settings
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Loaded load(Source source, Options options) throws IOException {
    return loaded(options, (made, settings) -> source.handle().callLong(
        address -> TensorfileNative.tf_load_source(made, address, Format.AUTO.number(), settings)));
  }

  /**
   * {@return the array of a .npy file}
   *
   * @param path path of the file
   * @throws IOException if the file cannot be read, is invalid, or is not a .npy file
   */
  public static NdArray loadArray(Path path) throws IOException {
    return loadArray(path, Options.defaults());
  }

  /**
   * {@return the array of a .npy file}
   *
   * @param path path of the file
   * @param options settings
   * @throws IOException if the file cannot be read, is invalid, or is not a .npy file
   */
  public static NdArray loadArray(Path path, Options options) throws IOException {
    Loaded loaded = load(path, options);
    NdArray array = loaded.arrays().remove("");
    loaded.close();
    if (array == null) {
      throw new TensorfileException(path + ": expected a .npy file with one array, found a file of named arrays",
          Failures.Details.of(Status.TYPE));
    }
    return array;
  }

  /**
   * {@return the arrays of a .npz, .safetensors or .gguf file that contains the weights of a model}
   *
   * <p>They have the names of the file, in which dots separate the parts of the model: see {@link Loaded#within}. The
   * metadata are left out.
   *
   * @param path path of the file
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Loaded loadWeights(Path path) throws IOException {
    return loadWeights(path, Options.defaults());
  }

  /**
   * {@return the weights of a model in a .npz, .safetensors or .gguf file}
   *
   * @param path path of the file
   * @param options settings
   * @throws IOException if the file cannot be read or is invalid
   */
  public static Loaded loadWeights(Path path, Options options) throws IOException {
    return Failures.at(path, bytes -> weights(bytes, 0, options));
  }

  /**
   * {@return the weights of a model, which must have the expected names and shapes}
   *
   * <p>Names and shapes are compared before an array is read.
   *
   * @param path path of the file
   * @param expected arrays with the expected names and shapes
   * @throws IOException if the file cannot be read, is invalid, or has other names or shapes than expected; the message
   *     lists the differences
   */
  public static Loaded loadWeights(Path path, Map<String, NdArray> expected) throws IOException {
    return loadWeights(path, expected, Options.defaults());
  }

  /**
   * {@return the weights of a model, which must have the expected names and shapes}
   *
   * @param path path of the file
   * @param expected arrays with the expected names and shapes
   * @param options settings; if they are not strict, missing weights are the arrays of expected, and unexpected ones
   *     are left out
   * @throws IOException if the file cannot be read, is invalid, or has other names or shapes than expected; the message
   *     lists the differences
   */
  public static Loaded loadWeights(Path path, Map<String, NdArray> expected, Options options) throws IOException {
    return Failures.at(path, bytes -> Packed.callWithArrays(expected, dict -> weights(bytes, dict, options)));
  }

  /**
   * {@return the weights of a model in a source}
   *
   * @param source source to read from
   * @throws IOException if the file cannot be read, is invalid, or its format is unknown
   */
  public static Loaded loadWeights(Source source) throws IOException {
    return loadWeights(source, Options.defaults());
  }

  /**
   * {@return the weights of a model in a source}
   *
   * @param source source to read from
   * @param options settings
   * @throws IOException if the file cannot be read, is invalid, or its format is unknown
   */
  public static Loaded loadWeights(Source source, Options options) throws IOException {
    return weights(source, 0, options);
  }

  /**
   * {@return the weights of a model in a source, which must have the expected names and shapes}
   *
   * @param source source to read from
   * @param expected arrays with the expected names and shapes
   * @throws IOException if the file cannot be read, is invalid, or has other names or shapes than expected
   */
  public static Loaded loadWeights(Source source, Map<String, NdArray> expected) throws IOException {
    return loadWeights(source, expected, Options.defaults());
  }

  /**
   * {@return the weights of a model in a source, which must have the expected names and shapes}
   *
   * @param source source to read from
   * @param expected arrays with the expected names and shapes
   * @param options settings; see {@link #loadWeights(Path, Map, Options)}
   * @throws IOException if the file cannot be read, is invalid, or has other names or shapes than expected
   */
  public static Loaded loadWeights(Source source, Map<String, NdArray> expected, Options options)
      throws IOException {
    return Packed.callWithArrays(expected, dict -> weights(source, dict, options));
  }

  private static Loaded weights(Source source, long expected, Options options) {
    return Options.call(options, settings -> source.handle().call(address -> new Loaded(Packed.takeTree(
        TensorfileNative.tf_load_weights_source(address, Format.AUTO.number(), expected, settings)), new Metadata())));
  }

  private static Loaded weights(byte[] path, long expected, Options options) {
    return Options.call(options, settings -> new Loaded(
        Packed.takeTree(TensorfileNative.tf_load_weights(path, expected, settings)), new Metadata()));
  }

  /**
   * {@return the differences between the names and shapes of arrays and those expected}
   *
   * @param arrays arrays by name
   * @param expected arrays with the expected names and shapes
   */
  public static Comparison compare(Map<String, NdArray> arrays, Map<String, NdArray> expected) {
    Metadata report = Packed.callWithArrays(expected, wanted -> Packed.callWithArrays(arrays,
        actual -> Packed.takeMetadata(TensorfileNative.tf_dict_compare(wanted, actual))));
    return new Comparison(report.getStrings("missing"), report.getStrings("unexpected"), report.getStrings("shape"));
  }

  /**
   * {@return everything that is wrong with a file}
   *
   * @param path path of the file
   * @throws IOException if the file cannot be read
   */
  public static CheckReport check(Path path) throws IOException {
    return check(path, Options.defaults());
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
    Metadata report = Failures.at(path, bytes -> Options.call(options,
        settings -> Packed.takeMetadata(TensorfileNative.tf_check(bytes, settings))));
    return checkReport(report);
  }

  /**
   * {@return everything that is wrong with a file in memory, such as an upload before it is stored}
   *
   * @param bytes the file, whose format is detected by its content
   */
  public static CheckReport check(byte[] bytes) {
    return check(bytes, Options.defaults());
  }

  /**
   * {@return everything that is wrong with a file in memory}
   *
   * @param bytes the file, whose format is detected by its content unless the options name one
   * @param options settings; faults that they accept are excused
   */
  public static CheckReport check(byte[] bytes, Options options) {
    try (Source source = Source.of(bytes)) {
      return checkReport(source, options);
    }
  }

  /**
   * {@return everything that is wrong with a file in a source}
   *
   * @param source source to read from
   * @throws IOException if the source cannot be read
   */
  public static CheckReport check(Source source) throws IOException {
    return check(source, Options.defaults());
  }

  /**
   * {@return everything that is wrong with a file in a source}
   *
   * <p>Reads every byte that can be checked. Faults that the options accept are excused. Of a set that cannot be
   * opened, only the first fault is reported.
   *
   * @param source source to read from
   * @param options settings
   * @throws IOException if the source cannot be read
   */
  public static CheckReport check(Source source, Options options) throws IOException {
    return checkReport(source, options);
  }

  private static CheckReport checkReport(Source source, Options options) {
    return checkReport(Options.call(options, settings -> source.handle().call(address -> Packed.takeMetadata(
        TensorfileNative.tf_check_source(address, Format.AUTO.number(), settings)))));
  }

  private static CheckReport checkReport(Metadata report) {
    return new CheckReport(messages(report, "faults"), messages(report, "excused"), messages(report, "notes"));
  }

  /** Returns the messages in a list of a report, in the terms of Java. */
  private static List<String> messages(Metadata report, String key) {
    return report.getStrings(key).stream().map(Failures::inJavasTerms).toList();
  }

  private interface Load {
    long run(long[] made, long settings);
  }

  private static Loaded loaded(Options options, Load load) {
    // The array of a .npy file, the arrays by name, the metadata.
    long[] made = new long[3];
    Options.call(options, settings -> load.run(made, settings));
    try {
      if (made[0] != 0) {
        TensorfileNative.tf_dict_set_array(made[1], new byte[0], made[0]);
      }
      Metadata metadata = Packed.metadata(made[2]);
      TensorfileNative.tf_array_release(made[0]);
      made[0] = 0;
      return new Loaded(Packed.arrays(made[1]), metadata);
    } finally {
      TensorfileNative.tf_array_release(made[0]);
      TensorfileNative.tf_dict_release(made[1]);
      TensorfileNative.tf_dict_release(made[2]);
    }
  }

  // Saving

  /**
   * Saves one array as .npy, byte for byte as np.save writes it.
   *
   * @param path path of the file
   * @param array array to save
   * @throws IOException if the file cannot be written, or the format cannot hold the array
   */
  public static void save(Path path, NdArray array) throws IOException {
    save(path, array, Options.defaults());
  }

  /**
   * Saves one array as .npy, byte for byte as np.save writes it.
   *
   * @param path path of the file
   * @param array array to save
   * @param options settings
   * @throws IOException if the file cannot be written, or the format cannot hold the array
   */
  public static void save(Path path, NdArray array, Options options) throws IOException {
    Failures.at(path, bytes -> Options.call(options,
        settings -> array.call(address -> TensorfileNative.tf_save(bytes, address, settings))));
  }

  /**
   * Saves arrays in the format that the options name, or else the extension of the path: {@link #load} with the same
   * path and options returns them.
   *
   * @param path path of the file
   * @param arrays arrays by name; for a .npy exactly one, whose name is not stored
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   * @throws InvalidArgumentException if neither the options nor the extension name a format
   */
  public static void save(Path path, Map<String, NdArray> arrays) throws IOException {
    save(path, arrays, new Metadata(), Options.defaults());
  }

  /**
   * Saves arrays in the format that the options name, or else the extension of the path: {@link #load} with the same
   * path and options returns them.
   *
   * @param path path of the file
   * @param arrays arrays by name; for a .npy exactly one, whose name is not stored
   * @param metadata metadata that the format can hold
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   * @throws InvalidArgumentException if neither the options nor the extension name a format
   */
  public static void save(Path path, Map<String, NdArray> arrays, Metadata metadata) throws IOException {
    save(path, arrays, metadata, Options.defaults());
  }

  /**
   * Saves arrays in the format that the options name, or else the extension of the path: {@link #load} with the same
   * path and options returns them.
   *
   * @param path path of the file
   * @param arrays arrays by name; for a .npy exactly one, whose name is not stored
   * @param metadata metadata that the format can hold
   * @param options settings
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   * @throws InvalidArgumentException if neither the options nor the extension name a format
   */
  public static void save(Path path, Map<String, NdArray> arrays, Metadata metadata, Options options)
      throws IOException {
    Failures.at(path, bytes -> withDicts(arrays, metadata, options,
        (dict, texts, settings) -> TensorfileNative.tf_save_file(bytes, dict, texts, settings)));
  }

  /**
   * Replaces the metadata of a .npz, .safetensors or .gguf without reading its arrays, so that it costs little for a
   * file of any size. To change some values, change what {@link ArrayFile#metadata} returns.
   *
   * @param path path of the file
   * @param metadata all of the new metadata; empty for none
   * @throws IOException if the file cannot be read or written, or the format cannot hold the metadata
   */
  public static void saveMetadata(Path path, Metadata metadata) throws IOException {
    saveMetadata(path, metadata, Options.defaults());
  }

  /**
   * Replaces the metadata of a .npz, .safetensors or .gguf without reading its arrays, so that it costs little for a
   * file of any size. With {@link Option#ATOMIC} 0 the header is written into the file itself: this fails if the new
   * one does not have the size of the old one, and damages the file if the process is killed meanwhile.
   *
   * @param path path of the file
   * @param metadata all of the new metadata; empty for none
   * @param options settings
   * @throws IOException if the file cannot be read or written, or the format cannot hold the metadata
   */
  public static void saveMetadata(Path path, Metadata metadata, Options options) throws IOException {
    Failures.at(path, bytes -> Options.call(options, settings -> Packed.callWithMetadata(metadata,
        texts -> TensorfileNative.tf_save_metadata(bytes, texts, settings))));
  }

  /**
   * Saves arrays as .npz without compression.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveNpz(Path path, Map<String, NdArray> arrays) throws IOException {
    saveNpz(path, List.of(), arrays, Options.defaults());
  }

  /**
   * Saves arrays as .npz without compression.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param options settings
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveNpz(Path path, Map<String, NdArray> arrays, Options options) throws IOException {
    saveNpz(path, List.of(), arrays, options);
  }

  /**
   * Saves arrays as .npz without compression.
   *
   * @param path path of the file
   * @param unnamed arrays that get the names arr_0, arr_1 and so on, and follow the named ones
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveNpz(Path path, List<NdArray> unnamed) throws IOException {
    saveNpz(path, unnamed, Map.of(), Options.defaults());
  }

  /**
   * Saves arrays as .npz without compression.
   *
   * @param path path of the file
   * @param unnamed arrays that get the names arr_0, arr_1 and so on, and follow the named ones
   * @param named arrays by name
   * @param options settings
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveNpz(Path path, List<NdArray> unnamed, Map<String, NdArray> named, Options options)
      throws IOException {
    saveNpz(path, unnamed, named, options, TensorfileNative::tf_savez);
  }

  /**
   * Saves arrays as .npz with compression.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveNpzCompressed(Path path, Map<String, NdArray> arrays) throws IOException {
    saveNpzCompressed(path, List.of(), arrays, Options.defaults());
  }

  /**
   * Saves arrays as .npz with compression.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param options settings
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveNpzCompressed(Path path, Map<String, NdArray> arrays, Options options) throws IOException {
    saveNpzCompressed(path, List.of(), arrays, options);
  }

  /**
   * Saves arrays as .npz with compression.
   *
   * @param path path of the file
   * @param unnamed arrays that get the names arr_0, arr_1 and so on, and follow the named ones
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveNpzCompressed(Path path, List<NdArray> unnamed) throws IOException {
    saveNpzCompressed(path, unnamed, Map.of(), Options.defaults());
  }

  /**
   * Saves arrays as .npz with compression.
   *
   * @param path path of the file
   * @param unnamed arrays that get the names arr_0, arr_1 and so on, and follow the named ones
   * @param named arrays by name
   * @param options settings
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveNpzCompressed(Path path, List<NdArray> unnamed, Map<String, NdArray> named, Options options)
      throws IOException {
    saveNpz(path, unnamed, named, options, TensorfileNative::tf_savez_compressed);
  }

  private interface Savez {
    long run(byte[] path, long[] unnamed, long named, long settings);
  }

  private static void saveNpz(Path path, List<NdArray> unnamed, Map<String, NdArray> named, Options options,
      Savez savez) throws IOException {
    List<NdArray> arrays = List.copyOf(unnamed);
    Failures.at(path, bytes -> Options.call(options, settings -> Packed.callWithArrays(named,
        dict -> NdArray.callAll(arrays, addresses -> savez.run(bytes, addresses, dict, settings)))));
  }

  /**
   * Saves arrays as .safetensors.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveSafetensors(Path path, Map<String, NdArray> arrays) throws IOException {
    saveSafetensors(path, arrays, new Metadata(), Options.defaults());
  }

  /**
   * Saves arrays as .safetensors.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param metadata strings by key
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveSafetensors(Path path, Map<String, NdArray> arrays, Metadata metadata) throws IOException {
    saveSafetensors(path, arrays, metadata, Options.defaults());
  }

  /**
   * Saves arrays as .safetensors.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param metadata strings by key
   * @param options settings
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveSafetensors(Path path, Map<String, NdArray> arrays, Metadata metadata, Options options)
      throws IOException {
    Failures.at(path, bytes -> withDicts(arrays, metadata, options,
        (dict, texts, settings) -> TensorfileNative.tf_save_safetensors(bytes, dict, texts, settings)));
  }

  /**
   * Saves arrays as .gguf. No key is added to the metadata; most readers need general.architecture.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveGguf(Path path, Map<String, NdArray> arrays) throws IOException {
    saveGguf(path, arrays, new Metadata(), Options.defaults());
  }

  /**
   * Saves arrays as .gguf. No key is added to the metadata; most readers need general.architecture.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param metadata values of any kind by key
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveGguf(Path path, Map<String, NdArray> arrays, Metadata metadata) throws IOException {
    saveGguf(path, arrays, metadata, Options.defaults());
  }

  /**
   * Saves arrays as .gguf. No key is added to the metadata; most readers need general.architecture.
   *
   * @param path path of the file
   * @param arrays arrays by name
   * @param metadata values of any kind by key
   * @param options settings
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveGguf(Path path, Map<String, NdArray> arrays, Metadata metadata, Options options)
      throws IOException {
    Failures.at(path, bytes -> withDicts(arrays, metadata, options,
        (dict, texts, settings) -> TensorfileNative.tf_save_gguf(bytes, dict, texts, settings)));
  }

  /**
   * Saves the weights of a model, in the format that the extension of the path names.
   *
   * @param path path of a .npz, .safetensors or .gguf file
   * @param arrays arrays by name
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveWeights(Path path, Map<String, NdArray> arrays) throws IOException {
    saveWeights(path, arrays, Options.defaults());
  }

  /**
   * Saves the weights of a model, in the format that the extension of the path names, or else the options.
   *
   * @param path path of a .npz, .safetensors or .gguf file
   * @param arrays arrays by name
   * @param options settings
   * @throws IOException if the file cannot be written, or the format cannot hold the arrays or metadata
   */
  public static void saveWeights(Path path, Map<String, NdArray> arrays, Options options) throws IOException {
    Failures.at(path, bytes -> withDicts(arrays, new Metadata(), options,
        (dict, none, settings) -> TensorfileNative.tf_save_weights(bytes, dict, settings)));
  }

  /**
   * {@return everything that a format cannot hold, without writing anything; the list is empty if a save would succeed}
   *
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name, of which only names, dtypes and shapes matter
   * @param metadata metadata by key
   */
  public static List<SaveProblem> checkSave(Format format, Map<String, NdArray> arrays, Metadata metadata) {
    return checkSave(format, arrays, metadata, Options.defaults());
  }

  /**
   * {@return everything that a format cannot hold, without writing anything; the list is empty if a save would succeed}
   *
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name, of which only names, dtypes and shapes matter
   * @param metadata metadata by key
   * @param options settings
   */
  public static List<SaveProblem> checkSave(Format format, Map<String, NdArray> arrays, Metadata metadata,
      Options options) {
    Metadata report = withDicts(arrays, metadata, options, (dict, texts, settings) -> Packed.takeMetadata(
        TensorfileNative.tf_save_check(format.number(), dict, texts, settings)));
    List<String> subjects = report.getStrings("subject");
    List<String> names = report.getStrings("name");
    List<String> problems = report.getStrings("problem");
    List<String> reasons = messages(report, "reason");
    return IntStream.range(0, subjects.size())
        .mapToObj(i -> new SaveProblem(subjects.get(i), names.get(i), problems.get(i), reasons.get(i))).toList();
  }

  /**
   * {@return an array as a .npy file in memory}
   *
   * @param array array to save
   * @throws IOException if the format cannot hold the array
   */
  public static Bytes toBytes(NdArray array) throws IOException {
    return toBytes(array, Options.defaults());
  }

  /**
   * {@return an array as a .npy file in memory}
   *
   * @param array array to save
   * @param options settings
   * @throws IOException if the format cannot hold the array
   */
  public static Bytes toBytes(NdArray array, Options options) throws IOException {
    return Options.call(options, settings -> array.call(
        address -> new Bytes(TensorfileNative.tf_save_memory(Format.NPY.number(), address, 0, 0, settings))));
  }

  /**
   * {@return a file in memory}
   *
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name
   * @throws IOException if the format cannot hold the arrays or metadata
   */
  public static Bytes toBytes(Format format, Map<String, NdArray> arrays) throws IOException {
    return toBytes(format, arrays, new Metadata(), Options.defaults());
  }

  /**
   * {@return a file in memory}
   *
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name
   * @param metadata metadata that the format can hold
   * @throws IOException if the format cannot hold the arrays or metadata
   */
  public static Bytes toBytes(Format format, Map<String, NdArray> arrays, Metadata metadata) throws IOException {
    return toBytes(format, arrays, metadata, Options.defaults());
  }

  /**
   * {@return a file in memory}
   *
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name
   * @param metadata metadata that the format can hold
   * @param options settings
   * @throws IOException if the format cannot hold the arrays or metadata
   */
  public static Bytes toBytes(Format format, Map<String, NdArray> arrays, Metadata metadata, Options options)
      throws IOException {
    return withDicts(arrays, metadata, options, (dict, texts, settings) -> new Bytes(
        TensorfileNative.tf_save_memory(format.number(), 0, dict, texts, settings)));
  }

  /**
   * Writes an array to a stream as .npy.
   *
   * @param out stream to write to, from the first byte to the last; it is not closed
   * @param array array to save
   * @throws IOException if the stream throws it, or the format cannot hold the array
   */
  public static void saveTo(OutputStream out, NdArray array) throws IOException {
    saveTo(out, array, Options.defaults());
  }

  /**
   * Writes an array to a stream as .npy.
   *
   * @param out stream to write to, from the first byte to the last; it is not closed
   * @param array array to save
   * @param options settings
   * @throws IOException if the stream throws it, or the format cannot hold the array
   */
  public static void saveTo(OutputStream out, NdArray array, Options options) throws IOException {
    saveTo(channelOf(out), array, options);
  }

  /**
   * Writes a file to a stream.
   *
   * @param out stream to write to, from the first byte to the last; it is not closed
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name
   * @throws IOException if the stream throws it, or the format cannot hold the arrays or metadata
   */
  public static void saveTo(OutputStream out, Format format, Map<String, NdArray> arrays) throws IOException {
    saveTo(out, format, arrays, new Metadata(), Options.defaults());
  }

  /**
   * Writes a file to a stream.
   *
   * @param out stream to write to, from the first byte to the last; it is not closed
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name
   * @param metadata metadata that the format can hold
   * @throws IOException if the stream throws it, or the format cannot hold the arrays or metadata
   */
  public static void saveTo(OutputStream out, Format format, Map<String, NdArray> arrays, Metadata metadata)
      throws IOException {
    saveTo(out, format, arrays, metadata, Options.defaults());
  }

  /**
   * Writes a file to a stream.
   *
   * @param out stream to write to, from the first byte to the last; it is not closed
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name
   * @param metadata metadata that the format can hold
   * @param options settings
   * @throws IOException if the stream throws it, or the format cannot hold the arrays or metadata
   */
  public static void saveTo(OutputStream out, Format format, Map<String, NdArray> arrays, Metadata metadata,
      Options options) throws IOException {
    saveTo(channelOf(out), format, arrays, metadata, options);
  }

  /**
   * Writes an array to a channel as .npy.
   *
   * @param channel channel to write to, from the first byte to the last; it is not closed
   * @param array array to save
   * @throws IOException if the channel throws it, or the format cannot hold the array
   */
  public static void saveTo(WritableByteChannel channel, NdArray array) throws IOException {
    saveTo(channel, array, Options.defaults());
  }

  /**
   * Writes an array to a channel as .npy.
   *
   * @param channel channel to write to, from the first byte to the last; it is not closed
   * @param array array to save
   * @param options settings
   * @throws IOException if the channel throws it, or the format cannot hold the array
   */
  public static void saveTo(WritableByteChannel channel, NdArray array, Options options) throws IOException {
    Callbacks.callWithSink(channel, sink -> Options.call(options, settings -> array.call(
        address -> TensorfileNative.tf_save_sink(sink, Format.NPY.number(), address, 0, 0, settings))));
  }

  /**
   * Writes a file to a channel.
   *
   * @param channel channel to write to, from the first byte to the last; it is not closed
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name
   * @throws IOException if the channel throws it, or the format cannot hold the arrays or metadata
   */
  public static void saveTo(WritableByteChannel channel, Format format, Map<String, NdArray> arrays)
      throws IOException {
    saveTo(channel, format, arrays, new Metadata(), Options.defaults());
  }

  /**
   * Writes a file to a channel.
   *
   * @param channel channel to write to, from the first byte to the last; it is not closed
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name
   * @param metadata metadata that the format can hold
   * @throws IOException if the channel throws it, or the format cannot hold the arrays or metadata
   */
  public static void saveTo(WritableByteChannel channel, Format format, Map<String, NdArray> arrays, Metadata metadata)
      throws IOException {
    saveTo(channel, format, arrays, metadata, Options.defaults());
  }

  /**
   * Writes a file to a channel.
   *
   * @param channel channel to write to, from the first byte to the last; it is not closed
   * @param format format of the file; AUTO means that of the options
   * @param arrays arrays by name
   * @param metadata metadata that the format can hold
   * @param options settings
   * @throws IOException if the channel throws it, or the format cannot hold the arrays or metadata
   */
  public static void saveTo(WritableByteChannel channel, Format format, Map<String, NdArray> arrays, Metadata metadata,
      Options options) throws IOException {
    Callbacks.callWithSink(channel, sink -> withDicts(arrays, metadata, options,
        (dict, texts, settings) -> TensorfileNative.tf_save_sink(sink, format.number(), 0, dict, texts, settings)));
  }

  private static WritableByteChannel channelOf(OutputStream out) {
    return Channels.newChannel(Objects.requireNonNull(out, "out"));
  }

  private interface WithDicts<T> {
    T run(long arrays, long metadata, long settings);
  }

  private static <T> T withDicts(Map<String, NdArray> arrays, Metadata metadata, Options options, WithDicts<T> body) {
    return Options.call(options, settings -> Packed.callWithArrays(arrays,
        dict -> Packed.callWithMetadata(metadata, texts -> body.run(dict, texts, settings))));
  }
}
