package org.tensorfile;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.LongFunction;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;

/**
 * An n-dimensional array in native memory: dtype, shape, strides, and memory that it may share with views.
 *
 * <p>Memory goes when the array, its views and all buffers of it are closed or collected; {@link #close} gives it up
 * early. Threads may use one array at once as long as none of them writes.
 */
public final class Array implements AutoCloseable {
  /** Bytes that are copied through one buffer at once; a multiple of every item's size. */
  private static final long PIECE = 1L << 30;

  /** What {@link #makeMutable} replaces. */
  private static final class Core {
    final Handle handle;
    final Cleaner.Cleanable cleanable;
    final long[] strides;
    final boolean contiguous;
    /** All elements, once someone has asked for them. */
    volatile ByteBuffer whole;

    Core(Array owner, long address, long nbytes) {
      handle = Handle.ofArray(address, nbytes);
      cleanable = handle.ownedBy(owner);
      strides = TensorfileNative.tf_array_strides(address);
      contiguous = TensorfileNative.tf_array_is_contiguous(address) != 0;
    }
  }

  private final Dtype dtype;
  private final long[] shape;
  private final long size;
  private final long nbytes;
  private volatile Core core;

  /** Takes over a reference. */
  Array(long address) {
    nbytes = TensorfileNative.tf_array_nbytes(address);
    core = new Core(this, address, nbytes);
    dtype = Dtype.of(TensorfileNative.tf_array_dtype(address));
    shape = TensorfileNative.tf_array_shape(address);
    size = TensorfileNative.tf_array_size(address);
  }

  // Making arrays

  /**
   * {@return an array of zeros}
   *
   * @param dtype of its elements
   * @param shape in elements, outermost dimension first; none makes a scalar
   */
  public static Array zeros(Dtype dtype, long... shape) {
    return new Array(TensorfileNative.tf_array_new(dtype.number(), shape));
  }

  /**
   * {@return an array of float32 with a copy of values}
   *
   * @param values in C order
   * @param shape in elements; left out: one dimension
   */
  public static Array of(float[] values, long... shape) {
    return filled(Dtype.FLOAT32, values.length, shape, (to, from, n) -> to.asFloatBuffer().put(values, from, n));
  }

  /**
   * {@return an array of float64 with a copy of values}
   *
   * @param values in C order
   * @param shape in elements; left out: one dimension
   */
  public static Array of(double[] values, long... shape) {
    return filled(Dtype.FLOAT64, values.length, shape, (to, from, n) -> to.asDoubleBuffer().put(values, from, n));
  }

  /**
   * {@return an array of int64 with a copy of values}
   *
   * @param values in C order
   * @param shape in elements; left out: one dimension
   */
  public static Array of(long[] values, long... shape) {
    return filled(Dtype.INT64, values.length, shape, (to, from, n) -> to.asLongBuffer().put(values, from, n));
  }

  /**
   * {@return an array of int32 with a copy of values}
   *
   * @param values in C order
   * @param shape in elements; left out: one dimension
   */
  public static Array of(int[] values, long... shape) {
    return filled(Dtype.INT32, values.length, shape, (to, from, n) -> to.asIntBuffer().put(values, from, n));
  }

  /**
   * {@return an array of int16 with a copy of values}
   *
   * @param values in C order
   * @param shape in elements; left out: one dimension
   */
  public static Array of(short[] values, long... shape) {
    return filled(Dtype.INT16, values.length, shape, (to, from, n) -> to.asShortBuffer().put(values, from, n));
  }

  /**
   * {@return an array of int8 with a copy of values}
   *
   * @param values in C order
   * @param shape in elements; left out: one dimension
   */
  public static Array of(byte[] values, long... shape) {
    return filled(Dtype.INT8, values.length, shape, (to, from, n) -> to.put(values, from, n));
  }

  /**
   * {@return an array of bool with a copy of values}
   *
   * @param values in C order
   * @param shape in elements; left out: one dimension
   */
  public static Array of(boolean[] values, long... shape) {
    return filled(Dtype.BOOL, values.length, shape, (to, from, n) -> {
      for (int i = from; i < from + n; i++) {
        to.put((byte) (values[i] ? 1 : 0));
      }
    });
  }

