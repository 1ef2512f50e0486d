package org.tensorfile;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * The platform that this JVM runs on.
 *
 * @param name what the folder of its library in the jar is called, such as {@code linux-x86_64-musl}
 * @param fileName the name of a native library on the platform
 */
record NativePlatform(String name, String fileName) {
  /** The file of musl's C library: all of it is in the loader, to which the other name is a link on some systems. */
  private static final Pattern MUSL =
      Pattern.compile("/(?:ld-musl-[^/ ]*|libc\\.musl-[^/ ]*|libc\\.so)(?: \\(deleted\\))?$", Pattern.MULTILINE);

  /** As much of a program as has the name of its loader, which is in one of the first sections. */
  private static final int PROGRAM_START = 64 << 10;

  static NativePlatform current() {
    return detect(System::getProperty, Path.of("/proc/self/maps"));
  }

  /**
   * Detects the platform.
   *
   * @param property returns the value of a system property, or null
   * @param maps the file with the memory mappings of the process on Linux, which shows whose C library it uses
   */
  static NativePlatform detect(UnaryOperator<String> property, Path maps) {
    String system = system(property);
    String arch = arch(value(property, "os.arch"), system);
    String library = "tensorfile_jni";
    return switch (system) {
      case "windows" -> new NativePlatform("windows-" + arch, library + ".dll");
      case "macos" -> new NativePlatform("macos-" + arch, "lib" + library + ".dylib");
      case "linux" -> new NativePlatform("linux-" + arch + (isMusl(property, maps) ? "-musl" : ""), "lib" + library + ".so");
      default -> new NativePlatform(system + "-" + arch, "lib" + library + ".so");
    };
  }

  private static String value(UnaryOperator<String> property, String key) {
    String value = property.apply(key);
    return value == null ? "" : value.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_]", "_");
  }

  private static String system(UnaryOperator<String> property) {
    String name = value(property, "os.name");
    if (name.startsWith("windows")) {
      return "windows";
    }
    if (name.startsWith("mac") || name.equals("darwin")) {
      return "macos";
    }
    // Android says that it is Linux, but has a C library of its own.
    boolean android = value(property, "java.runtime.name").contains("android")
        || value(property, "java.vm.name").equals("dalvik");
    return android ? "android" : name.isEmpty() ? "unknown" : name;
  }

  private static String arch(String name, String system) {
    return switch (name) {
      case "amd64", "x86_64", "x64" -> "x86_64";
      case "aarch64", "arm64" -> system.equals("macos") || system.equals("windows") ? "arm64" : "aarch64";
      default -> name.isEmpty() ? "unknown" : name;
    };
  }

  /**
   * Returns whether this process uses musl. Whether a musl is installed does not matter: it can be next to a glibc. If
   * the mappings cannot be read, the loader that the JVM's program names decides.
   */
  private static boolean isMusl(UnaryOperator<String> property, Path maps) {
    try {
      return MUSL.matcher(start(maps, Integer.MAX_VALUE)).find();
    } catch (IOException e) {
      String home = property.apply("java.home");
      try {
        return home != null && start(Path.of(home, "bin", "java"), PROGRAM_START).contains("/ld-musl-");
      } catch (IOException withoutProgram) {
        return false;
      }
    }
  }

  private static String start(Path file, int bytes) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return new String(in.readNBytes(bytes), StandardCharsets.ISO_8859_1);
    }
  }
}
