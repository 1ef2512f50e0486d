package org.tensorfile.hadoop;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Abortable;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.DelegateToFileSystem;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileRange;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * Local files as an object store has them: a file appears when its stream is closed. Counts reads, and requests for the
 * status of a file.
 */
public class CountingStore extends RawLocalFileSystem {
  static final AtomicInteger reads = new AtomicInteger();
  static final AtomicInteger statuses = new AtomicInteger();

  /** The store as a FileContext needs it. */
  public static final class Context extends DelegateToFileSystem {
    /** Called by Hadoop. */
    public Context(URI uri, Configuration configuration) throws IOException, URISyntaxException {
      super(uri, new CountingStore(), configuration, "counting", false);
    }
  }

  @Override
  public final URI getUri() {
    return URI.create(getScheme() + ":///");
  }

  @Override
  public String getScheme() {
    return "counting";
  }

  @Override
  public boolean hasPathCapability(Path path, String capability) throws IOException {
    return capability.equals(CommonPathCapabilities.ABORTABLE_STREAM) || super.hasPathCapability(path, capability);
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    statuses.incrementAndGet();
    return super.getFileStatus(path);
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    FSDataInputStream stream = super.open(path, bufferSize);
    // RawLocalFileSystem asks for the status to open a file, which a store that knows it does not.
    statuses.decrementAndGet();
    return new FSDataInputStream(stream.getWrappedStream()) {
      @Override
      public void readVectored(List<? extends FileRange> ranges, IntFunction<ByteBuffer> allocate) throws IOException {
        reads.addAndGet(ranges.size());
        super.readVectored(ranges, allocate);
      }
    };
  }

  @Override
  public FSDataOutputStream create(Path path, FsPermission permission, boolean overwrite, int bufferSize,
      short replication, long blockSize, Progressable progress) throws IOException {
    return new FSDataOutputStream(new Upload(path), statistics);
  }

  private FSDataOutputStream createNow(Path path) throws IOException {
    return super.create(path, true, 4096, (short) 1, 1 << 20, null);
  }

  /** A file that is not visible yet. */
  private final class Upload extends ByteArrayOutputStream implements Abortable {
    private final Path path;
    private boolean closed;

    Upload(Path path) {
      this.path = path;
    }

    @Override
    public AbortableResult abort() {
      boolean before = closed;
      closed = true;
      return new AbortableResult() {
        @Override
        public boolean alreadyClosed() {
          return before;
        }

        @Override
        public IOException anyCleanupException() {
          return null;
        }
      };
    }

    @Override
    public void close() throws IOException {
      if (!closed) {
        closed = true;
        try (FSDataOutputStream out = createNow(path)) {
          writeTo(out);
        }
      }
    }
  }
}
