package org.tensorfile;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Loads the native library from {@code -Dtensorfile.library.path}, or else from a jar in the class path. */
final class NativeLoader {
  private static final String PROPERTY = "tensorfile.library.path";

  private NativeLoader() {}

  static void load() {
    String given = System.getProperty(PROPERTY);
    if (given != null && !given.isEmpty()) {
      Path path = Path.of(given).toAbsolutePath();
      loadFrom(Files.isDirectory(path) ? path.resolve(fileName()) : path);
    } else {
      loadFromJar();
    }
  }

  private static void loadFrom(Path path) {
    System.load(path.toString());
    try {
      TensorfileNativeJNI.tf_version_number();
    } catch (UnsatisfiedLinkError e) {
      throw new UnsatisfiedLinkError(path + " has no functions for Java: -D" + PROPERTY + " takes the library "
          + fileName() + " of this package, which contains the core, or its folder");
    }
  }

  /** Returns the name of this platform, which is also the classifier of the jar with its library. */
  static String platform() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    String system = os.startsWith("windows") ? "windows" : os.startsWith("mac") ? "macos" : os.replace(' ', '_');
    return system + "-" + (arch.equals("amd64") ? "x86_64" : arch);
  }

  private static String fileName() {
    return System.mapLibraryName("tensorfile_jni");
  }

  private static void loadFromJar() {
    String resource = "META-INF/native/" + platform() + "/" + fileName();
    try (InputStream in = NativeLoader.class.getClassLoader().getResourceAsStream(resource)) {
      if (in == null) {
        throw new UnsatisfiedLinkError(resource + " is not in the class path: add the jar of tensorfile with the"
            + " classifier " + platform() + ", or set -D" + PROPERTY + " to the library or its folder");
      }
      Path folder = Files.createTempDirectory("tensorfile");
      Path file = folder.resolve(fileName());
      try {
        Files.copy(in, file);
        System.load(file.toString());
      } finally {
        discard(file);
        discard(folder);
      }
    } catch (IOException e) {
      UnsatisfiedLinkError error = new UnsatisfiedLinkError("cannot unpack the native library: " + e);
      error.initCause(e);
      throw error;
    }
  }

  /** Deletes a file immediately if the system allows that for a loaded library, or else when the program ends. */
  private static void discard(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      path.toFile().deleteOnExit();
    }
  }
}
