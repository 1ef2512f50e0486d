import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.stream.IntStream;
import org.tensorfile.ArrayFile;
import org.tensorfile.ArrayWriter;
import org.tensorfile.Bytes;
import org.tensorfile.CancelledException;
import org.tensorfile.Dtype;
import org.tensorfile.Format;
import org.tensorfile.InvalidArgumentException;
import org.tensorfile.LoadMode;
import org.tensorfile.Loaded;
import org.tensorfile.Metadata;
import org.tensorfile.NdArray;
import org.tensorfile.NotFoundException;
import org.tensorfile.Options;
import org.tensorfile.ReadPlan;
import org.tensorfile.Slice;
import org.tensorfile.Source;
import org.tensorfile.Tensorfile;
import org.tensorfile.TensorfileException;

/**
 * A tour of the library with the weights of a small language model: {@code java -cp target/tensorfile-0.9.0.jar
 * examples/Tour.java FOLDER}. The folder must exist.
 */
class Tour {
  private static final int VOCABULARY = 1000;
  private static final int WIDTH = 64;

  private final Path folder;
  private final Path model;

  private Tour(Path folder) {
    this.folder = folder;
    model = folder.resolve("model.safetensors");
  }

  public static void main(String[] args) throws Exception {
    Tour tour = new Tour(Path.of(args[0]));
    tour.write();
    tour.readOnRequest();
    tour.changeAndConvert();
    tour.loadWeights();
    tour.sumOnThreads();
    tour.passBytesAround();
    tour.fail();
  }

  /** Writes the model row by row, as a program does that computes the weights. */
  private void write() throws IOException {
    try (ArrayWriter writer = ArrayWriter.open(model)) {
      writer.metadata(new Metadata().set("format", "pt").set("author", "Ada"));
      writer.declare("embed.weight", Dtype.FLOAT32, VOCABULARY, WIDTH);
      for (int layer = 0; layer < 2; layer++) {
        writer.declare("layers." + layer + ".weight", Dtype.FLOAT32, WIDTH, WIDTH);
        writer.declare("layers." + layer + ".bias", Dtype.FLOAT32, WIDTH);
      }
      float[] row = new float[WIDTH];
      for (int i = 0; i < VOCABULARY; i++) {
        Arrays.fill(row, i);
        writer.write(NdArray.of(row));
      }
      for (int layer = 0; layer < 2; layer++) {
        writer.write(NdArray.of(identity(WIDTH)));
        writer.write(NdArray.zeros(Dtype.FLOAT32, WIDTH));
      }
      writer.finish();
    }
    System.out.println("wrote " + model.getFileName() + ": " + Files.size(model) / 1024 + " KiB");
  }

  private static float[][] identity(int n) {
    float[][] rows = new float[n][n];
    IntStream.range(0, n).forEach(i -> rows[i][i] = 1);
    return rows;
  }

  /** Opens the file, which reads only its header, then reads some rows, as another dtype, and into existing memory. */
  private void readOnRequest() throws IOException {
    try (ArrayFile file = ArrayFile.open(model)) {
      for (ArrayFile.Entry entry : file.entries()) {
        System.out.println(entry + ", " + entry.nbytes() + " bytes");
      }
      ArrayFile.Entry embed = file.entry("embed.weight");
      try (NdArray rows = embed.readSlice(Slice.of(10, 12)); NdArray halves = rows.cast(Dtype.FLOAT16)) {
        System.out.println(halves);
      }
      double[] bias = new double[WIDTH];
      file.entry("layers.0.bias").castInto(bias);
      System.out.println("largest bias " + Arrays.stream(bias).max().getAsDouble());

      // The fastest way to fill memory, such as a mapped buffer of a GPU.
      ByteBuffer gpu = ByteBuffer.allocateDirect(2 * WIDTH * WIDTH * Short.BYTES);
      try (ReadPlan plan = file.plan().onComplete(index -> System.out.println("layer " + index + " is complete"))) {
        for (int layer = 0; layer < 2; layer++) {
          ByteBuffer part = gpu.slice(layer * gpu.capacity() / 2, gpu.capacity() / 2);
          plan.add(file.entry("layers." + layer + ".weight"), part, Dtype.BFLOAT16);
        }
        plan.run();
      }
    }
  }

