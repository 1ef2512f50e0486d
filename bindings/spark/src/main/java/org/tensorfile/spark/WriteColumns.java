package org.tensorfile.spark;

import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.tensorfile.Dtype;
import org.tensorfile.NdArray;
import org.tensorfile.Options;

/** Where the columns of a row to be written are, and what they mean. */
final class WriteColumns implements Serializable {
  private static final long serialVersionUID = 1;
  private static final List<DataType> ELEMENTS = List.of(DataTypes.FloatType, DataTypes.DoubleType,
      DataTypes.LongType, DataTypes.IntegerType);
  private static final List<DataType> INTEGERS = List.of(DataTypes.LongType, DataTypes.IntegerType);

  private final int path;
  private final int name;
  private final int dtype;
  private final int shape;
  private final int position;
  private final int start;
  private final int stop;
  private final int data;
  private final DataType shapeElement;
  private final DataType positionType;
  private final DataType startType;
  private final DataType stopType;
  /** The type of the elements; null if the data are bytes. */
  private final DataType element;

  WriteColumns(StructType schema) {
    requireKnown(schema);
    path = find(schema, Column.PATH, List.of(DataTypes.StringType), false);
    name = find(schema, Column.NAME, List.of(DataTypes.StringType), true);
    data = find(schema, Column.DATA, null, true);
    element = elementOf(schema.fields()[data].dataType());
    dtype = find(schema, Column.DTYPE, List.of(DataTypes.StringType), element == null);
    shape = find(schema, Column.SHAPE, null, true);
    shapeElement = schema.fields()[shape].dataType() instanceof ArrayType list ? list.elementType() : null;
    if (!INTEGERS.contains(shapeElement)) {
      throw wrongType(schema, shape, "array<bigint>");
    }
    position = find(schema, Column.POSITION, INTEGERS, false);
    start = find(schema, Column.START, INTEGERS, false);
    stop = find(schema, Column.STOP, INTEGERS, start >= 0);
    positionType = typeAt(schema, position);
    startType = typeAt(schema, start);
    stopType = typeAt(schema, stop);
  }

  private static void requireKnown(StructType schema) {
    List<String> known = Arrays.stream(Column.values()).map(Column::text).toList();
    for (String field : schema.fieldNames()) {
      if (!known.contains(field)) {
        throw new IllegalArgumentException("column " + field + ": a row to be written has the columns name, dtype,"
            + " shape and data, for pieces also start and stop, and for the order path and position; select them, or"
            + " rename the column");
      }
    }
  }

  private static int find(StructType schema, Column column, List<DataType> types, boolean required) {
    int index = Arrays.asList(schema.fieldNames()).indexOf(column.text());
    if (index < 0 && required) {
      throw new IllegalArgumentException("column " + column.text() + " is missing: a row to be written has the columns"
          + " name, dtype, shape and data, and for pieces start and stop");
    }
    if (index >= 0 && types != null && !types.contains(schema.fields()[index].dataType())) {
      throw wrongType(schema, index, types.stream().map(DataType::sql).collect(Collectors.joining(" or ")));
    }
    return index;
  }

  private static DataType typeAt(StructType schema, int index) {
    return index < 0 ? null : schema.fields()[index].dataType();
  }

  private static DataType elementOf(DataType type) {
    if (type.equals(DataTypes.BinaryType)) {
      return null;
    }
    if (type instanceof ArrayType list && ELEMENTS.contains(list.elementType())) {
      return list.elementType();
    }
    throw new IllegalArgumentException("column data: expected binary, or an array of float, double, bigint or int,"
        + " found " + type.sql());
  }

  private static IllegalArgumentException wrongType(StructType schema, int index, String expected) {
    return new IllegalArgumentException("column " + schema.fieldNames()[index] + ": expected " + expected + ", found "
        + schema.fields()[index].dataType().sql());
  }

  /**
   * A row.
   *
   * @param array what the row says about its array
   * @param start the first index along the first axis
   * @param stop the index after the last one
   * @param order the key by which arrays are ordered
   * @param bytes the elements in the dtype of the array
   */
  record Piece(SetPlan.Declared array, long start, long stop, Order order, byte[] bytes) {}

  /** The order of arrays: by file, by position in it, and by name. */
  record Order(String path, long position, String name) implements Comparable<Order>, Serializable {
    @Override
    public int compareTo(Order other) {
      int byPath = path.compareTo(other.path);
      int byPosition = byPath != 0 ? byPath : Long.compare(position, other.position);
      return byPosition != 0 ? byPosition : name.compareTo(other.name);
    }
  }

