package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
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

  private static Map<String, NdArray> sample() {
    Map<String, NdArray> arrays = new LinkedHashMap<>();
    arrays.put("x", NdArray.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    arrays.put("y", NdArray.of(new byte[] {-1, 1}).cast(Dtype.FLOAT16));
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
    assertEquals(900, Tensorfile.versionNumber());
  }

  @Test
  void allFormatsThereAndBack() throws IOException {
    Map<String, NdArray> arrays = sample();
    Metadata metadata = new Metadata().set("general.architecture", "test");
    Path one = folder.resolve("wéight😀.npy");
    Tensorfile.save(one, arrays.get("x"));
    assertTrue(Files.exists(one));
    assertEquals(arrays.get("x"), Tensorfile.loadArray(one));
    assertEquals(arrays.get("x"), Tensorfile.load(one).get(""));
    Tensorfile.saveNpz(folder.resolve("stored.npz"), arrays);
    Tensorfile.saveNpzCompressed(folder.resolve("deflated"), arrays);
    Tensorfile.saveSafetensors(folder.resolve("a.safetensors"), arrays, metadata);
    Tensorfile.saveGguf(folder.resolve("a.gguf"), arrays, metadata);
    for (String name : List.of("stored.npz", "deflated.npz", "a.safetensors", "a.gguf")) {
      Path path = folder.resolve(name);
      Loaded loaded = Tensorfile.load(path);
      assertEquals(arrays, loaded.arrays(), name);
      Metadata written = name.startsWith("a.") ? metadata : new Metadata();
      assertEquals(written, loaded.metadata(), name);
      assertEquals(Status.TYPE, statusOf(() -> Tensorfile.loadArray(path)));
      Format format = Format.fromPath(path);
      assertEquals(name, name.substring(0, name.lastIndexOf('.') + 1) + format);
      byte[] file = Files.readAllBytes(path);
      assertEquals(format, Format.probe(ByteBuffer.wrap(file, 0, 16)));
      try (Bytes bytes = Tensorfile.toBytes(format, arrays, written)) {
        assertEquals(arrays, Tensorfile.load(bytes.data()).arrays());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Tensorfile.saveTo(Channels.newChannel(out), format, arrays, written);
        assertArrayEquals(bytesOf(bytes.data()), out.toByteArray(), name);
        out.reset();
        Tensorfile.saveTo(out, format, arrays, written);
        assertArrayEquals(bytes.toByteArray(), out.toByteArray(), name);
        out.reset();
        bytes.writeTo(out);
        assertArrayEquals(bytesOf(bytes.data(0, (int) bytes.size())), out.toByteArray(), name);
        if (!name.startsWith("deflated")) {
          assertArrayEquals(file, out.toByteArray(), name);
        }
      }
      assertEquals(arrays, Tensorfile.load(ByteBuffer.wrap(file)).arrays());
      assertEquals(arrays, Tensorfile.load(file).arrays());
      assertEquals(arrays, Tensorfile.load(new ByteArrayInputStream(file)).arrays());
      assertEquals(written, Tensorfile.load(file, Options.builder().format(format).build()).metadata());
    }
    Tensorfile.saveNpz(folder.resolve("args.npz"), List.of(arrays.get("x"), arrays.get("y")),
        Map.of("z", NdArray.scalar(1)), Options.defaults());
    Map<String, NdArray> args = Tensorfile.load(folder.resolve("args.npz")).arrays();
    assertEquals(List.of("z", "arr_0", "arr_1"), new ArrayList<>(args.keySet()));
    assertEquals(arrays.get("y"), args.get("arr_1"));
    ByteArrayOutputStream npy = new ByteArrayOutputStream();
    Tensorfile.saveTo(npy, arrays.get("x"));
    assertArrayEquals(Files.readAllBytes(one), npy.toByteArray());
    assertArrayEquals(npy.toByteArray(), Tensorfile.toBytes(arrays.get("x")).toByteArray());
    assertThrows(InvalidArgumentException.class, () -> Tensorfile.toBytes(Format.AUTO, arrays));
    Map<String, NdArray> none = null;
    assertThrows(NullPointerException.class, () -> Tensorfile.saveNpz(folder.resolve("t.npz"), none));
    Map<String, NdArray> holed = new HashMap<>();
    holed.put("hole", null);
    assertEquals("the array 'hole' is null", assertThrows(NullPointerException.class,
        () -> Tensorfile.saveNpz(folder.resolve("t.npz"), holed)).getMessage());
  }

  @Test
  void savesChooseTheFormatByTheExtension() throws IOException {
    Map<String, NdArray> arrays = sample();
    Metadata metadata = new Metadata().set("general.architecture", "test");
    for (String name : List.of("x.npz", "x.safetensors", "x.GGUF")) {
      Tensorfile.save(folder.resolve(name), arrays, metadata);
      try (Loaded loaded = Tensorfile.load(folder.resolve(name))) {
        assertEquals(arrays, loaded.arrays());
        assertEquals(metadata, loaded.metadata());
      }
    }
    Tensorfile.save(folder.resolve("one.npy"), Map.of("x", arrays.get("x")));
    assertEquals(arrays.get("x"), Tensorfile.loadArray(folder.resolve("one.npy")));
    assertThrows(InvalidArgumentException.class, () -> Tensorfile.save(folder.resolve("x.bin"), arrays));
    Options npz = Options.builder().format(Format.NPZ).exactPath(true).build();
    Tensorfile.save(folder.resolve("x.bin"), arrays, new Metadata(), npz);
    assertEquals(arrays, Tensorfile.load(folder.resolve("x.bin")).arrays());
  }

  @Test
  void savesAreCheckedInAdvance() {
    Map<String, NdArray> arrays = new LinkedHashMap<>();
    arrays.put("c", NdArray.zeros(Dtype.COMPLEX128, 1));
    arrays.put("x", NdArray.scalar(1));
    Metadata metadata = new Metadata().set("n", 1);
    List<SaveProblem> found = Tensorfile.checkSave(Format.SAFETENSORS, arrays, metadata);
    assertEquals(List.of("array c dtype", "metadata n kind"),
        found.stream().map(each -> each.subject() + " " + each.name() + " " + each.problem()).toList());
    assertTrue(found.get(0).reason().contains("complex128"), found.get(0).reason());
    assertEquals(List.of(), Tensorfile.checkSave(Format.SAFETENSORS, Map.of("x", NdArray.scalar(1)), new Metadata()));
  }

  @Test
  void formatsSayWhatTheyCanDo() {
    assertEquals(List.of(Format.NPY, Format.NPZ, Format.SAFETENSORS, Format.GGUF), Format.all().subList(0, 4));
    assertEquals(".safetensors", Format.SAFETENSORS.extension());
    assertEquals("", Format.AUTO.extension());
    assertTrue(Format.NPY.holdsOneArray() && !Format.NPZ.holdsOneArray());
    assertEquals(Set.of(), Format.NPY.metadataKinds());
    assertEquals(Set.of(MetadataValue.Kind.STRING), Format.SAFETENSORS.metadataKinds());
    assertEquals(Set.of(MetadataValue.Kind.STRING, MetadataValue.Kind.STRINGS), Format.NPZ.metadataKinds());
    assertEquals(Set.of(MetadataValue.Kind.values()), Format.GGUF.metadataKinds());
    assertTrue(Format.NPZ.canCompress() && !Format.GGUF.canCompress());
    assertTrue(Format.GGUF.expectsModelKeys() && Format.NPZ.storesMetadataAsMembers());
    assertTrue(Format.GGUF.maxParts() > 0 && Format.NPZ.maxParts() == 0);
  }

  @Test
  void manyUnnamedArrays() throws IOException {
    List<NdArray> arrays = IntStream.range(0, 20_000).mapToObj(NdArray::scalar).toList();
    Tensorfile.saveNpz(folder.resolve("many.npz"), arrays);
    assertEquals(19_999, Tensorfile.load(folder.resolve("many.npz")).get("arr_19999").getLong());
  }

  @Test
  void failuresOfTheSystemAreThoseOfNio() throws IOException {
    Path missing = folder.resolve("é missing.npz");
    NoSuchFileException e = assertThrows(NoSuchFileException.class, () -> Tensorfile.load(missing));
    assertEquals(missing.toString(), e.getFile());
    assertTrue(e.getMessage().startsWith(missing + ": "), e.getMessage());
    assertFalse(e.getReason().contains(missing.toString()), e.getReason());
    TensorfileFailure failure = (TensorfileFailure) e;
    assertEquals(Status.NOT_FOUND, failure.status());
    assertEquals(OptionalLong.empty(), failure.offset());
    assertEquals(Optional.empty(), failure.name());
    assertThrows(NoSuchFileException.class, () -> ArrayFile.open(missing));
    assertThrows(NoSuchFileException.class, () -> Tensorfile.check(missing));
    // A stack trace begins with the name of the exception of java.nio.file, not with that of a private class.
    assertEquals("java.nio.file.NoSuchFileException: " + missing + ": no such file",
        assertThrows(IOException.class, () -> Tensorfile.load(missing)).toString());
    Path locked = folder.resolve("locked.npz");
    Tensorfile.saveNpz(locked, Map.of("a", NdArray.scalar(1)));
    assertTrue(locked.toFile().setReadable(false));
    if (!Files.isReadable(locked)) {
      AccessDeniedException denied = assertThrows(AccessDeniedException.class, () -> Tensorfile.load(locked));
      assertEquals(locked.toString(), denied.getFile());
    }
    Path below = locked.resolve("below.npz");
    FileSystemException noFolder =
        assertThrows(FileSystemException.class, () -> Tensorfile.saveNpz(below, Map.of("a", NdArray.scalar(1))));
    assertTrue(noFolder.getMessage().contains("is not a folder"), noFolder.getMessage());
    assertThrows(NoSuchFileException.class,
        () -> Tensorfile.save(folder.resolve("absent/x.npy"), NdArray.scalar(1)));
    FileSystemException folders = assertThrows(FileSystemException.class, () -> Tensorfile.load(folder));
    assertEquals(folder.toString(), folders.getFile());
    assertTrue(folders.toString().startsWith("java.nio.file.FileSystemException: " + folder), folders.toString());
    assertEquals(Status.IO, ((TensorfileFailure) folders).status());
  }

  @Test
  void failuresSayWhereAndWhat() throws IOException {
    TensorfileException e;
    Bytes bytes = Tensorfile.toBytes(Format.NPZ,
        Map.of("a", NdArray.zeros(Dtype.FLOAT32, 1000), "b", NdArray.zeros(Dtype.FLOAT32, 1000)));
    byte[] corrupt = bytesOf(bytes.data());
    corrupt[1010] ^= 1;
    e = assertThrows(TensorfileException.class, () -> Tensorfile.load(corrupt));
    assertEquals(Status.CORRUPT, e.status());
    assertTrue(e.name().isPresent() && e.getMessage().contains(e.name().get()), e.getMessage());
    e = assertThrows(TensorfileException.class, () -> Tensorfile.load(bytes.data(0, 500)));
    assertEquals(Status.TRUNCATED, e.status());
    assertTrue(e.offset().isPresent());
    assertEquals(Status.LIMIT,
        statusOf(() -> Tensorfile.load(bytes.data(), Options.builder().maxArrays(1).build())));
    assertEquals(Status.LIMIT,
        statusOf(() -> Tensorfile.load(bytes.data(), Options.builder().maxBytes(6000).build())));
    assertEquals(Status.UNSUPPORTED,
        statusOf(() -> Tensorfile.saveGguf(folder.resolve("c.gguf"), Map.of("c", NdArray.zeros(Dtype.COMPLEX64, 1)))));
    assertFalse(Files.exists(folder.resolve("c.gguf")));
    assertThrows(NativeMemoryError.class, () -> NdArray.zeros(Dtype.INT8, Long.MAX_VALUE / 2));
  }

  @Test
  void messagesAreInTheTermsOfJava() {
    Map<String, String> messages = Map.of(
        "1 bytes follow the end; TF_OPTION_LENIENT accepts this",
        "1 bytes follow the end; the option lenient(true) accepts this",
        "cannot be read (TF_OPTION_SKIP_UNSUPPORTED leaves them out)",
        "cannot be read (the option skipUnsupported(true) leaves them out)",
        "which TF_OPTION_ATOMIC 0 would overwrite; load without TF_LOAD_MODE_MAP",
        "which the option atomic(false) would overwrite; load without LoadMode.MAP",
        "it seems to be gguf, and TF_FORMAT_BY_CONTENT reads it as that",
        "it seems to be gguf, and Format.BY_CONTENT reads it as that",
        "no resolver: tf_source_set_resolver()", "no resolver: Source.setResolver",
        "not finished: tf_part_plan_finish()", "not finished: PartPlan.finish",
        "the limit (max_arrays) of 4", "the limit (maxArrays) of 4",
        "shape (2, 3), expected (3,)", "shape [2, 3], expected [3]");
    messages.forEach((inC, inJava) -> assertEquals(inJava, Failures.inJavasTerms(inC)));
  }

  @Test
  void checksReportEveryFault() throws IOException {
    Path path = folder.resolve("a.safetensors");
    Tensorfile.saveSafetensors(path, Map.of("x", NdArray.of(new byte[] {1, 2})));
    assertTrue(Tensorfile.check(path).isValid());
    Files.write(path, new byte[1], StandardOpenOption.APPEND);
    CheckReport found = Tensorfile.check(path);
    assertEquals(1, found.faults().size());
    assertTrue(found.faults().get(0).startsWith("corrupt: "), found.faults().get(0));
    assertTrue(found.faults().get(0).endsWith("; the option lenient(true) accepts this"), found.faults().get(0));
    try (Source source = Source.of(path)) {
      assertEquals(found, Tensorfile.check(source));
      assertTrue(Tensorfile.check(source, Options.builder().lenient(true).build()).isValid());
    }
    List<String> unnamed = List.of(found.faults().get(0).replace(path + ": ", ""));
    byte[] bytes = Files.readAllBytes(path);
    assertEquals(unnamed, Tensorfile.check(bytes).faults());
    String fault = Tensorfile.check(bytes, Options.builder().format(Format.GGUF).build()).faults().get(0);
    assertTrue(fault.startsWith("format: "), fault);
    IOException lost = new IOException("connection lost");
    try (Source source = Source.of(new ByteSource() {
      @Override
      public long size() {
        return 100;
      }

      @Override
      public void read(long offset, ByteBuffer into) throws IOException {
        throw lost;
      }
    })) {
      assertSame(lost, assertThrows(IOException.class, () -> Tensorfile.check(source)));
    }
    CheckReport lenient = Tensorfile.check(path, Options.builder().lenient(true).build());
    assertEquals(List.of(), lenient.faults());
    assertEquals(1, lenient.excused().size());
    assertThrows(IOException.class, () -> Tensorfile.check(folder.resolve("missing.npy")));
  }

  @Test
  void filesAreReadInParts() throws IOException {
    Path path = folder.resolve("f.safetensors");
    Tensorfile.saveSafetensors(path, Map.of("n", NdArray.of(IntStream.range(0, 12).toArray(), 3, 4)),
        new Metadata().set("k", "v"));
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
    ByteBuffer heap = ByteBuffer.allocate(60).position(4).limit(52).slice()
        .order(ByteOrder.nativeOrder());
    entry.readInto(heap);
    assertFalse(heap.hasRemaining());
    assertEquals(7, heap.getInt(28));
    int[] ints = new int[12];
    entry.readInto(ints);
    assertArrayEquals(IntStream.range(0, 12).toArray(), ints);
    double[] converted = new double[12];
    entry.castInto(converted);
    assertEquals(11.0, converted[11]);
    assertEquals("the array is of int32, not float64: castInto(double[]) converts it",
        assertThrows(InvalidArgumentException.class, () -> entry.readInto(converted)).getMessage());
    assertEquals("shape [3, 4] needs 12 elements, got 11",
        assertThrows(InvalidArgumentException.class, () -> entry.readInto(new int[11])).getMessage());
    assertThrows(InvalidArgumentException.class, () -> entry.readInto(own.clear().asReadOnlyBuffer()));
    Slice[] part = {Slice.from(1), Slice.to(2)};
    assertArrayEquals(new int[] {4, 5, 8, 9}, entry.readSlice(part).toIntArray());
    ByteBuffer few = ByteBuffer.allocateDirect(4);
    entry.readSliceInto(few, Dtype.INT8, part);
    assertArrayEquals(new byte[] {4, 5, 8, 9}, bytesOf(few.flip()));
    assertThrows(InvalidArgumentException.class, () -> entry.readSlice(Slice.all(), Slice.all(), Slice.all()));
    Location location = entry.location();
    assertEquals(new Location(Optional.of(path), location.offset(), 48, false, false, false), location);
    ByteBuffer stored = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(5, stored.getInt((int) location.offset() + 20));
    assertEquals(Optional.empty(), file.find("missing"));
    assertEquals(Optional.of("missing"), assertThrows(NotFoundException.class, () -> file.entry("missing")).name());
    Metadata metadata = file.metadata();
    assertEquals(new Metadata().set("k", "v"), metadata);
    metadata.set("k", "w");
    assertEquals("v", file.metadata().getString("k"));
    file.close();
    assertThrows(IllegalStateException.class, entry::read);
    byte[] bytes = Files.readAllBytes(path);
    try (ArrayFile inMemory = ArrayFile.open(bytes);
        Source source = Source.of(path);
        ArrayFile fromSource = ArrayFile.open(source)) {
      assertEquals(inMemory.entry("n").read(), fromSource.entry("n").read());
      assertEquals(Optional.empty(), inMemory.entry("n").location().path());
    }
  }

  @Test
  void manyArraysAreReadAtOnce() throws IOException {
    Path path = folder.resolve("many.npz");
    Map<String, NdArray> arrays = new TreeMap<>();
    for (int i = 0; i < 100; i++) {
      arrays.put("a" + i, NdArray.of(new int[] {i, i + 1}));
    }
    Tensorfile.saveNpz(path, arrays);
    try (ArrayFile file = ArrayFile.open(path); ArrayFile other = ArrayFile.open(path)) {
      ByteBuffer all = ByteBuffer.allocateDirect(100 * 16 + 8).order(ByteOrder.nativeOrder());
      List<ByteBuffer> to = new ArrayList<>();
      List<ArrayFile.Entry> entries = new ArrayList<>(file.entries());
      java.util.Collections.reverse(entries);
      for (int i = 0; i < 100; i++) {
        to.add(all.duplicate().limit(8 + 16 * i + 16).position(8 + 16 * i));
      }
      List<Integer> complete = new ArrayList<>();
      try (ReadPlan plan = file.plan().onComplete(complete::add)) {
        for (int i = 0; i < 100; i++) {
          plan.add(entries.get(i), to.get(i), Dtype.FLOAT64);
        }
        plan.run();
        assertThrows(InvalidArgumentException.class, plan::run);
      }
      assertEquals(IntStream.range(0, 100).boxed().toList(), complete.stream().sorted().toList());
      for (int i = 0; i < 100; i++) {
        double value = Integer.parseInt(entries.get(i).name().substring(1));
        assertEquals(value, all.getDouble(8 + 16 * i));
        assertEquals(value + 1, all.getDouble(16 + 16 * i));
      }
      ByteBuffer rows = ByteBuffer.allocateDirect(8);
      try (ReadPlan plan = file.plan()) {
        plan.add(file.entry("a5"), rows.duplicate().limit(1), Dtype.INT8, Slice.from(1));
        plan.add(file.entry("a7"), rows.duplicate().position(2), Dtype.INT8, new long[] {3});
        plan.run();
      }
      assertEquals(ByteBuffer.wrap(new byte[] {6, 0, 7, 0, 0, 8, 0, 0}), rows);
      try (ReadPlan plan = file.plan()) {
        assertThrows(InvalidArgumentException.class, () -> plan.add(file.entry("a1"), rows.duplicate().limit(7)));
        assertThrows(InvalidArgumentException.class, () -> plan.add(other.entry("a1"), rows));
        assertThrows(InvalidArgumentException.class, () -> plan.add(file.entry("a1"), ByteBuffer.allocate(8)));
        assertThrows(InvalidArgumentException.class, () -> plan.add(file.entry("a1"), rows.asReadOnlyBuffer()));
        assertThrows(InvalidArgumentException.class,
            () -> plan.add(file.entry("a1"), rows, Dtype.INT8, new long[] {-1}));
        IOException mine = new IOException("mine");
        plan.add(file.entry("a1"), rows).onComplete(index -> {
          assertThrows(IllegalStateException.class, plan::run);
          throw mine;
        });
        assertSame(mine, assertThrows(IOException.class, plan::run));
      }
    }
  }

  @Test
  void mappedArraysAreTheFile() throws IOException {
    Path path = folder.resolve("m.npy");
    Tensorfile.save(path, NdArray.of(new double[] {1.5, 2.5}));
    Options map = Options.builder().loadMode(LoadMode.MAP).build();
    NdArray array = Tensorfile.loadArray(path, map);
    array.mutableData().putDouble(0, 0);
    assertArrayEquals(new double[] {0, 2.5}, array.toDoubleArray());
    assertArrayEquals(new double[] {1.5, 2.5}, Tensorfile.loadArray(path).toDoubleArray());
  }

  @Test
  void weights() throws IOException {
    Path path = folder.resolve("w.safetensors");
    Map<String, NdArray> weights = Map.of("layers.0.w", NdArray.of(new float[] {1, 2}));
    Tensorfile.saveWeights(path, weights);
    Loaded loaded = Tensorfile.loadWeights(path);
    assertEquals(weights, loaded.arrays());
    assertEquals(Set.of("w"), loaded.within("layers.0").keySet());
    assertEquals(Set.of("0.w"), loaded.within("layers").keySet());
    assertEquals(Set.of(), loaded.within("layer").keySet());
    assertEquals(weights, Tensorfile.loadWeights(path, weights).arrays());
    Map<String, NdArray> other = Map.of("layers.0.w", NdArray.zeros(Dtype.INT8, 2, 3), "more", NdArray.scalar(1));
    TensorfileException e = assertThrows(TensorfileException.class, () -> Tensorfile.loadWeights(path, other));
    assertEquals(Status.MISMATCH, e.status());
    assertTrue(e.getMessage().contains("expected [2, 3], found [2]"), e.getMessage());
    Map<String, NdArray> lax = Map.of("layers.0.w", NdArray.zeros(Dtype.INT8, 2), "more", NdArray.scalar(1));
    assertEquals(1, Tensorfile.loadWeights(path, lax, Options.builder().strict(false).build()).get("more").getLong());
    Options gguf = Options.builder().format(Format.GGUF).build();
    Tensorfile.saveWeights(folder.resolve("w"), weights, gguf);
    assertEquals(weights, Tensorfile.loadWeights(folder.resolve("w.gguf")).arrays());
    assertEquals(new Comparison(List.of("more"), List.of(), List.of("layers.0.w")), Tensorfile.compare(weights, other));
    assertTrue(Tensorfile.compare(weights, weights).isEmpty());
  }

  @Test
  void largeModelsAreSavedInParts() throws IOException {
    Map<String, NdArray> arrays =
        Map.of("a", NdArray.zeros(Dtype.FLOAT32, 1000), "b", NdArray.zeros(Dtype.FLOAT32, 1000));
    Options parts = Options.builder().partBytes(5000).parts(true).build();
    Tensorfile.saveGguf(folder.resolve("m.gguf"), arrays, new Metadata(), parts);
    assertEquals(2, Tensorfile.load(folder.resolve("m-00001-of-00002.gguf"), parts).arrays().size());
    Tensorfile.saveSafetensors(folder.resolve("m.safetensors"), arrays, new Metadata(), parts);
    assertEquals(2, Tensorfile.load(folder.resolve("m.safetensors.index.json")).arrays().size());
  }

  @Test
  void loadedFilesPrintWhatIsInThem() throws IOException {
    Path path = folder.resolve("p.safetensors");
    Tensorfile.saveSafetensors(path, Map.of("x", NdArray.of(new int[] {1, 2})), new Metadata().set("k", "v"));
    try (Loaded loaded = Tensorfile.load(path); ArrayFile file = ArrayFile.open(path)) {
      assertEquals("Loaded(arrays={x=NdArray(int32, [2], [1, 2])}, metadata={k=v})", loaded.toString());
      assertEquals("ArrayFile(safetensors, [x: int32 [2]])", file.toString());
      assertEquals(Optional.of("absent"), assertThrows(NotFoundException.class, () -> loaded.get("absent")).name());
    }
    List<NdArray> many = IntStream.range(0, 100).mapToObj(NdArray::scalar).toList();
    Path large = folder.resolve("many.npz");
    Tensorfile.saveNpz(large, many);
    try (Loaded loaded = Tensorfile.load(large); ArrayFile file = ArrayFile.open(large)) {
      assertTrue(loaded.toString().contains("arr_19=NdArray(int32, [], 19), ... 100 arrays}"), loaded.toString());
      assertTrue(file.toString().endsWith("arr_19: int32 [], ... 100 arrays])"), file.toString());
    }
  }

  @Test
  void filesAreWrittenInPieces() throws IOException {
    Map<String, NdArray> arrays = new LinkedHashMap<>();
    arrays.put("a", NdArray.of(new int[] {1, 2, 3}));
    arrays.put("b", NdArray.of(new double[] {4, 5}, 2, 1));
    ByteBuffer bytes = ByteBuffer.allocate(28).order(ByteOrder.nativeOrder()).putInt(1).putInt(2).putInt(3).putDouble(4)
        .putDouble(5).flip();
    Path expected = folder.resolve("whole.safetensors");
    Metadata metadata = new Metadata().set("k", "v");
    Tensorfile.saveSafetensors(expected, arrays, metadata);
    Path path = folder.resolve("pieces.safetensors");
    try (ArrayWriter writer = ArrayWriter.open(path)) {
      writer.declare("a", Dtype.INT32, 3).declare("b", Dtype.FLOAT64, 2, 1).metadata(metadata);
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
    try (ArrayWriter writer = ArrayWriter.open(out, Format.NPZ)) {
      writer.declare("b", Dtype.FLOAT64, 1, 2);
      writer.write(NdArray.of(new double[] {4, 5}, 2, 1).transpose());
      writer.finish();
      closed = writer;
    }
    assertArrayEquals(new double[] {4, 5},
        Tensorfile.load(out.toByteArray()).get("b").toDoubleArray());
    assertThrows(IllegalStateException.class, closed::finish);
    Path unfinished = folder.resolve("unfinished.gguf");
    try (ArrayWriter writer = ArrayWriter.open(unfinished)) {
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
      }, Format.NPY)) {
        self[0] = writer;
        writer.declare("", Dtype.INT8, 1).write(NdArray.of(new byte[1]));
      }
    });
    assertTrue(e.getMessage().contains("must not use the writer"), e.getMessage());
  }

  @Test
  void sourcesHaveParts() throws IOException {
    Path path = folder.resolve("archive");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[100]);
    Tensorfile.saveTo(out, NdArray.scalar(42));
    int size = out.size() - 100;
    out.writeBytes(new byte[50]);
    Files.write(path, out.toByteArray());
    try (Source whole = Source.of(path); Source part = whole.part(100, size)) {
      whole.close();
      assertEquals(42, Tensorfile.load(part).get("").getLong());
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
    Map<String, NdArray> arrays = Map.of("w.weight", NdArray.copyOf(Dtype.Q8_0, block.flip(), 1, 32));
    Bytes bytes = Tensorfile.toBytes(Format.GGUF, arrays);
    assertEquals(Dtype.Q8_0, Tensorfile.load(bytes.data()).get("w.weight").dtype());
    Options floats = Options.builder().decode(Dtype.FLOAT32).build();
    assertEquals(-7.5, Tensorfile.load(bytes.data(), floats).get("w.weight").getDouble(0, 1));
    Loaded mlx = Tensorfile.load(bytes.data(), Options.builder().decodeForMlx().build());
    assertEquals(Dtype.UINT32, mlx.get("w.weight").dtype());
    assertEquals(Dtype.FLOAT16, mlx.get("w.scales").dtype());
  }

  @Test
  void optionsHaveRangesAndAreKept() {
    Options.Builder builder = Options.builder();
    InvalidArgumentException e = assertThrows(InvalidArgumentException.class, () -> builder.alignment(3));
    assertEquals("alignment takes 0 or a power of two up to 1048576, not 3", e.getMessage());
    e = assertThrows(InvalidArgumentException.class, () -> builder.compressionLevel(10));
    assertEquals("compressionLevel takes -1 to 9, not 10", e.getMessage());
    assertEquals(List.of(-1L, 9L, -1L), List.of(Option.COMPRESSION_LEVEL.minimum(), Option.COMPRESSION_LEVEL.maximum(),
        Option.COMPRESSION_LEVEL.defaultValue()));
    for (Option option : Option.values()) {
      assertEquals(option, Option.fromName(option.toString()));
      assertEquals(option, Option.fromName(option.name().toLowerCase(Locale.ROOT)));
      assertEquals(option.defaultValue(), Options.defaults().get(option));
    }
    assertThrows(InvalidArgumentException.class, () -> Option.fromName("maxFiles"));
    assertEquals(Status.TYPE, NdArrayTest.statusOf(() -> builder.set(Option.THREADS, "many")));
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
          assertThrows(InvalidArgumentException.class, () -> Tensorfile.save(inside, NdArray.scalar(1)));
      assertTrue(e.getMessage().contains("default file system"), e.getMessage());
      try (var channel = Files.newByteChannel(inside, java.nio.file.StandardOpenOption.CREATE,
          java.nio.file.StandardOpenOption.WRITE)) {
        Tensorfile.saveTo(channel, NdArray.scalar(42));
      }
      try (var channel = Files.newByteChannel(inside); Source source = Source.of(channel)) {
        assertEquals(42, Tensorfile.load(source).get("").getLong());
      }
    }
  }
}
