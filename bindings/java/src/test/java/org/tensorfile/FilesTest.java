package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class FilesTest {
  @TempDir Path folder;

  static Status statusOf(Executable call) {
    return assertThrows(TensorfileException.class, call).status();
  }

  private static Dict sample() {
    Dict arrays = new Dict();
    arrays.put("x", Array.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    arrays.put("y", Array.of(new byte[] {-1, 1}).cast(Dtype.FLOAT16));
    return arrays;
  }

  private static byte[] bytesOf(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  @Test
  void theVersionIsTheJars() {
    assertEquals(TensorfileNativeConstants.TENSORFILE_VERSION_STRING, Tensorfile.version());
    assertEquals(100, Tensorfile.versionNumber());
  }

  @Test
  void allFormatsThereAndBack() throws IOException {
    Dict arrays = sample();
    Map<String, String> metadata = Map.of("general.architecture", "test");
    Path one = folder.resolve("wéight😀.npy");
    Tensorfile.save(one, arrays.getArray("x"));
    assertTrue(Files.exists(one));
    assertEquals(arrays.get("x"), Tensorfile.loadArray(one));
    assertEquals(arrays.get("x"), Tensorfile.load(one).get(""));
    Tensorfile.savez(folder.resolve("stored.npz"), arrays);
    Tensorfile.savezCompressed(folder.resolve("deflated"), arrays);
    Tensorfile.saveSafetensors(folder.resolve("a.safetensors"), arrays, metadata);
    Tensorfile.saveGguf(folder.resolve("a.gguf"), arrays, metadata);
    for (String name : List.of("stored.npz", "deflated.npz", "a.safetensors", "a.gguf")) {
      Path path = folder.resolve(name);
      Loaded loaded = Tensorfile.load(path);
      assertEquals(arrays, loaded.arrays(), name);
      Map<String, String> written = name.startsWith("a.") ? metadata : Map.of();
      assertEquals(written, loaded.metadata(), name);
      assertEquals(Status.TYPE, statusOf(() -> Tensorfile.loadArray(path)));
      Format format = Format.fromPath(path);
      assertEquals(name, name.substring(0, name.lastIndexOf('.') + 1) + format);
      byte[] file = Files.readAllBytes(path);
      assertEquals(format, Format.probe(ByteBuffer.wrap(file, 0, 16)));
      try (Bytes bytes = Tensorfile.toBytes(format, arrays, name.startsWith("a.") ? metadata : null, null)) {
        assertEquals(arrays, Tensorfile.load(bytes.data(), Format.AUTO, null).arrays());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Tensorfile.saveTo(Channels.newChannel(out), format, arrays, name.startsWith("a.") ? metadata : null, null);
        assertArrayEquals(bytesOf(bytes.data()), out.toByteArray(), name);
        out.reset();
        bytes.writeTo(Channels.newChannel(out));
        assertArrayEquals(bytesOf(bytes.data(0, (int) bytes.size())), out.toByteArray(), name);
        if (!name.startsWith("deflated")) {
          assertArrayEquals(file, out.toByteArray(), name);
        }
      }
      assertEquals(arrays, Tensorfile.load(ByteBuffer.wrap(file), Format.AUTO, null).arrays());
    }
    Tensorfile.savez(folder.resolve("args.npz"), List.of(arrays.getArray("x"), arrays.getArray("y")), Map.of("z", 1), null);
    Dict args = Tensorfile.load(folder.resolve("args.npz")).arrays();
    assertEquals(List.of("z", "arr_0", "arr_1"), new ArrayList<>(args.keySet()));
    assertEquals(arrays.get("y"), args.get("arr_1"));
    ByteArrayOutputStream npy = new ByteArrayOutputStream();
    Tensorfile.saveTo(Channels.newChannel(npy), arrays.getArray("x"), null);
    assertArrayEquals(Files.readAllBytes(one), npy.toByteArray());
    assertArrayEquals(npy.toByteArray(), bytesOf(Tensorfile.toBytes(arrays.getArray("x"), null).data()));
    assertThrows(InvalidArgumentException.class, () -> Tensorfile.toBytes(Format.AUTO, arrays, null, null));
    assertEquals(Status.TYPE, statusOf(() -> Tensorfile.savez(folder.resolve("t.npz"), Map.of("t", "text"))));
  }

  @Test
  void manyUnnamedArrays() throws IOException {
    List<Array> arrays = IntStream.range(0, 20_000).mapToObj(Array::scalar).toList();
    Tensorfile.savez(folder.resolve("many.npz"), arrays, null, null);
    assertEquals(19_999, Tensorfile.load(folder.resolve("many.npz")).arrays().getLong("arr_19999"));
  }

  @Test
  void failuresTellWhereAndWhat() throws IOException {
    Path missing = folder.resolve("é missing.npz");
    TensorfileException e = assertThrows(TensorfileException.class, () -> Tensorfile.load(missing));
    assertEquals(Status.NOT_FOUND, e.status());
    assertTrue(e.getMessage().startsWith(missing + ": "), e.getMessage());
    assertEquals(OptionalLong.empty(), e.offset());
    assertEquals(Optional.empty(), e.name());
    Bytes bytes = Tensorfile.toBytes(Format.NPZ, Map.of("a", new float[1000], "b", new float[1000]), null, null);
    byte[] corrupt = bytesOf(bytes.data());
    corrupt[1010] ^= 1;
    e = assertThrows(TensorfileException.class, () -> Tensorfile.load(ByteBuffer.wrap(corrupt), Format.NPZ, null));
    assertEquals(Status.CORRUPT, e.status());
    assertTrue(e.name().isPresent() && e.getMessage().contains(e.name().get()), e.getMessage());
    e = assertThrows(TensorfileException.class, () -> Tensorfile.load(bytes.data(0, 500), Format.NPZ, null));
    assertEquals(Status.TRUNCATED, e.status());
    assertTrue(e.offset().isPresent());
    assertEquals(Status.LIMIT,
        statusOf(() -> Tensorfile.load(bytes.data(), Format.NPZ, Options.builder().maxArrays(1).build())));
    assertEquals(Status.LIMIT,
        statusOf(() -> Tensorfile.load(bytes.data(), Format.NPZ, Options.builder().maxBytes(6000).build())));
    assertEquals(Status.IO, statusOf(() -> Tensorfile.load(folder)));
    assertEquals(Status.UNSUPPORTED,
        statusOf(() -> Tensorfile.saveGguf(folder.resolve("c.gguf"), Map.of("c", Array.zeros(Dtype.COMPLEX64, 1)), null)));
    assertFalse(Files.exists(folder.resolve("c.gguf")));
    assertThrows(NativeMemoryError.class, () -> Array.zeros(Dtype.INT8, Long.MAX_VALUE / 2));
  }

  @Test
  void checksReportEveryFault() throws IOException {
    Path path = folder.resolve("a.safetensors");
    Tensorfile.saveSafetensors(path, Map.of("x", Array.of(new byte[] {1, 2})), Map.of());
    assertTrue(Tensorfile.check(path).isValid());
    Files.write(path, new byte[1], StandardOpenOption.APPEND);
    CheckReport found = Tensorfile.check(path);
    assertEquals(1, found.faults().size());
    assertTrue(found.faults().get(0).startsWith("corrupt: "), found.faults().get(0));
    CheckReport lenient = Tensorfile.check(path, Options.builder().lenient(true).build());
    assertEquals(List.of(), lenient.faults());
    assertEquals(1, lenient.excused().size());
    assertThrows(IOException.class, () -> Tensorfile.check(folder.resolve("missing.npy")));
  }

  @Test
  void filesAreReadInParts() throws IOException {
    Path path = folder.resolve("f.safetensors");
    Tensorfile.saveSafetensors(path, Map.of("n", Array.of(IntStream.range(0, 12).toArray(), 3, 4)), Map.of("k", "v"));
    ArrayFile file = ArrayFile.open(path);
    assertEquals(Format.SAFETENSORS, file.format());
    assertEquals(1, file.entries().size());
    assertEquals("n: int32 [3, 4]", file.entries().get(0).toString());
    assertThrows(IndexOutOfBoundsException.class, () -> file.entries().get(1));
    ArrayFile.Entry entry = file.entry("n");
    assertEquals("n", entry.name());
    assertEquals(Dtype.INT32, entry.dtype());
    assertEquals("int32", entry.typeName());
    assertArrayEquals(new long[] {48}, entry.readRaw().shape());
    assertEquals(List.of(), file.others());
    assertEquals(List.of(), file.notes());
    assertArrayEquals(new long[] {3, 4}, entry.shape());
    assertEquals(2, entry.ndim());
    assertEquals(48, entry.nbytes());
    assertEquals(11, entry.read().getLong(2, 3));
    ByteBuffer doubles = ByteBuffer.allocateDirect(96 + 8).order(ByteOrder.nativeOrder()).position(8);
    entry.readInto(doubles, Dtype.FLOAT64);
    assertFalse(doubles.hasRemaining());
    assertEquals(11.0, doubles.getDouble(96));
    ByteBuffer own = ByteBuffer.allocateDirect(48).order(ByteOrder.nativeOrder());
    entry.readInto(own);
    assertEquals(7, own.getInt(28));
    assertThrows(InvalidArgumentException.class, () -> entry.readInto(own));
    assertThrows(InvalidArgumentException.class, () -> entry.readInto(ByteBuffer.allocate(48)));
    assertThrows(InvalidArgumentException.class, () -> entry.readInto(own.clear().asReadOnlyBuffer()));
    Slice[] part = {Slice.from(1), Slice.to(2)};
    assertArrayEquals(new int[] {4, 5, 8, 9}, entry.readSlice(part).toIntArray());
    ByteBuffer few = ByteBuffer.allocateDirect(4);
    entry.readSliceInto(few, Dtype.INT8, part);
    assertArrayEquals(new byte[] {4, 5, 8, 9}, bytesOf(few.flip()));
    assertThrows(InvalidArgumentException.class, () -> entry.readSlice(Slice.all(), Slice.all(), Slice.all()));
    Location location = entry.location();
    assertEquals(new Location(Optional.of(path), location.offset(), 48, false), location);
    assertEquals(5, ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN).getInt((int) location.offset() + 20));
    assertEquals(Optional.empty(), file.find("missing"));
    assertEquals(Optional.of("missing"), assertThrows(NotFoundException.class, () -> file.entry("missing")).name());
    Dict metadata = file.metadata();
    assertEquals(Map.of("k", "v"), metadata);
    assertTrue(metadata.isReadOnly());
    assertThrows(UnsupportedOperationException.class, () -> metadata.put("k", "w"));
    assertThrows(UnsupportedOperationException.class, metadata::clear);
    assertThrows(UnsupportedOperationException.class, () -> metadata.remove("k"));
    assertThrows(UnsupportedOperationException.class, () -> metadata.keySet().remove("k"));
    Dict holder = new Dict(Map.of("m", metadata));
    holder.getDict("m").put("k", "w");
    assertEquals("v", metadata.copy().getString("k"));
    file.close();
    assertEquals("v", metadata.getString("k"));
    assertThrows(IllegalStateException.class, entry::read);
    byte[] bytes = Files.readAllBytes(path);
    try (ArrayFile inMemory = ArrayFile.open(ByteBuffer.wrap(bytes), Format.AUTO, null);
        Source source = Source.of(path);
        ArrayFile fromSource = ArrayFile.open(source, Format.AUTO, null)) {
      assertEquals(inMemory.entry("n").read(), fromSource.entry("n").read());
      assertEquals(Optional.empty(), inMemory.entry("n").location().path());
    }
  }

  @Test
  void manyArraysAreReadAtOnce() throws IOException {
    Path path = folder.resolve("many.npz");
    Map<String, Object> arrays = new TreeMap<>();
    for (int i = 0; i < 100; i++) {
      arrays.put("a" + i, new int[] {i, i + 1});
    }
    Tensorfile.savez(path, arrays);
    try (ArrayFile file = ArrayFile.open(path); ArrayFile other = ArrayFile.open(path)) {
      ByteBuffer all = ByteBuffer.allocateDirect(100 * 16 + 8).order(ByteOrder.nativeOrder());
      List<ByteBuffer> to = new ArrayList<>();
      List<ArrayFile.Entry> entries = new ArrayList<>(file.entries());
      java.util.Collections.reverse(entries);
      for (int i = 0; i < 100; i++) {
        to.add(all.duplicate().limit(8 + 16 * i + 16).position(8 + 16 * i));
      }
      file.readInto(entries, to, Dtype.FLOAT64);
      for (int i = 0; i < 100; i++) {
        double value = Integer.parseInt(entries.get(i).name().substring(1));
        assertEquals(value, all.getDouble(8 + 16 * i));
        assertEquals(value + 1, all.getDouble(16 + 16 * i));
        assertFalse(to.get(i).hasRemaining());
      }
      file.readInto(List.of(), List.of(), Dtype.UNSUPPORTED);
      assertThrows(InvalidArgumentException.class, () -> file.readInto(entries, to, Dtype.FLOAT64));
      assertThrows(InvalidArgumentException.class, () -> file.readInto(entries, List.of(), Dtype.FLOAT64));
      assertThrows(InvalidArgumentException.class, () -> file.readInto(List.of(other.entry("a1")),
          List.of(ByteBuffer.allocateDirect(8)), Dtype.UNSUPPORTED));
      assertThrows(InvalidArgumentException.class, () -> file.readInto(List.of(file.entry("a1")),
          List.of(ByteBuffer.allocate(8)), Dtype.UNSUPPORTED));
    }
  }

  @Test
  void nestedMetadataOfAFileIsReadOnlyToo() throws IOException {
    Map<String, Object> metadata =
        Map.of("n", new TreeMap<>(Map.of("0", new int[] {1}, "1", new int[] {2})));
    try (Bytes bytes = Tensorfile.toBytes(Format.GGUF, sample(), metadata, null);
        ArrayFile file = ArrayFile.open(bytes.data(), Format.GGUF, null)) {
      Dict nested = file.metadata().getDict("n");
      assertThrows(UnsupportedOperationException.class, () -> nested.put("0", 1));
      assertThrows(UnsupportedOperationException.class, () -> ((Dict) file.metadata().get("n")).clear());
      assertArrayEquals(new int[] {2}, nested.getArray("1").toIntArray());
    }
  }

  @Test
  void mappedArraysAreTheFile() throws IOException {
    Path path = folder.resolve("m.npy");
    Tensorfile.save(path, Array.of(new double[] {1.5, 2.5}));
    Options map = Options.builder().loadMode(LoadMode.MAP).build();
    Array array = Tensorfile.loadArray(path, map);
    array.mutableData().putDouble(0, 0);
    assertArrayEquals(new double[] {0, 2.5}, array.toDoubleArray());
    assertArrayEquals(new double[] {1.5, 2.5}, Tensorfile.loadArray(path).toDoubleArray());
  }

  @Test
  void weights() throws IOException {
    Path path = folder.resolve("w.safetensors");
    Map<String, Object> tree = Map.of("layers", Map.of("0", Map.of("w", new float[] {1, 2})));
    Tensorfile.saveWeights(path, tree);
    Dict loaded = Tensorfile.loadWeights(path);
    assertEquals(new Dict(tree), loaded);
    Map<String, Object> other = Map.of("layers.0.w", new float[2], "more", 1);
    TensorfileException e = assertThrows(TensorfileException.class, () -> Tensorfile.loadWeights(path, other, null));
    assertEquals(Status.MISMATCH, e.status());
    Dict lax = Tensorfile.loadWeights(path, other, Options.builder().strict(false).build());
    assertEquals(1, lax.getLong("more"));
    Options gguf = Options.builder().format(Format.GGUF).build();
    Tensorfile.saveWeights(folder.resolve("w"), tree, gguf);
    assertEquals(loaded, Tensorfile.loadWeights(folder.resolve("w.gguf")));
  }

  @Test
  void largeModelsAreSavedInParts() throws IOException {
    Map<String, float[]> arrays = Map.of("a", new float[1000], "b", new float[1000]);
    Options parts = Options.builder().partBytes(5000).parts(true).build();
    Tensorfile.saveGguf(folder.resolve("m.gguf"), arrays, null, parts);
    assertEquals(2, Tensorfile.load(folder.resolve("m-00001-of-00002.gguf"), parts).arrays().size());
    Tensorfile.saveSafetensors(folder.resolve("m.safetensors"), arrays, null, parts);
    assertEquals(2, Tensorfile.load(folder.resolve("m.safetensors.index.json")).arrays().size());
  }

  @Test
  void filesAreWrittenInPieces() throws IOException {
    Map<String, Object> arrays = new java.util.LinkedHashMap<>();
    arrays.put("a", new int[] {1, 2, 3});
    arrays.put("b", Array.of(new double[] {4, 5}, 2, 1));
    ByteBuffer bytes = ByteBuffer.allocate(28).order(ByteOrder.nativeOrder()).putInt(1).putInt(2).putInt(3).putDouble(4)
        .putDouble(5).flip();
    Path expected = folder.resolve("whole.safetensors");
    Tensorfile.saveSafetensors(expected, arrays, Map.of("k", "v"));
    Path path = folder.resolve("pieces.safetensors");
    try (ArrayWriter writer = ArrayWriter.open(path, Format.AUTO, null)) {
      writer.declare("a", Dtype.INT32, 3).declare("b", Dtype.FLOAT64, 2, 1).metadata(Map.of("k", "v"));
      assertEquals(Status.DUPLICATE, statusOf(() -> writer.declare("a", Dtype.INT8, 1)));
      writer.write(bytes.slice(0, 5));
      InvalidArgumentException e = assertThrows(InvalidArgumentException.class, writer::finish);
      assertEquals(Optional.of("a"), e.name());
      writer.write(bytes.position(5).limit(13));
      assertFalse(bytes.hasRemaining());
      assertThrows(InvalidArgumentException.class, () -> writer.write(bytes.position(12).limit(28)));
      assertFalse(Files.exists(path));
      writer.write(bytes.position(13).limit(28));
      writer.finish();
    }
    assertArrayEquals(Files.readAllBytes(expected), Files.readAllBytes(path));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ArrayWriter closed;
    try (ArrayWriter writer = ArrayWriter.open(Channels.newChannel(out), Format.NPZ, null)) {
      writer.declare("b", Dtype.FLOAT64, 1, 2);
      writer.write(Array.of(new double[] {4, 5}, 2, 1).transpose());
      writer.finish();
      closed = writer;
    }
    assertArrayEquals(new double[] {4, 5},
        Tensorfile.load(ByteBuffer.wrap(out.toByteArray()), Format.AUTO, null).get("b").toDoubleArray());
    assertThrows(IllegalStateException.class, closed::finish);
    Path unfinished = folder.resolve("unfinished.gguf");
    try (ArrayWriter writer = ArrayWriter.open(unfinished, Format.GGUF, null)) {
      writer.declare("x", Dtype.COMPLEX64, 1);
      assertEquals(Status.UNSUPPORTED, statusOf(() -> writer.write(ByteBuffer.allocate(8))));
    }
    assertFalse(Files.exists(unfinished));
    ArrayWriter[] self = new ArrayWriter[1];
    IllegalStateException e = assertThrows(IllegalStateException.class, () -> {
      try (ArrayWriter writer = ArrayWriter.open(new java.nio.channels.WritableByteChannel() {
        @Override
        public int write(ByteBuffer from) throws IOException {
          self[0].finish();
          return 0;
        }

        @Override
        public boolean isOpen() {
          return true;
        }

        @Override
        public void close() {}
      }, Format.NPY, null)) {
        self[0] = writer;
        writer.declare("", Dtype.INT8, 1).write(Array.of(new byte[1]));
      }
    });
    assertTrue(e.getMessage().contains("must not use the writer"), e.getMessage());
  }

  @Test
  void sourcesHaveParts() throws IOException {
    Path path = folder.resolve("archive");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[100]);
    Tensorfile.saveTo(Channels.newChannel(out), Array.scalar(42), null);
    int size = out.size() - 100;
    out.writeBytes(new byte[50]);
    Files.write(path, out.toByteArray());
    try (Source whole = Source.of(path); Source part = whole.part(100, size)) {
      whole.close();
      assertEquals(42, Tensorfile.load(part, Format.AUTO, null).get("").getLong());
      assertThrows(IllegalStateException.class, () -> whole.part(0, 1));
      for (long[] wrong : new long[][] {{-1, 1}, {0, -1}, {0, size + 1}, {size + 1, 0}}) {
        assertThrows(InvalidArgumentException.class, () -> part.part(wrong[0], wrong[1]));
      }
    }
  }

  @Test
  void blocksAreDecodedOnLoad() throws IOException {
    // A block of q8_0: a float16 scale, here 0.5, and 32 int8.
    ByteBuffer block = ByteBuffer.allocate(34).put((byte) 0).put((byte) 0x38);
    IntStream.range(-16, 16).forEach(i -> block.put((byte) i));
    Map<String, Object> arrays = Map.of("w.weight", Array.copyOf(Dtype.Q8_0, block.flip(), 1, 32));
    Bytes bytes = Tensorfile.toBytes(Format.GGUF, arrays, null, null);
    assertEquals(Dtype.Q8_0, Tensorfile.load(bytes.data(), Format.GGUF, null).get("w.weight").dtype());
    Options floats = Options.builder().decode(Dtype.FLOAT32).build();
    assertEquals(-7.5, Tensorfile.load(bytes.data(), Format.GGUF, floats).get("w.weight").getDouble(0, 1));
    Dict mlx = Tensorfile.load(bytes.data(), Format.GGUF, Options.builder().decodeForMlx().build()).arrays();
    assertEquals(Dtype.UINT32, mlx.getArray("w.weight").dtype());
    assertEquals(Dtype.FLOAT16, mlx.getArray("w.scales").dtype());
  }

  @Test
  void optionsHaveRangesAndAreKept() {
    Options.Builder builder = Options.builder();
    InvalidArgumentException e = assertThrows(InvalidArgumentException.class, () -> builder.alignment(3));
    assertEquals("alignment takes 0 or a power of two up to 1048576, not 3", e.getMessage());
    assertEquals(Status.TYPE, ArrayTest.statusOf(() -> builder.set(Option.THREADS, "many")));
    assertThrows(InvalidArgumentException.class, () -> builder.set(Option.FORMAT, "zip"));
    Options options = builder.threads(3).format(Format.NPZ).set(Option.FORMAT, "gguf").exactPath(true)
        .loadMode(LoadMode.MAP).lenient(true).strict(false).parts(true).partBytes(1 << 30).maxBytes(1L << 40)
        .maxHeaderBytes(1000).maxArrays(10).maxMetadata(11).maxNameBytes(12).maxRank(4).maxNesting(5).durable(true)
        .atomic(false).alignment(4096).compress(true).compressionLevel(9).zlib(true).decode(Dtype.FLOAT64)
        .skipUnsupported(true).ggufExtended(true).build();
    long[] expected = {3, 4, 1, 1, 1, 0, 1, 1 << 30, 1L << 40, 1000, 10, 11, 12, 4, 5, 1, 0, 4096, 1, 9, 1, 13, 1, 1};
    assertArrayEquals(expected, java.util.Arrays.stream(Option.values()).mapToLong(options::get).toArray());
    assertThrows(IllegalStateException.class, () -> builder.threads(1));
    assertEquals(64, Options.builder().build().get(Option.MAX_RANK));
    options.close();
    assertThrows(IllegalStateException.class, () -> options.get(Option.THREADS));
  }

  @Test
  void pathsOfOtherFileSystemsGoThroughChannels() throws IOException {
    Path zip = folder.resolve("files.zip");
    try (FileSystem files = FileSystems.newFileSystem(URI.create("jar:" + zip.toUri()), Map.of("create", "true"))) {
      Path inside = files.getPath("x.npy");
      InvalidArgumentException e =
          assertThrows(InvalidArgumentException.class, () -> Tensorfile.save(inside, Array.scalar(1)));
      assertTrue(e.getMessage().contains("default file system"), e.getMessage());
      try (var channel = Files.newByteChannel(inside, java.nio.file.StandardOpenOption.CREATE,
          java.nio.file.StandardOpenOption.WRITE)) {
        Tensorfile.saveTo(channel, Array.scalar(42), null);
      }
      try (var channel = Files.newByteChannel(inside); Source source = Source.of(channel)) {
        assertEquals(42, Tensorfile.load(source, Format.NPY, null).get("").getLong());
      }
    }
  }
}
