package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CallbacksTest {
  @TempDir Path folder;

  private static final Map<String, NdArray> SMALL =
      Map.of("a", NdArray.of(new float[] {1.5f, 2}), "b", NdArray.of(new int[] {1, 2, 3}));

  private static ByteBuffer small() throws IOException {
    return Tensorfile.toBytes(Format.SAFETENSORS, SMALL).data();
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> T sneak(Throwable thrown) throws T {
    throw (T) thrown;
  }

  /** Reads from a buffer. Reads after an offset throw an exception. */
  private static class Faulty implements ByteSource {
    final ByteBuffer content;
    final long at;
    final Throwable toThrow;

    Faulty(ByteBuffer content, long at, Throwable toThrow) {
      this.content = content;
      this.at = at;
      this.toThrow = toThrow;
    }

    @Override
    public long size() {
      return content.limit();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
      if (offset >= at) {
        throw CallbacksTest.<RuntimeException>sneak(toThrow);
      }
      into.put(content.slice((int) offset, into.remaining()));
    }
  }

  @Test
  void sourcesAreChannelsFilesAndBuffers() throws IOException {
    Path path = folder.resolve("s.safetensors");
    Map<String, NdArray> expected = SMALL;
    Tensorfile.saveSafetensors(path, SMALL);
    ByteBuffer memory = ByteBuffer.allocateDirect((int) Files.size(path) + 3).position(3);
    memory.put(Files.readAllBytes(path)).position(3);
    try (FileChannel channel = FileChannel.open(path);
        Source positional = Source.of(channel);
        Source seeking = Source.of(new OneByOne(channel));
        Source direct = Source.of(memory);
        Source file = Source.of(path)) {
      for (Source source : List.of(positional, seeking, direct, file)) {
        assertEquals(expected, Tensorfile.load(source).arrays());
        try (ArrayFile opened = ArrayFile.open(source)) {
          source.close();
          assertEquals(2.0, opened.entry("a").read().getDouble(1));
          assertThrows(IllegalStateException.class, () -> Tensorfile.load(source));
        }
      }
    }
    assertThrows(InvalidArgumentException.class, () -> Source.of(ByteBuffer.allocate(1)));
    assertThrows(NoSuchFileException.class, () -> Source.of(folder.resolve("missing")));
  }

  /** A channel that is not a FileChannel and reads one byte at a time. */
  private record OneByOne(FileChannel channel) implements java.nio.channels.SeekableByteChannel {
    @Override
    public int read(ByteBuffer to) throws IOException {
      ByteBuffer one = to.slice().limit(1);
      int count = channel.read(one);
      to.position(to.position() + one.position());
      return count;
    }

    @Override
    public int write(ByteBuffer from) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() throws IOException {
      return channel.position();
    }

    @Override
    public OneByOne position(long position) throws IOException {
      channel.position(position);
      return this;
    }

    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public OneByOne truncate(long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  @Test
  void whatASourceThrowsReachesTheCaller() throws IOException {
    ByteBuffer bytes = small();
    for (Throwable thrown : List.of(new IOException("connection lost"), new IllegalCallerException("reader"),
        new AssertionError("mine"))) {
      try (Source source = Source.of(new Faulty(bytes, 0, thrown));
          Source late = Source.of(new Faulty(bytes, 16, thrown))) {
        assertSame(thrown, assertThrows(Throwable.class, () -> Tensorfile.load(source)));
        assertSame(thrown, assertThrows(Throwable.class, () -> ArrayFile.open(source)));
        assertSame(thrown, assertThrows(Throwable.class, () -> Tensorfile.load(late)));
      }
    }
    try (Source lying = Source.of(new ByteSource() {
      @Override
      public long size() {
        return 100;
      }

      @Override
      public void read(long offset, ByteBuffer into) {
        into.put((byte) 0);
      }
    })) {
      EOFException e = assertThrows(EOFException.class, () -> Tensorfile.load(lying));
      assertTrue(e.getMessage().startsWith("the source returned 1 of "), e.getMessage());
    }
    IOException sizeless = new IOException("unknown");
    assertSame(sizeless, assertThrows(IOException.class, () -> Source.of(new Faulty(bytes, 0, null) {
      @Override
      public long size() {
        throw CallbacksTest.<RuntimeException>sneak(sizeless);
      }
    })));
    // Later calls succeed.
    assertEquals(2, Tensorfile.load(bytes).arrays().size());
  }

  @Test
  void threadsOfTheLibraryReadAndThrow() throws IOException {
    Map<String, NdArray> arrays = Map.of("a", NdArray.zeros(Dtype.FLOAT32, 8 << 20));
    ByteBuffer bytes = Tensorfile.toBytes(Format.SAFETENSORS, arrays).data();
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    AtomicInteger thrown = new AtomicInteger();
    class Concurrent extends Faulty {
      final boolean fails;

      Concurrent(boolean fails) {
        super(bytes, Long.MAX_VALUE, null);
        this.fails = fails;
      }

      @Override
      public void read(long offset, ByteBuffer into) throws IOException {
        threads.add(Thread.currentThread());
        if (fails && offset > 1000) {
          throw new IllegalCallerException("number " + thrown.incrementAndGet());
        }
        super.read(offset, into);
      }

      @Override
      public boolean isConcurrent() {
        return true;
      }
    }
    Options options = Options.builder().threads(4).build();
    try (Source source = Source.of(new Concurrent(false))) {
      assertEquals(arrays, Tensorfile.load(source, options).arrays());
    }
    assertTrue(threads.size() > 1, "other threads read too");
    try (Source source = Source.of(new Concurrent(true))) {
      for (int i = 0; i < 100; i++) {
        assertThrows(IllegalCallerException.class, () -> Tensorfile.load(source, options));
      }
    }
    assertTrue(thrown.get() >= 100);
  }

  @Test
  void sourcesMayMap() throws IOException {
    ByteBuffer bytes = small();
    AtomicInteger maps = new AtomicInteger();
    class Mapped extends Faulty {
      final int cut;

      Mapped(Throwable toThrow, int cut) {
        super(bytes, Long.MAX_VALUE, toThrow);
        this.cut = cut;
      }

      @Override
      public ByteBuffer map(long offset, long nbytes) throws IOException {
        maps.incrementAndGet();
        if (toThrow != null) {
          throw (IOException) toThrow;
        }
        return cut < 0 ? null : content.slice((int) offset, (int) nbytes - cut);
      }
    }
    Options map = Options.builder().loadMode(LoadMode.MAP).build();
    Map<String, NdArray> expected = SMALL;
    Map<String, NdArray> loaded;
    try (Source source = Source.of(new Mapped(null, 0))) {
      loaded = Tensorfile.load(source, map).arrays();
    }
    assertTrue(maps.get() > 0);
    System.gc();
    assertEquals(expected, loaded);
    try (Source source = Source.of(new Mapped(null, -1))) {
      assertEquals(expected, Tensorfile.load(source, map).arrays());
    }
    IOException mine = new IOException("no");
    try (Source source = Source.of(new Mapped(mine, 0)); Source wrong = Source.of(new Mapped(null, 1))) {
      assertSame(mine, assertThrows(IOException.class, () -> Tensorfile.load(source, map)));
      IOException e = assertThrows(IOException.class, () -> Tensorfile.load(wrong, map));
      assertTrue(e.getMessage().startsWith("ByteSource.map returned"), e.getMessage());
    }
  }

  @Test
  void sourcesFindTheOtherFilesOfASet() throws IOException {
    Options parts = Options.builder().partBytes(8).parts(true).build();
    Tensorfile.saveSafetensors(folder.resolve("w.safetensors"), SMALL, new Metadata(), parts);
    List<String> asked = new ArrayList<>();
    Source.Resolver resolver = name -> {
      asked.add(name);
      return Source.of(FileChannel.open(folder.resolve(name)));
    };
    String index = "w.safetensors.index.json";
    try (Source source = resolver.resolve(index).setName("far/" + index).setResolver(resolver)
        .setHints(1 << 20, 8 << 20, 16)) {
      assertEquals(SMALL, Tensorfile.load(source).arrays());
    }
    assertEquals(List.of(index, "w-00001-of-00002.safetensors", "w-00002-of-00002.safetensors"), asked);
    try (Source source = Source.of(folder.resolve("w-00002-of-00002.safetensors"))) {
      assertEquals(SMALL, Tensorfile.loadWeights(source, SMALL, parts).arrays());
      assertEquals(SMALL, Tensorfile.loadWeights(source, parts).arrays());
      assertThrows(TensorfileException.class, () -> Tensorfile.loadWeights(source, SMALL));
      assertEquals(1, Tensorfile.loadWeights(source).arrays().size());
    }
    byte[] bytes = Files.readAllBytes(folder.resolve(index));
    for (Source.Resolver none : List.<Source.Resolver>of(name -> null, name -> {
      throw new NoSuchFileException(name);
    })) {
      try (Source source = Source.of(direct(bytes)).setName(index).setResolver(none)) {
        NoSuchFileException e = assertThrows(NoSuchFileException.class, () -> Tensorfile.load(source));
        assertTrue(e.getMessage().contains("w-00001-of-00002.safetensors"), e.getMessage());
      }
    }
    IOException mine = new IOException("mine");
    try (Source source = Source.of(direct(bytes)).setName(index).setResolver(name -> {
      throw mine;
    })) {
      assertSame(mine, assertThrows(IOException.class, () -> Tensorfile.load(source)));
    }
    try (Source source = Source.of(direct(new byte[8])).setName("x.npz")) {
      TensorfileException e = assertThrows(TensorfileException.class, () -> Tensorfile.load(source));
      assertTrue(e.getMessage().startsWith("x.npz: "), e.getMessage());
    }
  }

  private static ByteBuffer direct(byte[] bytes) {
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }

  /** Accepts a few bytes at a time, up to a limit, and stores the buffer that it gets. */
  private static class Slow implements WritableByteChannel {
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    final int most;
    final Throwable thrown;
    ByteBuffer last;

    Slow(int most, Throwable thrown) {
      this.most = most;
      this.thrown = thrown;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
      last = from;
      int count = Math.min(Math.min(from.remaining(), 1000), most - out.size());
      if (count == 0) {
        throw CallbacksTest.<RuntimeException>sneak(thrown);
      }
      byte[] bytes = new byte[count];
      from.get(bytes);
      out.write(bytes, 0, count);
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  @Test
  void channelsGetEverythingAndMayFail() throws IOException {
    Map<String, NdArray> arrays = Map.of("big", NdArray.zeros(Dtype.INT64, 1 << 19), "small", NdArray.scalar(1));
    ByteBuffer bytes = Tensorfile.toBytes(Format.SAFETENSORS, arrays).data();
    Slow all = new Slow(Integer.MAX_VALUE, null);
    Tensorfile.saveTo(all, Format.SAFETENSORS, arrays);
    assertEquals(bytes, ByteBuffer.wrap(all.out.toByteArray()));
    assertTrue(all.last.isReadOnly());
    for (Throwable thrown : List.of(new IOException("no space left"), new IllegalCallerException("writer"))) {
      Slow full = new Slow(4000, thrown);
      assertSame(thrown,
          assertThrows(Throwable.class, () -> Tensorfile.saveTo(full, Format.SAFETENSORS, arrays)));
      assertEquals(bytes.slice(0, 4000), ByteBuffer.wrap(full.out.toByteArray()));
    }
    assertThrows(java.nio.channels.ClosedChannelException.class, () -> {
      WritableByteChannel closed = Channels.newChannel(new ByteArrayOutputStream());
      closed.close();
      Tensorfile.saveTo(closed, NdArray.scalar(1));
    });
  }

  /** Stores the files that were committed in a map, and the events in a list. */
  private static final class Store implements TransactionalChannel {
    final Map<String, byte[]> files;
    final List<String> events;
    final String name;
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    IOException refusal;

    Store(String name, Map<String, byte[]> files, List<String> events) {
      this.name = name;
      this.files = files;
      this.events = events;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
      return Channels.newChannel(out).write(from);
    }

    @Override
    public void commit() throws IOException {
      events.add("commit " + name);
      if (refusal != null) {
        throw refusal;
      }
      files.put(name, out.toByteArray());
    }

    @Override
    public void abort() {
      events.add("abort " + name);
      throw new IllegalStateException("ignored");
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public WritableByteChannel openPart(String part) {
      return new Store(part, files, events);
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  @Test
  void channelsMayBeTransactionalAndTakeSets() throws IOException {
    Map<String, byte[]> files = new HashMap<>();
    List<String> events = new ArrayList<>();
    Tensorfile.saveTo(new Store("w.safetensors", files, events), Format.SAFETENSORS, SMALL);
    assertEquals(List.of("commit w.safetensors"), events);
    assertEquals(SMALL, Tensorfile.load(files.get("w.safetensors")).arrays());

    events.clear();
    Options parts = Options.builder().partBytes(8).build();
    Tensorfile.saveTo(new Store("w.safetensors", files, events), Format.SAFETENSORS, SMALL, new Metadata(), parts);
    assertEquals(List.of("commit w-00002-of-00002.safetensors", "commit w-00001-of-00002.safetensors",
        "commit w.safetensors.index.json", "commit w.safetensors"), events);
    Source.Resolver resolver = name -> Source.of(direct(files.get(name)));
    String index = "w.safetensors.index.json";
    try (Source source = resolver.resolve(index).setName(index).setResolver(resolver)) {
      assertEquals(SMALL, Tensorfile.load(source).arrays());
    }

    events.clear();
    Options stop = Options.builder().progress((done, total) -> false).build();
    Store stopped = new Store("w.npz", files, events);
    assertThrows(CancelledException.class, () -> Tensorfile.saveTo(stopped, Format.NPZ, SMALL, new Metadata(), stop));
    Store refused = new Store("w.npz", files, events);
    refused.refusal = new IOException("the upload expired");
    assertSame(refused.refusal, assertThrows(IOException.class, () -> Tensorfile.saveTo(refused, Format.NPZ, SMALL)));
    try (ArrayWriter writer = ArrayWriter.open(new Store("w.npy", files, events), Format.NPY)) {
      writer.declare("", Dtype.INT8, 2).write(ByteBuffer.allocate(1));
    }
    assertEquals(List.of("abort w.npz", "commit w.npz", "abort w.npy"), events);
    assertTrue(!files.containsKey("w.npz") && !files.containsKey("w.npy"));
  }

  @Test
  void partsAreWrittenSeparately() throws IOException {
    Options options = Options.builder().partBytes(8).build();
    Path path = folder.resolve("p.safetensors");
    try (PartPlan plan = PartPlan.open(path, options)) {
      plan.declareAll(SMALL).metadata(new Metadata().set("k", "v"));
      assertThrows(TensorfileException.class, () -> plan.declare("a", Dtype.INT8, 1));
      assertEquals(List.of(), plan.parts());
      plan.finish();
      assertEquals(2, plan.parts().size());
      for (PartPlan.Part part : plan.parts()) {
        assertEquals(1, part.names().size());
        NdArray array = SMALL.get(part.names().get(0));
        assertEquals(array.nbytes(), part.nbytes());
        assertEquals("v", part.metadata().getString("k"));
        assertEquals(folder, part.path().getParent());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ArrayWriter writer = part.open(); ArrayWriter other = part.open(out);
            ArrayWriter elsewhere = part.open(folder.resolve("other" + part.number()))) {
          for (ArrayWriter each : List.of(writer, other, elsewhere)) {
            each.write(array);
            each.finish();
          }
        }
        assertEquals(array, Tensorfile.load(out.toByteArray()).get(part.names().get(0)));
        assertTrue(Files.exists(part.path()) && Files.exists(folder.resolve("other" + part.number())));
      }
      assertTrue(plan.index().orElseThrow().contains("weight_map"));
      plan.saveIndex();
      assertEquals(Optional.of(folder.resolve("p.safetensors.index.json")), plan.indexPath());
      assertEquals(SMALL, Tensorfile.load(plan.indexPath().orElseThrow()).arrays());
    }
    try (PartPlan plan = PartPlan.open(folder.resolve("p.gguf"), options)) {
      plan.declare("a", Dtype.INT8, 1).finish();
      assertEquals(Optional.empty(), plan.index());
      assertThrows(IllegalStateException.class, plan::saveIndex);
    }
  }

  @Test
  void progressIsToldAndCanStop() throws IOException {
    Map<String, NdArray> arrays = Map.of("a", NdArray.zeros(Dtype.FLOAT32, 1 << 20), "b", NdArray.scalar(1), "c",
        NdArray.zeros(Dtype.BOOL, 1 << 20));
    ByteBuffer bytes = Tensorfile.toBytes(Format.SAFETENSORS, arrays).data();
    List<Long> reported = new ArrayList<>();
    Thread here = Thread.currentThread();
    Options options = Options.builder().progress((done, total) -> {
      assertSame(here, Thread.currentThread());
      assertEquals((5 << 20) + 4, total);
      reported.add(done);
      return true;
    }).build();
    Tensorfile.load(bytes, options).close();
    assertEquals((5 << 20) + 4, reported.get(reported.size() - 1));
    assertEquals(reported.stream().sorted().toList(), reported);
    Options stop = Options.builder().progress((done, total) -> false).build();
    CancelledException e = assertThrows(CancelledException.class, () -> Tensorfile.load(bytes, stop));
    assertEquals(Status.CANCELLED, e.status());
    Path path = folder.resolve("stopped.npz");
    assertThrows(CancelledException.class, () -> Tensorfile.saveNpz(path, arrays, stop));
    assertTrue(Files.notExists(path));
    AssertionError mine = new AssertionError("mine");
    Options loud = Options.builder().progress((done, total) -> {
      throw mine;
    }).build();
    assertSame(mine, assertThrows(AssertionError.class, () -> Tensorfile.load(bytes, loud)));
    // A callback may use the library itself, and change what is being saved.
    Map<String, NdArray> changing = new HashMap<>(arrays);
    Options nested = Options.builder().progress((done, total) -> {
      assertThrows(NoSuchFileException.class, () -> Tensorfile.load(folder.resolve("missing")));
      assertThrows(CancelledException.class, () -> Tensorfile.load(bytes, stop));
      changing.put("more", NdArray.scalar(1));
      changing.remove("a");
      return true;
    }).build();
    try (Bytes saved = Tensorfile.toBytes(Format.SAFETENSORS, changing, new Metadata(), nested)) {
      assertEquals(Set.of("a", "b", "c"), Tensorfile.load(saved.data()).arrays().keySet());
    }
    assertEquals(Set.of("b", "c", "more"), changing.keySet());
  }
}
