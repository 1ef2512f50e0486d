package org.tensorfile;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Objects;

/** Bytes in memory that the library made. */
public final class Bytes implements AutoCloseable {
  private static final int PIECE = 1 << 30;

  private final Handle handle;
  private final Cleaner.Cleanable cleanable;
  private final long size;

  /** Takes over a reference. */
  Bytes(long address) {
    size = TensorfileNative.tf_buffer_size(address);
    handle = Handle.adopt("buffer", address, TensorfileNative::tf_buffer_release, size);
    cleanable = handle.ownedBy(this);
  }

  /** {@return how many bytes} */
  public long size() {
    handle.requireOpen();
    return size;
  }

  /**
   * {@return all bytes, without a copy: a read-only direct buffer, which keeps them alive also after {@link #close}}
   *
   * @throws IllegalStateException when there are 2 GiB or more: see {@link #data(long, int)}
   */
  public ByteBuffer data() {
    if (size > Integer.MAX_VALUE) {
      throw new IllegalStateException("there are " + size + " bytes, more than a buffer can hold: ask for parts");
    }
    return data(0, (int) size);
  }

  /**
   * {@return a part of the bytes, as {@link #data()} gives all}
   *
   * @param offset of the first byte
   * @param length in bytes
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
   * Writes all bytes.
   *
   * @param channel to write to
   * @throws IOException of the channel
   */
  public void writeTo(WritableByteChannel channel) throws IOException {
    for (long offset = 0; offset < size; offset += PIECE) {
      ByteBuffer piece = data(offset, (int) Math.min(PIECE, size - offset));
      while (piece.hasRemaining()) {
        channel.write(piece);
      }
    }
  }

  /** Gives the bytes up, as far as no buffer has them. */
  @Override
  public void close() {
    cleanable.clean();
  }
}
