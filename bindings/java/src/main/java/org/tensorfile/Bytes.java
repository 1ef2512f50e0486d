package org.tensorfile;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.util.Objects;

/** A block of bytes that the library allocated. */
public final class Bytes implements AutoCloseable {
  private static final int PIECE = 1 << 30;

  private final Handle handle;
  private final Cleaner.Cleanable cleanable;
  private final long size;

  /** Takes ownership of a reference. */
  Bytes(long address) {
    size = TensorfileNative.tf_buffer_size(address);
    handle = Handle.adopt("buffer", address, TensorfileNative::tf_buffer_release, size);
    cleanable = handle.ownedBy(this);
  }

  /** {@return the number of bytes} */
  public long size() {
    handle.requireOpen();
    return size;
  }

  /**
   * {@return all bytes without a copy, as a read-only direct buffer that keeps them alive, even after {@link #close}}
   *
   * @throws IllegalStateException if there are 2 GiB or more (use {@link #data(long, int)})
   */
  public ByteBuffer data() {
    if (size > Integer.MAX_VALUE) {
      throw new IllegalStateException(
          "there are " + size + " bytes, more than a buffer can hold: use data(offset, length)");
    }
    return data(0, (int) size);
  }

  /**
   * {@return some of the bytes, like {@link #data()}}
   *
   * @param offset offset of the first byte
   * @param length number of bytes
   */
  public ByteBuffer data(long offset, int length) {
    Objects.checkFromIndexSize(offset, length, size);
    return handle.call(address -> {
      long data = TensorfileNative.tf_buffer_data(address);
      long kept = TensorfileNative.tf_buffer_retain(address);
      return Direct.over(data + offset, length,
          Handle.adopt("buffer", kept, TensorfileNative::tf_buffer_release, 0)).asReadOnlyBuffer();
    });
  }

  /**
   * {@return a copy of all bytes}
   *
   * @throws IllegalStateException if there are 2 GiB or more
   */
  public byte[] toByteArray() {
    ByteBuffer all = data();
    byte[] copy = new byte[all.remaining()];
    all.get(copy);
    return copy;
  }

  /**
   * Writes all bytes.
   *
   * @param out stream to write to
   * @throws IOException if the stream throws it
   */
  public void writeTo(OutputStream out) throws IOException {
    writeTo(Channels.newChannel(Objects.requireNonNull(out, "out")));
  }

  /**
   * Writes all bytes.
   *
   * @param channel channel to write to
   * @throws IOException if the channel throws it
   */
  public void writeTo(WritableByteChannel channel) throws IOException {
    for (long offset = 0; offset < size; offset += PIECE) {
      ByteBuffer piece = data(offset, (int) Math.min(PIECE, size - offset));
      while (piece.hasRemaining()) {
        channel.write(piece);
      }
    }
  }

  /** Releases the bytes, unless a buffer refers to them. */
  @Override
  public void close() {
    cleanable.clean();
  }
}
