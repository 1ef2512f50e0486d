package org.tensorfile;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.LongUnaryOperator;

/**
 * Writes a file array by array, in pieces of any size, so that the contents never have to be in memory as a whole.
 * First declare all arrays, then write their bytes in the same order, then call {@link #finish}. The target does not
 * change before that, and closing a writer that was not finished removes all temporary files.
 *
 * <pre>{@code
 * try (ArrayWriter writer = ArrayWriter.open(Path.of("large.safetensors"))) {
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
  /** True during a call, in which a channel may try to use the writer. */
  private boolean busy;

  /** Takes ownership of a reference. */
  ArrayWriter(long address) {
    handle = Handle.adopt("writer", address, TensorfileNative::tf_writer_release, 0);
    cleanable = handle.ownedBy(this);
  }

  /**
   * Opens a writer to a path. Nothing is written before the first {@link #write} or {@link #finish}.
   *
   * @param path path of the file, whose extension names the format
   * @return the writer
   * @throws IOException if it cannot be opened
   */
  public static ArrayWriter open(Path path) throws IOException {
    return open(path, Options.defaults());
  }

  /**
   * Opens a writer to a path. Nothing is written before the first {@link #write} or {@link #finish}.
   *
   * @param path path of the file, whose extension names the format unless the options do
   * @param options settings
   * @return the writer
   * @throws IOException if it cannot be opened
   */
  public static ArrayWriter open(Path path, Options options) throws IOException {
    return Failures.at(path, bytes -> Options.call(options,
        settings -> new ArrayWriter(TensorfileNative.tf_writer_open(bytes, Format.AUTO.number(), settings))));
  }

  /**
   * Opens a writer to a stream, which is not closed with it.
   *
   * @param out stream to write to, from the first byte to the last
   * @param format format of the file
   * @return the writer
   * @throws IOException if it cannot be opened
   */
  public static ArrayWriter open(OutputStream out, Format format) throws IOException {
    return open(out, format, Options.defaults());
  }

  /**
   * Opens a writer to a stream, which is not closed with it.
   *
   * @param out stream to write to, from the first byte to the last
   * @param format format of the file; AUTO means that of the options
   * @param options settings
   * @return the writer
   * @throws IOException if it cannot be opened
   */
  public static ArrayWriter open(OutputStream out, Format format, Options options) throws IOException {
    return open(Channels.newChannel(Objects.requireNonNull(out, "out")), format, options);
  }

  /**
   * Opens a writer to a channel, which is not closed with it.
   *
   * @param channel channel to write to, from the first byte to the last
   * @param format format of the file
   * @return the writer
   * @throws IOException if it cannot be opened
   */
  public static ArrayWriter open(WritableByteChannel channel, Format format) throws IOException {
    return open(channel, format, Options.defaults());
  }

  /**
   * Opens a writer to a channel, which is not closed with it.
   *
   * @param channel channel to write to, from the first byte to the last
   * @param format format of the file; AUTO means that of the options
   * @param options settings
   * @return the writer
   * @throws IOException if it cannot be opened
   */
  public static ArrayWriter open(WritableByteChannel channel, Format format, Options options) throws IOException {
    return Callbacks.callWithSink(channel, sink -> Options.call(options,
        settings -> new ArrayWriter(TensorfileNative.tf_writer_open_sink(sink, format.number(), settings))));
  }

  /**
   * Declares the next array.
   *
   * @param name name of the array; that of a .npy file is not stored
   * @param dtype type of the elements
   * @param shape sizes of the dimensions
   * @return this
   * @throws IOException if an array with that name is already declared
   */
  public ArrayWriter declare(String name, Dtype dtype, long... shape) throws IOException {
    byte[] bytes = Text.utf8(name);
    use(address -> TensorfileNative.tf_writer_declare(address, bytes, dtype.number(), shape));
    return this;
  }

  /**
   * Sets the metadata of a .npz, .safetensors or .gguf file, replacing what was set before.
   *
   * @param metadata metadata, which are copied
   * @return this
   * @throws IOException if data have already been written
   */
  public ArrayWriter metadata(Metadata metadata) throws IOException {
    Packed.callWithMetadata(metadata, dict -> {
      use(address -> TensorfileNative.tf_writer_set_metadata(address, dict));
      return null;
    });
    return this;
  }

  /**
   * Writes the next bytes of the data, which are the arrays in the order of declaration, each in C order and in the
   * byte order of this machine. A piece may contain the end of one array and the start of the next.
   *
   * @param bytes bytes from the position to the limit; the position moves to the limit
   * @throws IOException if they cannot be written, or the format cannot hold the declared arrays
   * @throws InvalidArgumentException if the arrays need fewer bytes; nothing was written
   */
  public void write(ByteBuffer bytes) throws IOException {
    Objects.requireNonNull(bytes, "bytes");
    int nbytes = bytes.remaining();
    use(address -> Direct.callWithBytes(bytes, src -> TensorfileNative.tf_writer_write(address, src, nbytes)));
    bytes.position(bytes.limit());
  }

  /**
   * Writes a whole array, like {@link #write(ByteBuffer)}.
   *
   * @param array array with the bytes of the next declared array
   * @throws IOException if it cannot be written, or the format cannot hold the declared arrays
   */
  public void write(NdArray array) throws IOException {
    try (NdArray inOrder = array.contiguous()) {
      inOrder.call(elements -> {
        long data = TensorfileNative.tf_array_data(elements);
        use(address -> TensorfileNative.tf_writer_write(address, data, inOrder.nbytes()));
        return null;
      });
    }
  }

  /**
   * Completes the file and moves it to its path.
   *
   * @throws IOException if the file cannot be written
   * @throws InvalidArgumentException if an array is incomplete; its remaining bytes may still be written
   */
  public void finish() throws IOException {
    use(TensorfileNative::tf_writer_finish);
  }

  /** Closes the writer. If it was not finished, the target does not change. */
  @Override
  public void close() {
    cleanable.clean();
  }

  private synchronized void use(LongUnaryOperator body) {
    if (busy) {
      throw new IllegalStateException("the channel that the writer writes to must not use the writer");
    }
    busy = true;
    try {
      handle.callLong(body);
    } finally {
      busy = false;
    }
  }
}
