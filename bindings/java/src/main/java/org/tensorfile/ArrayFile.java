package org.tensorfile;

import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.RandomAccess;
import java.util.function.LongUnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * An open file whose header has been read and validated. Its arrays are read on request. Several threads may read from
 * it at the same time.
 *
 * <pre>{@code
 * try (ArrayFile file = ArrayFile.open(Path.of("model.safetensors"))) {
 *   for (ArrayFile.Entry entry : file.entries()) {
 *     System.out.println(entry.name() + " " + entry.dtype() + " " + Arrays.toString(entry.shape()));
 *   }
 *   NdArray rows = file.entry("weight").readSlice(Slice.of(0, 10));
 * }
 * }</pre>
 */
public final class ArrayFile implements AutoCloseable {
  /** {@link #toString} leaves out arrays after that many. */
  private static final int MAX_SHOWN = 20;

  /** Bytes of native memory through which arrays of Java are filled, unless a row takes more. */
  private static final long SCRATCH = 1 << 26;

  private final Handle handle;
  private final Cleaner.Cleanable cleanable;
  private final int size;
  /** Null until they are asked for. */
  private volatile List<Entry> entries;

  private ArrayFile(long address) {
    handle = Handle.adopt("file", address, TensorfileNative::tf_file_release, 0);
    cleanable = handle.ownedBy(this);
    size = Math.toIntExact(TensorfileNative.tf_file_count(address));
  }

  /**
   * Opens a file.
   *
   * @param path path of the file, of the index of sharded safetensors, or of the folder of a set
   * @return the file
   * @throws IOException if the file cannot be read or is invalid
   */
  public static ArrayFile open(Path path) throws IOException {
    return open(path, Options.defaults());
  }

  /**
   * Opens a file.
   *
   * @param path path of the file, of the index of sharded safetensors, or of the folder of a set
   * @param options settings for opening and reading
   * @return the file
   * @throws IOException if the file cannot be read or is invalid
   */
  public static ArrayFile open(Path path, Options options) throws IOException {
    return Failures.at(path, bytes -> Options.call(options,
        settings -> new ArrayFile(TensorfileNative.tf_file_open(bytes, settings))));
  }

  /**
   * Opens a file in memory.
   *
   * @param bytes the file, which is copied. Its format is detected by its content unless the options name one
   * @return the file
   * @throws IOException if the file is invalid
   */
  public static ArrayFile open(byte[] bytes) throws IOException {
    return open(bytes, Options.defaults());
  }

  /**
   * Opens a file in memory.
   *
   * @param bytes the file, which is copied. Its format is detected by its content unless the options name one
   * @param options settings for opening and reading
   * @return the file
   * @throws IOException if the file is invalid
   */
  public static ArrayFile open(byte[] bytes, Options options) throws IOException {
    return open(ByteBuffer.wrap(bytes), options);
  }

  /**
   * Opens a file in memory.
   *
   * @param bytes the file, from the position to the limit, which is copied
   * @return the file
   * @throws IOException if the file is invalid
   */
  public static ArrayFile open(ByteBuffer bytes) throws IOException {
    return open(bytes, Options.defaults());
  }

  /**
   * Opens a file in memory.
   *
   * @param bytes the file, from the position to the limit, which is copied
   * @param options settings for opening and reading
   * @return the file
   * @throws IOException if the file is invalid
   */
  public static ArrayFile open(ByteBuffer bytes, Options options) throws IOException {
    int nbytes = bytes.remaining();
    return Options.call(options, settings -> Direct.callWithBytes(bytes, address -> new ArrayFile(
        TensorfileNative.tf_file_open_memory(address, nbytes, Format.AUTO.number(), settings))));
  }

  /**
   * Opens a file that a stream contains.
   *
   * @param in stream to read to its end; it is not closed
   * @return the file
   * @throws IOException if the stream throws it, or the file is invalid
   */
  public static ArrayFile open(InputStream in) throws IOException {
    return open(in, Options.defaults());
  }

