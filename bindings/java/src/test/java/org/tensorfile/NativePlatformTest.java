package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NativePlatformTest {
  private static final String GLIBC = """
      7f1c00000000-7f1c00028000 r--p 00000000 fe:01 131 /usr/lib/x86_64-linux-gnu/libc.so.6
      7f1c00229000-7f1c0022a000 r--p 00000000 fe:01 132 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
      7ffd5c5d1000-7ffd5c5f2000 rw-p 00000000 00:00 0 [stack]
      """;

  @TempDir
  Path folder;

  private Path maps(String text) throws IOException {
    return Files.writeString(folder.resolve("maps"), text);
  }

  private NativePlatform detect(String os, String arch, String maps) throws IOException {
    return NativePlatform.detect(Map.of("os.name", os, "os.arch", arch)::get, maps(maps));
  }

  /** The values of os.name and os.arch are those of OpenJDK, of the JVMs derived from it, and of OpenJ9. */
  @ParameterizedTest
  @CsvSource({
      "Linux, amd64, linux-x86_64, libtensorfile_jni.so",
      "Linux, x86_64, linux-x86_64, libtensorfile_jni.so",
      "Linux, aarch64, linux-aarch64, libtensorfile_jni.so",
      "Linux, arm64, linux-aarch64, libtensorfile_jni.so",
      "Linux, i386, linux-i386, libtensorfile_jni.so",
      "Linux, ppc64le, linux-ppc64le, libtensorfile_jni.so",
      "Linux, riscv64, linux-riscv64, libtensorfile_jni.so",
      "Mac OS X, x86_64, macos-x86_64, libtensorfile_jni.dylib",
      "Mac OS X, aarch64, macos-arm64, libtensorfile_jni.dylib",
      "Darwin, aarch64, macos-arm64, libtensorfile_jni.dylib",
      "Windows 10, amd64, windows-x86_64, tensorfile_jni.dll",
      "Windows 11, amd64, windows-x86_64, tensorfile_jni.dll",
      "Windows Server 2022, amd64, windows-x86_64, tensorfile_jni.dll",
      "Windows 11, aarch64, windows-arm64, tensorfile_jni.dll",
      "Windows 11, x86, windows-x86, tensorfile_jni.dll",
      "FreeBSD, amd64, freebsd-x86_64, libtensorfile_jni.so",
      "../../etc, a/b, ______etc-a_b, libtensorfile_jni.so",
  })
  void theNameFollowsFromTheProperties(String os, String arch, String name, String file) throws IOException {
    assertEquals(new NativePlatform(name, file), detect(os, arch, GLIBC));
  }

  @ParameterizedTest
  @CsvSource({
      "/lib/ld-musl-x86_64.so.1, x86_64", // Alpine
      "/lib/ld-musl-aarch64.so.1, aarch64",
      "/usr/lib/libc.so, x86_64", // Void, where the loader is a link to it
      "/usr/lib/x86_64-linux-musl/libc.so, x86_64", // Debian
      "/lib/libc.musl-x86_64.so.1, x86_64",
      "/lib/ld-musl-x86_64.so.1 (deleted), x86_64", // during an update of the system
  })
  void aProcessWithMuslGetsTheLibraryForMusl(String mapped, String arch) throws IOException {
    String maps = "7f1c00000000-7f1c00028000 r--p 00000000 fe:01 131 /opt/jdk/lib/server/libjvm.so\n"
        + "7f1c10000000-7f1c10028000 r-xp 00000000 fe:01 132 " + mapped + "\n";
    assertEquals("linux-" + arch + "-musl", detect("Linux", arch, maps).name());
  }

  @Test
  void aMuslThatTheProcessDoesNotUseIsIrrelevant() throws IOException {
    String maps = GLIBC + "7f1c40000000-7f1c40028000 r--p 00000000 fe:01 140 /home/musl/libc.so.d/data\n"
        + "7f1c40000000-7f1c40028000 r--p 00000000 fe:01 141 /tmp/ld-musl-notes/x.txt\n";
    assertEquals("linux-x86_64", detect("Linux", "amd64", maps).name());
  }

  @Test
  void theProgramOfTheJvmDecidesIfTheMappingsCannotBeRead() throws IOException {
    Path program = Files.createDirectories(folder.resolve("bin")).resolve("java");
    Map<String, String> properties =
        Map.of("os.name", "Linux", "os.arch", "amd64", "java.home", folder.toString());
    Path absent = folder.resolve("absent");
    assertEquals("linux-x86_64", NativePlatform.detect(properties::get, absent).name());
    Files.writeString(program, "\177ELF\2\1\1\0/lib64/ld-linux-x86-64.so.2\0");
    assertEquals("linux-x86_64", NativePlatform.detect(properties::get, absent).name());
    Files.writeString(program, "\177ELF\2\1\1\0/lib/ld-musl-x86_64.so.1\0");
    assertEquals("linux-x86_64-musl", NativePlatform.detect(properties::get, absent).name());
  }

  @Test
  void androidIsNotLinux() throws IOException {
    Map<String, String> properties = Map.of("os.name", "Linux", "os.arch", "aarch64", "java.runtime.name",
        "Android Runtime", "java.vm.name", "Dalvik");
    assertEquals("android-aarch64", NativePlatform.detect(properties::get, maps(GLIBC)).name());
  }

  @Test
  void absentPropertiesAreNotAFailure() throws IOException {
    assertEquals("unknown-unknown", NativePlatform.detect(key -> null, maps("")).name());
  }

  @Test
  void theJarHasTheLibraryOfThisPlatform() throws IOException {
    assertNotNull(NativeLibrary.find(NativeLoader.class.getClassLoader(), NativePlatform.current()));
  }
}
