package org.tensorfile.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.tensorfile.ArrayFile;
import org.tensorfile.ByteSource;
import org.tensorfile.Options;
import org.tensorfile.Source;

/**
 * A file of any Hadoop file system, opened with the other files of its set. Reads are positional, and one at a time:
 * parallelism comes from Spark's tasks.
 */
final class HadoopSource implements AutoCloseable {
  /** What was read from all files of a set. */
  static final class Counts {
    private long reads;
    private long bytes;
    private long files;

    long reads() {
      return reads;
    }

    long bytes() {
      return bytes;
    }

    long files() {
      return files;
    }
  }

  // A request to an object store costs about as much as 1 MiB of data.
  private static final long GAP = 1 << 20;
  private static final long PIECE = 8 << 20;
  private static final int BUFFER = 1 << 20;

  private final FileStatus status;
  /** What the file must still be; null while a job is planned. */
  private final PlannedFile expected;
  private final Configuration configuration;
  private final Counts counts;
  private final List<FSDataInputStream> streams = new ArrayList<>();
  private final Map<String, PlannedFile.Version> parts = new HashMap<>();
  private ArrayFile file;

  private HadoopSource(FileStatus status, PlannedFile expected, Configuration configuration, Counts counts) {
    this.status = status;
    this.expected = expected;
    this.configuration = configuration;
    this.counts = counts;
  }

  /**
   * Opens a file, or the set that an index describes, to plan a job.
   *
   * @param status the file
   * @param counts where its reads are counted
   */
  static HadoopSource open(FileStatus status, Configuration configuration, Options options, Counts counts)
      throws IOException {
    return new HadoopSource(status, null, configuration, counts).open(options);
  }

  /** Opens a file in a task. Fails if the file, or a part of its set, has changed since the job was planned. */
  static HadoopSource open(PlannedFile planned, Configuration configuration, Options options, Counts counts)
      throws IOException {
    Path path = new Path(planned.path());
    FileStatus status = path.getFileSystem(configuration).getFileStatus(path);
    planned.requireUnchanged(status);
    return new HadoopSource(status, planned, configuration, counts).open(options);
  }

  private HadoopSource open(Options options) throws IOException {
    try (Source source = sourceOf(status)) {
      source.setResolver(this::sibling);
      file = ArrayFile.open(source, options);
      return this;
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  ArrayFile file() {
    return file;
  }

  /** {@return the file and the parts that have been opened, for the tasks of a job} */
  PlannedFile planned() {
    return new PlannedFile(status.getPath().toString(), PlannedFile.Version.of(status), Map.copyOf(parts));
  }

  private Source sibling(String name) throws IOException {
    Path path = new Path(status.getPath().getParent(), new Path(null, null, name));
    try {
      FileStatus part = path.getFileSystem(configuration).getFileStatus(path);
      if (expected != null) {
        expected.requireUnchangedPart(name, part);
      }
      parts.put(name, PlannedFile.Version.of(part));
      return sourceOf(part);
    } catch (FileNotFoundException e) {
      return null;
    }
  }

  private Source sourceOf(FileStatus opened) throws IOException {
    Path path = opened.getPath();
    FSDataInputStream stream = openStream(path.getFileSystem(configuration), opened);
    streams.add(stream);
    counts.files++;
    return Source.of(new Positioned(stream, opened.getLen(), counts)).setName(path.toString()).setHints(GAP, PIECE, 1);
  }

  /** Opens a file whose status is known, which saves a request to an object store. */
  private static FSDataInputStream openStream(FileSystem files, FileStatus status) throws IOException {
    try {
      return files.openFile(status.getPath()).withFileStatus(status)
          .opt("fs.option.openfile.read.policy", "random").build().get();
    } catch (ExecutionException | CompletionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      throw new IOException(status.getPath() + ": " + e.getCause(), e);
    } catch (InterruptedException | CancellationException e) {
      Thread.currentThread().interrupt();
      throw new IOException(status.getPath() + ": interrupted", e);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      file.close();
    }
    for (FSDataInputStream stream : streams) {
      stream.close();
    }
  }

  private static final class Positioned implements ByteSource {
    private final FSDataInputStream stream;
    private final long size;
    private final Counts counts;
    private byte[] buffer = new byte[0];

    Positioned(FSDataInputStream stream, long size, Counts counts) {
      this.stream = stream;
      this.size = size;
      this.counts = counts;
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
      counts.reads++;
      counts.bytes += into.remaining();
      if (buffer.length < Math.min(into.remaining(), BUFFER)) {
        buffer = new byte[Math.min(into.remaining(), BUFFER)];
      }
      for (long at = offset; into.hasRemaining();) {
        int count = Math.min(into.remaining(), buffer.length);
        stream.readFully(at, buffer, 0, count);
        into.put(buffer, 0, count);
        at += count;
      }
      // A stream of an object store keeps its connection for the next read. The streams of a set, one for each file,
      // could keep all connections of the pool, and the next file would wait for one without end.
      stream.unbuffer();
    }
  }
}
