package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The library of these tests is text. tests/bindings/java.sh loads real ones. */
class NativeCacheTest {
  private static final byte[] BYTES = "a library".repeat(100_000).getBytes(StandardCharsets.US_ASCII);
  /** printf 'a library%.0s' $(seq 100000) | sha256sum. */
  private static final String SUM = "a5594ce193c9fd3f40f56074c21c1f8504d28233236ef0469665a5334a0842fb";
  private static final NativePlatform PLATFORM = new NativePlatform("linux-x86_64", "libtensorfile_jni.so");

  @TempDir
  Path temporary;
  private Path folder;
  private NativeLibrary library;

  @BeforeEach
  void setUp() throws IOException {
    // The temporary folder of the tests itself is only for the user.
    folder = temporary.resolve("cache");
    library = library(BYTES, SUM);
  }

  private NativeLibrary library(byte[] bytes, String sum) throws IOException {
    Path source = temporary.resolve("jar/META-INF/native/linux-x86_64/libtensorfile_jni.so");
    Files.createDirectories(source.getParent());
    Files.write(source, bytes);
    Files.writeString(source.resolveSibling("libtensorfile_jni.so.sha256"), sum + "\n");
    try (URLClassLoader loader = new URLClassLoader(new URL[] {temporary.resolve("jar").toUri().toURL()}, null)) {
      return NativeLibrary.find(loader, PLATFORM);
    }
  }

  private Path install() throws IOException {
    return new NativeCache(folder).install(library);
  }

  private void refuses(String reason) {
    FileSystemException e = assertThrows(FileSystemException.class, this::install);
    assertTrue(e.getMessage().contains(folder + ": " + reason), e.getMessage());
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> found = Files.list(folder)) {
      return found.toList();
    }
  }

  @Test
  void aLibraryIsUnpackedOnceIntoAFolderOfTheUser() throws IOException {
    Path file = install();
    assertArrayEquals(BYTES, Files.readAllBytes(file));
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
    FileTime old = FileTime.fromMillis(1_000_000_000_000L);
    Files.setLastModifiedTime(file, old);
    assertEquals(file, install());
    assertEquals(old, Files.getLastModifiedTime(file));
    assertEquals(List.of(file), files());
  }

  @Test
  void librariesOfOtherVersionsHaveOtherNames() throws IOException {
    Path file = install();
    byte[] other = BYTES.clone();
    other[0]++;
    // The sum of the same bytes with a b at the beginning.
    library = library(other, "d23757e689ab84dc8c2569b529332550d76d6c65435cd2c0e2783b4d61e37b7b");
    assertNotEquals(file, install());
    assertEquals(2, files().size());
  }

  @Test
  void aFileThatWasChangedIsReplaced() throws IOException {
    Path file = install();
    for (byte[] changed : List.of(new byte[0], new byte[BYTES.length], "a library".getBytes(StandardCharsets.US_ASCII))) {
      Files.write(file, changed);
      assertEquals(file, install());
      assertArrayEquals(BYTES, Files.readAllBytes(file));
    }
  }

  @Test
  void aLinkInTheFolderIsReplacedAndNotFollowed() throws IOException {
    Path file = install();
    Path target = Files.write(temporary.resolve("target"), BYTES);
    Files.delete(file);
    Files.createSymbolicLink(file, target);
    Files.setLastModifiedTime(target, FileTime.fromMillis(0));
    assertEquals(file, install());
    assertFalse(Files.isSymbolicLink(file));
    assertEquals(FileTime.fromMillis(0), Files.getLastModifiedTime(target));
  }

  @Test
  void aLinkToAFolderIsRefused() throws IOException {
    Path target = Files.createDirectory(temporary.resolve("target"));
    Files.createSymbolicLink(folder, target);
    refuses("it is a symbolic link");
    Files.delete(target);
    refuses("it is a symbolic link");
    assertFalse(Files.exists(target, LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void aFileIsNoFolder() throws IOException {
    Files.createFile(folder);
    refuses("it is not a folder");
  }

  @Test
  void aFolderThatOthersCanWriteToIsRefused() throws IOException {
    Files.createDirectory(folder);
    for (String mode : List.of("rwxrwx---", "rwx----w-", "rwxrwxrwx")) {
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(mode));
      refuses("others can write to it: its permissions are " + mode);
      assertEquals(List.of(), files());
    }
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    install();
  }

  @Test
  void aFolderThatOthersCanReplaceIsRefused() throws IOException {
    Path open = Files.createDirectory(temporary.resolve("open"));
    folder = open.resolve("between/cache");
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    Files.setAttribute(open, "unix:mode", 0777);
    refuses("others can replace it: everybody can write to " + open.toRealPath());
    Files.setAttribute(open, "unix:mode", 01777); // as /tmp
    install();
  }

  @Test
  void aJarWithAWrongChecksumIsRefused() throws IOException {
    library = library(BYTES, "0".repeat(64));
    IOException e = assertThrows(IOException.class, this::install);
    assertTrue(e.getMessage().contains("the jar is damaged"), e.getMessage());
    assertEquals(List.of(), files());
    assertThrows(IOException.class, () -> library(BYTES, "not a checksum"));
  }

  @Test
  void unpackingAtTheSameTimeIsHarmless() throws Exception {
    int threads = 8;
    var pool = Executors.newFixedThreadPool(threads);
    try {
      for (int round = 0; round < 5; round++) {
        List<Future<Path>> results = new ArrayList<>();
        Callable<Path> install = this::install;
        for (int i = 0; i < threads; i++) {
          results.add(pool.submit(install));
        }
        for (Future<Path> result : results) {
          assertArrayEquals(BYTES, Files.readAllBytes(result.get()));
        }
        assertEquals(1, files().size());
        Files.delete(files().get(0));
      }
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void eachSystemHasAFolderForCaches() {
    Map<String, String> home = Map.of("user.home", "/home/ada");
    assertEquals(Path.of("/home/ada/.cache/tensorfile"), NativeCache.userFolder("linux", home::get, key -> null));
    assertEquals(Path.of("/home/ada/.cache/tensorfile"),
        NativeCache.userFolder("linux", home::get, Map.of("XDG_CACHE_HOME", "relative")::get));
    assertEquals(Path.of("/var/ada/tensorfile"),
        NativeCache.userFolder("linux", home::get, Map.of("XDG_CACHE_HOME", "/var/ada")::get));
    assertEquals(Path.of("/home/ada/Library/Caches/tensorfile"), NativeCache.userFolder("macos", home::get, key -> null));
    assertEquals(Path.of("/c/ada/tensorfile/cache"),
        NativeCache.userFolder("windows", home::get, Map.of("LOCALAPPDATA", "/c/ada")::get));
    assertNull(NativeCache.userFolder("windows", home::get, key -> null));
    assertNull(NativeCache.userFolder("linux", Map.of("user.home", "?")::get, key -> null));
  }
}
