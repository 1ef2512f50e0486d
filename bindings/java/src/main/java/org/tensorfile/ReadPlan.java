package org.tensorfile;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.LongUnaryOperator;

/**
 * Reads many arrays and slices into the caller's memory in one go, which is the fastest way to fill existing memory.
 * What is close together in the file is read at once, large arrays are read by several threads, and a compressed member
 * is decompressed once.
 *
 * <pre>{@code
 * try (ReadPlan plan = file.plan()) {
 *   for (ArrayFile.Entry entry : file.entries()) {
 *     plan.add(entry, bufferFor(entry));
 *   }
 *   plan.run();
 * }
 * }</pre>
 */
public final class ReadPlan implements AutoCloseable {
  /** Receives the arrays of a plan as soon as they are complete, on the thread that runs the plan. */
  @FunctionalInterface
  public interface Completion {
    /**
     * Called once for each array or slice when its elements are in memory, while the others are being read. An
     * exception ends the run and reaches its caller.
     *
     * @param index the number of earlier calls of {@link ReadPlan#add} when it was added
     * @throws IOException to end the run
     */
    void complete(int index) throws IOException;
  }

  private final ArrayFile file;
  private final Handle handle;
  private final Cleaner.Cleanable cleanable;
  /** The destinations, which must exist until the plan has run. */
  private final List<ByteBuffer> destinations = new ArrayList<>();
  /** True during a call, in which a callback may try to use the plan. */
  private boolean busy;

  /** Takes ownership of a reference. */
  ReadPlan(ArrayFile file, long address) {
    this.file = file;
    handle = Handle.adopt("plan", address, TensorfileNative::tf_read_plan_release, 0);
    cleanable = handle.ownedBy(this);
  }

  /**
   * Adds an array or a slice of one. Nothing is read yet.
   *
   * @param entry an array of the file
   * @param to a direct buffer whose remaining bytes, which receive the elements in C order, are exactly those needed.
   *     Its position does not move
   * @param slices a slice for each dimension; dimensions without one are complete
   * @return this
   * @throws IOException if the array cannot be read
   */
  public ReadPlan add(ArrayFile.Entry entry, ByteBuffer to, Slice... slices) throws IOException {
    return add(entry, to, entry.dtype(), slices);
  }

  /**
   * Adds an array or a slice of one, which is converted to another dtype. Nothing is read yet.
   *
   * @param entry an array of the file
   * @param to a direct buffer whose remaining bytes, which receive the elements in C order, are exactly those needed in
   *     that dtype. Its position does not move
   * @param as dtype to convert to, as {@link NdArray#cast} does
   * @param slices a slice for each dimension; dimensions without one are complete
   * @return this
   * @throws IOException if the array cannot be read
   */
  public ReadPlan add(ArrayFile.Entry entry, ByteBuffer to, Dtype as, Slice... slices) throws IOException {
    return add(entry, to, as, slices, null);
  }

  /**
   * Adds an array or a slice of one, whose elements are placed with strides, such as rows with padding.
   *
   * @param entry an array of the file
   * @param to a direct buffer, whose position is where the first element goes and does not move
   * @param as dtype to convert to, as {@link NdArray#cast} does
   * @param strides a stride in bytes for each dimension, which must not be negative
   * @param slices a slice for each dimension; dimensions without one are complete
   * @return this
   * @throws IOException if the array cannot be read
   */
  public ReadPlan add(ArrayFile.Entry entry, ByteBuffer to, Dtype as, long[] strides, Slice... slices)
      throws IOException {
    if (strides.length != entry.ndim() || Arrays.stream(strides).anyMatch(n -> n < 0)) {
      throw new InvalidArgumentException("shape " + Arrays.toString(entry.shape()) + " needs " + entry.ndim()
          + " strides of 0 and more, got " + Arrays.toString(strides));
    }
    return add(entry, to, as, slices, strides);
  }

  private ReadPlan add(ArrayFile.Entry entry, ByteBuffer to, Dtype as, Slice[] slices, long[] strides) {
    int index = entry.indexIn(file);
    long[] packed = Slice.pack(slices, entry.shape());
    ByteBuffer destination = Direct.requireWritable(to).slice();
    long dst = TensorfileNative.tf_java_address(destination);
    use(plan -> {
      destinations.add(destination);
      return TensorfileNative.tf_read_plan_add(plan, index, packed, as.number(), dst, strides, destination.capacity());
    });
    return this;
  }

  /**
   * Sets a callback for arrays that are complete, for example to send them to a GPU while others are being read.
   *
   * @param completion callback, which replaces an earlier one
   * @return this
   */
  public ReadPlan onComplete(Completion completion) {
    Objects.requireNonNull(completion, "completion");
    use(plan -> TensorfileNative.tf_read_plan_set_complete(plan, completion));
    return this;
  }

  /**
   * Reads everything that was added. A plan can run once.
   *
   * @throws IOException if an array cannot be read, or the callback throws it; destinations that were not reported as
   *     complete then have undefined contents
   */
  public void run() throws IOException {
    use(plan -> {
      try {
        return TensorfileNative.tf_read_plan_run(plan);
      } finally {
        Reference.reachabilityFence(destinations);
      }
    });
  }

  /** Releases the plan. */
  @Override
  public void close() {
    cleanable.clean();
  }

  private synchronized void use(LongUnaryOperator body) {
    if (busy) {
      throw new IllegalStateException("the callback of a plan must not use the plan");
    }
    busy = true;
    try {
      handle.callLong(body);
    } finally {
      busy = false;
    }
  }
}
