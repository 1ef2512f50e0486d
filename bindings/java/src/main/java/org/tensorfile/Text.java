package org.tensorfile;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Arrays;

/** Converts strings to UTF-8, and paths to bytes. */
final class Text {
  private static final boolean UTF_8_PATHS = "UTF-8".equalsIgnoreCase(System.getProperty("sun.jnu.encoding"))
      || System.getProperty("os.name").startsWith("Windows");

  private Text() {}

  static byte[] utf8(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (Character.isLowSurrogate(c) || i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1))) {
          throw new InvalidArgumentException(
              "a string has an unpaired surrogate at index " + i + ", which UTF-8 cannot encode");
        }
        i++;
      }
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String string(byte[] utf8) {
    return new String(utf8, StandardCharsets.UTF_8);
  }

  static String string(byte[] bytes, int offset, int length) {
    return new String(bytes, offset, length, StandardCharsets.UTF_8);
  }

  static byte[] utf8WithNul(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new InvalidArgumentException("a name contains a NUL character");
    }
    return withNul(utf8(text));
  }

  /** Returns the bytes of a path, which a Java string cannot represent in every locale. */
  static byte[] path(Path path) {
    if (path.getFileSystem() != FileSystems.getDefault()) {
      throw new InvalidArgumentException("the path " + path + " is not of the default file system: read through "
          + "Source.of(Files.newByteChannel(path)), or write through Tensorfile.saveTo(Files.newOutputStream(path))");
    }
    String text = path.toString();
    if (UTF_8_PATHS || isAscii(text)) {
      return withNul(utf8(text));
    }
    return withNul(percentDecoded(path.toAbsolutePath().toUri().getRawPath()));
  }

  private static boolean isAscii(String text) {
    return text.chars().allMatch(c -> c < 128);
  }

  private static byte[] percentDecoded(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '%') {
        bytes.write(Integer.parseInt(text.substring(i + 1, i + 3), 16));
        i += 2;
      } else {
        bytes.write(c);
      }
    }
    return bytes.toByteArray();
  }

  private static byte[] withNul(byte[] bytes) {
    return Arrays.copyOf(bytes, bytes.length + 1);
  }
}