  Piece read(InternalRow row, Options options) throws IOException {
    String array = text(row, name, "name");
    Dtype type = typeOf(row, array);
    long[] sizes = shapeOf(row, array);
    long length = sizes.length == 0 ? 1 : sizes[0];
    long first = integer(row, start, startType).orElse(0L);
    long end = integer(row, stop, stopType).orElse(length);
    if (first < 0 || first > end || end > length) {
      throw new IOException("array '" + array + "': start " + first + " and stop " + end
          + " are not a range of the first axis, which has " + length + " indices");
    }
    Order order = new Order(path < 0 ? "" : text(row, path, "path"), integer(row, position, positionType).orElse(0L),
        array);
    byte[] bytes = bytesOf(row, array, type, pieceShape(sizes, first, end), options);
    return new Piece(new SetPlan.Declared(array, type.toString(), sizes), first, end, order, bytes);
  }

  private static String text(InternalRow row, int column, String what) throws IOException {
    if (row.isNullAt(column)) {
      throw new IOException("column " + what + ": a row has no value");
    }
    return row.getUTF8String(column).toString();
  }

  private Dtype typeOf(InternalRow row, String array) throws IOException {
    if (dtype < 0) {
      return element.equals(DataTypes.FloatType) ? Dtype.FLOAT32 : element.equals(DataTypes.DoubleType) ? Dtype.FLOAT64
          : element.equals(DataTypes.LongType) ? Dtype.INT64 : Dtype.INT32;
    }
    String given = text(row, dtype, "dtype");
    Dtype found = given.equals("unsupported") ? Dtype.UNSUPPORTED : Dtype.fromName(given);
    if (found == Dtype.UNSUPPORTED) {
      throw new IOException("array '" + array + "': the dtype " + given + " is unknown and cannot be written");
    }
    return found;
  }

  private long[] shapeOf(InternalRow row, String array) throws IOException {
    if (row.isNullAt(shape)) {
      throw new IOException("array '" + array + "': the row has no shape");
    }
    ArrayData list = row.getArray(shape);
    long[] sizes = new long[list.numElements()];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = shapeElement.equals(DataTypes.LongType) ? list.getLong(i) : list.getInt(i);
    }
    return sizes;
  }

  private static long[] pieceShape(long[] shape, long start, long stop) {
    long[] piece = shape.clone();
    if (piece.length > 0) {
      piece[0] = stop - start;
    }
    return piece;
  }

  private static Optional<Long> integer(InternalRow row, int column, DataType type) {
    return column < 0 || row.isNullAt(column) ? Optional.empty()
        : Optional.of(type.equals(DataTypes.LongType) ? row.getLong(column) : (long) row.getInt(column));
  }

  private byte[] bytesOf(InternalRow row, String array, Dtype type, long[] shape, Options options) throws IOException {
    if (row.isNullAt(data)) {
      throw new IOException("array '" + array + "': the row has no data");
    }
    if (element != null) {
      try (NdArray elements = elements(row.getArray(data), shape)) {
        if (elements.dtype() == type) {
          return elements.toRawBytes();
        }
        try (NdArray cast = elements.cast(type, options)) {
          return cast.toRawBytes();
        }
      } catch (org.tensorfile.InvalidArgumentException e) {
        throw new IOException("array '" + array + "': " + e.getMessage(), e);
      }
    }
    byte[] bytes = row.getBinary(data);
    double expected = (double) Arrays.stream(shape).reduce(1, (a, b) -> a * b) / type.blockSize() * type.blockBytes();
    if (bytes.length != Math.ceil(expected)) {
      throw new IOException("array '" + array + "': the data have " + bytes.length + " bytes, but " + type + " "
          + Arrays.toString(shape) + " has " + (long) Math.ceil(expected));
    }
    return bytes;
  }

  private NdArray elements(ArrayData list, long[] shape) {
    return element.equals(DataTypes.FloatType) ? NdArray.of(list.toFloatArray(), shape)
        : element.equals(DataTypes.DoubleType) ? NdArray.of(list.toDoubleArray(), shape)
            : element.equals(DataTypes.LongType) ? NdArray.of(list.toLongArray(), shape)
                : NdArray.of(list.toIntArray(), shape);
  }
}