  /** Loads the model, changes it, and saves it in three formats. */
  private void changeAndConvert() throws IOException {
    try (Loaded loaded = Tensorfile.load(model)) {
      FloatBuffer bias = loaded.get("layers.0.bias").asMutableFloatBuffer();
      for (int i = 0; i < bias.limit(); i++) {
        bias.put(i, i / 10f);
      }
      loaded.get("layers.1.bias").setDouble(0.5, 0);
      loaded.arrays().put("scale", NdArray.scalar(0.125f));
      loaded.metadata().set("author", "Grace");
      Tensorfile.save(model, loaded.arrays(), loaded.metadata());

      Options small = Options.builder().compress(true).compressionLevel(9).build();
      Tensorfile.save(folder.resolve("model.npz"), loaded.arrays(), new Metadata(), small);

      Metadata metadata = new Metadata()
          .set("general.architecture", "tour")
          .set("tour.block_count", 2, Dtype.UINT32)
          .set("tour.layer_norm_epsilon", 1e-5f)
          .set("tokenizer.ggml.add_bos_token", true)
          .set("tokenizer.ggml.tokens", List.of("<s>", "</s>", "hello"))
          .set("tokenizer.ggml.scores", NdArray.of(new float[] {0, 0, -1.5f}));
      Map<String, NdArray> quantized = new LinkedHashMap<>(loaded.arrays());
      quantized.put("embed.weight", loaded.get("embed.weight").cast(Dtype.Q8_0));
      Tensorfile.save(folder.resolve("model.gguf"), quantized, metadata);
    }
    try (Loaded gguf = Tensorfile.load(folder.resolve("model.gguf"))) {
      Metadata metadata = gguf.metadata();
      System.out.println(metadata);
      System.out.println("blocks: " + metadata.getInt("tour.block_count") + ", a "
          + metadata.get("tour.block_count").dtype() + "; author: "
          + metadata.find("general.author").map(Object::toString).orElse("unknown"));
      float decoded = gguf.get("embed.weight").castToFloatArray()[5 * WIDTH];
      System.out.println("row 5 is " + decoded + " from " + gguf.get("embed.weight").dtype());
    }
  }

  /** Loads weights into a model that expects certain names and shapes. */
  private void loadWeights() throws IOException {
    Map<String, NdArray> expected = Map.of(
        "layers.0.weight", NdArray.zeros(Dtype.FLOAT32, WIDTH, WIDTH),
        "layers.0.bias", NdArray.zeros(Dtype.FLOAT32, WIDTH),
        "head.weight", NdArray.of(identity(2)));
    try {
      Tensorfile.loadWeights(model, expected);
    } catch (TensorfileException e) {
      System.out.println(e.status() + ": " + e.getMessage());
    }
    try (Loaded weights = Tensorfile.loadWeights(model, expected, Options.builder().strict(false).build())) {
      System.out.println("layer 0 has " + weights.within("layers.0").keySet().stream().sorted().toList());
      System.out.println("the head is still " + Arrays.deepToString(weights.get("head.weight").toFloatMatrix()));
    }
  }

