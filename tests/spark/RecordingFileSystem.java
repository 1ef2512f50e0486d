package org.tensorfile.spark.tests;

import java.io.IOException;
import java.net.URI;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * Local files under the scheme {@code recording}, to which the module writes as it does to HDFS. Records each move and
 * each removal, can refuse to move a file to one name, and can replace a file when a write begins.
 */
public class RecordingFileSystem extends RawLocalFileSystem {
  /** Local files under their own scheme, {@code file}, recorded in the same way. */
  public static final class Local extends LocalFileSystem {
    public Local() {
      super(new Files());
    }
  }

  private static final class Files extends RecordingFileSystem {
    @Override
    public URI getUri() {
      return URI.create("file:///");
    }
  }

  private static final List<String> CALLS = Collections.synchronizedList(new ArrayList<>());
  private static volatile String refused;
  private static volatile String replacement;
  private static volatile String replaced;

  /** Starts a new record. If {@code name} is not null, no file can be moved to this name. */
  public static void start(String name) {
    CALLS.clear();
    refused = name;
  }

  /** {@return what was done, in order: {@code move NAME} or {@code delete NAME}} */
  public static List<String> calls() {
    return List.copyOf(CALLS);
  }

  /**
   * Lets the local file {@code from} replace {@code to} when the next folder is made. The first of a write is that for
   * its unfinished files, which is made after the job was planned and before its tasks begin.
   */
  public static void replaceAtNextFolder(String from, String to) {
    replaced = to;
    replacement = from;
  }

  @Override
  public boolean mkdirs(Path path) throws IOException {
    String from = replacement;
    replacement = null;
    if (from != null) {
      java.nio.file.Files.move(java.nio.file.Path.of(from), java.nio.file.Path.of(replaced),
          StandardCopyOption.REPLACE_EXISTING);
    }
    return super.mkdirs(path);
  }

  // The constructor of RawLocalFileSystem calls this, before a field could have the value.
  @Override
  public URI getUri() {
    return URI.create("recording:///");
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    CALLS.add("move " + to.getName());
    return !to.getName().equals(refused) && super.rename(from, to);
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    boolean existed = super.delete(path, recursive);
    if (existed) {
      CALLS.add("delete " + path.getName());
    }
    return existed;
  }
}