  /**
   * {@return an array without dimensions}
   *
   * @param value a Boolean, Byte, Short, Integer, Long, Float or Double, which gives the dtype
   */
  public static Array scalar(Object value) {
    Array array = zeros(dtypeOf(value));
    ByteBuffer to = array.mutableData();
    if (value instanceof Boolean bool) {
      to.put((byte) (bool ? 1 : 0));
    } else if (value instanceof Byte number) {
      to.put(number);
    } else if (value instanceof Short number) {
      to.putShort(number);
    } else if (value instanceof Integer number) {
      to.putInt(number);
    } else if (value instanceof Long number) {
      to.putLong(number);
    } else if (value instanceof Float number) {
      to.putFloat(number);
    } else {
      to.putDouble((Double) value);
    }
    return array;
  }

  private static Dtype dtypeOf(Object scalar) {
    if (scalar instanceof Boolean) {
      return Dtype.BOOL;
    } else if (scalar instanceof Byte) {
      return Dtype.INT8;
    } else if (scalar instanceof Short) {
      return Dtype.INT16;
    } else if (scalar instanceof Integer) {
      return Dtype.INT32;
    } else if (scalar instanceof Long) {
      return Dtype.INT64;
    } else if (scalar instanceof Float) {
      return Dtype.FLOAT32;
    } else if (scalar instanceof Double) {
      return Dtype.FLOAT64;
    }
    String what = scalar == null ? "null" : scalar.getClass().getName();
    throw new InvalidArgumentException("no dtype is that of a " + what);
  }

  /**
   * {@return an array with a copy of bytes}
   *
   * @param dtype of its elements
   * @param bytes elements in C order, in the machine's byte order, from position to limit; exactly what dtype and shape
   *     need
   * @param shape in elements, outermost dimension first
   */
  public static Array copyOf(Dtype dtype, ByteBuffer bytes, long... shape) {
    int nbytes = bytes.remaining();
    return Direct.callWithBytes(bytes,
        address -> new Array(TensorfileNative.tf_array_copy_from(dtype.number(), shape, address, nbytes)));
  }

  /**
   * {@return an array over the memory of a buffer, without a copy; the buffer lives as long}
   *
   * @param dtype of its elements
   * @param buffer a direct one; elements in C order from its position to its limit, aligned to their size. A read-only
   *     one makes an array that cannot be written
   * @param shape in elements, outermost dimension first
   */
  public static Array wrap(Dtype dtype, ByteBuffer buffer, long... shape) {
    return wrap(dtype, buffer, shape, null, 0);
  }

  /**
   * {@return an array over the memory of a buffer, without a copy; the buffer lives as long}
   *
   * @param dtype of its elements
   * @param buffer a direct one; all elements lie between its position and its limit
   * @param shape in elements
   * @param strides steps in bytes, 0 and negative ones allowed; null: C order
   * @param first where the first element [0, 0, ...] lies, in bytes from the position
   */
  public static Array wrap(Dtype dtype, ByteBuffer buffer, long[] shape, long[] strides, int first) {
    ByteBuffer direct = Direct.require(buffer).slice();
    Objects.checkIndex(first, direct.remaining() + 1);
    requireStart(shape, strides, first);
    return Direct.call(direct, address -> new Array(TensorfileNative.tf_array_wrap(dtype.number(), shape, strides,
        address + first, direct.remaining() - first, direct.isReadOnly() ? 0 : 1, direct)));
  }

  /** The library checks what lies behind the first element; what lies before it is checked here. */
  private static void requireStart(long[] shape, long[] strides, int first) {
    if (strides == null) {
      return;
    }
    if (strides.length != shape.length) {
      throw new InvalidArgumentException(strides.length + " strides for " + shape.length + " dimensions");
    }
    if (LongStream.of(shape).anyMatch(n -> n == 0)) {
      return;
    }
    long before = first;
    for (int i = 0; i < shape.length; i++) {
      if (strides[i] < 0 && shape[i] > 1) {
        // Each term is at most what is left, so that nothing overflows.
        if (shape[i] - 1 > before / -Math.max(strides[i], -Long.MAX_VALUE)) {
          throw new InvalidArgumentException("the strides reach bytes before the buffer");
        }
        before += (shape[i] - 1) * strides[i];
      }
    }
  }

