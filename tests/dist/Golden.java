import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.CRC32;
import org.tensorfile.Loaded;
import org.tensorfile.NdArray;
import org.tensorfile.Tensorfile;
import org.tensorfile.TensorfileException;

/** Loads all files of tests/golden, the first argument, and compares them with verdicts.tsv. */
public class Golden {
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    int files = 0;
    int arrays = 0;
    Iterator<String> lines = Files.readAllLines(folder.resolve("verdicts.tsv")).iterator();
    Loaded loaded = null;
    while (lines.hasNext()) {
      String[] columns = lines.next().split("\t");
      if (!columns[0].isEmpty()) {
        files++;
        loaded = load(folder.resolve(columns[0]), columns[2]);
      } else if (loaded != null) {
        arrays++;
        String name = columns[1].substring(1, columns[1].length() - 1)
            .replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
        try (NdArray array = loaded.get(name).contiguous()) {
          CRC32 crc = new CRC32();
          crc.update(array.data());
          expect(name, Arrays.asList(columns).subList(2, 5), List.of(array.dtype().toString(),
              LongStream.of(array.shape()).mapToObj(Long::toString).collect(Collectors.joining(",")),
              String.format("%08x", crc.getValue())));
        }
      }
    }
    System.out.println(files + " files, " + arrays + " arrays");
  }

  private static Loaded load(Path path, String verdict) throws Exception {
    Loaded loaded = null;
    String found = "ok";
    try {
      loaded = Tensorfile.load(path);
    } catch (TensorfileException e) {
      found = e.status().toString();
    }
    expect(path.toString(), verdict, found);
    return loaded;
  }

  private static void expect(String what, Object expected, Object found) {
    if (!expected.equals(found)) {
      throw new AssertionError(what + ": expected " + expected + ", found " + found);
    }
  }
}
