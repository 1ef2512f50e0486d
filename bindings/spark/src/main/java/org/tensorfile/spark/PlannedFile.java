package org.tensorfile.spark;

import java.io.IOException;
import java.io.Serializable;
import java.util.Map;
import org.apache.hadoop.fs.FileStatus;

/**
 * A file as it was when a job was planned. Each task opens the file again, and compares what it finds, because the rows
 * of a job must not come from two versions of a file.
 *
 * @param path the file
 * @param version its version
 * @param parts for an index, the versions of the parts, by the names that the index has for them
 */
record PlannedFile(String path, Version version, Map<String, Version> parts) implements Serializable {
  /**
   * What every file system knows about the version of a file.
   *
   * @param length the bytes of the file
   * @param modified when it was modified
   */
  record Version(long length, long modified) implements Serializable {
    static Version of(FileStatus status) {
      return new Version(status.getLen(), status.getModificationTime());
    }
  }

  void requireUnchanged(FileStatus now) throws IOException {
    require(version, now);
  }

  void requireUnchangedPart(String name, FileStatus now) throws IOException {
    require(parts.get(name), now);
  }

  private static void require(Version expected, FileStatus now) throws IOException {
    if (!Version.of(now).equals(expected)) {
      throw changed(now.getPath().toString());
    }
  }

  static IOException changed(String path) {
    return new IOException(path + ": the file was modified after the job was planned; load or convert it again");
  }
}
