package org.tensorfile.hadoop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathIOException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorfile.ArrayFile;
import org.tensorfile.CancelledException;
import org.tensorfile.Metadata;
import org.tensorfile.NdArray;
import org.tensorfile.Options;
import org.tensorfile.ReadPlan;
import org.tensorfile.Slice;
import org.tensorfile.TensorfileException;

/**
 * Tests local files with checksums, and stores that count the requests and show a file when it is closed, with and without
 * ETags.
 */
class HadoopFileTest {
  private static final Options DEFAULTS = Options.defaults();
  private static final String INDEX = "w.safetensors.index.json";
  private static final Map<String, NdArray> ARRAYS =
      Map.of("a", NdArray.of(range(1, 1000)), "b", NdArray.of(range(2000, 500)));

  @TempDir java.nio.file.Path temporary;
  private Configuration configuration;

  @BeforeEach
  void configure() {
    configuration = new Configuration();
    configuration.setClass("fs.counting.impl", CountingStore.class, FileSystem.class);
    configuration.set("fs.AbstractFileSystem.counting.impl", CountingStore.Context.class.getName());
    configuration.setClass("fs.tagged.impl", TaggedStore.class, FileSystem.class);
    forgetRequests();
  }

  private static void forgetRequests() {
    CountingStore.reads.set(0);
    CountingStore.statuses.set(0);
  }

  private Path folder(String scheme) {
    return new Path(scheme + "://" + temporary);
  }

  private static int[] range(int first, int size) {
    return IntStream.range(first, first + size).toArray();
  }

  private static String entry(String name, int start, int count) {
    return "\"%s\":{\"dtype\":\"I32\",\"shape\":[%d],\"data_offsets\":[%d,%d]}"
        .formatted(name, count, start, start + 4 * count);
  }