  /** Maps the file, and sums its arrays on several threads, which share it. */
  private void sumOnThreads() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    Options mapped = Options.builder().loadMode(LoadMode.MAP).build();
    DoubleAdder sum = new DoubleAdder();
    try (ArrayFile file = ArrayFile.open(model, mapped)) {
      List<Callable<Void>> tasks = file.entries().stream().<Callable<Void>>map(entry -> () -> {
        try (NdArray array = entry.read()) {
          FloatBuffer floats = array.asFloatBuffer();
          while (floats.hasRemaining()) {
            sum.add(floats.get());
          }
        }
        return null;
      }).toList();
      for (Future<Void> done : threads.invokeAll(tasks)) {
        done.get();
      }
    } finally {
      threads.shutdown();
    }
    System.out.println("sum " + Math.round(sum.sum()));
  }

  /** Files do not have to be on a disk. */
  private void passBytesAround() throws IOException {
    Map<String, NdArray> arrays = Map.of("x", NdArray.of(new int[] {1, 2, 3}));
    Path npz = folder.resolve("x.npz");
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(npz))) {
      Tensorfile.saveTo(out, Format.NPZ, arrays);
    }
    try (InputStream in = Files.newInputStream(npz); Loaded loaded = Tensorfile.load(in)) {
      System.out.println(loaded);
    }
    try (Bytes bytes = Tensorfile.toBytes(Format.SAFETENSORS, arrays); Loaded loaded = Tensorfile.load(bytes.data())) {
      System.out.println(bytes.size() + " bytes: " + Arrays.toString(loaded.get("x").toIntArray()));
    }
    // A file inside of another one, such as an asset in an archive.
    Path archive = folder.resolve("archive");
    byte[] file = Tensorfile.toBytes(NdArray.scalar(42L)).toByteArray();
    Files.write(archive, new byte[1000]);
    Files.write(archive, file, StandardOpenOption.APPEND);
    try (FileChannel channel = FileChannel.open(archive);
        Source whole = Source.of(channel);
        Source asset = whole.part(1000, file.length);
        Loaded loaded = Tensorfile.load(asset)) {
      System.out.println("the answer is " + loaded.get("").getLong());
    }
  }

  /** Every kind of failure is an exception that Java programs know. */
  private void fail() throws IOException {
    try {
      Tensorfile.load(folder.resolve("absent.npz"));
    } catch (NoSuchFileException e) {
      System.out.println("no such file: " + Path.of(e.getFile()).getFileName());
    }
    byte[] cut = Arrays.copyOf(Files.readAllBytes(model), 1000);
    try {
      Tensorfile.load(cut);
    } catch (TensorfileException e) {
      System.out.println(e.status() + ": " + e.getMessage());
    }
    try {
      Tensorfile.load(model, Options.builder().maxArrays(2).build());
    } catch (TensorfileException e) {
      System.out.println(e.status() + " of maxArrays");
    }
    try {
      NdArray complex = NdArray.zeros(Dtype.COMPLEX64, 2);
      Tensorfile.save(folder.resolve("complex.gguf"), Map.of("c", complex));
    } catch (TensorfileException e) {
      System.out.println(e.status() + " in a .gguf: " + e.name().orElse("?"));
    }
    NdArray closed;
    try (Loaded loaded = Tensorfile.load(model)) {
      closed = loaded.get("scale");
      expect(InvalidArgumentException.class, () -> NdArray.of(new float[5], 2, 3));
      expect(InvalidArgumentException.class, () -> loaded.get("scale").toDoubleArray());
      expect(InvalidArgumentException.class, () -> loaded.metadata().getLong("author"));
      expect(InvalidArgumentException.class, () -> Options.builder().compressionLevel(10));
      expect(IndexOutOfBoundsException.class, () -> loaded.get("layers.0.bias").getDouble(WIDTH));
      expect(NotFoundException.class, () -> loaded.get("layers.2.bias"));
    }
    expect(IllegalStateException.class, closed::getDouble);
    Options impatient = Options.builder().progress((done, total) -> false).build();
    try {
      Tensorfile.load(model, impatient);
    } catch (CancelledException e) {
      System.out.println("cancelled");
    }
    InputStream broken = new InputStream() {
      @Override
      public int read() throws IOException {
        throw new IOException("the connection was lost");
      }
    };
    try {
      Tensorfile.load(broken);
    } catch (IOException e) {
      System.out.println("the stream says: " + e.getMessage());
    }
  }

  private static void expect(Class<? extends RuntimeException> type, Runnable mistake) {
    try {
      mistake.run();
    } catch (RuntimeException e) {
      System.out.println(type.cast(e).getMessage());
    }
  }
}
