import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.tensorfile.ArrayFile;
import org.tensorfile.Bytes;
import org.tensorfile.Format;
import org.tensorfile.Loaded;
import org.tensorfile.NdArray;
import org.tensorfile.Tensorfile;

/**
 * Measures the cost of calls: {@code java -cp target/tensorfile-0.9.0.jar bench/Calls.java [FILE]}. With a file, it also
 * measures opening it and getting the names, dtypes and shapes of its arrays.
 */
class Calls {
  private interface Work {
    long run(int count);
  }

  /** Prevents the compiler from removing the work. */
  private static long sink;

  private static void time(String what, int count, Work work) {
    double best = Double.MAX_VALUE;
    for (int round = 0; round < 7; round++) {
      long start = System.nanoTime();
      sink += work.run(count);
      best = Math.min(best, (System.nanoTime() - start) / (double) count);
    }
    System.out.printf(Locale.ROOT, "%-52s %10.1f ns%n", what, best);
  }

  private static long list(Path path) {
    try (ArrayFile file = ArrayFile.open(path)) {
      long sum = 0;
      for (ArrayFile.Entry entry : file.entries()) {
        sum += entry.name().length() + entry.dtype().ordinal();
        for (long size : entry.shape()) {
          sum += size;
        }
      }
      return sum;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static void main(String[] args) throws IOException {
    try (NdArray array = NdArray.of(new float[1024], 32, 32);
        Bytes file = Tensorfile.toBytes(Format.NPZ, Map.of("a", array));
        Loaded loaded = Tensorfile.load(file.data())) {
      time("getter: array.ndim()", 20_000_000, n -> {
        long sum = 0;
        for (int i = 0; i < n; i++) {
          sum += array.ndim();
        }
        return sum;
      });
      time("one element: array.getDouble(i, j)", 1_000_000, n -> {
        double sum = 0;
        for (int i = 0; i < n; i++) {
          sum += array.getDouble(i & 31, 7);
        }
        return (long) sum;
      });
      time("zero-copy view: array.data(), created once", 5_000_000, n -> {
        long sum = 0;
        for (int i = 0; i < n; i++) {
          sum += array.data().get(i & 1023);
        }
        return sum;
      });
      time("zero-copy window: array.data(offset, length)", 100_000, n -> {
        long sum = 0;
        for (int i = 0; i < n; i++) {
          sum += array.data(i & 1023, 1024).get(0);
        }
        return sum;
      });
      ByteBuffer data = array.data();
      time("element of a buffer: data.getFloat(i)", 20_000_000, n -> {
        float sum = 0;
        for (int i = 0; i < n; i++) {
          sum += data.getFloat(4 * (i & 1023));
        }
        return (long) sum;
      });
      time("array by name: loaded.get(name)", 20_000_000, n -> {
        long sum = 0;
        for (int i = 0; i < n; i++) {
          sum += loaded.get("a").ndim();
        }
        return sum;
      });
      time("call of the library: array.slice(), closed", 200_000, n -> {
        long sum = 0;
        for (int i = 0; i < n; i++) {
          try (NdArray view = array.slice()) {
            sum += view.ndim();
          }
        }
        return sum;
      });
    }
    if (args.length > 0) {
      Path path = Path.of(args[0]);
      time("opening and listing the file", 10, n -> {
        long sum = 0;
        for (int i = 0; i < n; i++) {
          sum += list(path);
        }
        return sum;
      });
    }
    if (sink == 42) {
      System.out.println();
    }
  }
}
