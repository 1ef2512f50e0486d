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
import java.nio.FloatBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ArrayTest {
  static Status statusOf(Runnable call) {
    return assertThrows(InvalidArgumentException.class, call::run).status();
  }

  @Test
  void javasArraysGoInAndOut() {
    assertArrayEquals(new float[] {1.5f, -2}, Array.of(new float[] {1.5f, -2}).toFloatArray());
    assertArrayEquals(new double[] {1.5, -2}, Array.of(new double[] {1.5, -2}, 2, 1).toDoubleArray());
    assertArrayEquals(new long[] {1, -2}, Array.of(new long[] {1, -2}).toLongArray());
    assertArrayEquals(new int[] {1, -2}, Array.of(new int[] {1, -2}).toIntArray());
    assertArrayEquals(new int[] {1, -2}, Array.of(new short[] {1, -2}).toIntArray());
    assertArrayEquals(new int[] {1, -2}, Array.of(new byte[] {1, -2}).toIntArray());
    assertArrayEquals(new int[] {1, 0}, Array.of(new boolean[] {true, false}).toIntArray());
    assertEquals(Dtype.BOOL, Array.of(new boolean[] {true}).dtype());
    assertEquals(Dtype.INT8, Array.of(new byte[1]).dtype());
    assertEquals(Dtype.INT16, Array.of(new short[1]).dtype());
    Array array = Array.of(new float[6], 2, 3);
    assertArrayEquals(new long[] {2, 3}, array.shape());
    assertArrayEquals(new long[] {12, 4}, array.strides());
    assertEquals(3, array.shape(1));
    assertEquals(2, array.ndim());
    assertEquals(6, array.size());
    assertEquals(24, array.nbytes());
    assertEquals("Array(float32, [2, 3])", array.toString());
    assertTrue(array.isContiguous());
    assertThrows(IndexOutOfBoundsException.class, () -> array.shape(2));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.of(new float[6], 2, 2)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.zeros(Dtype.INT8, -1)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.zeros(Dtype.INT8, Long.MAX_VALUE, 2)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.zeros(Dtype.INT8, new long[65])));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.zeros(Dtype.UNSUPPORTED, 1)));
  }

  @Test
  void scalarsHaveTheDtypeOfTheirClass() {
    assertEquals(Dtype.BOOL, Array.scalar(true).dtype());
    assertEquals(1, Array.scalar(true).getLong());
    assertEquals(Dtype.INT8, Array.scalar((byte) -3).dtype());
    assertEquals(Dtype.INT16, Array.scalar((short) -3).dtype());
    assertEquals(Dtype.INT32, Array.scalar(-3).dtype());
    assertEquals(-3, Array.scalar(-3L).getLong());
    assertEquals(1.5, Array.scalar(1.5f).getDouble());
    assertEquals(0, Array.scalar(0.1).ndim());
    assertEquals(0.1, Array.scalar(0.1).getDouble());
    assertThrows(InvalidArgumentException.class, () -> Array.scalar("1"));
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
      try (Array array = Array.copyOf(dtype, ByteBuffer.wrap(bytes), dtype.blockSize())) {
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
    assertArrayEquals(new int[] {2, 3}, Array.copyOf(Dtype.INT32, heap, 2).toIntArray());
    assertArrayEquals(new int[] {2, 3}, Array.copyOf(Dtype.INT32, direct, 2).toIntArray());
    assertEquals(4, direct.position());
    InvalidArgumentException e =
        assertThrows(InvalidArgumentException.class, () -> Array.copyOf(Dtype.INT32, direct, 3));
    assertEquals("shape (3,) of int32 needs 12 bytes, there are 8", e.getMessage());
    assertEquals("shape (3,) of int32 needs 12 bytes, there are 8",
        assertThrows(InvalidArgumentException.class, () -> Array.copyOf(Dtype.INT32, heap, 3)).getMessage());
  }

  @Test
  void buffersShareTheMemoryAndOutliveTheArray() {
    Array array = Array.of(new float[] {1, 2, 3, 4}, 2, 2);
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
    assertEquals(0, Array.zeros(Dtype.FLOAT32, 0).data().remaining());
  }

  @Test
  void sharedMemoryIsWrittenOnlyAfterACopy() {
    Array array = Array.of(new int[] {1, 2, 3, 4}, 2, 2);
    Array turned = array.transpose();
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
    Array own = Array.zeros(Dtype.INT32, 1);
    own.makeMutable().mutableData().putInt(0, 5);
    assertEquals(5, own.getLong(0));
  }

  @Test
  void wrappedMemoryIsTheBuffers() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(48).order(ByteOrder.nativeOrder());
    IntStream.range(0, 12).forEach(buffer::putInt);
    buffer.flip();
    Array array = Array.wrap(Dtype.INT32, buffer, 3, 4);
    buffer.putInt(0, 100);
    assertEquals(100, array.getLong(0, 0));
    array.mutableData().putInt(4, 200);
    assertEquals(200, buffer.getInt(4));
    Array part = Array.wrap(Dtype.INT32, buffer.duplicate().position(40), 2);
    assertArrayEquals(new int[] {10, 11}, part.toIntArray());
    Array readOnly = Array.wrap(Dtype.INT32, buffer.asReadOnlyBuffer(), 12);
    assertEquals("the memory of the array is read-only",
        assertThrows(InvalidArgumentException.class, readOnly::mutableData).getMessage());
    Array strided = Array.wrap(Dtype.INT32, buffer, new long[] {2, 3, 2}, new long[] {4, 16, 0}, 0);
    assertArrayEquals(new int[] {100, 100, 4, 4, 8, 8, 200, 200, 5, 5, 9, 9}, strided.toIntArray());
    Array backwards = Array.wrap(Dtype.INT32, buffer, new long[] {12}, new long[] {-4}, 44);
    assertEquals(11, backwards.getLong(0));
    assertEquals(100, backwards.getLong(-1));
  }

  @Test
  void wrappedMemoryMustHoldTheArray() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(48);
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.wrap(Dtype.INT32, buffer, 13)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.wrap(Dtype.INT32, ByteBuffer.allocate(48), 12)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.wrap(Dtype.INT32, buffer.duplicate().position(1), 1)));
    long[][] strides = {{-4}, {-4, 4}, {Long.MIN_VALUE}, {Long.MIN_VALUE + 8}, {8}};
    for (long[] each : strides) {
      assertEquals(Status.INVALID_ARGUMENT,
          statusOf(() -> Array.wrap(Dtype.INT32, buffer, new long[] {12}, each, 40)), () -> "" + each[0]);
    }
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.wrap(Dtype.INT32, buffer,
        new long[] {Long.MAX_VALUE, 2}, new long[] {-4, -4}, 40)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> Array.wrap(Dtype.Q4_0, buffer,
        new long[] {32}, new long[] {1}, 0)));
    assertThrows(IndexOutOfBoundsException.class,
        () -> Array.wrap(Dtype.INT32, buffer, new long[] {1}, new long[] {4}, 49));
    assertEquals(0, Array.wrap(Dtype.INT32, buffer, new long[] {0}, new long[] {-4}, 0).size());
  }

  @Test
  void slicesArePythons() {
    Array array = Array.of(IntStream.range(0, 12).toArray(), 3, 4);
    Array part = array.slice(Slice.all().by(-2), Slice.of(1, -1));
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
    assertEquals(0, Array.scalar(1).transpose().ndim());
    assertTrue(array.transpose().contiguous().isContiguous());
  }

  @Test
  void castsAndItems() {
    Array array = Array.of(new float[] {1.5f, -2.5f, Float.NaN});
    assertArrayEquals(new int[] {1, -2, 0}, array.cast(Dtype.INT8).toIntArray());
    Array half = array.cast(Dtype.BFLOAT16, Options.builder().threads(1).build());
    assertEquals(0x3fc0, half.data().getShort(0));
    assertEquals(-2.5, half.getDouble(-2));
    assertEquals(7, Array.of(new byte[] {7}).getLong(0));
    assertEquals(Status.TYPE, statusOf(() -> array.getLong(0)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.getDouble(3)));
    assertEquals(Status.INVALID_ARGUMENT, statusOf(() -> array.getDouble(0, 0)));
    assertEquals(Status.TYPE, statusOf(() -> Array.zeros(Dtype.COMPLEX64, 1).cast(Dtype.FLOAT32)));
    assertThrows(UnsupportedException.class, () -> Array.zeros(Dtype.Q4_0, 2, 32).transpose());
  }

  @Test
  void equalArraysHaveEqualBytes() {
    Array a = Array.of(new float[] {1, Float.NaN});
    assertEquals(a, Array.of(new float[] {1, Float.NaN}));
    assertEquals(a.hashCode(), Array.of(new float[] {1, Float.NaN}).hashCode());
    assertNotEquals(a, Array.of(new float[] {1, 2}));
    assertNotEquals(Array.of(new float[] {0f}), Array.of(new float[] {-0f}));
    assertNotEquals(a, Array.of(new double[] {1, Double.NaN}));
    assertNotEquals(a, "a");
    assertNull(Array.zeros(Dtype.Q4_0, 32).strides());
  }
}
