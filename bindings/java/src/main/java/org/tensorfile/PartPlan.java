package org.tensorfile;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.ref.Cleaner;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongUnaryOperator;

/**
 * Writes the parts of a set separately, as the tasks of a cluster do. Each task makes the same plan and writes its
 * parts. When all are written, one task writes the index of the set, or for .gguf part 0, without which it cannot be
 * opened.
 *
 * <pre>{@code
 * Options options = Options.builder().partBytes(5_000_000_000L).build();
 * try (PartPlan plan = PartPlan.open(Path.of("model.safetensors"), options)) {
 *   plan.declareAll(arrays).finish();
 *   PartPlan.Part mine = plan.parts().get(task);
 *   try (ArrayWriter writer = mine.open()) {
 *     for (String name : mine.names()) {
 *       writer.write(arrays.get(name));
 *     }
 *     writer.finish();
 *   }
 * }
 * }</pre>
 */
public final class PartPlan implements AutoCloseable {
  private final Handle handle;
  private final Cleaner.Cleanable cleanable;

  private PartPlan(long address) {
    handle = Handle.adopt("plan", address, TensorfileNative::tf_part_plan_release, 0);
    cleanable = handle.ownedBy(this);
  }

  /**
   * Creates an empty plan.
   *
   * @param path path that a single file would have, of which the names of the parts are made; it is not accessed
   * @param options settings, such as PART_BYTES
   * @return the plan
   * @throws IOException if neither the options nor the extension name a format
   */
  public static PartPlan open(Path path, Options options) throws IOException {
    return Failures.at(path, bytes -> Options.call(options,
        settings -> new PartPlan(TensorfileNative.tf_part_plan_new(bytes, Format.AUTO.number(), settings))));
  }

  /**
   * Declares the next array.
   *
   * @param name name of the array
   * @param dtype type of the elements
   * @param shape sizes of the dimensions
   * @return this
   * @throws IOException if an array with that name is already declared
   */
  public PartPlan declare(String name, Dtype dtype, long... shape) throws IOException {
    byte[] bytes = Text.utf8(name);
    return change(plan -> TensorfileNative.tf_part_plan_declare(plan, bytes, dtype.number(), shape));
  }

  /**
   * Declares arrays in the order of a map.
   *
   * @param arrays arrays by name, of which only dtypes and shapes matter
   * @return this
   * @throws IOException if one of the names is already declared; nothing is declared then
   */
  public PartPlan declareAll(Map<String, NdArray> arrays) throws IOException {
    return Packed.callWithArrays(arrays,
        dict -> change(plan -> TensorfileNative.tf_part_plan_declare_all(plan, dict)));
  }

  /**
   * Sets the metadata of the set.
   *
   * @param metadata metadata, which are copied
   * @return this
   * @throws IOException if the plan is finished
   */
  public PartPlan metadata(Metadata metadata) throws IOException {
    return Packed.callWithMetadata(metadata,
        dict -> change(plan -> TensorfileNative.tf_part_plan_set_metadata(plan, dict)));
  }

  /**
   * Divides the arrays into parts. Afterwards nothing can be declared.
   *
   * @return this
   * @throws IOException if the format cannot hold what was declared
   */
  public PartPlan finish() throws IOException {
    return change(TensorfileNative::tf_part_plan_finish);
  }

  private synchronized PartPlan change(LongUnaryOperator body) {
    handle.callLong(body);
    return this;
  }

  /** {@return the parts of a finished plan; none before that} */
  public synchronized List<Part> parts() {
    return handle.call(plan -> {
      List<Part> parts = new ArrayList<>();
      for (long i = 0; i < TensorfileNative.tf_part_plan_count(plan); i++) {
        parts.add(new Part(plan, (int) i));
      }
      return parts;
    });
  }

  /** {@return the text of the index of a finished plan, if the set has one} */
  public synchronized Optional<String> index() {
    return handle.call(plan -> {
      if (TensorfileNative.tf_part_plan_has_index(plan) == 0) {
        return Optional.empty();
      }
      try (Bytes text = new Bytes(TensorfileNative.tf_part_plan_index(plan))) {
        return Optional.of(Text.string(text.toByteArray()));
      }
    });
  }

