package org.tensorfile.hadoop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileRange;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathIOException;
import org.apache.hadoop.fs.impl.OpenFileParameters;

/**
 * A store with ETags, as S3A and ABFS are: a read fails unless the file still has the ETag of the status with which it
 * was opened.
 */
public final class TaggedStore extends CountingStore {
  static final String CHANGED = "the ETag is no longer that of the status";

  private static final class Tagged extends FileStatus implements EtagSource {
    private static final long serialVersionUID = 1;

    private final String etag;

    Tagged(FileStatus status, String etag) {
      super(status.getLen(), status.isDirectory(), 1, status.getBlockSize(), status.getModificationTime(),
          status.getPath());
      this.etag = etag;
    }

    @Override
    public String getEtag() {
      return etag;
    }
  }

  @Override
  public String getScheme() {
    return "tagged";
  }

  @Override
  public boolean hasPathCapability(Path path, String capability) throws IOException {
    return capability.equals(CommonPathCapabilities.ETAGS_AVAILABLE) || super.hasPathCapability(path, capability);
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    FileStatus status = super.getFileStatus(path);
    return status.isFile() ? new Tagged(status, etag(path)) : status;
  }

  private String etag(Path path) throws IOException {
    return Integer.toHexString(Arrays.hashCode(Files.readAllBytes(pathToFile(path).toPath())));
  }

  @Override
  protected CompletableFuture<FSDataInputStream> openFileWithOptions(Path path, OpenFileParameters parameters)
      throws IOException {
    String expected = parameters.getStatus() instanceof EtagSource source ? source.getEtag() : null;
    return super.openFileWithOptions(path, parameters).thenApply(stream -> new FSDataInputStream(stream) {
      @Override
      public void readVectored(List<? extends FileRange> ranges, IntFunction<ByteBuffer> allocate) throws IOException {
        if (!etag(path).equals(expected)) {
          throw new PathIOException(path.toString(), CHANGED);
        }
        super.readVectored(ranges, allocate);
      }
    });
  }
}