  // What it is

  /** {@return the dtype} */
  public Dtype dtype() {
    core.handle.requireOpen();
    return dtype;
  }

  /** {@return the number of dimensions, 0 for a scalar} */
  public int ndim() {
    core.handle.requireOpen();
    return shape.length;
  }

  /** {@return the sizes of the dimensions in elements, outermost first} */
  public long[] shape() {
    core.handle.requireOpen();
    return shape.clone();
  }

  /**
   * {@return the size of one dimension}
   *
   * @param axis 0 to ndim - 1
   */
  public long shape(int axis) {
    core.handle.requireOpen();
    return shape[Objects.checkIndex(axis, shape.length)];
  }

  /** {@return the steps in bytes, one for each dimension; null for packed and block types, which lie in C order} */
  public long[] strides() {
    Core now = core;
    now.handle.requireOpen();
    return now.strides == null ? null : now.strides.clone();
  }

  /** {@return the number of elements} */
  public long size() {
    core.handle.requireOpen();
    return size;
  }

  /** {@return the bytes that the elements take in C order, whatever the strides are} */
  public long nbytes() {
    core.handle.requireOpen();
    return nbytes;
  }

  /** {@return whether the elements lie in C order without gaps} */
  public boolean isContiguous() {
    Core now = core;
    now.handle.requireOpen();
    return now.contiguous;
  }

  // Its memory

  /**
   * All elements in C order, without a copy: a read-only direct buffer in the machine's byte order, which keeps the
   * memory alive also after {@link #close}.
   *
   * @return the buffer
   * @throws IllegalStateException when the elements do not lie in C order (see {@link #contiguous}), or take 2 GiB or
   *     more (see {@link #data(long, int)})
   */
  public ByteBuffer data() {
    Core now = core;
    now.handle.requireOpen();
    ByteBuffer whole = now.whole;
    if (whole == null) {
      whole = window(0, requireOneBuffer(), false);
      now.whole = whole;
    }
    return whole.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
  }

  /**
   * A part of the elements' bytes, without a copy, as {@link #data()} gives all of them.
   *
   * @param offset of the first byte, 0 to nbytes
   * @param length in bytes
   * @return the buffer
   * @throws IllegalStateException when the elements do not lie in C order
   */
  public ByteBuffer data(long offset, int length) {
    return window(offset, length, false).asReadOnlyBuffer().order(ByteOrder.nativeOrder());
  }

  /**
   * All elements in C order, to be read and written without a copy. Whoever else has this array, such as a dict, sees
   * the changes.
   *
   * @return a direct buffer in the machine's byte order
   * @throws InvalidArgumentException when the memory is read-only or shared with a view: see {@link #makeMutable}
   * @throws IllegalStateException as for {@link #data()}
   */
  public ByteBuffer mutableData() {
    return window(0, requireOneBuffer(), true).order(ByteOrder.nativeOrder());
  }

  /**
   * A part of the elements' bytes, to be read and written, as {@link #mutableData()} gives all of them.
   *
   * @param offset of the first byte, 0 to nbytes
   * @param length in bytes
   * @return the buffer
   * @throws InvalidArgumentException when the memory is read-only or shared with a view
   * @throws IllegalStateException when the elements do not lie in C order
   */
  public ByteBuffer mutableData(long offset, int length) {
    return window(offset, length, true).order(ByteOrder.nativeOrder());
  }

  private int requireOneBuffer() {
    if (nbytes > Integer.MAX_VALUE) {
      throw new IllegalStateException(
          "the array takes " + nbytes + " bytes, more than a buffer can hold: ask for parts");
    }
    return (int) nbytes;
  }

  private ByteBuffer window(long offset, int length, boolean mutable) {
    Objects.checkFromIndexSize(offset, length, nbytes);
    if (!isContiguous()) {
      throw new IllegalStateException("the elements of the array do not lie in C order: see contiguous()");
    }
    return call(address -> {
      long data = mutable ? TensorfileNative.tf_array_data_mut(address) : TensorfileNative.tf_array_data(address);
      return Direct.over(data + offset, length, Handle.ofArray(TensorfileNative.tf_array_retain(address), 0));
    });
  }

