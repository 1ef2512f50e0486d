package org.tensorfile;

import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.StringJoiner;
import java.util.function.IntFunction;
import java.util.function.ToIntFunction;

/** Copies the elements of arrays from and to arrays and buffers of Java, and prints them. */
final class Elements {
  /** Number of bytes that are copied through one buffer at a time, which is a multiple of the size of every item. */
  private static final int PIECE = 1 << 30;

  /** Arrays with more elements are abbreviated. */
  private static final int MAX_SHOWN = 32;

  private Elements() {}

  // Requirements

  /** Returns the number of elements. */
  static long count(long[] shape) {
    long count = 1;
    for (long n : shape) {
      count *= n;
    }
    return count;
  }

  /** Returns the number of elements, or -1 if the library refuses the shape. */
  private static long countOrInvalid(long[] shape) {
    long count = 1;
    for (long n : shape) {
      if (n < 0 || (n > 0 && count > Long.MAX_VALUE / n)) {
        return -1;
      }
      count *= n;
    }
    return count;
  }

  /** Returns the shape, which must have a number of elements. The library refuses invalid shapes. */
  static long[] requireCount(long[] shape, int count) {
    long needed = countOrInvalid(shape);
    if (needed >= 0 && needed != count) {
      throw new InvalidArgumentException(
          "shape " + Arrays.toString(shape) + " needs " + elements(needed) + ", got " + count);
    }
    return shape;
  }

  private static String elements(long count) {
    return count == 1 ? "1 element" : count + " elements";
  }

  /** Refuses a wrong number of bytes. The library refuses invalid shapes. */
  static void requireBytes(Dtype dtype, long[] shape, int nbytes) {
    long count = countOrInvalid(shape);
    if (count < 0 || dtype == Dtype.UNSUPPORTED || count % dtype.blockSize() != 0) {
      return;
    }
    long blocks = count / dtype.blockSize();
    if (blocks > Long.MAX_VALUE / dtype.blockBytes()) {
      return;
    }
    if (blocks * dtype.blockBytes() != nbytes) {
      throw new InvalidArgumentException("shape " + Arrays.toString(shape) + " of " + dtype + " needs "
          + elements(count) + " in " + blocks * dtype.blockBytes() + " bytes, got " + nbytes + " bytes");
    }
  }

  static InvalidArgumentException mismatch(Dtype dtype, String wanted, String conversion) {
    return new InvalidArgumentException(
        "the array is of " + dtype + ", not " + wanted + ": " + conversion + " converts it",
        Failures.Details.of(Status.TYPE));
  }

  static void requireDtype(NdArray array, Dtype wanted, String conversion) {
    if (array.dtype() != wanted) {
      throw mismatch(array.dtype(), wanted.toString(), conversion);
    }
  }

  private static int requireOneArray(long size) {
    if (size > Integer.MAX_VALUE - 8) {
      throw new IllegalStateException("the array has " + size + " elements, more than a Java array can hold");
    }
    return (int) size;
  }

  // Each put() copies n values of a Java array, from an index on, to a buffer of elements; each get() copies them back.

  static void put(ByteBuffer to, float[] values, int index, int n) {
    to.asFloatBuffer().put(values, index, n);
  }

  static void put(ByteBuffer to, double[] values, int index, int n) {
    to.asDoubleBuffer().put(values, index, n);
  }

  static void put(ByteBuffer to, long[] values, int index, int n) {
    to.asLongBuffer().put(values, index, n);
  }

  static void put(ByteBuffer to, int[] values, int index, int n) {
    to.asIntBuffer().put(values, index, n);
  }

  static void put(ByteBuffer to, short[] values, int index, int n) {
    to.asShortBuffer().put(values, index, n);
  }

  static void put(ByteBuffer to, byte[] values, int index, int n) {
    to.put(values, index, n);
  }

  static void put(ByteBuffer to, boolean[] values, int index, int n) {
    for (int i = index; i < index + n; i++) {
      to.put((byte) (values[i] ? 1 : 0));
    }
  }

