package org.tensorfile.spark;

import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;

/**
 * The folder of a set that is being written. Each attempt of a task writes a file of its own to a staging folder inside
 * it, and the driver moves the files of the attempts that count to their names.
 *
 * @param target the path that a single file would have
 * @param staging the folder for unfinished files, which reads ignore
 */
record OutputFolder(String target, String staging) implements Serializable {
  private static final String INDEX = ".index.json";

  /** Name of a file in the staging folder that exists until the write ends. */
  private static final String OPEN = "open";

  private static final int ATTEMPTS = 10;

  static OutputFolder of(Path target, String id) {
    return new OutputFolder(target.toString(), new Path(parent(target), "_tensorfile-" + id).toString());
  }

  private static Path parent(Path target) {
    Path folder = target.getParent();
    if (folder == null || target.getName().isEmpty()) {
      throw new IllegalArgumentException(target + ": expected a file such as models/model.safetensors");
    }
    return folder;
  }

  Path folder() {
    return parent(new Path(target));
  }

  String name() {
    return new Path(target).getName();
  }

  /** {@return the file system, which for local files writes no checksums next to them} */
  FileSystem files(Configuration configuration) throws IOException {
    FileSystem files = new Path(target).getFileSystem(configuration);
    return files instanceof LocalFileSystem local ? local.getRawFileSystem() : files;
  }

  boolean isLocal(Configuration configuration) throws IOException {
    return isLocal(files(configuration));
  }

  private static boolean isLocal(FileSystem files) {
    return files.getUri().getScheme().equals("file");
  }

  void create(Configuration configuration) throws IOException {
    files(configuration).mkdirs(new Path(staging));
    createStaged(OPEN, configuration).close();
  }

  /**
   * Removes the staging folder, also while attempts of tasks that do not count still write to it. A file system with
   * folders creates no file in one that is gone; only a file that is created while the folder is removed needs another
   * attempt. For object stores, see {@link #requireOpen}.
   */
  void discard(Configuration configuration) throws IOException {
    FileSystem files = files(configuration);
    files.delete(staged(OPEN), false);
    Path folder = new Path(staging);
    for (int i = 0; i < ATTEMPTS && files.exists(folder); i++) {
      files.delete(folder, true);
    }
    if (files.exists(folder)) {
      throw new IOException(folder + ": cannot remove the staging folder; it is not needed, and can be deleted");
    }
  }

  /**
   * Fails if the write has ended, and removes what this attempt of a task has left. An object store creates a file when
   * its stream is closed, even if the folder was removed meanwhile. Since the driver removes the file {@code open}
   * before it lists the others, either it finds the file of this attempt, or this attempt finds that {@code open} is
   * gone.
   */
  void requireOpen(Configuration configuration) throws IOException {
    if (!files(configuration).exists(staged(OPEN))) {
      discard(configuration);
      throw new IOException(staging + ": the write has ended without this attempt of a task");
    }
  }

  /** {@return the name of the file of this attempt of a task, which no other attempt has} */
  static String attemptName(String kind) {
    TaskContext task = TaskContext.get();
    return kind + "-" + task.partitionId() + "-" + task.stageAttemptNumber() + "-" + task.taskAttemptId();
  }

  /** Creates a file in the staging folder. Fails if the driver has removed it, because the write has ended. */
  FSDataOutputStream createStaged(String name, Configuration configuration) throws IOException {
    FileSystem files = files(configuration);
    return files.createNonRecursive(new Path(staging, name), false, 1 << 20, files.getDefaultReplication(folder()),
        files.getDefaultBlockSize(folder()), null);
  }

  Path staged(String name) {
    return new Path(staging, name);
  }

  /** {@return the files that a set of this name has or had} */
  List<Path> existing(Configuration configuration) throws IOException {
    FileSystem files = files(configuration);
    if (!files.exists(folder())) {
      return List.of();
    }
    Pattern names = names();
    return Arrays.stream(files.listStatus(folder())).filter(FileStatus::isFile).map(FileStatus::getPath)
        .filter(path -> names.matcher(path.getName()).matches()).toList();
  }

  private Pattern names() {
    String name = name();
    int dot = name.lastIndexOf('.');
    String stem = Pattern.quote(name.substring(0, dot));
    String extension = Pattern.quote(name.substring(dot));
    return Pattern.compile(stem + "(-\\d{5}-of-\\d{5})?" + extension + "|" + Pattern.quote(name + INDEX));
  }

  private static boolean isEntry(Path path) {
    return path.getName().endsWith(INDEX) || path.getName().contains("-00001-of-");
  }

  /**
   * Moves the parts to their names, after removing the entries of the old set and before writing the index: whenever it
   * is interrupted or fails, the old set loads, or the new one, or neither because its entry is missing, but never a
   * mixture.
   *
   * @param names the names of the parts
   * @param staged the file of each part in the staging folder
   * @param index the text of the index; null if the set has none
   */
  void commit(List<String> names, List<String> staged, String index, Configuration configuration) throws IOException {
    FileSystem files = files(configuration);
    requireNoFolders(files, names, index != null);
    List<Path> old = new ArrayList<>(existing(configuration));
    boolean isSet = names.size() > 1;
    if (isSet) {
      for (Path path : old) {
        if (isEntry(path)) {
          delete(files, path);
        }
      }
    }
    for (int i = names.size(); i-- > 0;) {
      move(files, staged(staged.get(i)), new Path(folder(), names.get(i)));
    }
    if (index != null) {
      writeIndex(files, index, configuration);
    }
    for (Path path : old) {
      if (!names.contains(path.getName()) && !(index != null && path.getName().equals(name() + INDEX))) {
        delete(files, path);
      }
    }
  }

  /** Fails if a file of the set would have the name of a folder, into which some file systems would move it. */
  private void requireNoFolders(FileSystem files, List<String> names, boolean hasIndex) throws IOException {
    for (FileStatus status : files.listStatus(folder())) {
      String name = status.getPath().getName();
      if (status.isDirectory() && (names.contains(name) || (hasIndex && name.equals(name() + INDEX)))) {
        throw new IOException(status.getPath() + ": is a folder, but a file of the set needs this name; rename the"
            + " folder, or choose another name for the set");
      }
    }
  }

  private void writeIndex(FileSystem files, String index, Configuration configuration) throws IOException {
    try (FSDataOutputStream out = createStaged("index", configuration)) {
      out.write(index.getBytes(StandardCharsets.UTF_8));
    }
    move(files, staged("index"), new Path(folder(), name() + INDEX));
  }

  /** Replaces a file. Local files are replaced atomically; other file systems need the old file to be removed first. */
  private void move(FileSystem files, Path from, Path to) throws IOException {
    if (!isLocal(files)) {
      files.delete(to, false);
    }
    if (!files.rename(from, to)) {
      throw new IOException(to + ": cannot move " + from + " to this name");
    }
    discardChecksum(files, to);
  }

  private void delete(FileSystem files, Path path) throws IOException {
    files.delete(path, false);
    discardChecksum(files, path);
  }

  /** Removes the checksum that Hadoop has written for an older local file, with which the new one could not be read. */
  private static void discardChecksum(FileSystem files, Path path) throws IOException {
    if (isLocal(files)) {
      files.delete(new Path(path.getParent(), "." + path.getName() + ".crc"), false);
    }
  }
}
