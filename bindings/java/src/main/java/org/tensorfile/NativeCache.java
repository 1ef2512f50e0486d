package org.tensorfile;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * A folder that native libraries are unpacked to, which keeps them for later programs. What it contains runs in the
 * process, so it must belong to the user, and nobody else may be able to write to it. Still, each library is verified
 * before it is loaded.
 *
 * @param folder the folder, which need not exist
 */
record NativeCache(Path folder) {
  private static final LinkOption NOFOLLOW = LinkOption.NOFOLLOW_LINKS;
  private static final int OTHERS_WRITE = 0002;
  private static final int STICKY = 01000;

  /**
   * Returns the folder for caches that the system has for each user, or null if it has none.
   *
   * @param system the start of a platform's name
   * @param property returns the value of a system property, or null
   * @param environment returns the value of an environment variable, or null
   */
  static Path userFolder(String system, UnaryOperator<String> property, UnaryOperator<String> environment) {
    Path local = absolute(environment.apply(system.equals("windows") ? "LOCALAPPDATA" : "XDG_CACHE_HOME"));
    Path home = absolute(property.apply("user.home"));
    return switch (system) {
      case "windows" -> local == null ? null : local.resolve("tensorfile").resolve("cache");
      case "macos" -> home == null ? null : home.resolve("Library/Caches/tensorfile");
      default -> local != null ? local.resolve("tensorfile") : home == null ? null : home.resolve(".cache/tensorfile");
    };
  }

  /** The JVM sets user.home to "?" if the user has no home, and a relative XDG_CACHE_HOME is to be ignored. */
  private static Path absolute(String path) {
    return path == null || path.isEmpty() || !Path.of(path).isAbsolute() ? null : Path.of(path);
  }

  /** Returns the file of a library in the folder. It has been verified, and was unpacked if necessary. */
  Path install(NativeLibrary library) throws IOException {
    if (!Files.exists(folder, NOFOLLOW)) {
      Files.createDirectories(folder, onlyForUser(folder));
    }
    check();
    Path file = folder.resolve(library.uniqueName());
    if (!library.isIn(file)) {
      unpack(library, file);
    }
    return file;
  }

  /** Returns a new folder in this one for a second copy of a library. */
  NativeCache newFolder() throws IOException {
    return new NativeCache(Files.createTempDirectory(folder, "copy", onlyForUser(folder)));
  }

  private static FileAttribute<?>[] onlyForUser(Path folder) {
    return has(folder, "posix")
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))}
        : new FileAttribute<?>[0];
  }

  private static boolean has(Path folder, String view) {
    return folder.getFileSystem().supportedFileAttributeViews().contains(view);
  }

  private void check() throws IOException {
    BasicFileAttributes found = Files.readAttributes(folder, BasicFileAttributes.class, NOFOLLOW);
    if (found.isSymbolicLink()) {
      throw refused("it is a symbolic link");
    }
    if (!found.isDirectory() || found.isOther()) {
      throw refused("it is not a folder");
    }
    checkOwner();
    if (has(folder, "posix")) {
      Set<PosixFilePermission> mode = Files.getPosixFilePermissions(folder, NOFOLLOW);
      if (mode.contains(PosixFilePermission.GROUP_WRITE) || mode.contains(PosixFilePermission.OTHERS_WRITE)) {
        throw refused("others can write to it: its permissions are " + PosixFilePermissions.toString(mode));
      }
    }
    checkParents();
  }

  /** Compares the owner with that of a new file: the JVM does not say which user it runs as. */
  private void checkOwner() throws IOException {
    Path probe;
    try {
      probe = Files.createTempFile(folder, "owner", ".tmp");
    } catch (AccessDeniedException e) {
      throw refused("no file can be created in it: permission denied");
    }
    try {
      if (!Files.getOwner(probe, NOFOLLOW).equals(Files.getOwner(folder, NOFOLLOW))) {
        throw refused("it belongs to another user, " + Files.getOwner(folder, NOFOLLOW));
      }
    } finally {
      Files.deleteIfExists(probe);
    }
  }

  /** In a folder that everybody can write to, and that is not sticky as /tmp is, others could replace this one. */
  private void checkParents() throws IOException {
    if (!has(folder, "unix")) {
      return;
    }
    for (Path parent = folder.toRealPath().getParent(); parent != null; parent = parent.getParent()) {
      int mode = (Integer) Files.getAttribute(parent, "unix:mode");
      if ((mode & OTHERS_WRITE) != 0 && (mode & STICKY) == 0) {
        throw refused("others can replace it: everybody can write to " + parent);
      }
    }
  }

  private FileSystemException refused(String reason) {
    return new FileSystemException(folder.toString(), null, reason);
  }

  /** Writes a library under a temporary name and renames it, since other processes may be doing the same. */
  private void unpack(NativeLibrary library, Path file) throws IOException {
    Path temporary = Files.createTempFile(folder, "unpack", ".tmp");
    try {
      try (InputStream in = library.open(); OutputStream out = Files.newOutputStream(temporary)) {
        in.transferTo(out);
      }
      if (!library.isIn(temporary)) {
        throw new IOException("the jar is damaged: " + library.resource() + " does not have the SHA-256 "
            + library.sha256());
      }
      try {
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        // Windows does not replace a library that another process has loaded.
        if (!library.isIn(file)) {
          throw e;
        }
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
