package org.tensorfile;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A value of {@link Metadata}: a boolean, a number, a string, a list of strings, an array of numbers, or nested
 * metadata. Values never change. A number keeps its dtype, so that a file is saved with the widths that it was loaded
 * with.
 *
 * <p>The methods {@code asX} return the value if it is an X, and throw an {@link InvalidArgumentException} otherwise.
 * They never convert: {@code value.asNumber().doubleValue()} does so by name.
 */
public final class MetadataValue {
  /** What a value is. */
  public enum Kind {
    /** A boolean. */
    BOOLEAN("boolean"),
    /** A number: an integer, a float32 or a float64. */
    NUMBER("number"),
    /** A string. */
    STRING("string"),
    /** A list of strings. */
    STRINGS("list of strings"),
    /** An array of booleans or numbers. */
    ARRAY("array"),
    /** Nested metadata; the elements of an array of arrays have the keys "0", "1" and so on. */
    METADATA("nested metadata");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** Longer strings, lists and arrays are abbreviated by {@link #toString}. */
  private static final int MAX_SHOWN = 200;
  private static final int MAX_ELEMENTS_SHOWN = 6;

  private static final long[] NO_SHAPE = {};

  private final Kind kind;
  /** Of a boolean, a number and an array; null otherwise. */
  private final Dtype dtype;
  private final long[] shape;
  /** The bytes of booleans, numbers and arrays; a String or byte[]; a List of these; or Metadata. */
  private final Object content;

  private MetadataValue(Kind kind, Dtype dtype, long[] shape, Object content) {
    this.kind = kind;
    this.dtype = dtype;
    this.shape = shape;
    this.content = content;
  }

  // Creation

  /**
   * {@return a boolean}
   *
   * @param value the value
   */
  public static MetadataValue of(boolean value) {
    return new MetadataValue(Kind.BOOLEAN, Dtype.BOOL, NO_SHAPE, new byte[] {(byte) (value ? 1 : 0)});
  }

  /**
   * {@return an int8}
   *
   * @param value the value
   */
  public static MetadataValue of(byte value) {
    return of(value, Dtype.INT8);
  }

  /**
   * {@return an int16}
   *
   * @param value the value
   */
  public static MetadataValue of(short value) {
    return of(value, Dtype.INT16);
  }

  /**
   * {@return an int32}
   *
   * @param value the value
   */
  public static MetadataValue of(int value) {
    return of(value, Dtype.INT32);
  }

  /**
   * {@return an int64}
   *
   * @param value the value
   */
  public static MetadataValue of(long value) {
    return of(value, Dtype.INT64);
  }

  /**
   * {@return a float32}
   *
   * @param value the value
   */
  public static MetadataValue of(float value) {
    byte[] bytes = new byte[Float.BYTES];
    view(bytes).putFloat(value);
    return ofElements(Dtype.FLOAT32, NO_SHAPE, bytes);
  }

  /**
   * {@return a float64}
   *
   * @param value the value
   */
  public static MetadataValue of(double value) {
    byte[] bytes = new byte[Double.BYTES];
    view(bytes).putDouble(value);
    return ofElements(Dtype.FLOAT64, NO_SHAPE, bytes);
  }

  /**
   * {@return an integer of another width, such as {@code of(32, Dtype.UINT32)}}
   *
   * @param value the value
   * @param dtype an integer dtype
   * @throws InvalidArgumentException if the dtype cannot hold the value, or is not an integer's
   */
  public static MetadataValue of(long value, Dtype dtype) {
    return of(BigInteger.valueOf(value), dtype);
  }

  /**
   * {@return an integer, which may be above {@link Long#MAX_VALUE} for UINT64}
   *
   * @param value the value
   * @param dtype an integer dtype
   * @throws InvalidArgumentException if the dtype cannot hold the value, or is not an integer's
   */
  public static MetadataValue of(BigInteger value, Dtype dtype) {
    int bits = requireInteger(dtype).bits();
    BigInteger least = dtype.isUnsigned() ? BigInteger.ZERO : BigInteger.ONE.shiftLeft(bits - 1).negate();
    BigInteger most = BigInteger.ONE.shiftLeft(dtype.isUnsigned() ? bits : bits - 1).subtract(BigInteger.ONE);
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new InvalidArgumentException(dtype + " takes " + least + " to " + most + ", got " + value);
    }
    byte[] bytes = new byte[bits / 8];
    ByteBuffer to = view(bytes);
    switch (bits) {
      case 8 -> to.put(value.byteValue());
      case 16 -> to.putShort(value.shortValue());
      case 32 -> to.putInt(value.intValue());
      default -> to.putLong(value.longValue());
    }
    return ofElements(dtype, NO_SHAPE, bytes);
  }

