package org.tensorfile;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongFunction;

/**
 * Converts maps and metadata to dicts of the library and back. A whole dict crosses JNI in one call, as flat memory in
 * the byte order of this machine, which java.i reads and writes too:
 *
 * <pre>
 * dict      int count, then for each value: int kind, text key, value
 * text      int length, bytes of UTF-8
 * ARRAY     long dtype, long ndim, long[] shape, long nbytes, elements; or, if handles are packed: long address, layout
 * HANDLE    long address; only from Java to C
 * STRING    text
 * LIST      int count, text[]
 * DICT      dict
 * layout    long dtype, long nbytes, long contiguous, long hasStrides, long ndim, long[] shape, long[] strides
 * </pre>
 */
final class Packed {
  private static final int ARRAY = TensorfileNativeConstants.TF_KIND_ARRAY;
  private static final int STRING = TensorfileNativeConstants.TF_KIND_STRING;
  private static final int LIST = TensorfileNativeConstants.TF_KIND_STRING_LIST;
  private static final int DICT = TensorfileNativeConstants.TF_KIND_DICT;
  private static final int HANDLE = 100;

  private Packed() {}

  /** The properties of an array. The strides of packed and block types are null. */
  static final class Layout {
    final Dtype dtype;
    final long nbytes;
    final boolean contiguous;
    final long[] shape;
    final long[] strides;

    private Layout(ByteBuffer from) {
      dtype = Dtype.of((int) from.getLong());
      nbytes = from.getLong();
      contiguous = from.getLong() != 0;
      boolean hasStrides = from.getLong() != 0;
      int ndim = (int) from.getLong();
      shape = longs(from, ndim);
      strides = hasStrides ? longs(from, ndim) : null;
    }

    static Layout of(long array) {
      return new Layout(buffer(TensorfileNative.tf_java_pack_array(array)));
    }
  }

  private static ByteBuffer buffer(byte[] packed) {
    return ByteBuffer.wrap(packed).order(ByteOrder.nativeOrder());
  }

  static long[] longs(ByteBuffer from, int count) {
    long[] longs = new long[count];
    for (int i = 0; i < count; i++) {
      longs[i] = from.getLong();
    }
    return longs;
  }

  static byte[] bytes(ByteBuffer from, int count) {
    byte[] bytes = new byte[count];
    from.get(bytes);
    return bytes;
  }

  static String text(ByteBuffer from) {
    return Text.string(bytes(from, from.getInt()));
  }

  // From dicts

  /** Returns the arrays of a flat dict. */
  static Map<String, NdArray> arrays(long dict) {
    ByteBuffer from = buffer(TensorfileNative.tf_java_pack_dict(dict, 1));
    int count = from.getInt();
    Map<String, NdArray> arrays = new LinkedHashMap<>(count * 4 / 3 + 1);
    for (int i = 0; i < count; i++) {
      if (from.getInt() != ARRAY) {
        throw new IllegalStateException("a value is not an array");
      }
      String name = text(from);
      long address = from.getLong();
      Layout layout = new Layout(from);
      arrays.put(name, new NdArray(TensorfileNative.tf_array_retain(address), layout));
    }
    return arrays;
  }

  /** Returns the arrays of nested dicts, which are released, with their names joined. */
  static Map<String, NdArray> takeTree(long tree) {
    return callAndRelease(tree, dict -> callAndRelease(TensorfileNative.tf_dict_flatten(dict), Packed::arrays));
  }

  /** Returns the contents of a dict. */
  static Metadata metadata(long dict) {
    return metadata(buffer(TensorfileNative.tf_java_pack_dict(dict, 0)));
  }

  /** Returns the contents of a dict, which is released. */
  static Metadata takeMetadata(long dict) {
    return callAndRelease(dict, Packed::metadata);
  }

  private static Metadata metadata(ByteBuffer from) {
    int count = from.getInt();
    Metadata metadata = new Metadata();
    for (int i = 0; i < count; i++) {
      int kind = from.getInt();
      String key = text(from);
      metadata.put(key, value(from, kind));
    }
    return metadata;
  }

