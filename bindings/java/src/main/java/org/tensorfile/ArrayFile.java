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
import java.util.function.LongUnaryOperator;
import java.util.stream.LongStream;

/**
 * An open file whose header has been read and validated. Its arrays are read on request. Several threads may read from
 * it at the same time.
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
    size = Math.toIntExact(TensorfileNative.tf_file_count(address));
  }

  /**
   * Opens a file.
   *
   * @param path path of the file
   * @return the file
   * @throws IOException if the file cannot be read or is invalid
   */
  public static ArrayFile open(Path path) throws IOException {
    return open(path, null);
  }

  /**
   * Opens a file.
   *
   * @param path path of the file
   * @param options settings for opening and reading; may be null
   * @return the file
   * @throws IOException if the file cannot be read or is invalid
   */
  public static ArrayFile open(Path path, Options options) throws IOException {
    byte[] bytes = Text.path(path);
    return Options.call(options, settings -> new ArrayFile(TensorfileNative.tf_file_open(bytes, settings)));
  }

  /**
   * Opens a file in memory, which is copied.
   *
   * @param bytes the file, from the position to the limit
   * @param format format of the file; AUTO detects it by content
   * @param options settings for opening and reading; may be null
   * @return the file
   * @throws IOException if the file is invalid
   */
  public static ArrayFile open(ByteBuffer bytes, Format format, Options options) throws IOException {
    int nbytes = bytes.remaining();
    return Options.call(options, settings -> Direct.callWithBytes(bytes,
        address -> new ArrayFile(TensorfileNative.tf_file_open_memory(address, nbytes, format.number(), settings))));
  }

  /**
   * Opens a file in a source, which the file retains.
   *
   * @param source source to read from
   * @param format format of the file; AUTO detects it by content
   * @param options settings for opening and reading; may be null
   * @return the file
   * @throws IOException if the file cannot be read or is invalid
   */
  public static ArrayFile open(Source source, Format format, Options options) throws IOException {
    return Options.call(options, settings -> source.handle().call(
        address -> new ArrayFile(TensorfileNative.tf_file_open_source(address, format.number(), settings))));
  }

  /** {@return the format of the file} */
  public Format format() {
    return Format.of((int) handle.callLong(TensorfileNative::tf_file_format));
  }

  /** {@return the arrays in the order of the file} */
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
   * {@return the array with a name}
   *
   * @param name name of the array, which is "" for that of a .npy file
   * @throws NotFoundException if there is no such array
   */
  public Entry entry(String name) {
    return find(name).orElseThrow(() -> new NotFoundException("the file has no array " + name,
        new Failures.Details(Status.NOT_FOUND, -1, name)));
  }

  /**
   * {@return the array with a name, if there is one}
   *
   * @param name name of the array, which is "" for that of a .npy file
   */
  public Optional<Entry> find(String name) {
    byte[] bytes = Text.utf8(name);
    return handle.call(address -> {
      long index = TensorfileNative.tf_file_find(address, bytes);
      return index < 0 ? Optional.empty() : Optional.of(new Entry(address, (int) index));
    });
  }

  private interface TextAt {
    byte[] get(long file, long index);
  }

  private List<String> texts(LongUnaryOperator count, TextAt text) {
    return handle.call(address -> LongStream.range(0, count.applyAsLong(address))
        .mapToObj(index -> Text.string(text.get(address, index))).toList());
  }

  /**
   * {@return the names of the members of a .npz that are not arrays, such as a readme}
   *
   * @throws IOException if they cannot be read
   */
  public List<String> others() throws IOException {
    return texts(TensorfileNative::tf_file_other_count, TensorfileNative::tf_file_other_name);
  }

  /**
   * {@return remarks about the file that are not errors, each one line, such as that the file is one part of a set}
   *
   * @throws IOException if they cannot be read
   */
  public List<String> notes() throws IOException {
    return texts(TensorfileNative::tf_file_note_count, TensorfileNative::tf_file_note);
  }

  /**
   * {@return the metadata, which cannot be changed}
   *
   * @throws IOException if they cannot be read
   */
  public Dict metadata() throws IOException {
    return handle.call(address -> {
      long borrowed = TensorfileNative.tf_file_metadata(address);
      return Dict.adoptReadOnly(TensorfileNative.tf_dict_retain(borrowed));
    });
  }

  /**
   * Reads several arrays into the caller's memory in C order, which is the fastest way to fill existing memory. Arrays
   * that are close together are read at once, and large arrays by several threads.
   *
   * @param entries arrays of this file
   * @param to a direct buffer for each array, whose remaining bytes are exactly those of the array; the position moves
   *     to the limit
   * @param as dtype to convert all arrays to; UNSUPPORTED means each array's own
   * @throws IOException if they cannot be read; the contents of the buffers are then undefined
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

  /** Closes the file when no call uses it any more. Arrays that were read remain valid. */
  @Override
  public void close() {
    cleanable.clean();
  }

  /** An array in a file. */
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
        throw new InvalidArgumentException("the array " + name + " is from another file");
      }
      return index;
    }

    /** {@return the name of the array, which is "" for that of a .npy file} */
    public String name() {
      return name;
    }

    /** {@return the type of the elements, or UNSUPPORTED if the library does not know it} */
    public Dtype dtype() {
      return dtype;
    }

    /**
     * {@return the name of the dtype, or if the library does not know it, what the file calls it, such as "&lt;U7"}
     *
     * @throws IOException if it cannot be read
     */
    public String typeName() throws IOException {
      return Text.string(handle.call(address -> TensorfileNative.tf_file_type(address, index)));
    }

    /** {@return the number of dimensions} */
    public int ndim() {
      return shape.length;
    }

    /** {@return the sizes of the dimensions, outermost first} */
    public long[] shape() {
      return shape.clone();
    }

    /** {@return the number of bytes that the array takes in memory, or in the file if its dtype is unknown} */
    public long nbytes() {
      return nbytes;
    }

    /**
     * {@return where the bytes of the array are stored, for programs that read files on their own}
     *
     * @throws IOException if the location is unknown
     */
    public Location location() throws IOException {
      long[] numbers = new long[3];
      byte[] path = handle.call(address -> TensorfileNative.tf_file_location(numbers, address, index));
      Optional<Path> file = path.length == 0 ? Optional.empty() : Optional.of(Path.of(Text.string(path)));
      return new Location(file, numbers[0], numbers[1], numbers[2] != 0);
    }

    /**
     * {@return the array, which is read, or mapped with {@link LoadMode#MAP}}
     *
     * @throws IOException if it cannot be read
     */
    public Array read() throws IOException {
      return handle.call(address -> new Array(TensorfileNative.tf_file_read(address, index)));
    }

    /**
     * {@return the bytes of the array as they are stored, whatever its type, as a 1-d array of UINT8}
     *
     * <p>A compressed member is decompressed. The bytes may be big-endian or in Fortran order.
     *
     * @throws IOException if they cannot be read
     */
    public Array readRaw() throws IOException {
      return handle.call(address -> new Array(TensorfileNative.tf_file_read_raw(address, index)));
    }

    /**
     * Reads the array into the caller's memory in C order.
     *
     * @param to a direct buffer with exactly {@link #nbytes} remaining bytes; its position moves to its limit
     * @throws IOException if the array cannot be read; the contents of the buffer are then undefined
     */
    public void readInto(ByteBuffer to) throws IOException {
      readInto(to, Dtype.UNSUPPORTED);
    }

    /**
     * Reads the array into the caller's memory in C order and converts it to another dtype.
     *
     * @param to a direct buffer whose remaining bytes are exactly those of the array in that dtype; its position moves
     *     to its limit
     * @param as dtype to convert to, like in {@link Array#cast}
     * @throws IOException if the array cannot be read; the contents of the buffer are then undefined
     */
    public void readInto(ByteBuffer to, Dtype as) throws IOException {
      fill(to, (file, dst, n) -> TensorfileNative.tf_file_read_into(file, index, as.number(), dst, n));
    }

    /**
     * {@return a part of the array, selected like in {@link Array#slice}; only the bytes that are needed are read}
     *
     * @param slices a slice for each dimension; dimensions without one are complete
     * @throws IOException if the part cannot be read
     */
    public Array readSlice(Slice... slices) throws IOException {
      long[] packed = Slice.pack(slices, shape.length);
      return handle.call(address -> new Array(TensorfileNative.tf_file_read_slice(address, index, packed)));
    }

    /**
     * Reads a part of the array into the caller's memory.
     *
     * @param to a direct buffer whose remaining bytes are exactly those of the part; its position moves to its limit
     * @param as dtype to convert to; UNSUPPORTED means the array's own
     * @param slices a slice for each dimension; dimensions without one are complete
     * @throws IOException if the part cannot be read; the contents of the buffer are then undefined
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