  /**
   * Opens a file that a stream contains.
   *
   * @param in stream to read to its end; it is not closed
   * @param options settings for opening and reading
   * @return the file
   * @throws IOException if the stream throws it, or the file is invalid
   */
  public static ArrayFile open(InputStream in, Options options) throws IOException {
    return open(in.readAllBytes(), options);
  }

  /**
   * Opens a file in a source, which the file retains.
   *
   * @param source source to read from
   * @return the file
   * @throws IOException if the file cannot be read or is invalid
   */
  public static ArrayFile open(Source source) throws IOException {
    return open(source, Options.defaults());
  }

  /**
   * Opens a file in a source, which the file retains.
   *
   * @param source source to read from
   * @param options settings for opening and reading
   * @return the file
   * @throws IOException if the file cannot be read or is invalid
   */
  public static ArrayFile open(Source source, Options options) throws IOException {
    return Options.call(options, settings -> source.handle().call(
        address -> new ArrayFile(TensorfileNative.tf_file_open_source(address, Format.AUTO.number(), settings))));
  }

  /** {@return the format of the file} */
  public Format format() {
    return Format.of((int) handle.callLong(TensorfileNative::tf_file_format));
  }

  /** {@return the arrays in the order of the file} */
  public List<Entry> entries() {
    handle.requireOpen();
    List<Entry> found = entries;
    if (found == null) {
      try (Bytes listing = new Bytes(handle.call(TensorfileNative::tf_file_listing))) {
        found = new Listing(listing.data());
      }
      entries = found;
    }
    return found;
  }

  /** The arrays, which are described by the columns of tf_file_listing(). */
  private final class Listing extends AbstractList<Entry> implements RandomAccess {
    private final IntBuffer dtypes;
    private final LongBuffer nbytes;
    private final LongBuffer shapeStarts;
    private final LongBuffer shapes;
    private final LongBuffer nameStarts;
    private final byte[] names;
    /** Those that have been asked for. */
    private final Entry[] made = new Entry[size];

    Listing(ByteBuffer listing) {
      ByteBuffer columns = listing.order(ByteOrder.nativeOrder());
      dtypes = column(columns, TensorfileNativeConstants.TF_LISTING_DTYPES).asIntBuffer();
      nbytes = column(columns, TensorfileNativeConstants.TF_LISTING_NBYTES).asLongBuffer();
      shapeStarts = column(columns, TensorfileNativeConstants.TF_LISTING_SHAPE_STARTS).asLongBuffer();
      shapes = column(columns, TensorfileNativeConstants.TF_LISTING_SHAPES).asLongBuffer();
      nameStarts = column(columns, TensorfileNativeConstants.TF_LISTING_NAME_STARTS).asLongBuffer();
      names = new byte[Math.toIntExact(nameStarts.get(size))];
      column(columns, TensorfileNativeConstants.TF_LISTING_NAMES).get(names);
    }

    private static ByteBuffer column(ByteBuffer listing, int index) {
      int offset = Math.toIntExact(listing.getLong(8 * index));
      return listing.slice(offset, listing.limit() - offset).order(ByteOrder.nativeOrder());
    }

    @Override
    public Entry get(int index) {
      Entry entry = made[Objects.checkIndex(index, size)];
      if (entry == null) {
        long[] shape = new long[(int) (shapeStarts.get(index + 1) - shapeStarts.get(index))];
        shapes.get((int) shapeStarts.get(index), shape);
        int start = (int) nameStarts.get(index);
        String name = Text.string(names, start, (int) nameStarts.get(index + 1) - start);
        entry = new Entry(index, name, Dtype.of(dtypes.get(index)), nbytes.get(index), shape);
        made[index] = entry;
      }
      return entry;
    }

    @Override
    public int size() {
      return size;
    }
  }

  /** {@return the names of the arrays in the order of the file} */
  public List<String> names() {
    return entries().stream().map(Entry::name).toList();
  }

