package org.tensorfile.spark;

import java.io.IOException;
import java.util.Arrays;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.catalyst.util.MapData;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.unsafe.types.UTF8String;
import org.tensorfile.ArrayFile;
import org.tensorfile.Dtype;
import org.tensorfile.NdArray;
import org.tensorfile.Slice;

/** Makes the rows of pieces, with the values of the columns that a query needs. */
final class RowMaker {
  /** The most bytes of an array of the JVM, with some left for its header. */
  private static final long MAX_DATA = Integer.MAX_VALUE - 64;

  private final Column[] columns;
  private final boolean asFloat;
  private final boolean needsElements;
  private final boolean needsData;
  private final boolean needsStatistics;
  private UTF8String path;
  private ArrayFile file;
  /** Of the current file; null until a row needs them. */
  private MapData metadata;

  RowMaker(Column[] columns, boolean asFloat) {
    this.columns = columns;
    this.asFloat = asFloat;
    needsElements = Arrays.stream(columns).anyMatch(Column::needsElements);
    needsData = Arrays.asList(columns).contains(Column.DATA);
    needsStatistics = Arrays.stream(columns).anyMatch(Column::isStatistic);
  }

  void beginFile(String name, ArrayFile opened) {
    path = UTF8String.fromString(name);
    file = opened;
    metadata = null;
  }

  InternalRow make(ArrayFile.Entry entry, int index, long start, long stop, boolean whole) throws IOException {
    if (!needsElements) {
      return make(entry, index, start, stop, null, null);
    }
    requireSize(entry, start, stop);
    try (NdArray elements = read(entry, start, stop, whole)) {
      Range range = needsStatistics ? Range.of(entry.dtype(), elements) : null;
      return make(entry, index, start, stop, elements, range);
    }
  }

  private NdArray read(ArrayFile.Entry entry, long start, long stop, boolean whole) throws IOException {
    if (entry.dtype() == Dtype.UNSUPPORTED) {
      if (asFloat) {
        throw new IOException(describe(entry) + " has the type " + entry.typeName()
            + ", which the library does not know; without the option data=float its bytes can be read");
      }
      return entry.readRaw();
    }
    return whole ? entry.read() : entry.readSlice(Slice.of(start, stop));
  }

  private String describe(ArrayFile.Entry entry) {
    return path + ": array '" + entry.name() + "'";
  }

  private InternalRow make(ArrayFile.Entry entry, int index, long start, long stop, NdArray elements, Range range)
      throws IOException {
    Object[] values = new Object[columns.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = switch (columns[i]) {
        case PATH -> path;
        case NAME -> UTF8String.fromString(entry.name());
        case DTYPE -> UTF8String.fromString(entry.typeName());
        case SHAPE -> new GenericArrayData(entry.shape());
        case NBYTES -> entry.nbytes();
        case STORED_BYTES -> entry.location().storedBytes();
        case POSITION -> index;
        case START -> start;
        case STOP -> stop;
        case METADATA -> metadata();
        case NAN_COUNT -> range.isKnown() ? range.nans() : null;
        case INF_COUNT -> range.isKnown() ? range.infinities() : null;
        case MIN -> range.hasNumbers() ? range.min() : null;
        case MAX -> range.hasNumbers() ? range.max() : null;
        case DATA -> asFloat ? floats(entry, elements) : elements.toRawBytes();
      };
    }
    return new GenericInternalRow(values);
  }

  private MapData metadata() throws IOException {
    if (metadata == null) {
      metadata = MetadataText.of(file.metadata());
    }
    return metadata;
  }

  private UnsafeArrayData floats(ArrayFile.Entry entry, NdArray elements) throws IOException {
    if (entry.dtype().isComplex()) {
      throw new IOException(describe(entry) + " is " + entry.dtype()
          + ", which has no value as a float; without the option data=float its bytes can be read");
    }
    return UnsafeArrayData.fromPrimitiveArray(elements.castToFloatArray());
  }

  /** Fails before anything is read if the data do not fit a row. */
  private void requireSize(ArrayFile.Entry entry, long start, long stop) throws IOException {
    if (!needsData) {
      return;
    }
    double share = entry.nbytes() == 0 ? 0 : (double) (stop - start) / (entry.ndim() == 0 ? 1 : entry.shape()[0]);
    double nbytes = share * (asFloat ? sizeAsFloat(entry) : entry.nbytes());
    if (nbytes > MAX_DATA) {
      throw new IOException(describe(entry) + ": a row of " + (long) nbytes + " bytes does not fit an array of the JVM,"
          + " which has at most 2 GiB; the option pieceBytes cuts arrays along the first axis, but never within an"
          + " index");
    }
  }

  private static double sizeAsFloat(ArrayFile.Entry entry) {
    Dtype dtype = entry.dtype();
    return dtype == Dtype.UNSUPPORTED ? 0
        : (double) entry.nbytes() / dtype.blockBytes() * dtype.blockSize() * Float.BYTES;
  }
}
