package org.tensorfile.hadoop;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileRange;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.util.functional.FutureIO;
import org.tensorfile.ByteSource;

/**
 * A file that several threads read. Each read has a stream of its own, because the streams of many file systems serve
 * one read at a time.
 */
final class StreamSource implements ByteSource, Closeable {
  private final FileSystem files;
  private final FileStatus status;
  private final boolean noticesChanges;
  private final ConcurrentLinkedDeque<FSDataInputStream> idle = new ConcurrentLinkedDeque<>();

  StreamSource(FileSystem files, Path path) throws IOException {
    this.files = files;
    status = files.getFileStatus(path);
    // With ETags, a stream that was opened with the status fails by itself.
    noticesChanges = files.hasPathCapability(path, CommonPathCapabilities.ETAGS_AVAILABLE);
  }

  @Override
  public long size() {
    return status.getLen();
  }

  @Override
  public boolean isConcurrent() {
    return true;
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException {
    FSDataInputStream idling = idle.poll();
    FSDataInputStream stream = idling == null ? open() : idling;
    try {
      // A vectored read of one range is a request of exactly that size to object stores that support it, and
      // readFully() of other streams.
      FileRange range = FileRange.createFileRange(offset, into.remaining());
      stream.readVectored(List.of(range), ByteBuffer::allocate);
      into.put(FutureIO.awaitFuture(range.getData()));
    } catch (IOException | RuntimeException e) {
      stream.close();
      throw e;
    }
    idle.push(stream);
    if (!noticesChanges) {
      checkUnchanged();
    }
  }

  /** Opens the file with its status, which saves a request to an object store. */
  private FSDataInputStream open() throws IOException {
    return FutureIO.awaitFuture(files.openFile(status.getPath()).withFileStatus(status)
        .opt("fs.option.openfile.read.policy", "vector, random").build());
  }

  private void checkUnchanged() throws IOException {
    FileStatus now = files.getFileStatus(status.getPath());
    if (now.getLen() != status.getLen() || now.getModificationTime() != status.getModificationTime()) {
      throw new IOException(status.getPath() + ": the file changed while it was read");
    }
  }

  @Override
  public void close() throws IOException {
    for (FSDataInputStream stream = idle.poll(); stream != null; stream = idle.poll()) {
      stream.close();
    }
  }
}
