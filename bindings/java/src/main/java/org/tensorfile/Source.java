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
   * Returns a source over a copy of bytes.
   *
   * @param bytes the bytes
   * @return the source
   */
  public static Source of(byte[] bytes) {
    return of(ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
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

  /** Finds the other files of the set that a source belongs to, such as the shards that an index names. */
  @FunctionalInterface
  public interface Resolver {
    /**
     * {@return a source for another file of the set, of which the library takes ownership: it is closed for the caller;
     * null if there is no such file}
     *
     * <p>Called on the thread that opens the set. An exception other than {@link java.nio.file.NoSuchFileException},
     * which means the same as null, ends the call of the library and reaches its caller.
     *
     * @param name name of the file relative to the folder of the source's name, which it never leaves; '/' separates
     *     folders
     * @throws IOException if the file cannot be opened
     */
    Source resolve(String name) throws IOException;
  }

  /**
   * Names the source. Messages begin with the name, its extension chooses the format, and the names of the other files
   * of a set are derived from it. The library opens none of these names; the {@link Resolver} does. This method and the other
   * setters must be called before the source is used.
   *
   * @param name a name such as "models/llama-00001-of-00003.gguf"
   * @return this
   * @throws InvalidArgumentException if the source has been used
   */
  public Source setName(String name) {
    byte[] bytes = Text.utf8(name);
    handle.callLong(address -> TensorfileNative.tf_source_set_name(address, bytes));
    return this;
  }

  /**
   * Says how the source is best read, which changes how much work a read is, but never its result. The defaults are
   * right for files. A network should have larger numbers, such as a gap of 1 MiB, pieces of 8 MiB and 16 requests.
   *
   * @param gap bytes between two wanted parts that are worth reading to save a read; -1 means the default
   * @param piece bytes of an efficient read; 0 means the default
   * @param requests the most reads to make at the same time if the source is concurrent, up to 1024; 0 means the
   *     default
   * @return this
   * @throws InvalidArgumentException if the source has been used
   */
  public Source setHints(long gap, long piece, int requests) {
    handle.callLong(address -> TensorfileNative.tf_source_set_hints(address, gap, piece, requests));
    return this;
  }

  /**
   * Sets the function that finds the other files of a set. With it, an index of sharded safetensors opens the whole
   * set, and with the option PARTS any part does; both need a name. A source over a path finds them in its folder
   * without.
   *
   * @param resolver the function
   * @return this
   * @throws InvalidArgumentException if the source has been used
   */
  public Source setResolver(Resolver resolver) {
    Objects.requireNonNull(resolver, "resolver");
    handle.callLong(address -> TensorfileNative.tf_source_set_resolver(address, resolver));
    return this;
  }

  /** Closes the source and transfers its reference to the caller. */
  long takeOver() {
    if (!handle.takeOver()) {
      throw new IllegalStateException("the source is closed, or another thread is using it");
    }
    cleanable.clean();
    return handle.address();
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
