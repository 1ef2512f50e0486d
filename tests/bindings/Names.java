import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.tensorfile.NdArray;
import org.tensorfile.Tensorfile;

/** Loads and saves every .npy file in the folder given as argument, whatever bytes are in its name. */
class Names {
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.npy")) {
      int count = 0;
      for (Path path : files) {
        try (NdArray array = Tensorfile.loadArray(path)) {
          Tensorfile.save(path, NdArray.scalar((byte) (array.getLong() + 1)));
        }
        count++;
      }
      System.out.println(count);
    }
  }
}
