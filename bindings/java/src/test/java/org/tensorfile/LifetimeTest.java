package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.ConcurrentModificationException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class LifetimeTest {
  @TempDir Path folder;

  /** Runs the garbage collector until a condition holds, since collections and cleaners are asynchronous. */
  private static void collectUntil(BooleanSupplier done, String what) {
    Instant end = Instant.now().plus(Duration.ofSeconds(60));
    while (!done.getAsBoolean()) {
      assertTrue(Instant.now().isBefore(end), what);
      System.gc();
      Thread.yield();
    }
  }

  /** Returns the resident memory of the process in bytes, or 0 if the system has no such file. */
  private static long resident() throws IOException {
    Path statm = Path.of("/proc/self/statm");
    return Files.exists(statm) ? Long.parseLong(Files.readString(statm).split(" ")[1]) * 4096 : 0;
  }

  @Test
  void memoryIsFlatWhenThousandsOfArraysAreDropped() throws Exception {
    int nbytes = 1 << 18;
    byte[] values = new byte[nbytes];
    Runnable some = () -> {
      for (int i = 0; i < 1000; i++) {
        NdArray array = NdArray.of(values);
        NdArray part = array.slice(Slice.from(10));
        part.contiguous().data(100, 100).slice();
        array.cast(Dtype.INT16).mutableData();
        array.makeMutable().mutableData().put(0, (byte) 1);
      }
    };
    some.run();
    long used = NativeMemory.used();
    long before = resident();
    for (int i = 0; i < 10; i++) {
      some.run();
    }
    long grown = resident() - before;
    // The 10,000 arrays, casts and copies took 10 GiB in total, so collections must have been requested.
    assertTrue(grown < 600 << 20, grown + " bytes");
    collectUntil(() -> NativeMemory.used() <= used, "everything is released in the end");
  }

  @Test
  void closingReleasesAtOnce() {
    NdArray array = NdArray.zeros(Dtype.INT8, 1 << 20);
    // Objects of other tests may be released at the same time, but none are created.
    long used = NativeMemory.used();
    array.close();
    assertTrue(NativeMemory.used() <= used - (1 << 20));
  }

  @Test
  void viewsOfBuffersKeepTheMemory() throws Exception {
    int count = 1 << 18;
    List<FloatBuffer> views = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      float[] values = new float[count];
      values[count - 1] = i;
      NdArray array = NdArray.of(values);
      FloatBuffer view = array.data().slice().order(ByteOrder.nativeOrder()).asFloatBuffer().slice().duplicate();
      if (i % 2 == 0) {
        array.close();
      }
      if (i % 30 == 0) {
        views.add(view);
        System.gc();
      }
    }
    Bytes bytes = Tensorfile.toBytes(NdArray.of(new float[] {42}));
    ByteBuffer file = bytes.data().slice();
    WeakReference<Bytes> released = new WeakReference<>(bytes);
    bytes = null;
    collectUntil(() -> released.get() == null, "collected");
    for (int i = 0; i < views.size(); i++) {
      assertEquals(30 * i, views.get(i).get(count - 1));
    }
    assertEquals(42, file.order(ByteOrder.LITTLE_ENDIAN).getFloat(file.limit() - 4));
  }

  @Test
  void theLibraryKeepsWrappedBuffers() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).putLong(0, 77);
    WeakReference<ByteBuffer> released = new WeakReference<>(buffer);
    NdArray array = NdArray.wrap(Dtype.INT64, buffer, 1);
    NdArray view = array.transpose();
    array.close();
    buffer = null;
    WeakReference<Object> other = new WeakReference<>(new Object());
    collectUntil(() -> other.get() == null, "the collector runs");
    assertEquals(77, view.getLong(0));
    view.close();
    collectUntil(() -> released.get() == null, "the buffer is released with the last array");
  }

  @Test
  void whatIsClosedThrows() throws IOException {
    Path path = folder.resolve("x.npz");
    Tensorfile.saveNpz(path, Map.of("x", NdArray.scalar(1)));
    NdArray array = NdArray.zeros(Dtype.FLOAT32, 2);
    ArrayFile file = ArrayFile.open(path);
    ArrayFile.Entry entry = file.entry("x");
    Source source = Source.of(path);
    Bytes bytes = Tensorfile.toBytes(array);
    Options options = Options.builder().build();
    for (AutoCloseable each : List.of(array, file, source, bytes, options)) {
      assertEquals("", closeTwice(each));
    }
    List<Executable> uses = List.of(array::dtype, array::ndim, array::shape, () -> array.shape(0), array::strides,
        array::size, array::nbytes, array::isContiguous, array::data, () -> array.data(0, 1), array::mutableData,
        array::makeMutable, () -> array.getLong(0), () -> array.getDouble(0), array::toFloatArray, array::contiguous,
        array::transpose, array::slice, () -> array.cast(Dtype.INT8), () -> array.equals(NdArray.scalar(1)),
        () -> Tensorfile.save(path, array), () -> Tensorfile.saveNpz(path, List.of(NdArray.scalar(1), array)),
        () -> Tensorfile.saveNpz(path, Map.of("a", array)), () -> MetadataValue.of(array), array::asFloatBuffer,
        array::toRawBytes, array::castToIntArray, () -> array.castToDouble(0), array::toFloatMatrix,
        file::format, file::entries, () -> file.find("x"), file::metadata, entry::read, entry::location,
        () -> entry.readInto(ByteBuffer.allocateDirect(4)), entry::readSlice,
        () -> Tensorfile.load(source), () -> ArrayFile.open(source),
        bytes::size, bytes::data, () -> options.get(Option.THREADS), () -> Tensorfile.load(path, options));
    for (int i = 0; i < uses.size(); i++) {
      String which = "use " + i;
      assertThrows(IllegalStateException.class, uses.get(i), which);
    }
    assertEquals("NdArray(closed)", array.toString());
  }

  private static String closeTwice(AutoCloseable closeable) {
    try {
      closeable.close();
      closeable.close();
      return "";
    } catch (Exception e) {
      return e.toString();
    }
  }

  /** Runs tasks until one has finished its rounds. Exceptions caused by closing or changing are expected. */
  private static void inThreads(List<Callable<Void>> tasks) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(tasks.size());
    try {
      for (Future<Void> result : threads.invokeAll(tasks)) {
        result.get();
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void closingWhileOthersUseItHarmsNobody() throws Exception {
    Path path = folder.resolve("many.safetensors");
    Map<String, NdArray> arrays = new LinkedHashMap<>();
    for (int i = 0; i < 20; i++) {
      arrays.put("a" + i, NdArray.zeros(Dtype.FLOAT32, 10_000));
    }
    Tensorfile.saveSafetensors(path, arrays);
    for (int round = 0; round < 100; round++) {
      NdArray array = NdArray.of(new float[100_000]);
      ArrayFile file = ArrayFile.open(path);
      Callable<Void> use = () -> {
        try {
          for (;;) {
            array.cast(Dtype.FLOAT64).close();
            array.data().get(0);
            array.makeMutable();
            file.entry("a7").read().close();
            Tensorfile.toBytes(array).close();
          }
        } catch (IllegalStateException e) {
          return null;
        }
      };
      Callable<Void> close = () -> {
        array.makeMutable();
        array.close();
        file.close();
        return null;
      };
      inThreads(List.of(use, use, close));
    }
  }

  @Test
  void threadsMaySaveTheSameArrays() throws Exception {
    Map<String, NdArray> arrays = new ConcurrentHashMap<>();
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < 4; thread++) {
      int number = thread;
      tasks.add(() -> {
        for (int i = 0; i < 500; i++) {
          arrays.put("k" + (i + number) % 20, NdArray.scalar(i));
          arrays.remove("k" + (i + 7 * number) % 20);
          try (Bytes bytes = Tensorfile.toBytes(Format.NPZ, arrays); Loaded loaded = Tensorfile.load(bytes.data())) {
            loaded.arrays().values().forEach(array -> assertEquals(0, array.ndim()));
          }
        }
        return null;
      });
    }
    inThreads(tasks);
  }

  @Test
  void aLoopThatPutsWhileItIteratesFails() throws IOException {
    try (Bytes bytes = Tensorfile.toBytes(Format.NPZ, Map.of("a", NdArray.scalar(1), "b", NdArray.scalar(2)));
        Loaded loaded = Tensorfile.load(bytes.data())) {
      assertThrows(ConcurrentModificationException.class, () -> {
        for (String name : loaded.arrays().keySet()) {
          loaded.arrays().put(name + "!", loaded.get(name));
        }
      });
    }
  }

  @Test
  void closingWhatWasLoadedClosesItsArrays() throws IOException {
    try (Bytes bytes = Tensorfile.toBytes(Format.NPZ, Map.of("a", NdArray.scalar(1), "b", NdArray.scalar(2)))) {
      Loaded loaded = Tensorfile.load(bytes.data());
      NdArray a = loaded.get("a");
      NdArray b = loaded.arrays().remove("b");
      NdArray view = a.slice();
      loaded.close();
      assertThrows(IllegalStateException.class, () -> a.getLong());
      assertEquals(1, view.getLong());
      assertEquals(2, b.getLong());
    }
  }

  @Test
  void arraysAboveTwoGibibytesHaveWindows() throws IOException {
    long size = (3L << 30) + 5;
    Path path = folder.resolve("large.npy");
    String header = "{'descr': '|u1', 'fortran_order': False, 'shape': (" + size + ",), }";
    ByteBuffer start = ByteBuffer.allocate(128).order(ByteOrder.LITTLE_ENDIAN).put((byte) 0x93)
        .put("NUMPY\1\0".getBytes(StandardCharsets.ISO_8859_1)).putShort((short) 118)
        .put(header.getBytes(StandardCharsets.US_ASCII));
    while (start.remaining() > 1) {
      start.put((byte) ' ');
    }
    start.put((byte) '\n').flip();
    // A sparse file, which takes no disk space.
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE,
        StandardOpenOption.SPARSE)) {
      channel.write(start);
      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}), 128 + (3L << 30));
    }
    Options map = Options.builder().loadMode(LoadMode.MAP).build();
    try (NdArray array = Tensorfile.loadArray(path, map)) {
      assertEquals(size, array.nbytes());
      IllegalStateException e = assertThrows(IllegalStateException.class, array::data);
      assertTrue(e.getMessage().contains("more than a buffer can hold"), e.getMessage());
      assertThrows(IllegalStateException.class, array::mutableData);
      assertThrows(IllegalStateException.class, array::toRawBytes);
      ByteBuffer window = array.data(size - Integer.MAX_VALUE, Integer.MAX_VALUE);
      assertEquals(5, window.get(Integer.MAX_VALUE - 1));
      assertEquals(0, window.get(0));
      array.mutableData(size - 1, 1).put((byte) 50);
      assertEquals(50, window.get(Integer.MAX_VALUE - 1));
      assertEquals(50, array.getLong(-1));
      assertEquals(4, array.slice(Slice.from(size - 2)).getLong(0));
      assertThrows(IndexOutOfBoundsException.class, () -> array.data(size - 1, 2));
    }
  }
}
