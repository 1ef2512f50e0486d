package org.tensorfile;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Loads the native library from {@code -Dtensorfile.library.path}, or else from the jar, which has one for each platform.
 *
 * <p>The library is unpacked to {@code -Dtensorfile.cache.path}, or else to the user's folder for caches. If that folder
 * cannot be used, because it is not writable or not safe, it is unpacked to a new temporary folder.
 */
final class NativeLoader {
  private static final String LIBRARY = "tensorfile.library.path";
  private static final String CACHE = "tensorfile.cache.path";

  private NativeLoader() {}

  static void load() {
    NativePlatform platform = NativePlatform.current();
    String given = System.getProperty(LIBRARY);
    if (given != null && !given.isEmpty()) {
      Path path = Path.of(given).toAbsolutePath();
      loadFile(Files.isDirectory(path) ? path.resolve(platform.fileName()) : path, platform);
    } else {
      loadFromJar(platform);
    }
  }

  private static void loadFile(Path path, NativePlatform platform) {
    System.load(path.toString());
    try {
      TensorfileNativeJNI.tf_version_number();
    } catch (UnsatisfiedLinkError e) {
      throw new UnsatisfiedLinkError(path + " has no functions for Java: -D" + LIBRARY + " takes the library "
          + platform.fileName() + " of this package, which contains the core, or its folder");
    }
  }

  private static void loadFromJar(NativePlatform platform) {
    try {
      NativeLibrary library = NativeLibrary.find(NativeLoader.class.getClassLoader(), platform);
      if (library == null) {
        throw new UnsatisfiedLinkError("the jar has no native library for " + platform.name() + ": run mvn package in"
            + " bindings/java on this platform, and set -D" + LIBRARY + " to the library " + platform.fileName()
            + " that it makes, or its folder");
      }
      String given = System.getProperty(CACHE);
      if (given != null && !given.isEmpty()) {
        loadFrom(new NativeCache(Path.of(given).toAbsolutePath()), library);
      } else {
        loadFromUserFolder(library);
      }
    } catch (IOException e) {
      throw failure("cannot find the native library: " + described(e), e);
    }
  }

  private static void loadFromUserFolder(NativeLibrary library) throws IOException {
    String system = library.platform().name().replaceFirst("-.*", "");
    Path folder = NativeCache.userFolder(system, System::getProperty, System::getenv);
    UnsatisfiedLinkError first = null;
    if (folder != null) {
      try {
        loadFrom(new NativeCache(folder), library);
        return;
      } catch (UnsatisfiedLinkError e) {
        first = e;
      }
    }
    try {
      loadOnce(new NativeCache(Files.createTempDirectory("tensorfile")), library);
    } catch (IOException | UnsatisfiedLinkError e) {
      if (first != null) {
        e.addSuppressed(first);
      }
      throw e;
    }
  }

  private static Path install(NativeCache cache, NativeLibrary library) {
    try {
      return cache.install(library);
    } catch (IOException e) {
      String folder = cache.folder().toString();
      boolean about = e instanceof FileSystemException f && f.getReason() != null && folder.equals(f.getFile());
      throw failure("cannot unpack the native library to " + folder + ": "
          + (about ? ((FileSystemException) e).getReason() : described(e)), e);
    }
  }

  private static void loadFrom(NativeCache cache, NativeLibrary library) {
    Path file = install(cache, library);
    try {
      System.load(file.toString());
    } catch (UnsatisfiedLinkError e) {
      // The JVM loads a file for one class loader only, but two programs in a server may each have this package.
      if (e.getMessage() != null && e.getMessage().contains("already loaded in another classloader")) {
        loadOnce(copies(cache), library);
      } else {
        throw failure("cannot load the native library, perhaps because its folder is on a file system that is mounted"
            + " with noexec: " + e.getMessage(), e);
      }
    }
  }

  private static NativeCache copies(NativeCache cache) {
    try {
      return cache.newFolder();
    } catch (IOException e) {
      throw failure("cannot copy the native library: " + described(e), e);
    }
  }

  /** Loads a library from a folder that exists for this purpose only. */
  private static void loadOnce(NativeCache cache, NativeLibrary library) {
    try {
      Path file = install(cache, library);
      try {
        System.load(file.toString());
      } catch (UnsatisfiedLinkError e) {
        throw failure("cannot load the native library: " + e.getMessage(), e);
      } finally {
        discard(file);
      }
    } finally {
      discard(cache.folder());
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

  /** The messages of some exceptions are only the name of a file. */
  private static String described(IOException e) {
    return e instanceof FileSystemException f && f.getReason() == null
        ? e.getClass().getSimpleName() + ": " + e.getMessage() : e.getMessage();
  }

  private static UnsatisfiedLinkError failure(String what, Throwable cause) {
    UnsatisfiedLinkError error = new UnsatisfiedLinkError(what + "; set -D" + CACHE + " to a folder that only you can write"
        + " to, or -D" + LIBRARY + " to an unpacked library or its folder");
    error.initCause(cause);
    return error;
  }
}
