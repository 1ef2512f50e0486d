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
 * An n-dimensional array in native memory: a dtype, a shape, strides, and memory that it may share with views.
 *
 * <p>The memory is freed when the array, its views and all its buffers are closed or garbage collected. {@link #close}
 * releases it early. Several threads may use an array at the same time as long as none of them changes it.
 */
public final class Array implements AutoCloseable {
  /** Number of bytes that are copied through one buffer at a time, which is a multiple of the size of every item. */
  private static final long PIECE = 1L << 30;

  /** The native array and its properties, which {@link #makeMutable} replaces together. */
  private static final class Core {
    final Handle handle;
    final Cleaner.Cleanable cleanable;
    final long[] strides;
    final boolean contiguous;
    /** A buffer over all elements, which the first call of data() creates. */
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

  /** Takes ownership of a reference. */
  Array(long address) {
    nbytes = TensorfileNative.tf_array_nbytes(address);
    core = new Core(this, address, nbytes);
    dtype = Dtype.of(TensorfileNative.tf_array_dtype(address));
    shape = TensorfileNative.tf_array_shape(address);
    size = TensorfileNative.tf_array_size(address);
  }

  // Creation

  /**
   * {@return an array of zeros}
   *
   * @param dtype type of the elements
   * @param shape sizes of the dimensions, outermost first; a scalar has none
   */
  public static Array zeros(Dtype dtype, long... shape) {
    return new Array(TensorfileNative.tf_array_new(dtype.number(), shape));
  }

  /**
   * {@return a float32 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static Array of(float[] values, long... shape) {
    return filled(Dtype.FLOAT32, values.length, shape, (to, from, n) -> to.asFloatBuffer().put(values, from, n));
  }

  /**
   * {@return a float64 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static Array of(double[] values, long... shape) {
    return filled(Dtype.FLOAT64, values.length, shape, (to, from, n) -> to.asDoubleBuffer().put(values, from, n));
  }

  /**
   * {@return an int64 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static Array of(long[] values, long... shape) {
    return filled(Dtype.INT64, values.length, shape, (to, from, n) -> to.asLongBuffer().put(values, from, n));
  }

  /**
   * {@return an int32 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static Array of(int[] values, long... shape) {
    return filled(Dtype.INT32, values.length, shape, (to, from, n) -> to.asIntBuffer().put(values, from, n));
  }

  /**
   * {@return an int16 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static Array of(short[] values, long... shape) {
    return filled(Dtype.INT16, values.length, shape, (to, from, n) -> to.asShortBuffer().put(values, from, n));
  }

  /**
   * {@return an int8 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static Array of(byte[] values, long... shape) {
    return filled(Dtype.INT8, values.length, shape, (to, from, n) -> to.put(values, from, n));
  }

  /**
   * {@return a bool array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
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
   * @param value a Boolean, Byte, Short, Integer, Long, Float or Double, which determines the dtype
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
    throw new InvalidArgumentException("no dtype corresponds to " + what);
  }

  /**
   * {@return an array with a copy of bytes}
   *
   * @param dtype type of the elements
   * @param bytes the elements in C order and in the byte order of this machine, from the position to the limit
   * @param shape sizes of the dimensions, outermost first
   */
  public static Array copyOf(Dtype dtype, ByteBuffer bytes, long... shape) {
    int nbytes = bytes.remaining();
    return Direct.callWithBytes(bytes,
        address -> new Array(TensorfileNative.tf_array_copy_from(dtype.number(), shape, address, nbytes)));
  }

  /**
   * {@return an array over the memory of a buffer, without a copy; it keeps the buffer alive}
   *
   * @param dtype type of the elements
   * @param buffer a direct buffer whose elements are in C order from its position to its limit, aligned to their size.
   *     The array is writable unless the buffer is read-only
   * @param shape sizes of the dimensions, outermost first
   */
  public static Array wrap(Dtype dtype, ByteBuffer buffer, long... shape) {
    return wrap(dtype, buffer, shape, null, 0);
  }

  /**
   * {@return an array over the memory of a buffer, without a copy; it keeps the buffer alive}
   *
   * @param dtype type of the elements
   * @param buffer a direct buffer with all elements between its position and its limit
   * @param shape sizes of the dimensions
   * @param strides strides in bytes, which may be 0 or negative; null means C order
   * @param first offset of the first element [0, 0, ...] in bytes from the position
   */
  public static Array wrap(Dtype dtype, ByteBuffer buffer, long[] shape, long[] strides, int first) {
    ByteBuffer direct = Direct.require(buffer).slice();
    Objects.checkIndex(first, direct.remaining() + 1);
    requireStart(shape, strides, first);
    return Direct.call(direct, address -> new Array(TensorfileNative.tf_array_wrap(dtype.number(), shape, strides,
        address + first, direct.remaining() - first, direct.isReadOnly() ? 0 : 1, direct)));
  }

  /** Checks the bytes before the first element. The library checks those after it. */
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
        // Comparing quotients avoids overflow.
        if (shape[i] - 1 > before / -Math.max(strides[i], -Long.MAX_VALUE)) {
          throw new InvalidArgumentException("the strides reach bytes before the start of the buffer");
        }
        before += (shape[i] - 1) * strides[i];
      }
    }
  }

  // Properties

  /** {@return the type of the elements} */
  public Dtype dtype() {
    core.handle.requireOpen();
    return dtype;
  }

  /** {@return the number of dimensions, 0 for a scalar} */
  public int ndim() {
    core.handle.requireOpen();
    return shape.length;
  }

  /** {@return the sizes of the dimensions, outermost first} */
  public long[] shape() {
    core.handle.requireOpen();
    return shape.clone();
  }

  /**
   * {@return the size of one dimension}
   *
   * @param axis index of the dimension, 0 to ndim - 1
   */
  public long shape(int axis) {
    core.handle.requireOpen();
    return shape[Objects.checkIndex(axis, shape.length)];
  }

  /** {@return the strides in bytes, or null for packed and block types, which are always in C order} */
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

  /** {@return the number of bytes that the elements take in C order, regardless of the strides} */
  public long nbytes() {
    core.handle.requireOpen();
    return nbytes;
  }

  /** {@return true if the elements are in C order without gaps} */
  public boolean isContiguous() {
    Core now = core;
    now.handle.requireOpen();
    return now.contiguous;
  }

  // Memory

  /**
   * Returns all elements in C order without a copy, as a read-only direct buffer in the byte order of this machine. The
   * buffer keeps the memory alive, even after {@link #close}.
   *
   * @return the buffer
   * @throws IllegalStateException if the elements are not in C order (use {@link #contiguous}), or take 2 GiB or more
   *     (use {@link #data(long, int)})
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
   * Returns some bytes of the elements without a copy, like {@link #data()}.
   *
   * @param offset offset of the first byte, 0 to nbytes
   * @param length number of bytes
   * @return the buffer
   * @throws IllegalStateException if the elements are not in C order
   */
  public ByteBuffer data(long offset, int length) {
    return window(offset, length, false).asReadOnlyBuffer().order(ByteOrder.nativeOrder());
  }

  /**
   * Returns all elements in C order without a copy, to read and write them. Everything that refers to this array, such
   * as a dict, sees the changes.
   *
   * @return a direct buffer in the byte order of this machine
   * @throws InvalidArgumentException if the memory is read-only or shared with a view (use {@link #makeMutable})
   * @throws IllegalStateException under the same conditions as {@link #data()}
   */
  public ByteBuffer mutableData() {
    return window(0, requireOneBuffer(), true).order(ByteOrder.nativeOrder());
  }

  /**
   * Returns some bytes of the elements without a copy, to read and write them, like {@link #mutableData()}.
   *
   * @param offset offset of the first byte, 0 to nbytes
   * @param length number of bytes
   * @return the buffer
   * @throws InvalidArgumentException if the memory is read-only or shared with a view
   * @throws IllegalStateException if the elements are not in C order
   */
  public ByteBuffer mutableData(long offset, int length) {
    return window(offset, length, true).order(ByteOrder.nativeOrder());
  }

  private int requireOneBuffer() {
    if (nbytes > Integer.MAX_VALUE) {
      throw new IllegalStateException(
          "the array takes " + nbytes + " bytes, more than a buffer can hold: use data(offset, length)");
    }
    return (int) nbytes;
  }

  private ByteBuffer window(long offset, int length, boolean mutable) {
    Objects.checkFromIndexSize(offset, length, nbytes);
    if (!isContiguous()) {
      throw new IllegalStateException("the elements of the array are not in C order: use contiguous()");
    }
    return call(address -> {
      long data = mutable ? TensorfileNative.tf_array_data_mut(address) : TensorfileNative.tf_array_data(address);
      return Direct.over(data + offset, length, Handle.ofArray(TensorfileNative.tf_array_retain(address), 0));
    });
  }

  /**
   * Ensures that the memory can be written and is not shared with a view, a dict, or a buffer that was returned
   * earlier, by copying it if necessary.
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
      // Another thread is using the array: a second reference makes make_mut copy.
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

  // Single elements

  /**
   * {@return one element as an integer}
   *
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is neither bool nor an integer, or the index is out of range
   */
  public long getLong(long... index) {
    return call(address -> TensorfileNative.tf_array_item_int64(address, index));
  }

  /**
   * {@return one element as a double, rounded to nearest even if necessary}
   *
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is complex or a block type, or the index is out of range
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

  /** {@return the elements in C order as floats, converted like in {@link #cast}} */
  public float[] toFloatArray() {
    float[] values = new float[requireOneArray()];
    copyOut(Dtype.FLOAT32, (from, to, n) -> from.asFloatBuffer().get(values, to, n));
    return values;
  }

  /** {@return the elements in C order as doubles, converted like in {@link #cast}} */
  public double[] toDoubleArray() {
    double[] values = new double[requireOneArray()];
    copyOut(Dtype.FLOAT64, (from, to, n) -> from.asDoubleBuffer().get(values, to, n));
    return values;
  }

  /** {@return the elements in C order as longs, converted like in {@link #cast}} */
  public long[] toLongArray() {
    long[] values = new long[requireOneArray()];
    copyOut(Dtype.INT64, (from, to, n) -> from.asLongBuffer().get(values, to, n));
    return values;
  }

  /** {@return the elements in C order as ints, converted like in {@link #cast}} */
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

  /** Copies n elements between a buffer and a Java array that starts at index. */
  private interface Copy {
    void run(ByteBuffer buffer, int index, int n);
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
      throw new InvalidArgumentException("the shape " + Arrays.toString(given) + " does not fit " + count + " values");
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

  // Derived arrays

  /**
   * {@return this array's elements in C order: another reference to the same memory if they are in that order, or a
   * copy}
   */
  public Array contiguous() {
    return call(address -> new Array(TensorfileNative.tf_array_contiguous(address)));
  }

  /**
   * {@return a view with the axes in another order}
   *
   * @param axes all axes, each of them once; without axes their order is reversed
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
   * {@return a view as in Python's array[start:stop:step, ...], or a copy if a packed or block type allows no view}
   *
   * @param slices a slice for each dimension; dimensions without one are complete
   */
  public Array slice(Slice... slices) {
    long[] packed = Slice.pack(slices, shape.length);
    return call(address -> new Array(TensorfileNative.tf_array_slice(address, packed)));
  }

  /**
   * {@return a copy with another dtype in C order, or this array's memory if nothing has to change}
   *
   * <p>Floats are rounded to nearest even and overflow like in NumPy and ml_dtypes. Floats become integers by
   * truncation and saturation, with 0 for NaN. Integers wrap. A bool is true if the value is not 0.
   *
   * @param dtype dtype of the result
   */
  public Array cast(Dtype dtype) {
    return cast(dtype, null);
  }

  /**
   * {@return a copy with another dtype, like {@link #cast(Dtype)}}
   *
   * @param dtype dtype of the result
   * @param options settings, such as the number of threads; may be null
   */
  public Array cast(Dtype dtype, Options options) {
    return call(address -> Options.call(options,
        settings -> new Array(TensorfileNative.tf_array_cast(address, dtype.number(), settings))));
  }

  /**
   * {@return true if the other object is an array with the same dtype, shape and bytes of the elements; so NaN equals
   * itself, and -0.0 is not 0.0}
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

  /** Releases the memory, unless it is shared. What was made from this array remains valid. */
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

  /** Runs a call with the addresses of several arrays. */
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