  /**
   * {@return a string}
   *
   * @param value the value
   */
  public static MetadataValue of(String value) {
    Text.utf8(value); // rejects what UTF-8 cannot encode
    return ofText(value);
  }

  /**
   * {@return a string of any bytes, which need not be UTF-8}
   *
   * @param value the bytes, which are copied
   */
  public static MetadataValue ofBytes(byte[] value) {
    String text = Text.string(value);
    return ofText(Arrays.equals(Text.utf8(text), value) ? text : value.clone());
  }

  /**
   * {@return a list of strings}
   *
   * @param values the strings, which are copied
   */
  public static MetadataValue of(List<String> values) {
    values.forEach(Text::utf8);
    return ofTexts(values);
  }

  /**
   * {@return nested metadata}
   *
   * @param value the metadata, which is copied
   */
  public static MetadataValue of(Metadata value) {
    return new MetadataValue(Kind.METADATA, null, NO_SHAPE, value.copy());
  }

  /**
   * {@return an array, or a boolean or number if it has no dimensions}
   *
   * @param array the elements, which are copied
   */
  public static MetadataValue of(NdArray array) {
    return ofElements(array.dtype(), array.shape(), array.toRawBytes());
  }

  /**
   * {@return an array of int32}
   *
   * @param values the elements, which are copied
   */
  public static MetadataValue of(int[] values) {
    byte[] bytes = new byte[4 * values.length];
    view(bytes).asIntBuffer().put(values);
    return ofElements(Dtype.INT32, new long[] {values.length}, bytes);
  }

  /**
   * {@return an array of int64}
   *
   * @param values the elements, which are copied
   */
  public static MetadataValue of(long[] values) {
    byte[] bytes = new byte[8 * values.length];
    view(bytes).asLongBuffer().put(values);
    return ofElements(Dtype.INT64, new long[] {values.length}, bytes);
  }

  /**
   * {@return an array of float32}
   *
   * @param values the elements, which are copied
   */
  public static MetadataValue of(float[] values) {
    byte[] bytes = new byte[4 * values.length];
    view(bytes).asFloatBuffer().put(values);
    return ofElements(Dtype.FLOAT32, new long[] {values.length}, bytes);
  }

  /**
   * {@return an array of float64}
   *
   * @param values the elements, which are copied
   */
  public static MetadataValue of(double[] values) {
    byte[] bytes = new byte[8 * values.length];
    view(bytes).asDoubleBuffer().put(values);
    return ofElements(Dtype.FLOAT64, new long[] {values.length}, bytes);
  }

