import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;

/** Loads the package with two class loaders, as two programs in a server do, from the jar in the first argument. */
public class Loaders {
  public static void main(String[] args) throws Exception {
    URL[] jar = {Path.of(args[0]).toUri().toURL()};
    try (URLClassLoader one = new URLClassLoader(jar); URLClassLoader another = new URLClassLoader(jar)) {
      System.out.println(version(one) + " " + version(another));
    }
  }

  private static Object version(ClassLoader loader) throws Exception {
    return Class.forName("org.tensorfile.Tensorfile", true, loader).getMethod("version").invoke(null);
  }
}
