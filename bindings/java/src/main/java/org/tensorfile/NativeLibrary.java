package org.tensorfile;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A native library in a jar.
 *
 * @param resource where the library is
 * @param platform the platform that it is for
 * @param sha256 its checksum, 64 lower-case hexadecimal digits
 */
record NativeLibrary(URL resource, NativePlatform platform, String sha256) {
  private static final String FOLDER = "META-INF/native/";

  /** Returns the library of a platform, or null if the class path has none. */
  static NativeLibrary find(ClassLoader loader, NativePlatform platform) throws IOException {
    String name = FOLDER + platform.name() + "/" + platform.fileName();
    URL resource = loader.getResource(name);
    if (resource == null) {
      return null;
    }
    try (InputStream in = loader.getResourceAsStream(name + ".sha256")) {
      String sum = in == null ? "" : new String(in.readNBytes(64), StandardCharsets.US_ASCII);
      if (!sum.matches("[0-9a-f]{64}")) {
        throw new IOException("the jar is damaged: it has no checksum of " + name);
      }
      return new NativeLibrary(resource, platform, sum);
    }
  }

  /** Returns a name for the unpacked library that no other version of it has. */
  String uniqueName() {
    return sha256.substring(0, 32) + "-" + platform.fileName();
  }

  InputStream open() throws IOException {
    // Without a cache of the JVM, which would keep the jar open.
    var connection = resource.openConnection();
    connection.setUseCaches(false);
    return connection.getInputStream();
  }

  /** Returns whether a file, which may not exist, is this library. A link never is. */
  boolean isIn(Path file) throws IOException {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    try (InputStream in = Files.newInputStream(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      return sum(in).equals(sha256);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static String sum(InputStream in) throws IOException {
    try (DigestInputStream digesting = new DigestInputStream(in, MessageDigest.getInstance("SHA-256"))) {
      byte[] buffer = new byte[1 << 16];
      int count;
      do {
        count = digesting.read(buffer);
      } while (count >= 0);
      return HexFormat.of().formatHex(digesting.getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IOException("this JVM has no SHA-256, with which the native library is verified", e);
    }
  }
}
