package org.tensorfile;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongUnaryOperator;

/**
 * Writes a file whose arrays need not fit in memory: all are declared first, then come their bytes, in pieces of any
 * size. Until {@link #finish} the target is as before; a writer that is closed without it leaves nothing behind.
 *
 * <pre>{@code
 * try (ArrayWriter writer = ArrayWriter.open(Path.of("large.safetensors"), Format.AUTO, null)) {
 *   writer.declare("a", Dtype.FLOAT32, 1000, 1000);
 *   for (int row = 0; row < 1000; row++) {
 *     writer.write(bytesOf(row));
 *   }
 *   writer.finish();
 * }
 * }</pre>
 */
public final class ArrayWriter implements AutoCloseable {
  private final Handle handle;
  private final Cleaner.Cleanable cleanable;
  /** A channel that is written to may call back. */
  private boolean busy;

  private ArrayWriter(long address) {
    handle = Handle.adopt("writer", address, TensorfileNative::tf_writer_release, 0);
    cleanable = handle.ownedBy(this);
  }

  /**
   * A writer to a path.
   *
   * @param path of the file; nothing is written before the first {@link #write} or {@link #finish}
   * @param format of it; AUTO: the one of the options, else that which the path's extension names
   * @param options settings; may be null
   * @return the writer
   * @throws IOException when it cannot be made
   */
  public static ArrayWriter open(Path path, Format format, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    return Options.call(options,
        settings -> new ArrayWriter(TensorfileNative.tf_writer_open(bytes, format.number(), settings)));
  }

  /**
   * A writer to a channel, which is not closed with it.
   *
   * @param channel to write to, from first byte to last
   * @param format of the file; AUTO: the one of the options
   * @param options settings; may be null
   * @return the writer
   * @throws IOException when it cannot be made
   */
  public static ArrayWriter open(WritableByteChannel channel, Format format, Options options) throws IOException {
    return Callbacks.callWithSink(channel, sink -> Options.call(options,
        settings -> new ArrayWriter(TensorfileNative.tf_writer_open_sink(sink, format.number(), settings))));
  }

  /**
   * Declares the next array.
   *
   * @param name of it; that of a .npy is not kept
   * @param dtype of its elements
   * @param shape in elements
   * @return this
   * @throws IOException when an array of that name is declared
   */
  public ArrayWriter declare(String name, Dtype dtype, long... shape) throws IOException {
    byte[] bytes = Text.utf8(name);
    use(address -> TensorfileNative.tf_writer_declare(address, bytes, dtype.number(), shape));
    return this;
  }

  /**
   * Sets the metadata of a .safetensors or .gguf, in place of any set before.
   *
   * @param metadata as it is now; null: none
   * @return this
   * @throws IOException when it is too late
   */
  public ArrayWriter metadata(Map<String, ?> metadata) throws IOException {
    Dict.callWithSnapshot(metadata, dict -> {
      use(address -> TensorfileNative.tf_writer_set_metadata(address, dict));
      return null;
    });
    return this;
  }

  /**
   * Writes the next bytes of the arrays, in the order in which they are declared, each in C order and the machine's
   * byte order. A piece may reach from one array into the next.
   *
   * @param bytes from position to limit; its position moves to its limit
   * @throws IOException when it cannot be written, or the format cannot hold what was declared
   * @throws InvalidArgumentException when there are more bytes than the arrays lack; none of them was written
   */
  public void write(ByteBuffer bytes) throws IOException {
    Objects.requireNonNull(bytes, "bytes");
    int nbytes = bytes.remaining();
    use(address -> Direct.callWithBytes(bytes, src -> TensorfileNative.tf_writer_write(address, src, nbytes)));
    bytes.position(bytes.limit());
  }

  /**
   * Writes the whole of an array, as {@link #write(ByteBuffer)} does.
   *
   * @param array with the bytes of the next array that was declared
   * @throws IOException when it cannot be written, or the format cannot hold what was declared
   */
  public void write(Array array) throws IOException {
    try (Array inOrder = array.contiguous()) {
      inOrder.call(elements -> {
        long data = TensorfileNative.tf_array_data(elements);
        use(address -> TensorfileNative.tf_writer_write(address, data, inOrder.nbytes()));
        return null;
      });
    }
  }

  /**
   * Writes what comes last, and puts the file in its place.
   *
   * @throws IOException when it cannot be written
   * @throws InvalidArgumentException when an array lacks bytes, which may still be written
   */
  public void finish() throws IOException {
    use(TensorfileNative::tf_writer_finish);
  }

  /** Closes the writer; a file that was not finished is as it was before. */
  @Override
  public void close() {
    cleanable.clean();
  }

  private synchronized void use(LongUnaryOperator body) {
    if (busy) {
      throw new IllegalStateException("the writer is used by the channel that it writes to");
    }
    busy = true;
    try {
      handle.callLong(body);
    } finally {
      busy = false;
    }
  }
}