  static void put(ByteBuffer to, FloatBuffer values, int index, int n) {
    to.asFloatBuffer().put(values.slice().slice(index, n));
  }

  static void put(ByteBuffer to, DoubleBuffer values, int index, int n) {
    to.asDoubleBuffer().put(values.slice().slice(index, n));
  }

  static void put(ByteBuffer to, LongBuffer values, int index, int n) {
    to.asLongBuffer().put(values.slice().slice(index, n));
  }

  static void put(ByteBuffer to, IntBuffer values, int index, int n) {
    to.asIntBuffer().put(values.slice().slice(index, n));
  }

  static void get(ByteBuffer from, float[] values, int index, int n) {
    from.asFloatBuffer().get(values, index, n);
  }

  static void get(ByteBuffer from, double[] values, int index, int n) {
    from.asDoubleBuffer().get(values, index, n);
  }

  static void get(ByteBuffer from, long[] values, int index, int n) {
    from.asLongBuffer().get(values, index, n);
  }

  static void get(ByteBuffer from, int[] values, int index, int n) {
    from.asIntBuffer().get(values, index, n);
  }

  static void get(ByteBuffer from, short[] values, int index, int n) {
    from.asShortBuffer().get(values, index, n);
  }

  static void get(ByteBuffer from, byte[] values, int index, int n) {
    from.get(values, index, n);
  }

  static void get(ByteBuffer from, boolean[] values, int index, int n) {
    for (int i = index; i < index + n; i++) {
      values[i] = from.get() != 0;
    }
  }

  /** Copies n values between a buffer and values, which are a Java array or a buffer, from an index on. */
  interface Copy<T> {
    void run(ByteBuffer piece, T values, int index, int n);
  }

  private interface Window {
    ByteBuffer at(long offset, int length);
  }

  /** Copies all elements of an array in C order, in pieces that buffers can hold. */
  private static <T> void inPieces(NdArray array, Window window, T values, Copy<T> copy) {
    int item = array.dtype().blockBytes();
    for (long offset = 0; offset < array.nbytes(); offset += PIECE) {
      int length = (int) Math.min(PIECE, array.nbytes() - offset);
      copy.run(window.at(offset, length), values, (int) (offset / item), length / item);
    }
  }

  // Creation

  static <T> NdArray filled(Dtype dtype, int count, long[] shape, T values, Copy<T> copy) {
    NdArray array = NdArray.zeros(dtype, requireCount(shape.length == 0 ? new long[] {count} : shape, count));
    inPieces(array, array::mutableData, values, copy);
    return array;
  }

  static <T> NdArray scalar(Dtype dtype, T value, Copy<T> copy) {
    NdArray array = NdArray.zeros(dtype);
    copy.run(array.mutableData(), value, 0, 1);
    return array;
  }

  static <T> NdArray ofRows(Dtype dtype, T[] rows, ToIntFunction<T> length, Copy<T> copy) {
    int columns = rows.length == 0 ? 0 : length.applyAsInt(rows[0]);
    for (int i = 1; i < rows.length; i++) {
      if (length.applyAsInt(rows[i]) != columns) {
        throw new InvalidArgumentException(
            "row " + i + " has " + length.applyAsInt(rows[i]) + " elements, row 0 has " + columns);
      }
    }
    NdArray array = NdArray.zeros(dtype, rows.length, columns);
    int rowBytes = Math.multiplyExact(columns, dtype.blockBytes());
    // As many rows as a buffer can hold.
    int most = Math.max(1, PIECE / Math.max(1, rowBytes));
    for (int first = 0; first < rows.length && rowBytes > 0; first += most) {
      int count = Math.min(most, rows.length - first);
      ByteBuffer to = array.mutableData((long) first * rowBytes, count * rowBytes);
      for (int i = 0; i < count; i++) {
        copy.run(to.slice(i * rowBytes, rowBytes).order(to.order()), rows[first + i], 0, columns);
      }
    }
    return array;
  }

  // Reading

