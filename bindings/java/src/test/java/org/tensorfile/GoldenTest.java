package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** All files of tests/golden: those that must be refused, and those of other libraries, whose arrays must match. */
class GoldenTest {
  private static final Path FOLDER = Path.of(System.getProperty("tensorfile.tests"), "golden");

  /** Dtype, shape and checksum by name. */
  private record Golden(Path path, String open, String load, Map<String, List<String>> arrays) {}

  private interface Reading<T> {
    T run() throws IOException;
  }

  /** Reads verdicts.tsv, whose columns make_verdicts.py documents. */
  private static List<Golden> files() throws IOException {
    List<Golden> files = new ArrayList<>();
    for (String line : Files.readAllLines(FOLDER.resolve("verdicts.tsv"))) {
      String[] parts = line.split("\t");
      if (parts[0].isEmpty()) {
        files.get(files.size() - 1).arrays.put(unquoted(parts[1]), List.of(parts[2], parts[3], parts[4]));
      } else {
        files.add(new Golden(FOLDER.resolve(parts[0]), parts[1], parts[2], new LinkedHashMap<>()));
      }
    }
    assertTrue(files.size() > 150, files.size() + " files");
    return files;
  }

  /** Decodes a JSON string, which escapes only quotes, backslashes and newlines. */
  private static String unquoted(String text) {
    return text.substring(1, text.length() - 1).replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
  }

  private static String crc(ByteBuffer bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    return String.format("%08x", crc.getValue());
  }

  private static String shape(long[] shape) {
    return LongStream.of(shape).mapToObj(Long::toString).collect(Collectors.joining(","));
  }

  private static <T extends AutoCloseable> T expect(String status, Golden golden, Reading<T> reading)
      throws IOException {
    try {
      T read = reading.run();
      assertEquals(status, "ok", golden.path.toString());
      return read;
    } catch (TensorfileException e) {
      assertEquals(status, e.status().toString(), e.toString());
      return null;
    }
  }

  private static void expectArrays(Golden golden, Reading<Loaded> load) throws IOException {
    try (Loaded loaded = expect(golden.load, golden, load)) {
      if (loaded == null) {
        return;
      }
      assertEquals(golden.arrays.keySet(), loaded.arrays().keySet(), golden.path.toString());
      for (Map.Entry<String, List<String>> expected : golden.arrays.entrySet()) {
        try (NdArray array = loaded.get(expected.getKey()); NdArray inOrder = array.contiguous()) {
          List<String> found = List.of(array.dtype().toString(), shape(array.shape()), crc(inOrder.data()));
          assertEquals(expected.getValue(), found, golden.path + ": " + expected.getKey());
        }
      }
    }
  }

  @Test
  void openingAndLoadingHaveTheVerdictsOfC() throws IOException {
    for (Golden golden : files()) {
      try (ArrayFile file = expect(golden.open, golden, () -> ArrayFile.open(golden.path))) {
        assertEquals(golden.open.equals("ok"), file != null);
      }
      expectArrays(golden, () -> {
        try {
          return Tensorfile.load(golden.path);
        } catch (TensorfileException e) {
          assertTrue(e.getMessage().startsWith(golden.path + ": "), e.getMessage());
          throw e;
        }
      });
    }
  }

  @Test
  void locationsSayTheOrderOfBytesAndElements() throws IOException {
    Map<String, List<Boolean>> expected =
        Map.of(
            "np_fortran_be", List.of(true, true),
            "np_float32_be", List.of(true, false),
            "np_float32_fortran_2d", List.of(false, true),
            "np_float32_c", List.of(false, false));
    for (Map.Entry<String, List<Boolean>> golden : expected.entrySet()) {
      try (ArrayFile file = ArrayFile.open(FOLDER.resolve("npy/" + golden.getKey() + ".npy"))) {
        Location location = file.entry("").location();
        assertEquals(golden.getValue(), List.of(location.bigEndian(), location.fortranOrder()), golden.getKey());
      }
    }
  }

  @Test
  void memorySourcesAndMappingGiveTheSame() throws IOException {
    Options map = Options.builder().loadMode(LoadMode.MAP).build();
    for (Golden golden : files()) {
      byte[] bytes = Files.readAllBytes(golden.path);
      Format format = Format.fromPath(golden.path);
      Options named = Options.builder().format(format).build();
      Options mapped = Options.builder().format(format).loadMode(LoadMode.MAP).build();
      expectArrays(golden, () -> Tensorfile.load(bytes, named));
      ByteBuffer direct = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
      expectArrays(golden, () -> Tensorfile.load(direct, named));
      try (FileChannel channel = FileChannel.open(golden.path);
          Source read = Source.of(channel);
          Source memory = Source.of(direct)) {
        expectArrays(golden, () -> Tensorfile.load(read, named));
        expectArrays(golden, () -> Tensorfile.load(memory, named));
        // The checksum of a stored member is not verified if it is mapped, since its data are not read.
        if (!golden.path.endsWith("npz/reject_bad_crc.npz")) {
          expectArrays(golden, () -> Tensorfile.load(golden.path, map));
          expectArrays(golden, () -> Tensorfile.load(memory, mapped));
        }
      }
    }
  }

  @Test
  void arraysReadOneByOneAreTheSame() throws IOException {
    for (Golden golden : files()) {
      if (!golden.open.equals("ok")) {
        continue;
      }
      try (ArrayFile file = ArrayFile.open(golden.path)) {
        for (ArrayFile.Entry entry : file.entries()) {
          List<String> expected = golden.arrays.get(entry.name());
          if (expected == null) {
            expectRefusal(golden, entry);
            continue;
          }
          assertEquals(expected.subList(0, 2), List.of(entry.dtype().toString(), shape(entry.shape())));
          try (NdArray array = entry.read()) {
            assertEquals(expected.get(1), shape(array.shape()));
          }
          ByteBuffer bytes = ByteBuffer.allocateDirect((int) entry.nbytes());
          entry.readInto(bytes);
          assertEquals(expected.get(2), crc(bytes.flip()), golden.path + ": " + entry);
        }
      }
    }
  }

  private static void expectRefusal(Golden golden, ArrayFile.Entry entry) throws IOException {
    assertNotEquals("ok", golden.load, golden.path + ": " + entry + " is unexpected");
    try (NdArray array = entry.read()) {
      assertNotEquals(Dtype.UNSUPPORTED, array.dtype());
    } catch (TensorfileException e) {
      assertNotEquals(Status.INTERNAL, e.status(), e.toString());
    }
  }
}
