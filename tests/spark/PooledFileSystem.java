package org.tensorfile.spark.tests;

import java.io.FileInputStream;
import java.io.IOException;
import java.net.URI;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.fs.CanUnbuffer;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.StreamCapabilities;

/**
 * Local files under the scheme {@code pooled}, with the connections of an object store: a stream that has been read keeps
 * one of a few until it is unbuffered or closed, as a stream of S3A does. A read that finds none left fails at once, where
 * S3A waits.
 */
public class PooledFileSystem extends RawLocalFileSystem {
  /** The number of connections that all streams share. */
  public static final int CONNECTIONS = 8;

  private static final Semaphore FREE = new Semaphore(CONNECTIONS);

  /** {@return the number of connections that no stream keeps} */
  public static int free() {
    return FREE.availablePermits();
  }

  // The constructor of RawLocalFileSystem calls this, before a field could have the value.
  @Override
  public URI getUri() {
    return URI.create("pooled:///");
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    return new FSDataInputStream(new Stream(new FileInputStream(pathToFile(path))));
  }

  private static final class Stream extends FSInputStream implements CanUnbuffer, StreamCapabilities {
    private final FileInputStream file;
    private final AtomicBoolean connected = new AtomicBoolean();

    Stream(FileInputStream file) {
      this.file = file;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (!connected.get()) {
        if (!FREE.tryAcquire()) {
          throw new IOException("all " + CONNECTIONS + " connections are in use");
        }
        connected.set(true);
      }
      return file.read(bytes, offset, length);
    }

    @Override
    public void seek(long position) throws IOException {
      file.getChannel().position(position);
    }

    @Override
    public long getPos() throws IOException {
      return file.getChannel().position();
    }

    @Override
    public boolean seekToNewSource(long position) {
      return false;
    }

    @Override
    public void unbuffer() {
      if (connected.getAndSet(false)) {
        FREE.release();
      }
    }

    @Override
    public boolean hasCapability(String capability) {
      return StreamCapabilities.UNBUFFER.equalsIgnoreCase(capability);
    }

    @Override
    public void close() throws IOException {
      unbuffer();
      file.close();
    }
  }
}
