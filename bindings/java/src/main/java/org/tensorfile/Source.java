package org.tensorfile;

import java.io.EOFException;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A source of bytes for a file that is not opened by path. Files opened from a source remain valid after it is closed.
 * Channels are not closed with their source.
 */
public final class Source implements AutoCloseable {
  private final Handle handle;
  private final Cleaner.Cleanable cleanable;

  private Source(long address) {
    handle = Handle.adopt("source", address, TensorfileNative::tf_source_release, 0);
    cleanable = handle.ownedBy(this);
  }

  /**
   * Returns a source over a file, which stays open as long as the source is in use.
   *
   * @param path path of a regular file
   * @return the source
   * @throws IOException if the file cannot be opened
   */
  public static Source of(Path path) throws IOException {
    return Failures.at(path, bytes -> new Source(TensorfileNative.tf_source_from_path(bytes)));
  }

  /**
   * Returns a source over bytes in memory, which are not copied, and kept alive as long as the source is in use.
   *
   * @param bytes a direct buffer with the bytes from its position to its limit
   * @return the source
   */
  public static Source of(ByteBuffer bytes) {
    ByteBuffer direct = Direct.require(bytes).slice();
    return new Source(
        TensorfileNative.tf_source_from_memory(TensorfileNative.tf_java_address(direct), direct.remaining(), direct));
  }

  /**
   * Returns a source over a channel. A {@link FileChannel} is read by several threads at the same time, without
   * changing its position; other channels are read by one thread at a time.
   *
   * @param channel channel to read from
   * @return the source
   * @throws IOException if the size of the channel is unknown
   */
  public static Source of(SeekableByteChannel channel) throws IOException {
    Objects.requireNonNull(channel, "channel");
    return of(channel instanceof FileChannel file ? new Positional(file) : new Seeking(channel));
  }

  /**
   * Returns a source over an implementation of {@link ByteSource}.
   *
   * @param source implementation to read from
   * @return the source
   * @throws IOException if its size is unknown
   */
  public static Source of(ByteSource source) throws IOException {
    Callbacks.Reader reader = new Callbacks.Reader(Objects.requireNonNull(source, "source"));
    return new Source(TensorfileNative.tf_source_new(source.size(), source.isConcurrent() ? 1 : 0, reader));
  }

  /**
   * {@return a source over a part of this one, which it retains; offsets in errors count from the start of the part}
   *
   * @param offset offset of the part
   * @param size number of bytes in the part
   * @throws InvalidArgumentException if the part is not inside the source
   */
  public Source part(long offset, long size) {
    if (offset < 0 || size < 0) {
      throw new InvalidArgumentException("cannot take " + size + " bytes at offset " + offset + " of a source");
    }
    return handle.call(address -> new Source(TensorfileNative.tf_source_from_part(address, offset, size)));
  }

  /** Releases this reference. */
  @Override
  public void close() {
    cleanable.clean();
  }

  Handle handle() {
    return handle;
  }

  private record Positional(FileChannel file) implements ByteSource {
    @Override
    public long size() throws IOException {
      return file.size();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
      for (long at = offset; into.hasRemaining();) {
        int count = file.read(into, at);
        if (count < 0) {
          throw new EOFException("the file ends at " + at);
        }
        at += count;
      }
    }

    @Override
    public boolean isConcurrent() {
      return true;
    }
  }

  private record Seeking(SeekableByteChannel channel) implements ByteSource {
    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
      channel.position(offset);
      while (into.hasRemaining()) {
        if (channel.read(into) < 0) {
          throw new EOFException("the channel ends at " + channel.position());
        }
      }
    }
  }
}
