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
 * Where a file's bytes are read from, when that is not simply a path. It stays usable by what was opened from it after
 * it is closed; channels are not closed with it.
 */
public final class Source implements AutoCloseable {
  private final Handle handle;
  private final Cleaner.Cleanable cleanable;

  private Source(long address) {
    handle = Handle.adopt("source", address, TensorfileNative::tf_source_release, 0);
    cleanable = handle.ownedBy(this);
  }

  /**
   * A source over a file, which stays open as long as it is used.
   *
   * @param path of a regular file
   * @return the source
   * @throws IOException when it cannot be opened
   */
  public static Source of(Path path) throws IOException {
    return new Source(TensorfileNative.tf_source_from_path(Text.path(path)));
  }

  /**
   * A source over bytes in memory, which are not copied, and are kept as long as it is used.
   *
   * @param bytes a direct buffer; its bytes from position to limit
   * @return the source
   */
  public static Source of(ByteBuffer bytes) {
    ByteBuffer direct = Direct.require(bytes).slice();
    return new Source(TensorfileNative.tf_source_from_memory(TensorfileNative.tf_java_address(direct), direct.remaining(),
        direct));
  }

  /**
   * A source over a channel. A {@link FileChannel} is read by several threads at once, without its position; others by
   * one at a time.
   *
   * @param channel to read from
   * @return the source
   * @throws IOException when the channel cannot tell its size
   */
  public static Source of(SeekableByteChannel channel) throws IOException {
    Objects.requireNonNull(channel, "channel");
    return of(channel instanceof FileChannel file ? new Positional(file) : new Seeking(channel));
  }

  /**
   * A source over whatever can be read at any place.
   *
   * @param source to read from
   * @return the source
   * @throws IOException when it cannot tell its size
   */
  public static Source of(ByteSource source) throws IOException {
    Callbacks.Reader reader = new Callbacks.Reader(Objects.requireNonNull(source, "source"));
    return new Source(TensorfileNative.tf_source_new(source.size(), source.isConcurrent() ? 1 : 0, reader));
  }

  /**
   * {@return a source over a part of this one, which it keeps; its errors count bytes from the start of the part}
   *
   * @param offset where the part begins
   * @param size of the part in bytes
   * @throws InvalidArgumentException when the part is not in the whole
   */
  public Source part(long offset, long size) {
    if (offset < 0 || size < 0) {
      throw new InvalidArgumentException("a part of " + size + " bytes at " + offset);
    }
    return handle.call(address -> new Source(TensorfileNative.tf_source_from_part(address, offset, size)));
  }

  /** Gives up this reference. */
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
