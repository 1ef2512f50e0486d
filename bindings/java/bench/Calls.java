import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Map;
import org.tensorfile.Array;
import org.tensorfile.Dict;

/** Measures the cost of calls: {@code java -cp target/tensorfile-0.1.0.jar bench/Calls.java}. */
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
    System.out.printf(Locale.ROOT, "%-52s %8.1f ns%n", what, best);
  }

  public static void main(String[] args) {
    try (Array array = Array.of(new float[1024], 32, 32); Dict dict = new Dict(Map.of("a", array))) {
      time("getter: array.ndim()", 20_000_000, n -> {
        long sum = 0;
        for (int i = 0; i < n; i++) {
          sum += array.ndim();
        }
        return sum;
      });
      time("call of the library: dict.size()", 5_000_000, n -> {
        long sum = 0;
        for (int i = 0; i < n; i++) {
          sum += dict.size();
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
      time("array of a dict: dict.getArray(name), closed", 200_000, n -> {
        long sum = 0;
        for (int i = 0; i < n; i++) {
          try (Array got = dict.getArray("a")) {
            sum += got.ndim();
          }
        }
        return sum;
      });
    }
    if (sink == 42) {
      System.out.println();
    }
  }
}