  /**
   * {@return the array with a name}
   *
   * @param name name of the array, which is "" for that of a .npy file
   * @throws NotFoundException if there is no such array
   */
  public Entry entry(String name) {
    return find(name).orElseThrow(() -> new NotFoundException("the file has no array '" + name + "'",
        new Failures.Details(Status.NOT_FOUND, -1, name)));
  }

  /**
   * {@return the array with a name, if there is one}
   *
   * @param name name of the array, which is "" for that of a .npy file
   */
  public Optional<Entry> find(String name) {
    byte[] bytes = Text.utf8(name);
    return handle.call(file -> {
      int index = (int) TensorfileNative.tf_file_find(file, bytes);
      return index < 0 ? Optional.empty() : Optional.of(new Entry(index, name,
          Dtype.of(TensorfileNative.tf_file_dtype(file, index)), TensorfileNative.tf_file_nbytes(file, index),
          TensorfileNative.tf_file_shape(file, index)));
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
    return texts(TensorfileNative::tf_file_note_count, TensorfileNative::tf_file_note).stream()
        .map(Failures::inJavasTerms).toList();
  }

  /**
   * {@return a copy of the metadata}
   *
   * @throws IOException if they cannot be read
   */
  public Metadata metadata() throws IOException {
    return handle.call(address -> Packed.metadata(TensorfileNative.tf_file_metadata(address)));
  }

  /** {@return an empty plan, which reads many arrays and slices into the caller's memory in one go} */
  public ReadPlan plan() {
    return handle.call(file -> new ReadPlan(this, TensorfileNative.tf_read_plan_new(file)));
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

    private Entry(int index, String name, Dtype dtype, long nbytes, long[] shape) {
      this.index = index;
      this.name = name;
      this.dtype = dtype;
      this.nbytes = nbytes;
      this.shape = shape;
    }

    int indexIn(ArrayFile file) {
      if (file != ArrayFile.this) {
        throw new InvalidArgumentException("the array '" + name + "' is from another file");
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
      return handle.call(
          address -> {
            byte[] path = TensorfileNative.tf_file_location(numbers, address, index);
            boolean bigEndian = TensorfileNative.tf_file_is_big_endian(address, index) != 0;
            boolean fortranOrder = TensorfileNative.tf_file_is_fortran_order(address, index) != 0;
            Optional<Path> file = path.length == 0 ? Optional.empty() : Optional.of(Path.of(Text.string(path)));
            return new Location(file, numbers[0], numbers[1], numbers[2] != 0, bigEndian, fortranOrder);
          });
    }

    /**
     * {@return the array, which is read, or mapped with {@link LoadMode#MAP}}
     *
     * @throws IOException if it cannot be read
     */
    public NdArray read() throws IOException {
      return handle.call(address -> new NdArray(TensorfileNative.tf_file_read(address, index)));
    }

    /**
     * {@return the bytes of the array as they are stored, whatever its type, as a 1-d array of UINT8}
     *
     * <p>A compressed member is decompressed. The bytes may be big-endian or in Fortran order.
     *
     * @throws IOException if they cannot be read
     */
    public NdArray readRaw() throws IOException {
      return handle.call(address -> new NdArray(TensorfileNative.tf_file_read_raw(address, index)));
    }

    /**
     * Reads the array into the caller's memory in C order and in the byte order of this machine.
     *
     * @param to any buffer with exactly {@link #nbytes} remaining bytes; its position moves to its limit
     * @throws IOException if the array cannot be read; the contents of the buffer are then undefined
     */
    public void readInto(ByteBuffer to) throws IOException {
      readInto(to, dtype);
    }

    /**
     * Reads the array into the caller's memory in C order and converts it to another dtype.
     *
     * @param to any buffer whose remaining bytes are exactly those of the array in that dtype; its position moves to
     *     its limit
     * @param as dtype to convert to, as {@link NdArray#cast} does
     * @throws IOException if the array cannot be read; the contents of the buffer are then undefined
     */
    public void readInto(ByteBuffer to, Dtype as) throws IOException {
      Elements.requireBytes(as, shape, to.remaining());
      handle.call(file -> {
        Direct.fill(to, (dst, n) -> TensorfileNative.tf_file_read_into(file, index, as.number(), dst, n));
        return null;
      });
    }

    /**
     * Reads a float32 array into an array of Java in C order.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     * @throws InvalidArgumentException if the array has another dtype or number of elements
     */
    public void readInto(float[] to) throws IOException {
      requireDtype(Dtype.FLOAT32, "castInto(float[])");
      intoHeap(Dtype.FLOAT32, to.length, to, Elements::get);
    }

    /**
     * Reads a float64 array into an array of Java in C order.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     * @throws InvalidArgumentException if the array has another dtype or number of elements
     */
    public void readInto(double[] to) throws IOException {
      requireDtype(Dtype.FLOAT64, "castInto(double[])");
      intoHeap(Dtype.FLOAT64, to.length, to, Elements::get);
    }

    /**
     * Reads an int64 array into an array of Java in C order.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     * @throws InvalidArgumentException if the array has another dtype or number of elements
     */
    public void readInto(long[] to) throws IOException {
      requireDtype(Dtype.INT64, "castInto(long[])");
      intoHeap(Dtype.INT64, to.length, to, Elements::get);
    }

    /**
     * Reads an int32 array into an array of Java in C order.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     * @throws InvalidArgumentException if the array has another dtype or number of elements
     */
    public void readInto(int[] to) throws IOException {
      requireDtype(Dtype.INT32, "castInto(int[])");
      intoHeap(Dtype.INT32, to.length, to, Elements::get);
    }

    /**
     * Reads an int16 array into an array of Java in C order.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     * @throws InvalidArgumentException if the array has another dtype or number of elements
     */
    public void readInto(short[] to) throws IOException {
      requireDtype(Dtype.INT16, "read().cast(dtype)");
      intoHeap(Dtype.INT16, to.length, to, Elements::get);
    }

    /**
     * Reads an int8 array into an array of Java in C order.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     * @throws InvalidArgumentException if the array has another dtype or number of elements
     */
    public void readInto(byte[] to) throws IOException {
      requireDtype(Dtype.INT8, "read().cast(dtype)");
      intoHeap(Dtype.INT8, to.length, to, Elements::get);
    }

    /**
     * Reads a bool array into an array of Java in C order.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     * @throws InvalidArgumentException if the array has another dtype or number of elements
     */
    public void readInto(boolean[] to) throws IOException {
      requireDtype(Dtype.BOOL, "read().cast(dtype)");
      intoHeap(Dtype.BOOL, to.length, to, Elements::get);
    }

    /**
     * Reads the array into an array of Java in C order, and converts it as {@link NdArray#cast} does.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     */
    public void castInto(float[] to) throws IOException {
      intoHeap(Dtype.FLOAT32, to.length, to, Elements::get);
    }

    /**
     * Reads the array into an array of Java in C order, and converts it as {@link NdArray#cast} does.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     */
    public void castInto(double[] to) throws IOException {
      intoHeap(Dtype.FLOAT64, to.length, to, Elements::get);
    }

    /**
     * Reads the array into an array of Java in C order, and converts it as {@link NdArray#cast} does.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     */
    public void castInto(long[] to) throws IOException {
      intoHeap(Dtype.INT64, to.length, to, Elements::get);
    }

    /**
     * Reads the array into an array of Java in C order, and converts it as {@link NdArray#cast} does.
     *
     * @param to an array with as many elements
     * @throws IOException if the array cannot be read; the contents of the Java array are then undefined
     */
    public void castInto(int[] to) throws IOException {
      intoHeap(Dtype.INT32, to.length, to, Elements::get);
    }

    /**
     * {@return a part of the array, selected like in {@link NdArray#slice}; only the bytes that are needed are read}
     *
     * @param slices a slice for each dimension; dimensions without one are complete
     * @throws IOException if the part cannot be read
     */
    public NdArray readSlice(Slice... slices) throws IOException {
      long[] packed = Slice.pack(slices, shape);
      return handle.call(address -> new NdArray(TensorfileNative.tf_file_read_slice(address, index, packed)));
    }

    /**
     * Reads a part of the array into the caller's memory in C order.
     *
     * @param to any buffer whose remaining bytes are exactly those of the part; its position moves to its limit
     * @param slices a slice for each dimension; dimensions without one are complete
     * @throws IOException if the part cannot be read; the contents of the buffer are then undefined
     */
    public void readSliceInto(ByteBuffer to, Slice... slices) throws IOException {
      readSliceInto(to, dtype, slices);
    }

    /**
     * Reads a part of the array into the caller's memory in C order and converts it to another dtype.
     *
     * @param to any buffer whose remaining bytes are exactly those of the part in that dtype; its position moves to its
     *     limit
     * @param as dtype to convert to, as {@link NdArray#cast} does
     * @param slices a slice for each dimension; dimensions without one are complete
     * @throws IOException if the part cannot be read; the contents of the buffer are then undefined
     */
    public void readSliceInto(ByteBuffer to, Dtype as, Slice... slices) throws IOException {
      long[] packed = Slice.pack(slices, shape);
      handle.call(file -> {
        Direct.fill(to,
            (dst, n) -> TensorfileNative.tf_file_read_slice_into(file, index, packed, as.number(), dst, n));
        return null;
      });
    }

    private void requireDtype(Dtype wanted, String conversion) {
      if (dtype != wanted) {
        throw Elements.mismatch(dtype, wanted.toString(), conversion);
      }
    }

    /** Reads into an array of Java, in pieces that limit the native memory. */
    private <T> void intoHeap(Dtype as, int length, T to, Elements.Copy<T> copy) {
      Elements.requireCount(shape, length);
      int item = as.blockBytes();
      long rows = shape.length == 0 || length == 0 ? 1 : shape[0];
      long row = length / rows;
      long most = Math.max(1, SCRATCH / Math.max(1, row * item));
      long scratchRows = Math.min(most, rows);
      try (NdArray scratch = NdArray.zeros(Dtype.UINT8, scratchRows * row * item)) {
        for (long first = 0; first < rows; first += most) {
          long count = Math.min(most, rows - first);
          readRows(scratch, as, first, count, count * row * item);
          copyPieces(scratch, count * row * item, item, (int) (first * row), to, copy);
        }
      }
    }

    /** Reads count indices of the first dimension, or the array of a single element. */
    private void readRows(NdArray scratch, Dtype as, long first, long count, long nbytes) {
      boolean all = shape.length == 0 || count == shape[0];
      long[] packed = all ? null : Slice.pack(new Slice[] {Slice.of(first, first + count)}, shape);
      handle.call(file -> {
        Direct.fill(scratch, nbytes, (dst, n) -> {
          if (all) {
            TensorfileNative.tf_file_read_into(file, index, as.number(), dst, n);
          } else {
            TensorfileNative.tf_file_read_slice_into(file, index, packed, as.number(), dst, n);
          }
        });
        return null;
      });
    }

    /** Copies the bytes at the start of scratch to the elements from an index on. */
    private static <T> void copyPieces(NdArray scratch, long nbytes, int item, int index, T to, Elements.Copy<T> copy) {
      for (long done = 0; done < nbytes; done += SCRATCH) {
        int length = (int) Math.min(SCRATCH, nbytes - done);
        copy.run(scratch.data(done, length), to, index + (int) (done / item), length / item);
      }
    }

    @Override
    public String toString() {
      return name + ": " + dtype + " " + Arrays.toString(shape);
    }
  }

  /** {@return the format, and the name, dtype and shape of each array, which are abbreviated if there are many} */
  @Override
  public String toString() {
    if (handle.isClosed()) {
      return "ArrayFile(closed)";
    }
    String shown = entries().stream().limit(MAX_SHOWN).map(Entry::toString).collect(Collectors.joining(", "));
    String more = size > MAX_SHOWN ? ", ... " + size + " arrays" : "";
    return "ArrayFile(" + format() + ", [" + shown + more + "])";
  }
}
