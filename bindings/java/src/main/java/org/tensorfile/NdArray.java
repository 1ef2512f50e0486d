package org.tensorfile;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
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
public final class NdArray implements AutoCloseable {
  /** The native array and its properties, which {@link #makeMutable} replaces together. */
  private static final class Core {
    final Handle handle;
    final Cleaner.Cleanable cleanable;
    final long[] strides;
    final boolean contiguous;
    /** A buffer over all elements, which the first call of data() creates. */
    volatile ByteBuffer whole;

    Core(NdArray owner, long address, Packed.Layout layout) {
      handle = Handle.ofArray(address, layout.nbytes);
      cleanable = handle.ownedBy(owner);
      strides = layout.strides;
      contiguous = layout.contiguous;
    }

    static Core of(NdArray owner, long address) {
      return new Core(owner, address, layoutOf(address));
    }
  }

  private final Dtype dtype;
  private final long[] shape;
  private final long nbytes;
  private volatile Core core;

  /** Takes ownership of a reference. */
  NdArray(long address) {
    this(address, layoutOf(address));
  }

  /** Takes ownership of a reference to an array with the given properties. */
  NdArray(long address, Packed.Layout layout) {
    dtype = layout.dtype;
    shape = layout.shape;
    nbytes = layout.nbytes;
    core = new Core(this, address, layout);
  }

  private static Packed.Layout layoutOf(long address) {
    try {
      return Packed.Layout.of(address);
    } catch (Throwable t) {
      TensorfileNative.tf_array_release(address);
      throw t;
    }
  }

  // Creation

  /**
   * {@return an array of zeros}
   *
   * @param dtype type of the elements
   * @param shape sizes of the dimensions, outermost first; a scalar has none
   */
  public static NdArray zeros(Dtype dtype, long... shape) {
    return new NdArray(TensorfileNative.tf_array_new(dtype.number(), shape));
  }

  /**
   * {@return a float32 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(float[] values, long... shape) {
    return Elements.filled(Dtype.FLOAT32, values.length, shape, values, Elements::put);
  }

  /**
   * {@return a float64 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(double[] values, long... shape) {
    return Elements.filled(Dtype.FLOAT64, values.length, shape, values, Elements::put);
  }

  /**
   * {@return an int64 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(long[] values, long... shape) {
    return Elements.filled(Dtype.INT64, values.length, shape, values, Elements::put);
  }

  /**
   * {@return an int32 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(int[] values, long... shape) {
    return Elements.filled(Dtype.INT32, values.length, shape, values, Elements::put);
  }

  /**
   * {@return an int16 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(short[] values, long... shape) {
    return Elements.filled(Dtype.INT16, values.length, shape, values, Elements::put);
  }

  /**
   * {@return an int8 array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(byte[] values, long... shape) {
    return Elements.filled(Dtype.INT8, values.length, shape, values, Elements::put);
  }

  /**
   * {@return a bool array with a copy of values}
   *
   * @param values the elements in C order
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(boolean[] values, long... shape) {
    return Elements.filled(Dtype.BOOL, values.length, shape, values, Elements::put);
  }

  /**
   * {@return a float32 array of two dimensions with a copy of rows}
   *
   * @param rows the rows, which have the same length
   * @throws InvalidArgumentException if they have different lengths
   */
  public static NdArray of(float[][] rows) {
    return Elements.ofRows(Dtype.FLOAT32, rows, row -> row.length, Elements::put);
  }

  /**
   * {@return a float64 array of two dimensions with a copy of rows}
   *
   * @param rows the rows, which have the same length
   * @throws InvalidArgumentException if they have different lengths
   */
  public static NdArray of(double[][] rows) {
    return Elements.ofRows(Dtype.FLOAT64, rows, row -> row.length, Elements::put);
  }