  /**
   * {@return an array of booleans}
   *
   * @param values the elements, which are copied
   */
  public static MetadataValue of(boolean[] values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) (values[i] ? 1 : 0);
    }
    return ofElements(Dtype.BOOL, new long[] {values.length}, bytes);
  }

  /**
   * {@return an array of integers of another width, such as {@code of(counts, Dtype.UINT32)}}
   *
   * @param values the elements, which are copied
   * @param dtype an integer dtype
   * @throws InvalidArgumentException if the dtype cannot hold one of the values, or is not an integer's
   */
  public static MetadataValue of(long[] values, Dtype dtype) {
    byte[] bytes = new byte[Math.multiplyExact(values.length, dtype.bits() / 8)];
    ByteBuffer elements = view(bytes);
    for (long value : values) {
      elements.put(of(value, dtype).elements());
    }
    return ofElements(requireInteger(dtype), new long[] {values.length}, bytes);
  }

  /** Returns a string, which is a String or a byte[] that is not UTF-8. */
  static MetadataValue ofText(Object text) {
    return new MetadataValue(Kind.STRING, null, NO_SHAPE, text);
  }

  static MetadataValue ofTexts(List<?> texts) {
    return new MetadataValue(Kind.STRINGS, null, NO_SHAPE, List.copyOf(texts));
  }

  /** Returns a boolean, a number or an array. */
  static MetadataValue ofElements(Dtype dtype, long[] shape, byte[] elements) {
    boolean isScalar = shape.length == 0;
    if (isScalar && dtype == Dtype.BOOL) {
      return new MetadataValue(Kind.BOOLEAN, dtype, shape, elements);
    }
    boolean isNumber = isScalar && (dtype.isInteger() || dtype == Dtype.FLOAT32 || dtype == Dtype.FLOAT64);
    return new MetadataValue(isNumber ? Kind.NUMBER : Kind.ARRAY, dtype, shape, elements);
  }

  private static Dtype requireInteger(Dtype dtype) {
    if (!dtype.isInteger()) {
      throw new InvalidArgumentException("expected an integer dtype, got " + dtype);
    }
    return dtype;
  }

  private static ByteBuffer view(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }

  // Properties and values

  /** {@return what the value is} */
  public Kind kind() {
    return kind;
  }

  /**
   * {@return the dtype of a boolean, a number, or the elements of an array}
   *
   * @throws InvalidArgumentException if the value is of another kind
   */
  public Dtype dtype() {
    if (dtype == null) {
      throw mismatch("number");
    }
    return dtype;
  }

  /**
   * {@return the value of a boolean}
   *
   * @throws InvalidArgumentException if the value is of another kind
   */
  public boolean asBoolean() {
    require(kind == Kind.BOOLEAN, "boolean");
    return elements()[0] != 0;
  }

  /**
   * {@return the value of a number, in the class of Java that has the width of its dtype, or the next wider one if the
   * dtype is unsigned: Byte, Short, Integer, Long, BigInteger, Float or Double}
   *
   * @throws InvalidArgumentException if the value is of another kind
   */
  public Number asNumber() {
    require(kind == Kind.NUMBER, "number");
    return toNumber(view(elements()));
  }

  /**
   * {@return the value of an integer of any width}
   *
   * @throws InvalidArgumentException if the value is not an integer, or does not fit
   */
  public int asInt() {
    long value = asLong();
    if (value != (int) value) {
      throw new InvalidArgumentException("the value " + value + " does not fit an int: use getLong",
          Failures.Details.of(Status.TYPE));
    }
    return (int) value;
  }

  /**
   * {@return the value of an integer of any width}
   *
   * @throws InvalidArgumentException if the value is not an integer, or does not fit
   */
  public long asLong() {
    require(kind == Kind.NUMBER && dtype.isInteger(), "integer");
    Number number = asNumber();
    if (number instanceof BigInteger big && big.bitLength() > 63) {
      throw new InvalidArgumentException("the value " + big + " does not fit a long: use getNumber",
          Failures.Details.of(Status.TYPE));
    }
    return number.longValue();
  }

  /**
   * {@return the value of a float32}
   *
   * @throws InvalidArgumentException if the value is not a float32
   */
  public float asFloat() {
    require(kind == Kind.NUMBER && dtype == Dtype.FLOAT32, "float32");
    return asNumber().floatValue();
  }

  /**
   * {@return the value of a float32 or float64}
   *
   * @throws InvalidArgumentException if the value is neither
   */
  public double asDouble() {
    require(kind == Kind.NUMBER && !dtype.isInteger(), "float");
    return asNumber().doubleValue();
  }

  /**
   * {@return the value of a string, with replacement characters for bytes that are not UTF-8}
   *
   * @throws InvalidArgumentException if the value is of another kind
   */
  public String asString() {
    require(kind == Kind.STRING, "string");
    return stringOf(content);
  }

  /**
   * {@return the bytes of a string}
   *
   * @throws InvalidArgumentException if the value is of another kind
   */
  public byte[] asBytes() {
    require(kind == Kind.STRING, "string");
    return content instanceof byte[] bytes ? bytes.clone() : Text.utf8((String) content);
  }

  /**
   * {@return the strings of a list, with replacement characters for bytes that are not UTF-8}
   *
   * @throws InvalidArgumentException if the value is of another kind
   */
  public List<String> asStrings() {
    require(kind == Kind.STRINGS, "list of strings");
    return ((List<?>) content).stream().map(MetadataValue::stringOf).toList();
  }

  /**
   * {@return the booleans of a list}
   *
   * @throws InvalidArgumentException if the value is not a list of booleans
   */
  public boolean[] asBooleans() {
    byte[] elements = list(dtype == Dtype.BOOL, "booleans");
    boolean[] values = new boolean[elements.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = elements[i] != 0;
    }
    return values;
  }

  /**
   * {@return the integers of a list, which may have any width if they fit}
   *
   * @throws InvalidArgumentException if the value is not a list of integers, or one of them does not fit
   */
  public int[] asInts() {
    long[] values = asLongs();
    for (long value : values) {
      if (value != (int) value) {
        throw new InvalidArgumentException("the element " + value + " does not fit an int: use getLongs",
            Failures.Details.of(Status.TYPE));
      }
    }
    return Arrays.stream(values).mapToInt(value -> (int) value).toArray();
  }

  /**
   * {@return the integers of a list, which may have any width if they fit}
   *
   * @throws InvalidArgumentException if the value is not a list of integers, or one of them does not fit
   */
  public long[] asLongs() {
    ByteBuffer elements = view(list(dtype != null && dtype.isInteger(), "integers"));
    long[] values = new long[Math.toIntExact(shape[0])];
    for (int i = 0; i < values.length; i++) {
      Number number = toNumber(elements);
      if (number instanceof BigInteger big && big.bitLength() > 63) {
        throw new InvalidArgumentException("the element " + big + " does not fit a long: use getArray",
            Failures.Details.of(Status.TYPE));
      }
      values[i] = number.longValue();
    }
    return values;
  }

  /**
   * {@return the numbers of a list of float32}
   *
   * @throws InvalidArgumentException if the value is not a list of float32
   */
  public float[] asFloats() {
    ByteBuffer elements = view(list(dtype == Dtype.FLOAT32, "float32"));
    float[] values = new float[Math.toIntExact(shape[0])];
    elements.asFloatBuffer().get(values);
    return values;
  }

  /**
   * {@return the numbers of a list of float32 or float64}
   *
   * @throws InvalidArgumentException if the value is neither
   */
  public double[] asDoubles() {
    ByteBuffer elements = view(list(dtype == Dtype.FLOAT32 || dtype == Dtype.FLOAT64, "floats"));
    double[] values = new double[Math.toIntExact(shape[0])];
    for (int i = 0; i < values.length; i++) {
      values[i] = toNumber(elements).doubleValue();
    }
    return values;
  }

  /** Returns the elements of an array with one dimension and the right dtype. */
  private byte[] list(boolean isRightDtype, String wanted) {
    require(kind == Kind.ARRAY && shape.length == 1 && isRightDtype, "list of " + wanted);
    return elements();
  }

  /**
   * {@return the elements of an array, as a new array that belongs to the caller}
   *
   * @throws InvalidArgumentException if the value is of another kind
   */
  public NdArray asArray() {
    require(kind == Kind.ARRAY, "array");
    return NdArray.copyOf(dtype, elements(), shape);
  }

  /**
   * {@return a copy of nested metadata}
   *
   * @throws InvalidArgumentException if the value is of another kind
   */
  public Metadata asMetadata() {
    require(kind == Kind.METADATA, "nested metadata");
    return ((Metadata) content).copy();
  }

  private void require(boolean condition, String wanted) {
    if (!condition) {
      throw mismatch(wanted);
    }
  }

  private InvalidArgumentException mismatch(String wanted) {
    String article = "aeiou".indexOf(wanted.charAt(0)) >= 0 ? "an " : wanted.startsWith("nested") ? "" : "a ";
    return new InvalidArgumentException("expected " + article + wanted + ", found " + describe(),
        Failures.Details.of(Status.TYPE));
  }

  private String describe() {
    return switch (kind) {
      case BOOLEAN -> "the boolean " + this;
      case NUMBER -> "the " + dtype + " " + this;
      case STRING -> "the string '" + this + "'";
      case STRINGS -> "a list of " + ((List<?>) content).size() + " strings";
      case ARRAY -> "an array of " + dtype + " with shape " + Arrays.toString(shape);
      case METADATA -> "nested metadata";
    };
  }

  private static String stringOf(Object text) {
    return text instanceof byte[] bytes ? Text.string(bytes) : (String) text;
  }

  private Number toNumber(ByteBuffer from) {
    return switch (dtype) {
      case INT8 -> from.get();
      case UINT8 -> (short) Byte.toUnsignedInt(from.get());
      case INT16 -> from.getShort();
      case UINT16 -> Short.toUnsignedInt(from.getShort());
      case INT32 -> from.getInt();
      case UINT32 -> Integer.toUnsignedLong(from.getInt());
      case INT64 -> from.getLong();
      case UINT64 -> new BigInteger(Long.toUnsignedString(from.getLong()));
      case FLOAT32 -> from.getFloat();
      default -> from.getDouble();
    };
  }

  // For Packed

  int packedKind() {
    return switch (kind) {
      case STRING -> TensorfileNativeConstants.TF_KIND_STRING;
      case STRINGS -> TensorfileNativeConstants.TF_KIND_STRING_LIST;
      case METADATA -> TensorfileNativeConstants.TF_KIND_DICT;
      default -> TensorfileNativeConstants.TF_KIND_ARRAY;
    };
  }

  Object content() {
    return content;
  }

  long[] shape() {
    return shape;
  }

  byte[] elements() {
    return (byte[]) content;
  }

  // Object

  private static boolean sameText(Object a, Object b) {
    return a instanceof byte[] first ? b instanceof byte[] second && Arrays.equals(first, second) : a.equals(b);
  }

  private static boolean sameTexts(List<?> a, List<?> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      if (!sameText(a.get(i), b.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** {@return true if the other object is a value with the same kind, dtype, shape and bytes} */
  @Override
  public boolean equals(Object other) {
    if (!(other instanceof MetadataValue that) || kind != that.kind || dtype != that.dtype) {
      return false;
    }
    return switch (kind) {
      case STRING -> sameText(content, that.content);
      case STRINGS -> sameTexts((List<?>) content, (List<?>) that.content);
      case METADATA -> content.equals(that.content);
      default -> Arrays.equals(shape, that.shape) && Arrays.equals(elements(), that.elements());
    };
  }

  @Override
  public int hashCode() {
    int hash = switch (kind) {
      case STRING -> stringOf(content).hashCode();
      case STRINGS -> asStrings().hashCode();
      case METADATA -> content.hashCode();
      default -> Arrays.hashCode(elements());
    };
    return Objects.hash(kind, dtype, hash);
  }

  /** {@return the value as text; long strings, lists and arrays are abbreviated} */
  @Override
  public String toString() {
    return switch (kind) {
      case BOOLEAN -> Boolean.toString(asBoolean());
      case NUMBER -> asNumber().toString();
      case STRING -> abbreviated(stringOf(content));
      case STRINGS -> listed(((List<?>) content).stream().map(text -> abbreviated(stringOf(text))),
          ((List<?>) content).size(), "strings");
      case ARRAY -> arrayText();
      case METADATA -> content.toString();
    };
  }

  private static String abbreviated(String text) {
    return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "... (" + text.length() + " characters)";
  }

  private static String listed(Stream<String> all, int count, String what) {
    String shown = all.limit(MAX_ELEMENTS_SHOWN).collect(Collectors.joining(", "));
    return count <= MAX_ELEMENTS_SHOWN ? "[" + shown + "]" : "[" + shown + ", ... " + count + " " + what + "]";
  }

  private String arrayText() {
    try (NdArray array = asArray()) {
      return Elements.text(array);
    }
  }
}
