package org.tensorfile.nio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorfile.ArrayFile;
import org.tensorfile.CancelledException;
import org.tensorfile.Metadata;
import org.tensorfile.NdArray;
import org.tensorfile.Options;
import org.tensorfile.Slice;
import org.tensorfile.TensorfileException;

/** Tests files in a folder and in a zip. */
class PathFileTest {
  private static final Options DEFAULTS = Options.defaults();
  private static final String INDEX = "w.safetensors.index.json";
  private static final Map<String, NdArray> ARRAYS =
      Map.of("a", NdArray.of(range(1, 1000)), "b", NdArray.of(range(2000, 500)));

  @TempDir Path temporary;

  /** A test, with a folder that is in the default file system or in a zip. */
  private interface Body {
    void run(Path folder) throws IOException;
  }

  private void in(String kind, Body body) throws IOException {
    if (kind.equals("folder")) {
      body.run(temporary);
      return;
    }
    Path path = temporary.resolve("models.zip");
    try (FileSystem zip = FileSystems.newFileSystem(path, Map.of("create", "true"))) {
      body.run(zip.getPath("/"));
    }
  }

  private static int[] range(int first, int size) {
    return IntStream.range(first, first + size).toArray();
  }

  /** Returns a file with an array of 32-bit integers, as the specification of .safetensors describes it. */
  private static byte[] safetensors(String name, int... elements) {
    byte[] header = "{\"%s\":{\"dtype\":\"I32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
        .formatted(name, elements.length, 4 * elements.length).getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + 4 * elements.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    Arrays.stream(elements).forEach(bytes::putInt);
    return bytes.array();
  }

  private static List<String> filesOf(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(path -> path.getFileName().toString()).filter(name -> !name.endsWith(".zip")).sorted().toList();
    }
  }

  private static int[] ints(PathFile file, String name, Slice... slices) throws IOException {
    try (NdArray array = file.file().entry(name).readSlice(slices)) {
      return array.toIntArray();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"folder", "zip"})
  void listsAndReads(String kind) throws IOException {
    in(kind, folder -> {
      Files.write(folder.resolve("m.safetensors"), safetensors("a", range(5, 100_000)));
      try (PathFile opened = PathFile.open(folder.resolve("m.safetensors"), DEFAULTS)) {
        ArrayFile file = opened.file();
        assertEquals(List.of("a"), file.names());
        assertArrayEquals(new long[] {100_000}, file.entry("a").shape());
        assertArrayEquals(range(5, 100_000), file.entry("a").read().toIntArray());
        assertArrayEquals(range(75, 10), ints(opened, "a", Slice.of(70, 80)));
      }
    });
  }

  @ParameterizedTest
  @ValueSource(strings = {"folder", "zip"})
  void findsTheOtherFilesOfASet(String kind) throws IOException {
    in(kind, folder -> {
      Files.write(folder.resolve("w-00001-of-00002.safetensors"), safetensors("a", 1, 2));
      Files.write(folder.resolve("w-00002-of-00002.safetensors"), safetensors("b", 3, 4, 5));
      Files.writeString(folder.resolve(INDEX), "{\"metadata\": {}, \"weight_map\":"
          + "{\"a\": \"w-00001-of-00002.safetensors\", \"b\": \"w-00002-of-00002.safetensors\"}}");
      try (PathFile opened = PathFile.open(folder.resolve(INDEX), DEFAULTS)) {
        assertEquals(List.of("a", "b"), opened.file().names());
        assertArrayEquals(new int[] {1, 2}, ints(opened, "a"));
        assertArrayEquals(new int[] {4, 5}, ints(opened, "b", Slice.from(1)));
      }
      Files.delete(folder.resolve("w-00002-of-00002.safetensors"));
      IOException e = assertThrows(NoSuchFileException.class, () -> PathFile.open(folder.resolve(INDEX), DEFAULTS));
      assertTrue(e.getMessage().contains("w-00002-of-00002.safetensors"), e.getMessage());
    });
  }

  @ParameterizedTest
  @ValueSource(strings = {"folder", "zip"})
  void reportsWhatIsWrong(String kind) throws IOException {
    in(kind, folder -> {
      assertThrows(NoSuchFileException.class, () -> PathFile.open(folder.resolve("none.npz"), DEFAULTS));
      Path bad = folder.resolve("bad.safetensors");
      Files.write(bad, Arrays.copyOf(safetensors("a", 1, 2), 60));
      IOException e = assertThrows(TensorfileException.class, () -> PathFile.open(bad, DEFAULTS));
      assertTrue(e.getMessage().startsWith(bad + ": "), e.getMessage());
    });
  }

  @ParameterizedTest
  @ValueSource(strings = {"folder", "zip"})
  void saves(String kind) throws IOException {
    in(kind, folder -> {
      Path path = folder.resolve("w.safetensors");
      Files.write(path, new byte[10]); // is replaced
      PathFile.save(path, ARRAYS, new Metadata().set("author", "tester"), DEFAULTS);
      assertEquals(List.of("w.safetensors"), filesOf(folder));
    });
    in(kind, folder -> {
      // As the specification describes it: the length of the header, the header, which says where the data are.
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(folder.resolve("w.safetensors")));
      int length = (int) bytes.order(ByteOrder.LITTLE_ENDIAN).getLong();
      String header = new String(bytes.array(), 8, length, StandardCharsets.UTF_8);
      String b = ".*\"b\":\\{\"dtype\":\"I32\",\"shape\":\\[500\\],\"data_offsets\":\\[(\\d+),\\d+\\]\\}.*";
      assertTrue(header.matches(b), header);
      int[] elements = new int[500];
      bytes.position(8 + length + Integer.parseInt(header.replaceAll(b, "$1")));
      bytes.slice().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(elements);
      assertArrayEquals(range(2000, 500), elements);
    });
  }

  @ParameterizedTest
  @ValueSource(strings = {"folder", "zip"})
  void savesSets(String kind) throws IOException {
    in(kind, folder -> {
      Options parts = Options.builder().partBytes(4000).build();
      PathFile.save(folder.resolve("w.safetensors"), ARRAYS, new Metadata(), parts);
      assertEquals(List.of("w-00001-of-00002.safetensors", "w-00002-of-00002.safetensors", INDEX), filesOf(folder));
    });
    in(kind, folder -> {
      try (PathFile opened = PathFile.open(folder.resolve(INDEX), DEFAULTS)) {
        assertArrayEquals(range(1, 1000), ints(opened, "a"));
        assertArrayEquals(range(2000, 500), ints(opened, "b"));
      }
    });
  }

  @ParameterizedTest
  @ValueSource(strings = {"folder", "zip"})
  void aSaveThatFailsChangesNothing(String kind) throws IOException {
    in(kind, folder -> {
      Path path = folder.resolve("w.safetensors");
      Files.writeString(path, "old");
      Map<String, NdArray> large = Map.of("a", NdArray.of(range(1, 1 << 20)), "b", NdArray.of(range(2, 1 << 20)));
      for (long part : new long[] {0, 4 << 20}) {
        // Some of it has been written then.
        Options stop = Options.builder().partBytes(part).progress((done, total) -> done <= 5 << 20).build();
        assertThrows(CancelledException.class, () -> PathFile.save(path, large, new Metadata(), stop));
        assertEquals(List.of("w.safetensors"), filesOf(folder));
        assertEquals("old", Files.readString(path));
      }
    });
  }
}