  static <T> T all(NdArray array, Dtype wanted, String conversion, IntFunction<T> make, Copy<T> copy) {
    requireDtype(array, wanted, conversion);
    T values = make.apply(requireOneArray(array.size()));
    try (NdArray inOrder = array.contiguous()) {
      inPieces(inOrder, inOrder::data, values, copy);
    }
    return values;
  }

  static byte[] bytes(NdArray array) {
    byte[] bytes = new byte[requireOneArray(array.nbytes())];
    try (NdArray inOrder = array.contiguous()) {
      for (long offset = 0; offset < bytes.length; offset += PIECE) {
        int length = (int) Math.min(PIECE, bytes.length - offset);
        inOrder.data(offset, length).get(bytes, (int) offset, length);
      }
    }
    return bytes;
  }

  /** Copies the elements of an array from a start to an end. */
  interface Range<T> {
    T copy(T from, int start, int end);
  }

  static <T> T[] rows(NdArray array, IntFunction<T[]> make, T all, Range<T> range) {
    if (array.ndim() != 2) {
      throw new InvalidArgumentException(
          "a matrix has 2 dimensions, the array has shape " + Arrays.toString(array.shape()));
    }
    T[] rows = make.apply(requireOneArray(array.shape(0)));
    int columns = requireOneArray(array.shape(1));
    for (int i = 0; i < rows.length; i++) {
      rows[i] = range.copy(all, i * columns, (i + 1) * columns);
    }
    return rows;
  }

  // Text

  /** Returns the elements as nested lists. Those in the middle of long dimensions are left out. */
  static String text(NdArray array) {
    Dtype dtype = array.dtype();
    if (dtype.isBlock() || dtype == Dtype.UNSUPPORTED || (array.ndim() > 4 && array.size() > MAX_SHOWN)) {
      return "...";
    }
    long edge = array.size() <= MAX_SHOWN ? Long.MAX_VALUE : array.ndim() <= 2 ? 3 : 1;
    try (NdArray readable = dtype.isPacked() ? array.cast(Dtype.FLOAT32) : array.slice()) {
      return text(readable, dtype, array.shape(), new long[array.ndim()], 0, edge);
    }
  }

  private static String text(NdArray array, Dtype dtype, long[] shape, long[] index, int axis, long edge) {
    if (axis == shape.length) {
      return item(array, dtype, index);
    }
    StringJoiner list = new StringJoiner(", ", "[", "]");
    boolean cut = shape[axis] / 2 > edge;
    for (long i = 0; i < shape[axis]; i++) {
      if (cut && i == edge) {
        list.add("...");
        i = shape[axis] - edge;
      }
      index[axis] = i;
      list.add(text(array, dtype, shape, index, axis + 1, edge));
    }
    return list.toString();
  }

  private static String item(NdArray array, Dtype dtype, long[] index) {
    if (dtype == Dtype.BOOL) {
      return Boolean.toString(array.getBoolean(index));
    } else if (dtype == Dtype.FLOAT64) {
      return Double.toString(array.getDouble(index));
    } else if (dtype.isFloat()) {
      return Float.toString((float) array.getDouble(index));
    } else if (dtype.isInteger() && dtype != Dtype.UINT64) {
      return Long.toString(array.getLong(index));
    }
    Slice[] one = Arrays.stream(index).mapToObj(i -> Slice.of(i, i + 1)).toArray(Slice[]::new);
    try (NdArray element = array.slice(one); NdArray inOrder = element.contiguous()) {
      ByteBuffer bytes = inOrder.data();
      if (dtype == Dtype.UINT64) {
        return Long.toUnsignedString(bytes.getLong());
      } else if (dtype == Dtype.COMPLEX64) {
        return complex(Float.toString(bytes.getFloat(0)), Float.toString(bytes.getFloat(4)));
      }
      return complex(Double.toString(bytes.getDouble(0)), Double.toString(bytes.getDouble(8)));
    }
  }

  private static String complex(String real, String imaginary) {
    return real + (imaginary.startsWith("-") ? "" : "+") + imaginary + "i";
  }
}
