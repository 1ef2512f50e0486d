package org.tensorfile;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A file whose header was read and validated, and whose arrays are read when asked for. Threads may read from it at
 * once.
 *
 * <pre>{@code
 * try (ArrayFile file = ArrayFile.open(Path.of("model.safetensors"))) {
 *   for (ArrayFile.Entry entry : file.entries()) {
 *     System.out.println(entry.name() + " " + entry.dtype());
 *   }
 *   Array rows = file.entry("weight").readSlice(Slice.of(0, 10));
 * }
 * }</pre>
 */
public final class ArrayFile implements AutoCloseable {
  private final Handle handle;
  private final Cleaner.Cleanable cleanable;
  private final int size;

  private ArrayFile(long address) {
    handle = Handle.adopt("file", address, TensorfileNative::tf_file_release, 0);
    cleanable = handle.ownedBy(this);
    size = Math.toIntExact(TensorfileNative.tf_file_size(address));
  }

  /**
   * Opens a file.
   *
   * @param path of it
   * @return the file
   * @throws IOException when it cannot be read, or is not valid
   */
  public static ArrayFile open(Path path) throws IOException {
    return open(path, null);
  }

  /**
   * Opens a file.
   *
   * @param path of it
   * @param options that reading obeys; may be null
   * @return the file
   * @throws IOException when it cannot be read, or is not valid
   */
  public static ArrayFile open(Path path, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    return Options.call(options, settings -> new ArrayFile(TensorfileNative.tf_file_open(bytes, settings)));
  }

  /**
   * Opens a file in memory, which is copied.
   *
   * @param bytes from position to limit
   * @param format of it; AUTO: found by content
   * @param options that reading obeys; may be null
   * @return the file
   * @throws IOException when it is not valid
   */
  public static ArrayFile open(ByteBuffer bytes, Format format, Options options) throws IOException {
    int nbytes = bytes.remaining();
    return Options.call(options, settings -> Direct.callWithBytes(bytes,
        address -> new ArrayFile(TensorfileNative.tf_file_open_memory(address, nbytes, format.number(), settings))));
  }

  /**
   * Opens a source, which the file keeps.
   *
   * @param source to read from
   * @param format of it; AUTO: found by content
   * @param options that reading obeys; may be null
   * @return the file
   * @throws IOException when it cannot be read, or is not valid
   */
  public static ArrayFile open(Source source, Format format, Options options) throws IOException {
    return Options.call(options, settings -> source.handle().call(
        address -> new ArrayFile(TensorfileNative.tf_file_open_source(address, format.number(), settings))));
  }

  /** {@return the format found} */
  public Format format() {
    return Format.of((int) handle.callLong(TensorfileNative::tf_file_format));
  }

  /** {@return the arrays, in file order} */
  public List<Entry> entries() {
    handle.requireOpen();
    return new AbstractList<>() {
      @Override
      public Entry get(int index) {
        Objects.checkIndex(index, size);
        return handle.call(address -> new Entry(address, index));
      }

      @Override
      public int size() {
        return size;
      }
    };
  }

  /**
   * {@return an array}
   *
   * @param name of it; "" for that of a .npy
   * @throws NotFoundException when there is none
   */
  public Entry entry(String name) {
    return find(name).orElseThrow(() -> new NotFoundException("the file has no array " + name,
        new Failures.Details(Status.NOT_FOUND, -1, name)));
  }

  /**
   * {@return an array, if there is one of that name}
   *
   * @param name of it; "" for that of a .npy
   */
  public Optional<Entry> find(String name) {
    byte[] bytes = Text.utf8(name);
    return handle.call(address -> {
      long index = TensorfileNative.tf_file_find(address, bytes);
      return index < 0 ? Optional.empty() : Optional.of(new Entry(address, (int) index));
    });
  }

  /**
   * {@return the metadata, to be read only}
   *
   * @throws IOException when it cannot be read
   */
  public Dict metadata() throws IOException {
    return handle.call(address -> Dict.adoptReadOnly(TensorfileNative.tf_file_metadata(address)));
  }

  /**
   * Reads several arrays into memory of the caller's, in C order: the fastest way to fill memory that is there already.
   * Arrays that lie close together are read by one read, large ones by several threads.
   *
   * @param entries of this file
   * @param to a direct buffer for each, which has exactly what the array takes remaining; their positions move to their
   *     limits
   * @param as the dtype to cast all of them to; UNSUPPORTED: each array's own
   * @throws IOException when they cannot be read; the buffers' content is then undefined
   */
  public void readInto(List<Entry> entries, List<ByteBuffer> to, Dtype as) throws IOException {
    List<Entry> given = List.copyOf(entries);
    List<ByteBuffer> buffers = List.copyOf(to);
    if (given.size() != buffers.size()) {
      throw new InvalidArgumentException(given.size() + " arrays and " + buffers.size() + " buffers");
    }
    long[] indices = given.stream().mapToLong(entry -> entry.indexIn(this)).toArray();
    long[] addresses = buffers.stream()
        .mapToLong(buffer -> TensorfileNative.tf_java_address(Direct.requireWritable(buffer)) + buffer.position())
        .toArray();
    long[] sizes = buffers.stream().mapToLong(ByteBuffer::remaining).toArray();
    try {
      handle.callLong(file -> TensorfileNative.tf_file_read_many(file, indices, as.number(), addresses, sizes));
    } finally {
      Reference.reachabilityFence(buffers);
    }
    buffers.forEach(buffer -> buffer.position(buffer.limit()));
  }