  /**
   * {@return an int64 array of two dimensions with a copy of rows}
   *
   * @param rows the rows, which have the same length
   * @throws InvalidArgumentException if they have different lengths
   */
  public static NdArray of(long[][] rows) {
    return Elements.ofRows(Dtype.INT64, rows, row -> row.length, Elements::put);
  }

  /**
   * {@return an int32 array of two dimensions with a copy of rows}
   *
   * @param rows the rows, which have the same length
   * @throws InvalidArgumentException if they have different lengths
   */
  public static NdArray of(int[][] rows) {
    return Elements.ofRows(Dtype.INT32, rows, row -> row.length, Elements::put);
  }

  /**
   * {@return a float32 array with a copy of the values in a buffer}
   *
   * @param values the elements in C order, from the position to the limit, which do not change
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(FloatBuffer values, long... shape) {
    return Elements.filled(Dtype.FLOAT32, values.remaining(), shape, values, Elements::put);
  }

  /**
   * {@return a float64 array with a copy of the values in a buffer}
   *
   * @param values the elements in C order, from the position to the limit, which do not change
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(DoubleBuffer values, long... shape) {
    return Elements.filled(Dtype.FLOAT64, values.remaining(), shape, values, Elements::put);
  }

  /**
   * {@return an int64 array with a copy of the values in a buffer}
   *
   * @param values the elements in C order, from the position to the limit, which do not change
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(LongBuffer values, long... shape) {
    return Elements.filled(Dtype.INT64, values.remaining(), shape, values, Elements::put);
  }

  /**
   * {@return an int32 array with a copy of the values in a buffer}
   *
   * @param values the elements in C order, from the position to the limit, which do not change
   * @param shape sizes of the dimensions; by default one dimension
   */
  public static NdArray of(IntBuffer values, long... shape) {
    return Elements.filled(Dtype.INT32, values.remaining(), shape, values, Elements::put);
  }

  /**
   * {@return a bool array without dimensions}
   *
   * @param value its element
   */
  public static NdArray scalar(boolean value) {
    return Elements.scalar(Dtype.BOOL, new boolean[] {value}, Elements::put);
  }

  /**
   * {@return an int8 array without dimensions}
   *
   * @param value its element
   */
  public static NdArray scalar(byte value) {
    return Elements.scalar(Dtype.INT8, new byte[] {value}, Elements::put);
  }

  /**
   * {@return an int16 array without dimensions}
   *
   * @param value its element
   */
  public static NdArray scalar(short value) {
    return Elements.scalar(Dtype.INT16, new short[] {value}, Elements::put);
  }

  /**
   * {@return an int32 array without dimensions}
   *
   * @param value its element
   */
  public static NdArray scalar(int value) {
    return Elements.scalar(Dtype.INT32, new int[] {value}, Elements::put);
  }

  /**
   * {@return an int64 array without dimensions}
   *
   * @param value its element
   */
  public static NdArray scalar(long value) {
    return Elements.scalar(Dtype.INT64, new long[] {value}, Elements::put);
  }

  /**
   * {@return a float32 array without dimensions}
   *
   * @param value its element
   */
  public static NdArray scalar(float value) {
    return Elements.scalar(Dtype.FLOAT32, new float[] {value}, Elements::put);
  }

  /**
   * {@return a float64 array without dimensions}
   *
   * @param value its element
   */
  public static NdArray scalar(double value) {
    return Elements.scalar(Dtype.FLOAT64, new double[] {value}, Elements::put);
  }

  /**
   * {@return an array with a copy of bytes}
   *
   * @param dtype type of the elements
   * @param bytes the elements in C order and in the byte order of this machine, from the position to the limit
   * @param shape sizes of the dimensions, outermost first
   */
  public static NdArray copyOf(Dtype dtype, ByteBuffer bytes, long... shape) {
    int nbytes = bytes.remaining();
    Elements.requireBytes(dtype, shape, nbytes);
    return Direct.callWithBytes(bytes,
        address -> new NdArray(TensorfileNative.tf_array_copy_from(dtype.number(), shape, address, nbytes)));
  }