  private static MetadataValue value(ByteBuffer from, int kind) {
    if (kind == ARRAY) {
      Dtype dtype = Dtype.of((int) from.getLong());
      long[] shape = longs(from, (int) from.getLong());
      return MetadataValue.ofElements(dtype, shape, bytes(from, (int) from.getLong()));
    } else if (kind == STRING) {
      return MetadataValue.ofText(string(from));
    } else if (kind == LIST) {
      int count = from.getInt();
      List<Object> strings = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        strings.add(string(from));
      }
      return MetadataValue.ofTexts(strings);
    } else if (kind == DICT) {
      return MetadataValue.of(metadata(from));
    }
    throw new IllegalStateException("the metadata has a kind of value that this version does not know");
  }

  /** Returns a String, or a byte[] if the bytes are not UTF-8. */
  private static Object string(ByteBuffer from) {
    int at = from.position();
    String text = text(from);
    if (text.indexOf('\ufffd') < 0) {
      return text;
    }
    from.position(at);
    byte[] bytes = bytes(from, from.getInt());
    return Arrays.equals(Text.utf8(text), bytes) ? text : bytes;
  }

  // To dicts

  /** A growing buffer. */
  private static final class Writer {
    private ByteBuffer to = ByteBuffer.allocate(1 << 10).order(ByteOrder.nativeOrder());

    private ByteBuffer space(int nbytes) {
      if (to.remaining() < nbytes) {
        long least = Math.addExact(to.position(), (long) nbytes);
        if (least > Integer.MAX_VALUE - 8) {
          throw new OutOfMemoryError("the names and metadata take more than 2 GiB");
        }
        int capacity = (int) Math.min(Math.max(least, 2L * to.capacity()), Integer.MAX_VALUE - 8);
        to = ByteBuffer.allocate(capacity).order(ByteOrder.nativeOrder()).put(to.flip());
      }
      return to;
    }

    void number(int value) {
      space(4).putInt(value);
    }

    void number(long value) {
      space(8).putLong(value);
    }

    void bytes(byte[] bytes) {
      space(bytes.length).put(bytes);
    }

    void text(Object text) {
      byte[] utf8 = text instanceof byte[] bytes ? bytes : Text.utf8((String) text);
      number(utf8.length);
      bytes(utf8);
    }

    void metadata(Metadata metadata) {
      number(metadata.size());
      metadata.forEach((key, value) -> {
        if (value == null) {
          throw new NullPointerException("the metadata value '" + key + "' is null");
        }
        number(value.packedKind());
        text(key);
        value(value);
      });
    }

    private void value(MetadataValue value) {
      switch (value.packedKind()) {
        case STRING -> text(value.content());
        case LIST -> {
          List<?> texts = (List<?>) value.content();
          number(texts.size());
          texts.forEach(this::text);
        }
        case DICT -> metadata((Metadata) value.content());
        default -> {
          long[] shape = value.shape();
          byte[] elements = value.elements();
          number((long) value.dtype().number());
          number((long) shape.length);
          for (long n : shape) {
            number(n);
          }
          number((long) elements.length);
          bytes(elements);
        }
      }
    }

    /** Returns a new dict. */
    long dict() {
      byte[] packed = new byte[to.position()];
      to.flip().get(packed);
      return TensorfileNative.tf_java_unpack_dict(packed);
    }
  }

  /** Creates a dict of arrays, which refers to their memory. */
  private static long dictOf(Map<String, NdArray> arrays) {
    List<Handle> entered = new ArrayList<>(arrays.size());
    try {
      Writer writer = new Writer();
      List<Map.Entry<String, NdArray>> entries = new ArrayList<>(arrays.entrySet());
      writer.number(entries.size());
      for (Map.Entry<String, NdArray> entry : entries) {
        String name = Objects.requireNonNull(entry.getKey(), "a name is null");
        NdArray array = entry.getValue();
        if (array == null) {
          throw new NullPointerException("the array '" + name + "' is null");
        }
        entered.add(array.enter());
        writer.number(HANDLE);
        writer.text(name);
        writer.number(entered.get(entered.size() - 1).address());
      }
      return writer.dict();
    } finally {
      entered.forEach(Handle::leave);
    }
  }

  /** Runs a call with a dict of arrays, which other threads may change or close meanwhile. */
  static <T> T callWithArrays(Map<String, NdArray> arrays, LongFunction<T> body) {
    return callAndRelease(dictOf(Objects.requireNonNull(arrays, "arrays")), body);
  }

  /** Runs a call with the dict of metadata, or with 0 if it is empty. */
  static <T> T callWithMetadata(Metadata metadata, LongFunction<T> body) {
    if (Objects.requireNonNull(metadata, "metadata").isEmpty()) {
      return body.apply(0);
    }
    Writer writer = new Writer();
    writer.metadata(metadata);
    return callAndRelease(writer.dict(), body);
  }

  private static <T> T callAndRelease(long dict, LongFunction<T> body) {
    try {
      return body.apply(dict);
    } finally {
      TensorfileNative.tf_dict_release(dict);
    }
  }
}
