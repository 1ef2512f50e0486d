package org.tensorfile;

import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/**
 * Chooses the type of each array of a model by the rules of llama-quantize.
 *
 * <pre>{@code
 * try (QuantPlan plan = QuantPlan.of(Preset.Q4_K_M, file.metadata())) {
 *   for (ArrayFile.Entry entry : file) {
 *     plan.declare(entry.name(), entry.dtype(), entry.shape());
 *   }
 *   List<Dtype> types = plan.finish();
 * }
 * }</pre>
 */
public final class QuantPlan implements AutoCloseable {
  private final Handle handle;
  private final Cleaner.Cleanable cleanable;
  private int declared;

  private QuantPlan(long address) {
    handle = Handle.adopt("plan", address, TensorfileNative::tf_quant_plan_release, 0);
    cleanable = handle.ownedBy(this);
  }

  /**
   * {@return a plan without arrays}
   *
   * @param preset the preset
   * @param metadata metadata of the model, with the keys of a .gguf: general.architecture and the number of layers are
   *     required
   * @throws InvalidArgumentException if a required key is missing, or the preset is NONE
   */
  public static QuantPlan of(Preset preset, Metadata metadata) {
    return Packed.callWithMetadata(metadata,
        dict -> new QuantPlan(TensorfileNative.tf_quant_plan_new(preset.number(), dict, 0)));
  }

  /**
   * Declares the next array.
   *
   * @param name name of the array
   * @param dtype type of the elements
   * @param shape sizes of the dimensions
   * @return this
   */
  public QuantPlan declare(String name, Dtype dtype, long... shape) {
    byte[] bytes = Text.utf8(name);
    change(plan -> TensorfileNative.tf_quant_plan_declare(plan, bytes, dtype.number(), shape));
    declared++;
    return this;
  }

  /**
   * Sets the type in which an array is encoded, instead of the one that the rules choose. The plan ignores it for arrays
   * that no preset encodes, and replaces it if its blocks do not divide the rows.
   *
   * @param index index of the array, in the order of declarations
   * @param dtype a block type that can be encoded, or a float dtype
   * @return this
   */
  public QuantPlan setDtype(int index, Dtype dtype) {
    return change(plan -> TensorfileNative.tf_quant_plan_set_dtype(plan, index, dtype.number()));
  }

  /**
   * Sets whether the arrays will be encoded with an importance matrix, which changes some types.
   *
   * @param weighted true if there is a matrix
   * @return this
   */
  public QuantPlan weighted(boolean weighted) {
    return change(plan -> TensorfileNative.tf_quant_plan_set_weighted(plan, weighted ? 1 : 0));
  }

  /**
   * Chooses the types. Afterwards the plan cannot be changed.
   *
   * @return the type of each array, in the order of declarations; arrays that are not encoded keep theirs
   */
  public synchronized List<Dtype> finish() {
    return handle.call(plan -> {
      TensorfileNative.tf_quant_plan_finish(plan);
      List<Dtype> dtypes = new ArrayList<>();
      for (int i = 0; i < declared; i++) {
        dtypes.add(Dtype.of((int) TensorfileNative.tf_quant_plan_dtype(plan, i)));
      }
      return List.copyOf(dtypes);
    });
  }

  private synchronized QuantPlan change(LongUnaryOperator body) {
    handle.callLong(body);
    return this;
  }

  /** Releases the plan. */
  @Override
  public void close() {
    cleanable.clean();
  }
}