  /**
   * {@return an array with a copy of bytes}
   *
   * @param dtype type of the elements
   * @param bytes the elements in C order and in the byte order of this machine
   * @param shape sizes of the dimensions, outermost first
   */
  public static NdArray copyOf(Dtype dtype, byte[] bytes, long... shape) {
    return copyOf(dtype, ByteBuffer.wrap(bytes), shape);
  }

  /**
   * {@return an array over the memory of a buffer, without a copy; it keeps the buffer alive}
   *
   * @param dtype type of the elements
   * @param buffer a direct buffer whose elements are in C order from its position to its limit, aligned to their size.
   *     The array is writable unless the buffer is read-only
   * @param shape sizes of the dimensions, outermost first
   */
  public static NdArray wrap(Dtype dtype, ByteBuffer buffer, long... shape) {
    Elements.requireBytes(dtype, shape, buffer.remaining());
    return wrapped(dtype, buffer, shape, null, 0);
  }

  /**
   * {@return an array over the memory of a buffer, without a copy; it keeps the buffer alive}
   *
   * @param dtype type of the elements
   * @param buffer a direct buffer with all elements between its position and its limit
   * @param shape sizes of the dimensions
   * @param strides strides in bytes, which may be 0 or negative
   * @param first offset of the first element [0, 0, ...] in bytes from the position
   */
  public static NdArray wrap(Dtype dtype, ByteBuffer buffer, long[] shape, long[] strides, int first) {
    return wrapped(dtype, buffer, shape, Objects.requireNonNull(strides, "strides"), first);
  }

  private static NdArray wrapped(Dtype dtype, ByteBuffer buffer, long[] shape, long[] strides, int first) {
    ByteBuffer direct = Direct.require(buffer).slice();
    Objects.checkIndex(first, direct.remaining() + 1);
    requireStart(shape, strides, first);
    return Direct.call(direct, address -> new NdArray(TensorfileNative.tf_array_wrap(dtype.number(), shape, strides,
        address + first, direct.remaining() - first, direct.isReadOnly() ? 0 : 1, direct)));
  }