  /** Closes the file once no call uses it. Arrays that were read stay usable. */
  @Override
  public void close() {
    cleanable.clean();
  }

  /** An array in a file, not read yet. */
  public final class Entry {
    private final int index;
    private final String name;
    private final Dtype dtype;
    private final long[] shape;
    private final long nbytes;

    private Entry(long file, int index) {
      this.index = index;
      name = Text.string(TensorfileNative.tf_file_name(file, index));
      dtype = Dtype.of(TensorfileNative.tf_file_dtype(file, index));
      shape = TensorfileNative.tf_file_shape(file, index);
      nbytes = TensorfileNative.tf_file_nbytes(file, index);
    }

    private int indexIn(ArrayFile file) {
      if (file != ArrayFile.this) {
        throw new InvalidArgumentException("the array " + name + " is of another file");
      }
      return index;
    }

    /** {@return its name; "" for that of a .npy} */
    public String name() {
      return name;
    }

    /** {@return its dtype; UNSUPPORTED when this library does not know it} */
    public Dtype dtype() {
      return dtype;
    }

    /** {@return the number of its dimensions} */
    public int ndim() {
      return shape.length;
    }

    /** {@return its shape} */
    public long[] shape() {
      return shape.clone();
    }

    /** {@return the bytes that it takes in memory; those that it takes in the file when its dtype is not known} */
    public long nbytes() {
      return nbytes;
    }

    /**
     * {@return where its bytes lie, for readers with I/O of their own}
     *
     * @throws IOException when the file does not tell
     */
    public Location location() throws IOException {
      long[] numbers = new long[3];
      byte[] path = handle.call(address -> TensorfileNative.tf_file_location(numbers, address, index));
      Optional<Path> place = path.length == 0 ? Optional.empty() : Optional.of(Path.of(Text.string(path)));
      return new Location(place, numbers[0], numbers[1], numbers[2] != 0);
    }

    /**
     * {@return the array, read, or mapped in {@link LoadMode#MAP}}
     *
     * @throws IOException when it cannot be read
     */
    public Array read() throws IOException {
      return handle.call(address -> new Array(TensorfileNative.tf_file_read(address, index)));
    }

    /**
     * Reads into memory of the caller's, in C order.
     *
     * @param to a direct buffer that has exactly {@link #nbytes} remaining; its position moves to its limit
     * @throws IOException when it cannot be read; the buffer's content is then undefined
     */
    public void readInto(ByteBuffer to) throws IOException {
      readInto(to, Dtype.UNSUPPORTED);
    }

    /**
     * Reads into memory of the caller's, in C order, casting on the way.
     *
     * @param to a direct buffer that has exactly what the array takes in that dtype remaining; its position moves to
     *     its limit
     * @param as the dtype to cast to, as {@link Array#cast} does
     * @throws IOException when it cannot be read; the buffer's content is then undefined
     */
    public void readInto(ByteBuffer to, Dtype as) throws IOException {
      fill(to, (file, dst, n) -> TensorfileNative.tf_file_read_into(file, index, as.number(), dst, n));
    }

    /**
     * {@return a part, as {@link Array#slice} has it; only what it touches is read}
     *
     * @param slices one for each dimension; those left out are whole
     * @throws IOException when it cannot be read
     */
    public Array readSlice(Slice... slices) throws IOException {
      long[] packed = Slice.pack(slices, shape.length);
      return handle.call(address -> new Array(TensorfileNative.tf_file_read_slice(address, index, packed)));
    }

    /**
     * Reads a part into memory of the caller's.
     *
     * @param to a direct buffer that has exactly what the part takes remaining; its position moves to its limit
     * @param as the dtype to cast to; UNSUPPORTED: the array's own
     * @param slices one for each dimension; those left out are whole
     * @throws IOException when it cannot be read; the buffer's content is then undefined
     */
    public void readSliceInto(ByteBuffer to, Dtype as, Slice... slices) throws IOException {
      long[] packed = Slice.pack(slices, shape.length);
      fill(to, (file, dst, n) -> TensorfileNative.tf_file_read_slice_into(file, index, packed, as.number(), dst, n));
    }

    private void fill(ByteBuffer to, Fill fill) {
      int nbytesOfBuffer = Direct.requireWritable(to).remaining();
      handle.call(file -> Direct.call(to, dst -> fill.run(file, dst, nbytesOfBuffer)));
      to.position(to.limit());
    }

    @Override
    public String toString() {
      return name + ": " + dtype + " " + Arrays.toString(shape);
    }
  }

  private interface Fill {
    long run(long file, long dst, long nbytes);
  }
}