  /**
   * Makes this an array whose memory can be written and is shared with nobody: a view, a dict that has it, or a buffer
   * given out before. It gets a copy where that is needed.
   *
   * @return this
   */
  public synchronized Array makeMutable() {
    Core before = core;
    before.handle.requireOpen();
    if (before.handle.takeOver()) {
      long address = before.handle.address();
      before.cleanable.clean();
      try {
        address = TensorfileNative.tf_array_make_mut(address);
      } finally {
        core = new Core(this, address, nbytes);
      }
    } else {
      // Another thread uses the array now; for a second reference to it make_mut copies.
      long copy = before.handle.callLong(address -> {
        long second = TensorfileNative.tf_array_retain(address);
        try {
          return TensorfileNative.tf_array_make_mut(second);
        } catch (Throwable t) {
          TensorfileNative.tf_array_release(second);
          throw t;
        }
      });
      core = new Core(this, copy, nbytes);
      before.cleanable.clean();
    }
    return this;
  }

  // One element

  /**
   * {@return one element as an integer}
   *
   * @param index one for each dimension; negative ones count from the end
   * @throws InvalidArgumentException when the dtype is neither bool nor an integer, or the index is out of range
   */
  public long getLong(long... index) {
    return call(address -> TensorfileNative.tf_array_item_int64(address, index));
  }

  /**
   * {@return one element as a double, rounded to nearest even where it must be}
   *
   * @param index one for each dimension; negative ones count from the end
   * @throws InvalidArgumentException when the dtype is complex or of blocks, or the index is out of range
   */
  public double getDouble(long... index) {
    Handle handle = enter();
    try {
      return TensorfileNative.tf_array_item_double(handle.address(), index);
    } finally {
      handle.leave();
    }
  }

  // All elements

  /** {@return the elements in C order as floats, cast as {@link #cast} does} */
  public float[] toFloatArray() {
    float[] values = new float[requireOneArray()];
    copyOut(Dtype.FLOAT32, (from, to, n) -> from.asFloatBuffer().get(values, to, n));
    return values;
  }

  /** {@return the elements in C order as doubles, cast as {@link #cast} does} */
  public double[] toDoubleArray() {
    double[] values = new double[requireOneArray()];
    copyOut(Dtype.FLOAT64, (from, to, n) -> from.asDoubleBuffer().get(values, to, n));
    return values;
  }

  /** {@return the elements in C order as longs, cast as {@link #cast} does} */
  public long[] toLongArray() {
    long[] values = new long[requireOneArray()];
    copyOut(Dtype.INT64, (from, to, n) -> from.asLongBuffer().get(values, to, n));
    return values;
  }

  /** {@return the elements in C order as ints, cast as {@link #cast} does} */
  public int[] toIntArray() {
    int[] values = new int[requireOneArray()];
    copyOut(Dtype.INT32, (from, to, n) -> from.asIntBuffer().get(values, to, n));
    return values;
  }

  private int requireOneArray() {
    if (size > Integer.MAX_VALUE - 8) {
      throw new IllegalStateException("the array has " + size + " elements, more than a Java array can hold");
    }
    return (int) size;
  }

  /** Copies n elements between a buffer and a Java array's place. */
  private interface Copy {
    void run(ByteBuffer buffer, int place, int n);
  }

  private void copyOut(Dtype to, Copy copy) {
    try (Array cast = cast(to)) {
      cast.inPieces((offset, length) -> cast.data(offset, length), copy);
    }
  }

  private static Array filled(Dtype dtype, int count, long[] shape, Copy copy) {
    long[] given = shape.length == 0 ? new long[] {count} : shape;
    Array array = zeros(dtype, given);
    if (array.size != count) {
      array.close();
      throw new InvalidArgumentException("shape " + Arrays.toString(given) + " is not that of " + count + " values");
    }
    array.inPieces((offset, length) -> array.mutableData(offset, length), copy);
    return array;
  }