  /** Checks the bytes before the first element. The library checks those after it. */
  private static void requireStart(long[] shape, long[] strides, int first) {
    if (strides == null) {
      return;
    }
    if (strides.length != shape.length) {
      throw new InvalidArgumentException(
          "shape " + Arrays.toString(shape) + " needs " + shape.length + " strides, got " + strides.length);
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
    return Elements.count(shape);
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
  public synchronized NdArray makeMutable() {
    Core before = core;
    before.handle.requireOpen();
    if (before.handle.takeOver()) {
      long address = before.handle.address();
      before.cleanable.clean();
      try {
        address = TensorfileNative.tf_array_make_mut(address);
      } finally {
        core = Core.of(this, address);
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
      core = Core.of(this, copy);
      before.cleanable.clean();
    }
    return this;
  }

  // Single elements

  /**
   * {@return one element of a bool array}
   *
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is not bool
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public boolean getBoolean(long... index) {
    requireItem(dtype == Dtype.BOOL, "bool", index);
    return call(address -> TensorfileNative.tf_array_item_int64(address, index)) != 0;
  }

  /**
   * {@return one element of an array of integers of any width}
   *
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is not an integer, or the element is above {@link Long#MAX_VALUE}
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public long getLong(long... index) {
    requireItem(dtype.isInteger(), "an integer", index);
    return call(address -> TensorfileNative.tf_array_item_int64(address, index));
  }

  /**
   * {@return one element of an array of integers of any width, if it fits}
   *
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is not an integer, or the element does not fit
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public int getInt(long... index) {
    long element = getLong(index);
    if (element != (int) element) {
      throw new InvalidArgumentException("the element " + element + " does not fit an int: use getLong",
          Failures.Details.of(Status.TYPE));
    }
    return (int) element;
  }

  /**
   * {@return one element of an array of float32, or of narrower floats}
   *
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is another one
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public float getFloat(long... index) {
    requireItem(dtype.isFloat() && dtype != Dtype.FLOAT64, "a float32 or narrower", index);
    return (float) item(index);
  }

  /**
   * {@return one element of an array of real floats of any width}
   *
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is not a real float
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public double getDouble(long... index) {
    requireItem(dtype.isFloat(), "a float", index);
    return item(index);
  }

  /**
   * {@return one element of an array of any real dtype, converted to a double and rounded to nearest even if necessary}
   *
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is complex or a block type
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public double castToDouble(long... index) {
    requireItem(true, "", index);
    return item(index);
  }

  /**
   * Sets one element of a bool array.
   *
   * @param value its new value
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is not bool, or the memory is read-only or shared with a view
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public void setBoolean(boolean value, long... index) {
    requireItem(dtype == Dtype.BOOL, "bool", index);
    call(address -> TensorfileNative.tf_array_set_item_int64(address, index, value ? 1 : 0));
  }

  /**
   * Sets one element of an array of integers of any width.
   *
   * @param value its new value
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is not an integer or cannot hold the value, or the memory is
   *     read-only or shared with a view
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public void setLong(long value, long... index) {
    requireItem(dtype.isInteger(), "an integer", index);
    call(address -> TensorfileNative.tf_array_set_item_int64(address, index, value));
  }

  /**
   * Sets one element of an array of real floats, which rounds the value to its width.
   *
   * @param value its new value
   * @param index an index for each dimension; negative indices count from the end
   * @throws InvalidArgumentException if the dtype is not a real float, or the memory is read-only or shared with a view
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public void setDouble(double value, long... index) {
    requireItem(dtype.isFloat(), "a float", index);
    call(address -> TensorfileNative.tf_array_set_item_double(address, index, value));
  }

  private void requireItem(boolean allowed, String wanted, long[] index) {
    core.handle.requireOpen();
    if (!allowed) {
      throw Elements.mismatch(dtype, wanted, "castToDouble(index)");
    }
    if (index.length != shape.length) {
      throw new InvalidArgumentException(
          "an element of shape " + Arrays.toString(shape) + " needs " + shape.length + " indices, got " + index.length);
    }
    for (int i = 0; i < index.length; i++) {
      if (index[i] < -shape[i] || index[i] >= shape[i]) {
        throw new IndexOutOfBoundsException(
            "index " + Arrays.toString(index) + " is out of range for shape " + Arrays.toString(shape));
      }
    }
  }

  private double item(long[] index) {
    Handle handle = enter();
    try {
      return TensorfileNative.tf_array_item_double(handle.address(), index);
    } finally {
      handle.leave();
    }
  }

  // All elements

  /**
   * {@return the elements of a float32 array in C order}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public float[] toFloatArray() {
    return Elements.all(this, Dtype.FLOAT32, "castToFloatArray()", float[]::new, Elements::get);
  }

  /**
   * {@return the elements of a float64 array in C order}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public double[] toDoubleArray() {
    return Elements.all(this, Dtype.FLOAT64, "castToDoubleArray()", double[]::new, Elements::get);
  }

  /**
   * {@return the elements of an int64 array in C order}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public long[] toLongArray() {
    return Elements.all(this, Dtype.INT64, "castToLongArray()", long[]::new, Elements::get);
  }

  /**
   * {@return the elements of an int32 array in C order}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public int[] toIntArray() {
    return Elements.all(this, Dtype.INT32, "castToIntArray()", int[]::new, Elements::get);
  }

  /**
   * {@return the elements of an int16 array in C order}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public short[] toShortArray() {
    return Elements.all(this, Dtype.INT16, "cast(Dtype.INT16)", short[]::new, Elements::get);
  }

  /**
   * {@return the elements of an int8 array in C order}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public byte[] toByteArray() {
    return Elements.all(this, Dtype.INT8, "cast(Dtype.INT8)", byte[]::new, Elements::get);
  }

  /**
   * {@return the elements of a bool array in C order}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public boolean[] toBooleanArray() {
    return Elements.all(this, Dtype.BOOL, "cast(Dtype.BOOL)", boolean[]::new, Elements::get);
  }

  /** {@return the elements in C order as floats, converted as {@link #cast} does} */
  public float[] castToFloatArray() {
    try (NdArray converted = cast(Dtype.FLOAT32)) {
      return converted.toFloatArray();
    }
  }

  /** {@return the elements in C order as doubles, converted as {@link #cast} does} */
  public double[] castToDoubleArray() {
    try (NdArray converted = cast(Dtype.FLOAT64)) {
      return converted.toDoubleArray();
    }
  }

  /** {@return the elements in C order as longs, converted as {@link #cast} does} */
  public long[] castToLongArray() {
    try (NdArray converted = cast(Dtype.INT64)) {
      return converted.toLongArray();
    }
  }

  /** {@return the elements in C order as ints, converted as {@link #cast} does} */
  public int[] castToIntArray() {
    try (NdArray converted = cast(Dtype.INT32)) {
      return converted.toIntArray();
    }
  }

  /**
   * {@return the rows of a float32 array of two dimensions}
   *
   * @throws InvalidArgumentException if the array has another dtype or number of dimensions
   */
  public float[][] toFloatMatrix() {
    return Elements.rows(this, float[][]::new, toFloatArray(), Arrays::copyOfRange);
  }

  /**
   * {@return the rows of a float64 array of two dimensions}
   *
   * @throws InvalidArgumentException if the array has another dtype or number of dimensions
   */
  public double[][] toDoubleMatrix() {
    return Elements.rows(this, double[][]::new, toDoubleArray(), Arrays::copyOfRange);
  }

  /**
   * {@return the rows of an int64 array of two dimensions}
   *
   * @throws InvalidArgumentException if the array has another dtype or number of dimensions
   */
  public long[][] toLongMatrix() {
    return Elements.rows(this, long[][]::new, toLongArray(), Arrays::copyOfRange);
  }

  /**
   * {@return the rows of an int32 array of two dimensions}
   *
   * @throws InvalidArgumentException if the array has another dtype or number of dimensions
   */
  public int[][] toIntMatrix() {
    return Elements.rows(this, int[][]::new, toIntArray(), Arrays::copyOfRange);
  }

  /** {@return the bytes of the elements in C order and in the byte order of this machine, whatever the dtype is} */
  public byte[] toRawBytes() {
    return Elements.bytes(this);
  }

  /**
   * {@return the elements of a float32 array without a copy, like {@link #data()}}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public FloatBuffer asFloatBuffer() {
    Elements.requireDtype(this, Dtype.FLOAT32, "castToFloatArray()");
    return data().asFloatBuffer();
  }

  /**
   * {@return the elements of a float32 array without a copy, to read and write them, like {@link #mutableData()}}
   *
   * @throws InvalidArgumentException if the array has another dtype, or its memory is read-only or shared with a view
   */
  public FloatBuffer asMutableFloatBuffer() {
    Elements.requireDtype(this, Dtype.FLOAT32, "cast(Dtype.FLOAT32)");
    return mutableData().asFloatBuffer();
  }

  /**
   * {@return the elements of a float64 array without a copy, like {@link #data()}}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public DoubleBuffer asDoubleBuffer() {
    Elements.requireDtype(this, Dtype.FLOAT64, "castToDoubleArray()");
    return data().asDoubleBuffer();
  }

  /**
   * {@return the elements of a float64 array without a copy, to read and write them, like {@link #mutableData()}}
   *
   * @throws InvalidArgumentException if the array has another dtype, or its memory is read-only or shared with a view
   */
  public DoubleBuffer asMutableDoubleBuffer() {
    Elements.requireDtype(this, Dtype.FLOAT64, "cast(Dtype.FLOAT64)");
    return mutableData().asDoubleBuffer();
  }

  /**
   * {@return the elements of an int64 array without a copy, like {@link #data()}}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public LongBuffer asLongBuffer() {
    Elements.requireDtype(this, Dtype.INT64, "castToLongArray()");
    return data().asLongBuffer();
  }

  /**
   * {@return the elements of an int64 array without a copy, to read and write them, like {@link #mutableData()}}
   *
   * @throws InvalidArgumentException if the array has another dtype, or its memory is read-only or shared with a view
   */
  public LongBuffer asMutableLongBuffer() {
    Elements.requireDtype(this, Dtype.INT64, "cast(Dtype.INT64)");
    return mutableData().asLongBuffer();
  }

  /**
   * {@return the elements of an int32 array without a copy, like {@link #data()}}
   *
   * @throws InvalidArgumentException if the array has another dtype
   */
  public IntBuffer asIntBuffer() {
    Elements.requireDtype(this, Dtype.INT32, "castToIntArray()");
    return data().asIntBuffer();
  }

  /**
   * {@return the elements of an int32 array without a copy, to read and write them, like {@link #mutableData()}}
   *
   * @throws InvalidArgumentException if the array has another dtype, or its memory is read-only or shared with a view
   */
  public IntBuffer asMutableIntBuffer() {
    Elements.requireDtype(this, Dtype.INT32, "cast(Dtype.INT32)");
    return mutableData().asIntBuffer();
  }

  /**
   * Copies the elements in C order to any buffer.
   *
   * @param to a buffer with exactly {@link #nbytes} remaining bytes; its position moves to its limit
   */
  public void copyTo(ByteBuffer to) {
    copyTo(to, dtype);
  }

  /**
   * Copies the elements in C order to any buffer and converts them to another dtype.
   *
   * @param to a buffer whose remaining bytes are exactly those of the elements in that dtype; its position moves to its
   *     limit
   * @param as dtype to convert to, as {@link #cast} does
   */
  public void copyTo(ByteBuffer to, Dtype as) {
    Elements.requireBytes(as, shape, to.remaining());
    Direct.fill(to, (dst, n) -> call(array -> TensorfileNative.tf_array_copy_to(array, as.number(), dst, null, n)));
  }

  /**
   * Copies the elements to memory with strides, such as rows with padding, and converts them to another dtype.
   *
   * @param to a direct buffer, to whose position the first element goes; its position does not move, and the bytes
   *     between elements do not change
   * @param as dtype to convert to, as {@link #cast} does
   * @param strides a stride in bytes for each dimension, which must not be negative
   */
  public void copyTo(ByteBuffer to, Dtype as, long... strides) {
    if (strides.length != shape.length || LongStream.of(strides).anyMatch(n -> n < 0)) {
      throw new InvalidArgumentException("shape " + Arrays.toString(shape) + " needs " + shape.length
          + " strides of 0 and more, got " + Arrays.toString(strides));
    }
    int n = Direct.requireWritable(to).remaining();
    Direct.call(to, dst -> call(array -> TensorfileNative.tf_array_copy_to(array, as.number(), dst, strides, n)));
  }

  // Derived arrays

  /**
   * {@return the elements in C order with another shape: a view if strides can describe it, or a copy}
   *
   * @param shape sizes with the same number of elements; one may be -1, which then follows from the others
   */
  public NdArray reshape(long... shape) {
    return call(address -> new NdArray(TensorfileNative.tf_array_reshape(address, shape)));
  }

  /**
   * {@return this array's elements in C order: another reference to the same memory if they are in that order, or a
   * copy}
   */
  public NdArray contiguous() {
    return call(address -> new NdArray(TensorfileNative.tf_array_contiguous(address)));
  }

  /**
   * {@return a view with the axes in another order}
   *
   * @param axes all axes, each of them once; without axes their order is reversed
   */
  public NdArray transpose(int... axes) {
    if (axes.length != 0 && axes.length != shape.length) {
      throw new InvalidArgumentException(
          "transposing shape " + Arrays.toString(shape) + " needs " + shape.length + " axes, got " + axes.length);
    }
    int[] order = axes;
    if (axes.length == 0) {
      order = new int[shape.length];
      Arrays.setAll(order, i -> shape.length - 1 - i);
    }
    long[] given = Arrays.stream(order).asLongStream().toArray();
    return call(address -> new NdArray(TensorfileNative.tf_array_transpose(address, given)));
  }

  /**
   * {@return a view as in Python's array[start:stop:step, ...], or a copy if a packed or block type allows no view}
   *
   * @param slices a slice for each dimension; dimensions without one are complete
   */
  public NdArray slice(Slice... slices) {
    long[] packed = Slice.pack(slices, shape);
    return call(address -> new NdArray(TensorfileNative.tf_array_slice(address, packed)));
  }

  /**
   * {@return a copy with another dtype in C order, or this array's memory if nothing has to change}
   *
   * <p>Floats are rounded to nearest even and overflow like in NumPy and ml_dtypes. Floats become integers by
   * truncation and saturation, with 0 for NaN. Integers wrap. A bool is true if the value is not 0.
   *
   * @param dtype dtype of the result
   */
  public NdArray cast(Dtype dtype) {
    return cast(dtype, Options.defaults());
  }

  /**
   * {@return a copy with another dtype, like {@link #cast(Dtype)}}
   *
   * @param dtype dtype of the result
   * @param options settings, such as the number of threads
   */
  public NdArray cast(Dtype dtype, Options options) {
    return call(address -> Options.call(options,
        settings -> new NdArray(TensorfileNative.tf_array_cast(address, dtype.number(), settings))));
  }

  /**
   * {@return a copy in a block type that is encoded with an importance matrix: errors of elements with larger weights
   * become smaller}
   *
   * <p>Dtypes whose encoders use no weights are cast as by {@link #cast(Dtype)}.
   *
   * @param dtype dtype of the result
   * @param weights float32, with a shape that broadcasts to that of this array but for the last size, which must be equal
   */
  public NdArray castWeighted(Dtype dtype, NdArray weights) {
    return call(address -> weights.call(
        other -> new NdArray(TensorfileNative.tf_array_cast_weighted(address, dtype.number(), other, 0))));
  }

  /**
   * {@return true if the other object is an array with the same dtype, shape and bytes of the elements; so NaN equals
   * itself, and -0.0 is not 0.0}
   */
  @Override
  public boolean equals(Object other) {
    if (this == other) {
      return true;
    }
    return other instanceof NdArray that && call(a -> that.call(b -> TensorfileNative.tf_array_equal(a, b))) != 0;
  }

  @Override
  public int hashCode() {
    return 31 * dtype.hashCode() + Arrays.hashCode(shape);
  }

  /** {@return the dtype, the shape, and the elements, which are abbreviated if there are many} */
  @Override
  public String toString() {
    if (core.handle.isClosed()) {
      return "NdArray(closed)";
    }
    return "NdArray(" + dtype + ", " + Arrays.toString(shape) + ", " + Elements.text(this) + ")";
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
  static long callAll(List<NdArray> arrays, ToLongFunction<long[]> body) {
    List<Handle> entered = new ArrayList<>(arrays.size());
    try {
      arrays.forEach(array -> entered.add(array.enter()));
      return body.applyAsLong(entered.stream().mapToLong(Handle::address).toArray());
    } finally {
      entered.forEach(Handle::leave);
    }
  }

  Handle enter() {
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
