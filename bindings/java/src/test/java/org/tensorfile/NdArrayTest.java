package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class NdArrayTest {
  static Status statusOf(Runnable call) {
    return assertThrows(InvalidArgumentException.class, call::run).status();
  }

  @Test
  void javasArraysGoInAndOut() {
    assertArrayEquals(new float[] {1.5f, -2}, NdArray.of(new float[] {1.5f, -2}).toFloatArray());
    assertArrayEquals(new double[] {1.5, -2}, NdArray.of(new double[] {1.5, -2}, 2, 1).toDoubleArray());
    assertArrayEquals(new long[] {1, -2}, NdArray.of(new long[] {1, -2}).toLongArray());
    assertArrayEquals(new int[] {1, -2}, NdArray.of(new int[] {1, -2}).toIntArray());
    assertArrayEquals(new short[] {1, -2}, NdArray.of(new short[] {1, -2}).toShortArray());
    assertArrayEquals(new byte[] {1, -2}, NdArray.of(new byte[] {1, -2}).toByteArray());
    assertArrayEquals(new boolean[] {true, false}, NdArray.of(new boolean[] {true, false}).toBooleanArray());
    assertArrayEquals(new int[] {1, 0}, NdArray.of(new boolean[] {true, false}).castToIntArray());
    assertEquals(Dtype.BOOL, NdArray.of(new boolean[] {true}).dtype());
    assertEquals(Dtype.INT8, NdArray.of(new byte[1]).dtype());
    assertEquals(Dtype.INT16, NdArray.of(new short[1]).dtype());
    NdArray array = NdArray.of(new float[6], 2, 3);
    assertArrayEquals(new long[] {2, 3}, array.shape());
    assertArrayEquals(new long[] {12, 4}, array.strides());
    assertEquals(3, array.shape(1));
    assertEquals(2, array.ndim());
    assertEquals(6, array.size());
    assertEquals(24, array.nbytes());
    assertEquals("NdArray(float32, [2, 3], [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])", array.toString());
    assertTrue(array.isContiguous());
    assertThrows(IndexOutOfBoundsException.class, () -> array.shape(2));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.of(new float[6], 2, 2)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.zeros(Dtype.INT8, -1)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.zeros(Dtype.INT8, Long.MAX_VALUE, 2)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.zeros(Dtype.INT8, new long[65])));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.zeros(Dtype.UNSUPPORTED, 1)));
  }

  @Test
  void scalarsHaveTheDtypeOfTheirClass() {
    assertEquals(Dtype.BOOL, NdArray.scalar(true).dtype());
    assertTrue(NdArray.scalar(true).getBoolean());
    assertEquals(Dtype.INT8, NdArray.scalar((byte) -3).dtype());
    assertEquals(Dtype.INT16, NdArray.scalar((short) -3).dtype());
    assertEquals(Dtype.INT32, NdArray.scalar(-3).dtype());
    assertEquals(-3, NdArray.scalar(-3L).getLong());
    assertEquals(1.5, NdArray.scalar(1.5f).getDouble());
    assertEquals(0, NdArray.scalar(0.1).ndim());
    assertEquals(0.1, NdArray.scalar(0.1).getDouble());
  }

  @Test
  void everyDtypeTakesBytes() {
    for (Dtype dtype : Dtype.values()) {
      if (dtype == Dtype.UNSUPPORTED) {
        assertEquals("unsupported", dtype.toString());
        continue;
      }
      assertSame(dtype, Dtype.fromName(dtype.toString()));
      assertEquals(dtype.name().toLowerCase(java.util.Locale.ROOT), dtype.toString());
      byte[] bytes = new byte[dtype.blockBytes()];
      bytes[0] = 1;
      try (NdArray array = NdArray.copyOf(dtype, ByteBuffer.wrap(bytes), dtype.blockSize())) {
        byte[] found = new byte[bytes.length];
        array.data().get(found);
        assertArrayEquals(bytes, found, dtype.toString());
        assertEquals(dtype.bits() == 0 || dtype.bits() < 8, array.strides() == null, dtype.toString());
      }
    }
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Dtype.fromName("float31")));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Dtype.fromName("float32\0")));
  }

  @Test
  void copiesAreOfWhatRemainsOfABuffer() {
    ByteBuffer heap = ByteBuffer.allocate(12).order(ByteOrder.nativeOrder()).putInt(1).putInt(2).putInt(3).position(4);
    ByteBuffer direct = ByteBuffer.allocateDirect(12).order(ByteOrder.nativeOrder()).put(heap.duplicate().rewind());
    direct.position(4);
    assertArrayEquals(new int[] {2, 3}, NdArray.copyOf(Dtype.INT32, heap, 2).toIntArray());
    assertArrayEquals(new int[] {2, 3}, NdArray.copyOf(Dtype.INT32, direct, 2).toIntArray());
    assertEquals(4, direct.position());
    InvalidArgumentException e =
        assertThrows(InvalidArgumentException.class, () -> NdArray.copyOf(Dtype.INT32, direct, 3));
    assertEquals("shape [3] of int32 needs 3 elements in 12 bytes, got 8 bytes", e.getMessage());
    assertEquals("shape [3] of int32 needs 3 elements in 12 bytes, got 8 bytes",
        assertThrows(InvalidArgumentException.class, () -> NdArray.copyOf(Dtype.INT32, heap, 3)).getMessage());
  }

  @Test
  void buffersShareTheMemoryAndOutliveTheArray() {
    NdArray array = NdArray.of(new float[] {1, 2, 3, 4}, 2, 2);
    FloatBuffer view = array.data().asFloatBuffer();
    assertThrows(ReadOnlyBufferException.class, () -> view.put(0, 5));
    array.mutableData().putFloat(4, 20);
    assertEquals(20, view.get(1));
    assertEquals(3, array.data(8, 4).getFloat());
    array.mutableData(12, 4).putFloat(40);
    assertEquals(ByteOrder.nativeOrder(), array.data().order());
    assertThrows(IndexOutOfBoundsException.class, () -> array.data(8, 9));
    assertThrows(IndexOutOfBoundsException.class, () -> array.data(-1, 1));
    assertThrows(IndexOutOfBoundsException.class, () -> array.data(0, -1));
    assertThrows(IndexOutOfBoundsException.class, () -> array.data(Long.MAX_VALUE, 1));
    array.close();
    assertEquals(40, view.get(3));
    assertEquals(0, NdArray.zeros(Dtype.FLOAT32, 0).data().remaining());
  }

  @Test
  void sharedMemoryIsWrittenOnlyAfterACopy() {
    NdArray array = NdArray.of(new int[] {1, 2, 3, 4}, 2, 2);
    NdArray turned = array.transpose();
    InvalidArgumentException e = assertThrows(InvalidArgumentException.class, array::mutableData);
    assertEquals("the memory of the array is shared with another array", e.getMessage());
    assertSame(array, array.makeMutable());
    array.mutableData().putInt(0, 10);
    assertArrayEquals(new int[] {10, 2, 3, 4}, array.toIntArray());
    assertArrayEquals(new int[] {1, 3, 2, 4}, turned.toIntArray());
    // A view with strides is made contiguous.
    assertFalse(turned.isContiguous());
    assertThrows(IllegalStateException.class, turned::data);
    turned.makeMutable().mutableData().putInt(4, 30);
    assertArrayEquals(new int[] {1, 30, 2, 4}, turned.toIntArray());
    assertArrayEquals(new long[] {8, 4}, turned.strides());
    // Buffers that were returned earlier keep their elements.
    ByteBuffer before = array.data();
    array.makeMutable().mutableData().putInt(0, 11);
    assertEquals(10, before.getInt(0));
    assertEquals(11, array.getLong(0, 0));
    // Memory that is not shared is not copied.
    NdArray own = NdArray.zeros(Dtype.INT32, 1);
    own.makeMutable().mutableData().putInt(0, 5);
    assertEquals(5, own.getLong(0));
  }

  @Test
  void wrappedMemoryIsTheBuffers() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(48).order(ByteOrder.nativeOrder());
    IntStream.range(0, 12).forEach(buffer::putInt);
    buffer.flip();
    NdArray array = NdArray.wrap(Dtype.INT32, buffer, 3, 4);
    buffer.putInt(0, 100);
    assertEquals(100, array.getLong(0, 0));
    array.mutableData().putInt(4, 200);
    assertEquals(200, buffer.getInt(4));
    NdArray part = NdArray.wrap(Dtype.INT32, buffer.duplicate().position(40), 2);
    assertArrayEquals(new int[] {10, 11}, part.toIntArray());
    NdArray readOnly = NdArray.wrap(Dtype.INT32, buffer.asReadOnlyBuffer(), 12);
    assertEquals("the memory of the array is read-only",
        assertThrows(InvalidArgumentException.class, readOnly::mutableData).getMessage());
    NdArray strided = NdArray.wrap(Dtype.INT32, buffer, new long[] {2, 3, 2}, new long[] {4, 16, 0}, 0);
    assertArrayEquals(new int[] {100, 100, 4, 4, 8, 8, 200, 200, 5, 5, 9, 9}, strided.toIntArray());
    NdArray backwards = NdArray.wrap(Dtype.INT32, buffer, new long[] {12}, new long[] {-4}, 44);
    assertEquals(11, backwards.getLong(0));
    assertEquals(100, backwards.getLong(-1));
  }

  @Test
  void wrappedMemoryMustHoldTheArray() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(48);
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.wrap(Dtype.INT32, buffer, 13)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.wrap(Dtype.INT32, ByteBuffer.allocate(48), 12)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.wrap(Dtype.INT32, buffer.duplicate().position(1), 1)));
    long[][] strides = {{-4}, {-4, 4}, {Long.MIN_VALUE}, {Long.MIN_VALUE + 8}, {8}};
    for (long[] each : strides) {
      assertEquals(Status.INVALID_ARGUMENT,
          statusOf(() -> NdArray.wrap(Dtype.INT32, buffer, new long[] {12}, each, 40)), () -> "" + each[0]);
    }
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.wrap(Dtype.INT32, buffer,
        new long[] {Long.MAX_VALUE, 2}, new long[] {-4, -4}, 40)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> NdArray.wrap(Dtype.Q4_0, buffer,
        new long[] {32}, new long[] {1}, 0)));
    assertThrows(IndexOutOfBoundsException.class,
        () -> NdArray.wrap(Dtype.INT32, buffer, new long[] {1}, new long[] {4}, 49));
    assertEquals(0, NdArray.wrap(Dtype.INT32, buffer, new long[] {0}, new long[] {-4}, 0).size());
  }

  @Test
  void slicesArePythons() {
    NdArray array = NdArray.of(IntStream.range(0, 12).toArray(), 3, 4);
    NdArray part = array.slice(Slice.all().by(-2), Slice.of(1, -1));
    assertArrayEquals(new long[] {2, 2}, part.shape());
    assertArrayEquals(new int[] {9, 10, 1, 2}, part.toIntArray());
    assertArrayEquals(new int[] {8, 9, 10, 11}, array.slice(Slice.of(2, 100)).toIntArray());
    assertArrayEquals(new int[] {8, 9, 10, 11}, array.slice(Slice.from(2)).toIntArray());
    assertArrayEquals(new int[] {0, 4, 8}, array.slice(Slice.all(), Slice.to(1)).toIntArray());
    assertEquals(array, array.slice());
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.slice(Slice.all().by(0))));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.slice(Slice.all(), Slice.all(), Slice.all())));
    assertArrayEquals(new int[] {0, 4, 8, 1}, IntStream.of(array.transpose().toIntArray()).limit(4).toArray());
    assertEquals(array.transpose(), array.transpose(1, 0));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.transpose(0)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.transpose(0, 0)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.transpose(0, -1)));
    assertEquals(0, NdArray.scalar(1).transpose().ndim());
    assertTrue(array.transpose().contiguous().isContiguous());
  }

  @Test
  void castsAndItems() {
    NdArray array = NdArray.of(new float[] {1.5f, -2.5f, Float.NaN});
    assertArrayEquals(new byte[] {1, -2, 0}, array.cast(Dtype.INT8).toByteArray());
    NdArray half = array.cast(Dtype.BFLOAT16, Options.builder().threads(1).build());
    assertEquals(0x3fc0, half.data().getShort(0));
    assertEquals(-2.5, half.getDouble(-2));
    assertEquals(7, NdArray.of(new byte[] {7}).getLong(0));
    assertEquals(Status.TYPE, statusOf(() -> array.getLong(0)));
    assertEquals(7, NdArray.of(new long[] {7, 1L << 31}).getInt(0));
    assertEquals("the element 2147483648 does not fit an int: use getLong", assertThrows(InvalidArgumentException.class,
        () -> NdArray.of(new long[] {7, 1L << 31}).getInt(1)).getMessage());
    assertEquals(-2.5f, half.getFloat(1));
    assertEquals(1.5f, array.getFloat(0));
    assertEquals(Status.TYPE, statusOf(() -> NdArray.of(new double[] {1}).getFloat(0)));
    assertEquals(Status.TYPE, statusOf(() -> NdArray.of(new int[] {1}).getFloat(0)));
    assertEquals(Status.TYPE, statusOf(() -> array.getInt(0)));
    IndexOutOfBoundsException e = assertThrows(IndexOutOfBoundsException.class, () -> array.getDouble(3));
    assertEquals("index [3] is out of range for shape [3]", e.getMessage());
    assertThrows(IndexOutOfBoundsException.class, () -> array.getDouble(-4));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.getDouble(0, 0)));
    assertEquals(Status.TYPE, statusOf(() -> NdArray.zeros(Dtype.COMPLEX64, 1).cast(Dtype.FLOAT32)));
    assertThrows(UnsupportedException.class, () -> NdArray.zeros(Dtype.Q4_0, 2, 32).transpose());
  }

  @Test
  void equalArraysHaveEqualBytes() {
    NdArray a = NdArray.of(new float[] {1, Float.NaN});
    assertEquals(a, NdArray.of(new float[] {1, Float.NaN}));
    assertEquals(a.hashCode(), NdArray.of(new float[] {1, Float.NaN}).hashCode());
    assertNotEquals(a, NdArray.of(new float[] {1, 2}));
    assertNotEquals(NdArray.of(new float[] {0f}), NdArray.of(new float[] {-0f}));
    assertNotEquals(a, NdArray.of(new double[] {1, Double.NaN}));
    assertNotEquals(a, "a");
    assertNull(NdArray.zeros(Dtype.Q4_0, 32).strides());
  }

  @Test
  void rowsAndBuffersGoInAndOut() {
    NdArray floats = NdArray.of(new float[][] {{1, 2, 3}, {4, 5, 6}});
    assertArrayEquals(new long[] {2, 3}, floats.shape());
    assertArrayEquals(new float[][] {{1, 2, 3}, {4, 5, 6}}, floats.toFloatMatrix());
    try (NdArray turned = floats.transpose()) {
      assertArrayEquals(new float[][] {{1, 4}, {2, 5}, {3, 6}}, turned.toFloatMatrix());
    }
    assertArrayEquals(new double[][] {{1}, {2}}, NdArray.of(new double[][] {{1}, {2}}).toDoubleMatrix());
    assertArrayEquals(new int[][] {{1, 2}}, NdArray.of(new int[][] {{1, 2}}).toIntMatrix());
    assertArrayEquals(new long[][] {{}, {}}, NdArray.of(new long[][] {{}, {}}).toLongMatrix());
    assertArrayEquals(new long[] {0, 0}, NdArray.of(new float[0][]).shape());
    assertEquals("row 1 has 1 elements, row 0 has 2", messageOf(() -> NdArray.of(new int[][] {{1, 2}, {3}})));
    assertEquals("a matrix has 2 dimensions, the array has shape [2]",
        messageOf(() -> NdArray.of(new float[2]).toFloatMatrix()));

    FloatBuffer heap = FloatBuffer.wrap(new float[] {9, 1, 2, 9}, 1, 2);
    assertArrayEquals(new float[] {1, 2}, NdArray.of(heap).toFloatArray());
    assertEquals(1, heap.position());
    assertArrayEquals(new long[] {2, 1}, NdArray.of(DoubleBuffer.wrap(new double[] {1, 2}), 2, 1).shape());
    assertArrayEquals(new long[] {5}, NdArray.of(LongBuffer.wrap(new long[] {5})).toLongArray());
    assertArrayEquals(new int[] {5}, NdArray.of(IntBuffer.wrap(new int[] {5})).toIntArray());
    assertEquals(6, floats.asFloatBuffer().get(5));
    assertTrue(floats.asFloatBuffer().isReadOnly());
    floats.asMutableFloatBuffer().put(5, 60);
    assertEquals(60, floats.getDouble(1, 2));
    assertEquals(7, NdArray.scalar(7).asIntBuffer().get());
    assertEquals(7, NdArray.scalar(7L).asLongBuffer().get());
    assertEquals(7, NdArray.scalar(7.0).asDoubleBuffer().get());
    assertArrayEquals(new byte[] {1, 2, 3}, NdArray.copyOf(Dtype.UINT8, new byte[] {1, 2, 3}, 3).toRawBytes());
    assertArrayEquals(new byte[] {1, 3, 2, 4}, NdArray.of(new byte[] {1, 2, 3, 4}, 2, 2).transpose().toRawBytes());
  }

  private static String messageOf(Runnable call) {
    return assertThrows(InvalidArgumentException.class, call::run).getMessage();
  }

  @Test
  void nothingIsConvertedSilently() {
    NdArray doubles = NdArray.of(new double[] {1.5, 2});
    assertEquals("the array is of float64, not float32: castToFloatArray() converts it",
        messageOf(doubles::toFloatArray));
    assertEquals("the array is of float64, not int16: cast(Dtype.INT16) converts it", messageOf(doubles::toShortArray));
    assertEquals("the array is of float64, not an integer: castToDouble(index) converts it",
        messageOf(() -> doubles.getLong(0)));
    assertArrayEquals(new float[] {1.5f, 2}, doubles.castToFloatArray());
    assertArrayEquals(new int[] {1, 2}, doubles.castToIntArray());
    assertArrayEquals(new long[] {1, 2}, doubles.castToLongArray());
    NdArray ints = NdArray.of(new int[] {3});
    assertEquals(Status.TYPE, statusOf(() -> ints.getDouble(0)));
    assertEquals(3.0, ints.castToDouble(0));
    assertArrayEquals(new double[] {3}, ints.castToDoubleArray());
    for (Runnable call : List.<Runnable>of(ints::toDoubleArray, ints::toLongArray, ints::toByteArray,
        ints::toBooleanArray, ints::toLongMatrix, ints::asFloatBuffer, ints::asMutableDoubleBuffer, ints::asLongBuffer,
        () -> ints.getBoolean(0), () -> NdArray.copyOf(Dtype.UINT32, new byte[4], 1).toIntArray())) {
      assertEquals(Status.TYPE, statusOf(call));
    }
  }

  @Test
  void messagesAreInJavasTerms() {
    assertEquals("shape [2, 3] needs 6 elements, got 5", messageOf(() -> NdArray.of(new float[5], 2, 3)));
    assertEquals("shape [1] needs 1 element, got 0", messageOf(() -> NdArray.of(new float[0], 1)));
    assertEquals("shape [2, 3] takes at most 2 slices, got 3",
        messageOf(() -> NdArray.zeros(Dtype.INT8, 2, 3).slice(Slice.all(), Slice.all(), Slice.all())));
    assertEquals("an element of shape [2, 3] needs 2 indices, got 1",
        messageOf(() -> NdArray.zeros(Dtype.INT8, 2, 3).getLong(1)));
    assertEquals("shape [32] of q4_0 needs 32 elements in 18 bytes, got 17 bytes",
        messageOf(() -> NdArray.copyOf(Dtype.Q4_0, new byte[17], 32)));
  }

  @Test
  void itPrintsItsElements() {
    assertEquals("NdArray(int32, [], 5)", NdArray.scalar(5).toString());
    assertEquals("NdArray(bool, [2], [true, false])", NdArray.of(new boolean[] {true, false}).toString());
    assertEquals("NdArray(float32, [1], [0.1])", NdArray.of(new float[] {0.1f}).toString());
    assertEquals("NdArray(float64, [0], [])", NdArray.of(new double[0]).toString());
    assertEquals("NdArray(int64, [100], [0, 1, 2, ..., 97, 98, 99])",
        NdArray.of(LongStream.range(0, 100).toArray()).toString());
    assertEquals("NdArray(int32, [10, 4], [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], ..., [28, 29, 30, 31], "
        + "[32, 33, 34, 35], [36, 37, 38, 39]])", NdArray.of(IntStream.range(0, 40).toArray(), 10, 4).toString());
    assertEquals("NdArray(uint64, [1], [18446744073709551615])",
        NdArray.of(new long[] {-1}).cast(Dtype.UINT64).toString());
    assertEquals("NdArray(complex64, [2], [1.0+0.0i, -2.0+0.0i])",
        NdArray.of(new float[] {1, -2}).cast(Dtype.COMPLEX64).toString());
    assertEquals("NdArray(float4_e2m1fn, [2], [1.0, -2.0])",
        NdArray.of(new float[] {1, -2}).cast(Dtype.FLOAT4_E2M1FN).toString());
    assertEquals("NdArray(q8_0, [32], ...)", NdArray.zeros(Dtype.Q8_0, 32).toString());
  }

  @Test
  void elementsAreSet() {
    NdArray ints = NdArray.of(new int[] {1, 2}, 1, 2);
    ints.setLong(-7, 0, -1);
    assertEquals(-7, ints.getLong(0, 1));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> ints.setLong(1L << 40, 0, 0)));
    assertEquals(Status.TYPE, statusOf(() -> ints.setDouble(1.5, 0, 0)));
    assertThrows(IndexOutOfBoundsException.class, () -> ints.setLong(1, 1, 0));
    NdArray floats = NdArray.of(new float[1]);
    floats.setDouble(0.1, 0);
    assertEquals(0.1f, floats.toFloatArray()[0]);
    NdArray flags = NdArray.of(new boolean[1]);
    flags.setBoolean(true, 0);
    assertTrue(flags.getBoolean(0));
    try (NdArray view = flags.slice()) {
      assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> view.setBoolean(false, 0)));
    }
  }

  @Test
  void shapesChange() {
    NdArray array = NdArray.of(IntStream.range(0, 6).toArray());
    assertArrayEquals(new int[][] {{0, 1, 2}, {3, 4, 5}}, array.reshape(2, -1).toIntMatrix());
    assertEquals(0, NdArray.of(new int[] {1}).reshape().ndim());
    InvalidArgumentException e = assertThrows(InvalidArgumentException.class, () -> array.reshape(4, 2));
    assertTrue(e.getMessage().contains("[4, 2]"), e.getMessage());
  }

  @Test
  void elementsAreCopiedToBuffers() {
    try (NdArray array = NdArray.of(new int[][] {{1, 2}, {3, 4}}); NdArray turned = array.transpose()) {
      for (ByteBuffer to : List.of(ByteBuffer.allocate(16), ByteBuffer.allocateDirect(16))) {
        to.order(ByteOrder.nativeOrder());
        turned.copyTo(to);
        assertFalse(to.hasRemaining());
        assertEquals(3, to.getInt(4));
      }
      ByteBuffer halves = ByteBuffer.allocate(32).order(ByteOrder.nativeOrder());
      turned.copyTo(halves, Dtype.FLOAT64);
      assertEquals(3.0, halves.getDouble(8));
      assertEquals("shape [2, 2] of int32 needs 4 elements in 16 bytes, got 15 bytes",
          messageOf(() -> turned.copyTo(ByteBuffer.allocate(15))));
      ByteBuffer readOnly = ByteBuffer.allocate(16).asReadOnlyBuffer();
      assertEquals("the buffer is read-only", messageOf(() -> turned.copyTo(readOnly)));
      // Rows of 2 bytes, with a padding of 2.
      ByteBuffer rows = ByteBuffer.allocateDirect(6);
      array.copyTo(rows, Dtype.INT8, 4, 1);
      assertEquals(ByteBuffer.wrap(new byte[] {1, 2, 0, 0, 3, 4}), rows);
      assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.copyTo(rows, Dtype.INT8, 5, 1)));
      assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.copyTo(rows, Dtype.INT8, -4, 1)));
      assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.copyTo(rows, Dtype.INT8, 4)));
    }
  }

  @Test
  void dtypesHaveKinds() {
    assertTrue(Dtype.UINT8.isInteger() && Dtype.UINT8.isUnsigned());
    assertTrue(Dtype.INT8.isInteger() && !Dtype.INT8.isUnsigned());
    assertTrue(Dtype.BFLOAT16.isFloat() && Dtype.COMPLEX64.isComplex() && Dtype.Q4_0.isBlock());
    assertFalse(Dtype.BOOL.isInteger() || Dtype.UNSUPPORTED.isBlock() || Dtype.FLOAT32.isComplex());
    assertTrue(Dtype.Q8_0.canEncode() && Dtype.FLOAT16.canEncode());
    assertFalse(Dtype.UNSUPPORTED.canEncode());
  }
}