  /** {@return the path of the index of a finished plan, if the set has one} */
  public synchronized Optional<Path> indexPath() {
    return handle.call(plan -> TensorfileNative.tf_part_plan_has_index(plan) == 0 ? Optional.empty()
        : Optional.of(Path.of(Text.string(pathOf(plan, TensorfileNative.tf_part_plan_count(plan))))));
  }

  /**
   * Writes the index of a finished plan to its path, all or nothing.
   *
   * @throws IOException if it cannot be written
   * @throws IllegalStateException if the set has no index
   */
  public void saveIndex() throws IOException {
    saveIndex(indexPath().orElseThrow(() -> new IllegalStateException("the set has no index")));
  }

  /**
   * Writes the index of a finished plan to another path, all or nothing.
   *
   * @param path path of the file
   * @throws IOException if it cannot be written
   * @throws IllegalStateException if the set has no index
   */
  public synchronized void saveIndex(Path path) throws IOException {
    if (index().isEmpty()) {
      throw new IllegalStateException("the set has no index");
    }
    Failures.at(path, bytes -> handle.callLong(plan -> TensorfileNative.tf_part_plan_save_index(plan, bytes)));
  }

  private static byte[] pathOf(long plan, long part) {
    try (Bytes path = new Bytes(TensorfileNative.tf_part_plan_path(plan, part))) {
      return path.toByteArray();
    }
  }

  /** Releases the plan. Its writers remain valid. */
  @Override
  public void close() {
    cleanable.clean();
  }

  /** One file of the set. */
  public final class Part {
    private final int number;
    private final List<String> names;
    private final long nbytes;
    private final byte[] path;
    private final Metadata metadata;

    private Part(long plan, int number) {
      this.number = number;
      long[] numbers = new long[3];
      TensorfileNative.tf_part_plan_part(numbers, plan, number);
      names = new ArrayList<>();
      for (long i = numbers[0]; i < numbers[0] + numbers[1]; i++) {
        names.add(Text.string(TensorfileNative.tf_part_plan_array(plan, i)));
      }
      nbytes = numbers[2];
      path = pathOf(plan, number);
      metadata = Packed.takeMetadata(TensorfileNative.tf_part_plan_metadata(plan, number));
    }

    /** {@return the number of the part, from 0} */
    public int number() {
      return number;
    }

    /** {@return the names of its arrays, in the order in which they are written} */
    public List<String> names() {
      return List.copyOf(names);
    }

    /** {@return the number of bytes of their data} */
    public long nbytes() {
      return nbytes;
    }

    /** {@return the path of the file} */
    public Path path() {
      return Path.of(Text.string(path));
    }

    /** {@return a copy of the metadata of the file} */
    public Metadata metadata() {
      return metadata.copy();
    }

    /**
     * Opens a writer to the path of the part. Its arrays are already declared.
     *
     * @return the writer
     * @throws IOException if it cannot be opened
     */
    public ArrayWriter open() throws IOException {
      byte[] withNul = Arrays.copyOf(path, path.length + 1);
      return handle.call(plan -> new ArrayWriter(TensorfileNative.tf_part_plan_open_part(plan, number, withNul)));
    }

    /**
     * Opens a writer to another path.
     *
     * @param other path of the file, to which nothing is appended
     * @return the writer
     * @throws IOException if it cannot be opened
     */
    public ArrayWriter open(Path other) throws IOException {
      return Failures.at(other, bytes -> handle
          .call(plan -> new ArrayWriter(TensorfileNative.tf_part_plan_open_part(plan, number, bytes))));
    }

    /**
     * Opens a writer to a stream, which is not closed with it.
     *
     * @param out stream to write to
     * @return the writer
     * @throws IOException if it cannot be opened
     */
    public ArrayWriter open(OutputStream out) throws IOException {
      return open(Channels.newChannel(Objects.requireNonNull(out, "out")));
    }

    /**
     * Opens a writer to a channel, which is not closed with it.
     *
     * @param channel channel to write to
     * @return the writer
     * @throws IOException if it cannot be opened
     */
    public ArrayWriter open(WritableByteChannel channel) throws IOException {
      return Callbacks.callWithSink(channel, sink -> handle
          .call(plan -> new ArrayWriter(TensorfileNative.tf_part_plan_open_part_sink(plan, number, sink))));
    }

    @Override
    public String toString() {
      return path() + ": " + names;
    }
  }
}
