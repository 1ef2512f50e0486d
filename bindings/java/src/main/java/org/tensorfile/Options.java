package org.tensorfile;

import java.lang.ref.Cleaner;
import java.util.Objects;
import java.util.function.LongFunction;

/**
 * Settings of a call. They never change once built; threads may share them.
 *
 * <pre>{@code
 * Options options = Options.builder().threads(4).loadMode(LoadMode.MAP).build();
 * }</pre>
 */
public final class Options implements AutoCloseable {
  private static final Options DEFAULTS = new Options();

  /** Null for the defaults. */
  private final Handle handle;
  private final Cleaner.Cleanable cleanable;

  private Options() {
    handle = null;
    cleanable = null;
  }

  private Options(Handle handle) {
    this.handle = handle;
    cleanable = handle.ownedBy(this);
  }

  /** {@return default settings} */
  public static Options defaults() {
    return DEFAULTS;
  }

  /** {@return a builder with default settings} */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * {@return the value of an option}
   *
   * @param option option to read
   */
  public long get(Option option) {
    if (handle == null) {
      try (Options same = builder().build()) {
        return same.get(option);
      }
    }
    return handle.callLong(address -> TensorfileNative.tf_options_get(address, option.number()));
  }

  /** Releases the settings and the {@link Progress}. Calling it is optional. */
  @Override
  public void close() {
    if (cleanable != null) {
      cleanable.clean();
    }
  }

  /** Runs a call with the address of the settings, or with 0 for the defaults. */
  static <T> T call(Options options, LongFunction<T> body) {
    Handle handle = Objects.requireNonNull(options, "options").handle;
    return handle == null ? body.apply(0) : handle.call(body);
  }

  /** Builds {@link Options}. Setting a value that is out of range throws an {@link InvalidArgumentException}. */
  public static final class Builder {
    private final Handle handle = Handle.adopt("options builder", TensorfileNative.tf_options_new(),
        TensorfileNative::tf_options_release, 0);
    private final Cleaner.Cleanable cleanable = handle.ownedBy(this);

    private Builder() {}

    /**
     * Sets an option.
     *
     * @param option option to set
     * @param value value in the range of the option
     * @return this
     */
    public synchronized Builder set(Option option, long value) {
      handle.callLong(settings -> TensorfileNative.tf_options_set(settings, option.number(), value));
      return this;
    }

    /**
     * Sets an option to a named value.
     *
     * @param option option with named values: FORMAT, LOAD_MODE, DEFLATE or DECODE
     * @param value name of the value, such as "npz", "map" or "float32"
     * @return this
     */
    public synchronized Builder set(Option option, String value) {
      byte[] text = Text.utf8(value);
      handle.callLong(settings -> TensorfileNative.tf_options_set_string(settings, option.number(), text));
      return this;
    }

    /**
     * Sets THREADS.
     *
     * @param count number of threads that one call may use, including the calling one; 0 means one for each core
     * @return this
     */
    public Builder threads(int count) {
      return set(Option.THREADS, count);
    }

    /**
     * Sets FORMAT.
     *
     * @param format format to load, or in which to save weights
     * @return this
     */
    public Builder format(Format format) {
      return set(Option.FORMAT, format.number());
    }

    /**
     * Sets EXACT_PATH.
     *
     * @param exact true to save to exactly the given path, without appending the extension of the format
     * @return this
     */
    public Builder exactPath(boolean exact) {
      return set(Option.EXACT_PATH, exact ? 1 : 0);
    }

    /**
     * Sets LOAD_MODE.
     *
     * @param mode where the elements of loaded arrays are
     * @return this
     */
    public Builder loadMode(LoadMode mode) {
      return set(Option.LOAD_MODE, mode.number());
    }

    /**
     * Sets LENIENT.
     *
     * @param lenient true to accept faults that the reference readers of the formats accept, such as trailing bytes
     * @return this
     */
    public Builder lenient(boolean lenient) {
      return set(Option.LENIENT, lenient ? 1 : 0);
    }

    /**
     * Sets SKIP_UNSUPPORTED.
     *
     * @param skip true to leave out arrays of unknown dtypes, or with an invalid header, instead of failing
     * @return this
     */
    public Builder skipUnsupported(boolean skip) {
      return set(Option.SKIP_UNSUPPORTED, skip ? 1 : 0);
    }

    /**
     * Sets STRICT.
     *
     * @param strict true if loading weights fails for missing or unexpected ones, and for other shapes
     * @return this
     */
    public Builder strict(boolean strict) {
      return set(Option.STRICT, strict ? 1 : 0);
    }

    /**
     * Sets PARTS.
     *
     * @param parts true if opening one part of sharded safetensors or of a split .gguf opens the whole set
     * @return this
     */
    public Builder parts(boolean parts) {
      return set(Option.PARTS, parts ? 1 : 0);
    }

    /**
     * Sets PART_BYTES.
     *
     * @param nbytes maximum number of bytes of array data in one .safetensors or .gguf file; 0 means one file
     * @return this
     */
    public Builder partBytes(long nbytes) {
      return set(Option.PART_BYTES, nbytes);
    }

