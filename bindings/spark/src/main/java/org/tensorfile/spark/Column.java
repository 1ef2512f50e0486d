package org.tensorfile.spark;

import java.util.Arrays;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** The columns of a row, in the order of the schema. */
enum Column {
  /** The file, as Hadoop names it. */
  PATH("path", DataTypes.StringType, false),
  /** The name of the array, which is "" for that of a .npy file. */
  NAME("name", DataTypes.StringType, false),
  /** The name of the dtype; what the file calls it if the library does not know it. */
  DTYPE("dtype", DataTypes.StringType, false),
  /** The shape of the whole array, also in the row of a piece. */
  SHAPE("shape", DataTypes.createArrayType(DataTypes.LongType, false), false),
  /** The bytes of the whole array in memory. */
  NBYTES("nbytes", DataTypes.LongType, false),
  /** The bytes of the whole array in the file, which are fewer if it is compressed. */
  STORED_BYTES("stored_bytes", DataTypes.LongType, false),
  /** The number of the array in its file. */
  POSITION("position", DataTypes.IntegerType, false),
  /** The first index of the piece along the first axis. */
  START("start", DataTypes.LongType, false),
  /** The index after the last one of the piece. */
  STOP("stop", DataTypes.LongType, false),
  /** The metadata of the file; values that are not strings as JSON. */
  METADATA("metadata", DataTypes.createMapType(DataTypes.StringType, DataTypes.StringType, false), false),
  /** The number of elements of the piece that are not numbers. */
  NAN_COUNT("nan_count", DataTypes.LongType, true),
  /** The number of infinite elements of the piece. */
  INF_COUNT("inf_count", DataTypes.LongType, true),
  /** The least element of the piece that is not nan. */
  MIN("min", DataTypes.DoubleType, true),
  /** The greatest element of the piece that is not nan. */
  MAX("max", DataTypes.DoubleType, true),
  /** The elements of the piece in C order. */
  DATA("data", DataTypes.BinaryType, false);

  /** The type of the data with the option data=float. */
  static final DataType FLOATS = DataTypes.createArrayType(DataTypes.FloatType, false);

  private final String text;
  @SuppressWarnings("ImmutableEnumChecker") // the types of Spark are immutable, but do not say so
  private final DataType type;
  private final boolean nullable;

  Column(String text, DataType type, boolean nullable) {
    this.text = text;
    this.type = type;
    this.nullable = nullable;
  }

  /** {@return the name of the column} */
  String text() {
    return text;
  }

  /** {@return true if a value is computed from the elements} */
  boolean needsElements() {
    return this == DATA || isStatistic();
  }

  boolean isStatistic() {
    return this == NAN_COUNT || this == INF_COUNT || this == MIN || this == MAX;
  }

  static StructType schema(boolean asFloat) {
    return new StructType(Arrays.stream(values())
        .map(column -> DataTypes.createStructField(column.text,
            column == DATA && asFloat ? FLOATS : column.type, column.nullable))
        .toArray(StructField[]::new));
  }

  /** {@return the columns of a schema that was pruned} */
  static Column[] of(StructType schema) {
    return Arrays.stream(schema.fieldNames()).map(Column::named).toArray(Column[]::new);
  }

  private static Column named(String text) {
    return Arrays.stream(values()).filter(column -> column.text.equals(text)).findFirst()
        .orElseThrow(() -> new IllegalArgumentException("tensorfile has no column " + text));
  }
}
