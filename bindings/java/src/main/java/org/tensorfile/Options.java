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
  private final Handle handle;
  private final Cleaner.Cleanable cleanable;

  private Options(Handle handle) {
    this.handle = handle;
    cleanable = handle.ownedBy(this);
  }

  /** {@return settings to be made, which have their defaults} */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * {@return the number that an option has}
   *
   * @param option to read
   */
  public long get(Option option) {
    return handle.callLong(address -> TensorfileNative.tf_options_get(address, option.number()));
  }

  /** Gives the settings up. It is not needed; a {@link Progress} goes with them. */
  @Override
  public void close() {
    cleanable.clean();
  }

  /** Calls with the settings' address, or 0 when there are none. */
  static <T> T call(Options options, LongFunction<T> body) {
    return options == null ? body.apply(0) : options.handle.call(body);
  }

  /** Makes {@link Options}. A value out of its range throws an {@link InvalidArgumentException} where it is set. */
  public static final class Builder {
    private final Handle handle = Handle.adopt("builder of options", TensorfileNative.tf_options_new(),
        TensorfileNative::tf_options_release, 0);
    private final Cleaner.Cleanable cleanable = handle.ownedBy(this);

    private Builder() {}

    /**
     * Sets an option by its number.
     *
     * @param option to set
     * @param value in the range that the option has
     * @return this
     */
    public synchronized Builder set(Option option, long value) {
      handle.callLong(settings -> TensorfileNative.tf_options_set(settings, option.number(), value));
      return this;
    }

    /**
     * Sets an option by the name of its value.
     *
     * @param option one whose values have names: FORMAT, LOAD_MODE, DEFLATE, DECODE
     * @param value the name, such as "npz", "map" or "float32"
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
     * @param count how many threads one call may use, itself included; 0: as many as the machine has cores
     * @return this
     */
    public Builder threads(int count) {
      return set(Option.THREADS, count);
    }

    /**
     * Sets FORMAT.
     *
     * @param format the format to load, or to save weights in
     * @return this
     */
    public Builder format(Format format) {
      return set(Option.FORMAT, format.number());
    }

    /**
     * Sets EXACT_PATH.
     *
     * @param exact whether files are saved to the very path given, without adding the format's extension
     * @return this
     */
    public Builder exactPath(boolean exact) {
      return set(Option.EXACT_PATH, exact ? 1 : 0);
    }

    /**
     * Sets LOAD_MODE.
     *
     * @param mode how arrays are loaded
     * @return this
     */
    public Builder loadMode(LoadMode mode) {
      return set(Option.LOAD_MODE, mode.number());
    }

    /**
     * Sets LENIENT.
     *
     * @param lenient whether to accept trailing bytes, bytes before a zip archive, and leave out arrays of unknown
     *     types
     * @return this
     */
    public Builder lenient(boolean lenient) {
      return set(Option.LENIENT, lenient ? 1 : 0);
    }

    /**
     * Sets STRICT.
     *
     * @param strict whether loading weights refuses those that are missing, unexpected or of another shape
     * @return this
     */
    public Builder strict(boolean strict) {
      return set(Option.STRICT, strict ? 1 : 0);
    }

    /**
     * Sets PARTS.
     *
     * @param parts whether a .gguf that is one part of several is opened as the whole set
     * @return this
     */
    public Builder parts(boolean parts) {
      return set(Option.PARTS, parts ? 1 : 0);
    }

    /**
     * Sets PART_BYTES.
     *
     * @param nbytes most bytes of array data in one file of a .safetensors or .gguf; 0: one file
     * @return this
     */
    public Builder partBytes(long nbytes) {
      return set(Option.PART_BYTES, nbytes);
    }

    /**
     * Sets MAX_BYTES.
     *
     * @param nbytes most bytes of memory that the objects made by one call may hold at once; 0: no limit
     * @return this
     */
    public Builder maxBytes(long nbytes) {
      return set(Option.MAX_BYTES, nbytes);
    }

    /**
     * Sets MAX_HEADER_BYTES.
     *
     * @param nbytes longest header in bytes; 0: the default
     * @return this
     */
    public Builder maxHeaderBytes(long nbytes) {
      return set(Option.MAX_HEADER_BYTES, nbytes);
    }

    /**
     * Sets MAX_ARRAYS.
     *
     * @param count most arrays in a file
     * @return this
     */
    public Builder maxArrays(long count) {
      return set(Option.MAX_ARRAYS, count);
    }

    /**
     * Sets MAX_METADATA.
     *
     * @param count most metadata values in a file
     * @return this
     */
    public Builder maxMetadata(long count) {
      return set(Option.MAX_METADATA, count);
    }

    /**
     * Sets MAX_NAME_BYTES.
     *
     * @param nbytes longest name or key in bytes
     * @return this
     */
    public Builder maxNameBytes(long nbytes) {
      return set(Option.MAX_NAME_BYTES, nbytes);
    }

    /**
     * Sets MAX_RANK.
     *
     * @param rank most dimensions of an array, 1 to 64
     * @return this
     */
    public Builder maxRank(int rank) {
      return set(Option.MAX_RANK, rank);
    }

    /**
     * Sets MAX_NESTING.
     *
     * @param depth deepest nesting of metadata and trees, 1 to 64
     * @return this
     */
    public Builder maxNesting(int depth) {
      return set(Option.MAX_NESTING, depth);
    }

    /**
     * Sets DURABLE.
     *
     * @param durable whether file and folder are synced before a save returns
     * @return this
     */
    public Builder durable(boolean durable) {
      return set(Option.DURABLE, durable ? 1 : 0);
    }

    /**
     * Sets ATOMIC.
     *
     * @param atomic whether a file is written beside its target and renamed over it
     * @return this
     */
    public Builder atomic(boolean atomic) {
      return set(Option.ATOMIC, atomic ? 1 : 0);
    }

    /**
     * Sets ALIGNMENT.
     *
     * @param nbytes alignment of array data on save, a power of two; 0: what the format has
     * @return this
     */
    public Builder alignment(long nbytes) {
      return set(Option.ALIGNMENT, nbytes);
    }

    /**
     * Sets COMPRESS.
     *
     * @param compress whether the members of an .npz are deflated
     * @return this
     */
    public Builder compress(boolean compress) {
      return set(Option.COMPRESS, compress ? 1 : 0);
    }

    /**
     * Sets COMPRESSION_LEVEL.
     *
     * @param level level of deflate, 0 to 9; -1: the level that suits
     * @return this
     */
    public Builder compressionLevel(int level) {
      return set(Option.COMPRESSION_LEVEL, level);
    }

    /**
     * Sets DEFLATE.
     *
     * @param zlib whether zlib deflates, also where ISA-L is built in
     * @return this
     */
    public Builder zlib(boolean zlib) {
      return set(Option.DEFLATE,
          zlib ? TensorfileNativeConstants.TF_DEFLATE_ZLIB : TensorfileNativeConstants.TF_DEFLATE_AUTO);
    }

    /**
     * Has loading decode ggml's block types.
     *
     * @param dtype FLOAT16, BFLOAT16, FLOAT32 or FLOAT64
     * @return this
     */
    public Builder decode(Dtype dtype) {
      return set(Option.DECODE, dtype.number());
    }

    /**
     * Has loading make of ggml's q4_0, q4_1 and q8_0 what MLX's load makes of them (codes, scales and biases), and of
     * other block types float16.
     *
     * @return this
     */
    public Builder decodeForMlx() {
      return set(Option.DECODE, TensorfileNativeConstants.TF_DECODE_MLX);
    }

    /**
     * Has loads and saves tell how far they are.
     *
     * @param progress is told, on the thread that calls
     * @return this
     */
    public synchronized Builder progress(Progress progress) {
      Objects.requireNonNull(progress, "progress");
      handle.callLong(settings -> TensorfileNative.tf_options_set_progress(settings, progress));
      return this;
    }

    /** {@return the settings; the builder cannot be used afterwards} */
    public synchronized Options build() {
      long kept = handle.callLong(TensorfileNative::tf_options_retain);
      cleanable.clean();
      return new Options(Handle.adopt("set of options", kept, TensorfileNative::tf_options_release, 0));
    }
  }
}