    /**
     * Sets MAX_BYTES.
     *
     * @param nbytes maximum memory of the results of one call in bytes; 0 means no limit
     * @return this
     */
    public Builder maxBytes(long nbytes) {
      return set(Option.MAX_BYTES, nbytes);
    }

    /**
     * Sets MAX_HEADER_BYTES.
     *
     * @param nbytes maximum length of a header in bytes; 0 means the default
     * @return this
     */
    public Builder maxHeaderBytes(long nbytes) {
      return set(Option.MAX_HEADER_BYTES, nbytes);
    }

    /**
     * Sets MAX_ARRAYS.
     *
     * @param count maximum number of arrays in a file
     * @return this
     */
    public Builder maxArrays(long count) {
      return set(Option.MAX_ARRAYS, count);
    }

    /**
     * Sets MAX_METADATA.
     *
     * @param count maximum number of metadata values in a file
     * @return this
     */
    public Builder maxMetadata(long count) {
      return set(Option.MAX_METADATA, count);
    }

    /**
     * Sets MAX_NAME_BYTES.
     *
     * @param nbytes maximum length of a name or key in bytes
     * @return this
     */
    public Builder maxNameBytes(long nbytes) {
      return set(Option.MAX_NAME_BYTES, nbytes);
    }

    /**
     * Sets MAX_RANK.
     *
     * @param rank maximum number of dimensions of an array, 1 to 64
     * @return this
     */
    public Builder maxRank(int rank) {
      return set(Option.MAX_RANK, rank);
    }

    /**
     * Sets MAX_NESTING.
     *
     * @param depth maximum nesting of metadata and trees, 1 to 64 levels
     * @return this
     */
    public Builder maxNesting(int depth) {
      return set(Option.MAX_NESTING, depth);
    }

    /**
     * Sets DURABLE.
     *
     * @param durable true to sync the file and its folder to disk before a save returns
     * @return this
     */
    public Builder durable(boolean durable) {
      return set(Option.DURABLE, durable ? 1 : 0);
    }

    /**
     * Sets ATOMIC.
     *
     * @param atomic true to write a temporary file next to the target and then rename it
     * @return this
     */
    public Builder atomic(boolean atomic) {
      return set(Option.ATOMIC, atomic ? 1 : 0);
    }

    /**
     * Sets ALIGNMENT.
     *
     * @param nbytes alignment of array data in bytes, a power of two; 0 means that of the format
     * @return this
     */
    public Builder alignment(long nbytes) {
      return set(Option.ALIGNMENT, nbytes);
    }

    /**
     * Sets GGUF_EXTENDED.
     *
     * @param extended true to allow arrays of 5 to 8 dimensions and names of 64 to 65,535 bytes in a .gguf
     * @return this
     */
    public Builder ggufExtended(boolean extended) {
      return set(Option.GGUF_EXTENDED, extended ? 1 : 0);
    }

    /**
     * Sets COMPRESS.
     *
     * @param compress true to compress the members of an .npz
     * @return this
     */
    public Builder compress(boolean compress) {
      return set(Option.COMPRESS, compress ? 1 : 0);
    }

    /**
     * Sets COMPRESSION_LEVEL.
     *
     * @param level level of compression, 0 (none) to 9 (smallest); -1 is a good compromise
     * @return this
     */
    public Builder compressionLevel(int level) {
      return set(Option.COMPRESSION_LEVEL, level);
    }

    /**
     * Sets DEFLATE.
     *
     * @param zlib true to compress with zlib instead of the library's own encoder, which is faster; saves then fail
     *     with UNSUPPORTED if the native library was built without zlib, as the jar's is
     * @return this
     */
    public Builder zlib(boolean zlib) {
      return set(Option.DEFLATE,
          zlib ? TensorfileNativeConstants.TF_DEFLATE_ZLIB : TensorfileNativeConstants.TF_DEFLATE_AUTO);
    }

    /**
     * Makes loads decode ggml's block types.
     *
     * @param dtype FLOAT16, BFLOAT16, FLOAT32 or FLOAT64
     * @return this
     */
    public Builder decode(Dtype dtype) {
      return set(Option.DECODE, dtype.number());
    }

    /**
     * Makes loads convert ggml's q4_0, q4_1 and q8_0 to codes, scales and biases as MLX does, and other block types to
     * float16.
     *
     * @return this
     */
    public Builder decodeForMlx() {
      return set(Option.DECODE, TensorfileNativeConstants.TF_DECODE_MLX);
    }

    /**
     * Sets a callback for the progress of loads and saves.
     *
     * @param progress callback, which runs on the thread that calls
     * @return this
     */
    public synchronized Builder progress(Progress progress) {
      Objects.requireNonNull(progress, "progress");
      handle.callLong(settings -> TensorfileNative.tf_options_set_progress(settings, progress));
      return this;
    }

    /** {@return the options; the builder cannot be used afterwards} */
    public synchronized Options build() {
      long kept = handle.callLong(TensorfileNative::tf_options_retain);
      cleanable.clean();
      return new Options(Handle.adopt("options", kept, TensorfileNative::tf_options_release, 0));
    }
  }
}