  /** Returns a file with two arrays of 32-bit integers, as the specification of .safetensors describes it. */
  private static byte[] safetensors(String first, int[] a, String second, int[] b) {
    byte[] header = ("{" + entry(first, 0, a.length) + "," + entry(second, 4 * a.length, b.length) + "}")
        .getBytes(StandardCharsets.UTF_8);
    int data = 4 * (a.length + b.length);
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + data).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    IntStream.concat(Arrays.stream(a), Arrays.stream(b)).forEach(bytes::putInt);
    return bytes.array();
  }

  private void write(Path path, byte[] bytes) throws IOException {
    try (FSDataOutputStream out = path.getFileSystem(configuration).create(path)) {
      out.write(bytes);
    }
  }

  private byte[] readAll(Path path) throws IOException {
    FileSystem files = path.getFileSystem(configuration);
    byte[] bytes = new byte[(int) files.getFileStatus(path).getLen()];
    try (var in = files.open(path)) {
      in.readFully(bytes);
    }
    return bytes;
  }

  private List<String> filesOf(Path folder) throws IOException {
    FileStatus[] files = folder.getFileSystem(configuration).listStatus(folder);
    return Arrays.stream(files).map(file -> file.getPath().getName()).sorted().toList();
  }

  private static int[] ints(HadoopFile file, String name, Slice... slices) throws IOException {
    try (NdArray array = file.file().entry(name).readSlice(slices)) {
      return array.toIntArray();
    }
  }

  /** Expects reads and requests for a status since the last call. Without ETags, the status follows each read. */
  private static void expectRequests(int reads, int statuses) {
    assertEquals(reads, CountingStore.reads.get());
    assertEquals(statuses, CountingStore.statuses.get());
    forgetRequests();
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "counting"})
  void listsAndReads(String scheme) throws IOException {
    Path path = new Path(folder(scheme), "m.safetensors");
    write(path, safetensors("a", range(5, 100_000), "b", range(-7, 1000)));
    try (HadoopFile opened = HadoopFile.open(path, configuration, DEFAULTS)) {
      ArrayFile file = opened.file();
      assertEquals(List.of("a", "b"), file.names());
      assertArrayEquals(new long[] {100_000}, file.entry("a").shape());
      assertArrayEquals(range(5, 100_000), file.entry("a").read().toIntArray());
      assertArrayEquals(range(75, 10), ints(opened, "a", Slice.of(70, 80)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"counting", "tagged"})
  void readsFewTimes(String scheme) throws IOException {
    int comparison = scheme.equals("tagged") ? 0 : 1;
    Path path = new Path(folder(scheme), "m.safetensors");
    write(path, safetensors("a", range(5, 100_000), "b", range(-7, 1000)));
    forgetRequests();
    try (HadoopFile opened = HadoopFile.open(path, configuration, DEFAULTS)) {
      expectRequests(1, 1 + comparison); // a header of up to 1 MiB, and the size
      assertArrayEquals(range(5, 100_000), ints(opened, "a"));
      expectRequests(1, comparison);
      ByteBuffer a = ByteBuffer.allocateDirect(400_000);
      ByteBuffer b = ByteBuffer.allocateDirect(4000);
      try (ReadPlan plan = opened.file().plan()) {
        plan.add(opened.file().entry("a"), a).add(opened.file().entry("b"), b).run();
      }
      expectRequests(1, comparison); // neighbours
      assertEquals(5 + 99_999, a.order(ByteOrder.nativeOrder()).getInt(399_996));
      assertEquals(-7, b.order(ByteOrder.nativeOrder()).getInt(0));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "counting", "tagged"})
  void findsTheOtherFilesOfASet(String scheme) throws IOException {
    Path folder = folder(scheme);
    write(new Path(folder, "w-00001-of-00002.safetensors"), safetensors("a", new int[] {1, 2}, "b", new int[] {3}));
    write(new Path(folder, "w-00002-of-00002.safetensors"), safetensors("c", new int[] {4, 5, 6}, "d", new int[0]));
    Path index = new Path(folder, INDEX);
    write(index, ("{\"metadata\": {}, \"weight_map\": {"
        + "\"a\": \"w-00001-of-00002.safetensors\", \"b\": \"w-00001-of-00002.safetensors\","
        + "\"c\": \"w-00002-of-00002.safetensors\", \"d\": \"w-00002-of-00002.safetensors\"}}")
            .getBytes(StandardCharsets.UTF_8));
    forgetRequests();
    try (HadoopFile opened = HadoopFile.open(index, configuration, DEFAULTS)) {
      int files = scheme.equals("file") ? 0 : 3; // the index, and the header of each part
      expectRequests(files, scheme.equals("tagged") ? files : 2 * files);
      assertEquals(List.of("a", "b", "c", "d"), opened.file().names());
      assertArrayEquals(new int[] {1, 2}, ints(opened, "a"));
      assertArrayEquals(new int[] {5, 6}, ints(opened, "c", Slice.from(1)));
    }
    assertTrue(folder.getFileSystem(configuration).delete(new Path(folder, "w-00002-of-00002.safetensors"), false));
    IOException e = assertThrows(NoSuchFileException.class, () -> HadoopFile.open(index, configuration, DEFAULTS));
    assertTrue(e.getMessage().contains("w-00002-of-00002.safetensors"), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "counting"})
  void reportsWhatIsWrong(String scheme) throws IOException {
    Path folder = folder(scheme);
    Path none = new Path(folder, "none.npz");
    assertThrows(FileNotFoundException.class, () -> HadoopFile.open(none, configuration, DEFAULTS));
    Path bad = new Path(folder, "bad.safetensors");
    write(bad, Arrays.copyOf(safetensors("a", range(0, 10), "b", range(0, 10)), 60));
    IOException e = assertThrows(TensorfileException.class, () -> HadoopFile.open(bad, configuration, DEFAULTS));
    assertTrue(e.getMessage().startsWith(bad + ": "), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "counting"})
  void noticesThatAFileChanges(String scheme) throws IOException {
    Path path = new Path(folder(scheme), "m.safetensors");
    for (int size : new int[] {1000, 2000}) { // the same size, and another one
      write(path, safetensors("a", range(0, 1000), "b", range(0, 1000)));
      try (HadoopFile opened = HadoopFile.open(path, configuration, DEFAULTS)) {
        long before = path.getFileSystem(configuration).getFileStatus(path).getModificationTime();
        write(path, safetensors("a", range(1, size), "b", range(0, 1000)));
        path.getFileSystem(configuration).setTimes(path, before + 1000, -1);
        IOException e = assertThrows(IOException.class, () -> opened.file().entry("a").read());
        assertEquals(path + ": the file changed while it was read", e.getMessage());
      }
    }
  }

  /** A change that leaves the length and the time is one only for an ETag. */
  @Test
  void letsTheStreamsCompareETags() throws IOException {
    Path path = new Path(folder("tagged"), "m.safetensors");
    write(path, safetensors("a", range(0, 1000), "b", range(0, 1000)));
    FileSystem files = path.getFileSystem(configuration);
    long time = files.getFileStatus(path).getModificationTime();
    try (HadoopFile opened = HadoopFile.open(path, configuration, DEFAULTS)) {
      assertArrayEquals(range(0, 1000), ints(opened, "a"));
      write(path, safetensors("a", range(1, 1000), "b", range(0, 1000)));
      files.setTimes(path, time, -1);
      IOException e = assertThrows(PathIOException.class, () -> opened.file().entry("a").read());
      assertTrue(e.getMessage().contains(path + "': " + TaggedStore.CHANGED), e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "counting"})
  void saves(String scheme) throws IOException {
    Path path = new Path(folder(scheme), "new/w.safetensors");
    for (int i = 0; i < 2; i++) { // the second file replaces the first
      HadoopFile.save(path, configuration, ARRAYS, new Metadata().set("author", "tester"), DEFAULTS);
    }
    assertEquals(List.of("w.safetensors"), filesOf(path.getParent()));
    // As the specification describes it: the length of the header, the header, which says where the data are.
    ByteBuffer bytes = ByteBuffer.wrap(readAll(path));
    int length = (int) bytes.order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(bytes.array(), 8, length, StandardCharsets.UTF_8);
    String b = ".*\"b\":\\{\"dtype\":\"I32\",\"shape\":\\[500\\],\"data_offsets\":\\[(\\d+),\\d+\\]\\}.*";
    assertTrue(header.matches(b), header);
    int[] elements = new int[500];
    bytes.position(8 + length + Integer.parseInt(header.replaceAll(b, "$1")));
    bytes.slice().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(elements);
    assertArrayEquals(range(2000, 500), elements);
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "counting"})
  void savesSets(String scheme) throws IOException {
    Path folder = folder(scheme);
    Options parts = Options.builder().partBytes(4000).build();
    HadoopFile.save(new Path(folder, "w.safetensors"), configuration, ARRAYS, new Metadata(), parts);
    assertEquals(List.of("w-00001-of-00002.safetensors", "w-00002-of-00002.safetensors", INDEX), filesOf(folder));
    try (HadoopFile opened = HadoopFile.open(new Path(folder, INDEX), configuration, DEFAULTS)) {
      assertArrayEquals(range(1, 1000), ints(opened, "a"));
      assertArrayEquals(range(2000, 500), ints(opened, "b"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "counting"})
  void aSaveThatFailsChangesNothing(String scheme) throws IOException {
    Path path = new Path(folder(scheme), "w.safetensors");
    write(path, new byte[] {1, 2, 3});
    Map<String, NdArray> large = Map.of("a", NdArray.of(range(1, 1 << 20)), "b", NdArray.of(range(2, 1 << 20)));
    for (long part : new long[] {0, 4 << 20}) {
      // Some of it has been written then.
      Options stop = Options.builder().partBytes(part).progress((done, total) -> done <= 5 << 20).build();
      assertThrows(CancelledException.class,
          () -> HadoopFile.save(path, configuration, large, new Metadata(), stop));
      assertEquals(List.of("w.safetensors"), filesOf(path.getParent()));
      assertArrayEquals(new byte[] {1, 2, 3}, readAll(path));
    }
  }
}
