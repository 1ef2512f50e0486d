package org.tensorfile.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.tensorfile.ArrayFile;
import org.tensorfile.Format;
import org.tensorfile.Options;

/** Finds the files of a read. */
final class InputFiles {
  /** The extension of the index of a set, which no file of arrays has. */
  private static final String INDEX = ".json";

  private InputFiles() {}

  /**
   * {@return the files that paths name, ordered by path}
   *
   * @param paths files, globs, and folders, of which all files with an extension of a format count
   * @throws FileNotFoundException if a path names nothing
   */
  static List<FileStatus> find(List<String> paths, Configuration configuration) throws IOException {
    if (paths.isEmpty()) {
      throw new IllegalArgumentException("tensorfile: no path is given; load(PATH) takes a file, a folder or a glob");
    }
    List<FileStatus> found = new ArrayList<>();
    for (String text : paths) {
      Path path = new Path(text);
      FileSystem files = path.getFileSystem(configuration);
      FileStatus[] matches = files.globStatus(path);
      if (matches == null || matches.length == 0) {
        throw new FileNotFoundException(text + ": no such file or folder");
      }
      for (FileStatus match : matches) {
        add(match, files, found);
      }
    }
    found.sort(Comparator.comparing(FileStatus::getPath));
    return found;
  }

  private static void add(FileStatus match, FileSystem files, List<FileStatus> found) throws IOException {
    if (match.isFile()) {
      found.add(match);
      return;
    }
    int before = found.size();
    for (RemoteIterator<LocatedFileStatus> all = files.listFiles(match.getPath(), true); all.hasNext();) {
      FileStatus file = all.next();
      if (isData(match.getPath(), file.getPath())) {
        found.add(file);
      }
    }
    if (found.size() == before) {
      throw new FileNotFoundException(match.getPath() + ": the folder has no .npy, .npz, .safetensors or .gguf file");
    }
  }

  /** Names that begin with '_' or '.' are not data, as for Spark's other sources. */
  private static boolean isData(Path folder, Path file) {
    String inside = file.toString().substring(folder.toString().length());
    return Format.fromPath(java.nio.file.Path.of(file.getName())) != Format.AUTO
        && Arrays.stream(inside.split("/")).noneMatch(name -> name.startsWith("_") || name.startsWith("."));
  }

  /** {@return the range that is all of a file, or all of the set of an index, which is opened for this} */
  static Split plan(FileStatus status, Configuration configuration, Options options) throws IOException {
    if (!status.getPath().getName().endsWith(INDEX)) {
      PlannedFile file = new PlannedFile(status.getPath().toString(), PlannedFile.Version.of(status), Map.of());
      return Split.whole(file, status.getLen());
    }
    try (HadoopSource set = HadoopSource.open(status, configuration, options, new HadoopSource.Counts())) {
      return Split.whole(set.planned(), set.file().entries().stream().mapToLong(ArrayFile.Entry::nbytes).sum());
    }
  }
}