  private interface Windows {
    ByteBuffer at(long offset, int length);
  }

  private void inPieces(Windows windows, Copy copy) {
    int item = dtype.blockBytes();
    for (long offset = 0; offset < nbytes; offset += PIECE) {
      int length = (int) Math.min(PIECE, nbytes - offset);
      copy.run(windows.at(offset, length), (int) (offset / item), length / item);
    }
  }

  // Other arrays

  /**
   * {@return this array's elements in C order: another reference to the same memory, or a copy where they do not lie
   * so}
   */
  public Array contiguous() {
    return call(address -> new Array(TensorfileNative.tf_array_contiguous(address)));
  }

  /**
   * {@return a view with its axes in another order}
   *
   * @param axes each axis once; none reverses them
   */
  public Array transpose(int... axes) {
    if (axes.length != 0 && axes.length != shape.length) {
      throw new InvalidArgumentException(axes.length + " axes for an array of " + shape.length + " dimensions");
    }
    int[] order = axes;
    if (axes.length == 0) {
      order = new int[shape.length];
      Arrays.setAll(order, i -> shape.length - 1 - i);
    }
    long[] given = Arrays.stream(order).asLongStream().toArray();
    return call(address -> new Array(TensorfileNative.tf_array_transpose(address, given)));
  }

  /**
   * {@return a view, as Python's array[start:stop:step, ...]; of a packed or block type a copy where no view can be}
   *
   * @param slices one for each dimension; those left out are whole
   */
  public Array slice(Slice... slices) {
    long[] packed = Slice.pack(slices, shape.length);
    return call(address -> new Array(TensorfileNative.tf_array_slice(address, packed)));
  }

  /**
   * {@return a copy with another dtype, in C order}
   *
   * <p>It rounds to nearest even and overflows as NumPy and ml_dtypes do; float to integer truncates and saturates, NaN
   * gives 0; integers wrap; anything to bool is "not equal to zero". An array that has the dtype is shared, not copied.
   *
   * @param dtype of the result
   */
  public Array cast(Dtype dtype) {
    return cast(dtype, null);
  }

  /**
   * {@return a copy with another dtype, as {@link #cast(Dtype)}}
   *
   * @param dtype of the result
   * @param options its threads; may be null
   */
  public Array cast(Dtype dtype, Options options) {
    return call(address -> Options.call(options,
        settings -> new Array(TensorfileNative.tf_array_cast(address, dtype.number(), settings))));
  }

  /**
   * {@return whether the other object is an array of the same dtype, shape and bytes of the elements, so that NaN
   * equals the same NaN, and -0.0 is not 0.0}
   */
  @Override
  public boolean equals(Object other) {
    return this == other || other instanceof Array that
        && call(a -> that.call(b -> TensorfileNative.tf_array_equal(a, b))) != 0;
  }

  @Override
  public int hashCode() {
    return 31 * dtype.hashCode() + Arrays.hashCode(shape);
  }

  @Override
  public String toString() {
    return core.handle.isClosed() ? "Array(closed)" : "Array(" + dtype + ", " + Arrays.toString(shape) + ")";
  }

  /** Gives up the memory, as far as nobody else has it. What was made from this array stays usable. */
  @Override
  public synchronized void close() {
    core.whole = null;
    core.cleanable.clean();
  }

  <T> T call(LongFunction<T> body) {
    Handle handle = enter();
    try {
      return body.apply(handle.address());
    } finally {
      handle.leave();
    }
  }

  /** Calls with the addresses of several arrays. */
  static long callAll(List<Array> arrays, ToLongFunction<long[]> body) {
    List<Handle> entered = new ArrayList<>(arrays.size());
    try {
      arrays.forEach(array -> entered.add(array.enter()));
      return body.applyAsLong(entered.stream().mapToLong(Handle::address).toArray());
    } finally {
      entered.forEach(Handle::leave);
    }
  }

  private Handle enter() {
    for (;;) {
      Core now = core;
      if (now.handle.tryEnter()) {
        return now.handle;
      }
      // Closed, or about to be replaced by makeMutable().
      synchronized (this) {
        if (core == now) {
          throw now.handle.closed();
        }
      }
    }
  }
}
