package org.tensorfile.spark;

import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.tensorfile.ArrayFile;
import org.tensorfile.Dtype;
import org.tensorfile.Options;

/** Reads the rows of ranges of files. */
final class ArrayReader implements PartitionReader<InternalRow> {
  private final Iterator<Split> splits;
  private final RowFilter filter;
  private final ReadOptions options;
  private final Configuration configuration;
  private final Options library;
  private final RowMaker rows;
  private final HadoopSource.Counts counts = new HadoopSource.Counts();

  // The file that is being read.
  private Split split;
  private HadoopSource source;
  private List<ArrayFile.Entry> entries;
  private long total;
  private long before;
  private int index;

  // The array of which pieces are being read.
  private Cut cut;
  private long piece;
  private InternalRow row;

  ArrayReader(List<Split> splits, Column[] columns, RowFilter filter, ReadOptions options,
      Configuration configuration) {
    this.splits = splits.iterator();
    this.filter = filter;
    this.options = options;
    this.configuration = configuration;
    library = options.library();
    rows = new RowMaker(columns, options.asFloat());
  }

  @Override
  public boolean next() throws IOException {
    while (true) {
      if (cut != null && piece < cut.pieces()) {
        if (makePiece()) {
          return true;
        }
      } else if (cut != null) {
        before += entries.get(index).nbytes();
        index++;
        cut = null;
      } else if (source != null && index < entries.size()) {
        beginArray();
      } else if (splits.hasNext()) {
        beginFile(splits.next());
      } else {
        return false;
      }
    }
  }

  private void beginFile(Split next) throws IOException {
    closeFile();
    split = next;
    source = HadoopSource.open(split.file(), configuration, library, counts);
    entries = source.file().entries();
    total = entries.stream().mapToLong(ArrayFile.Entry::nbytes).sum();
    before = 0;
    index = 0;
    rows.beginFile(split.path(), source.file());
  }

  private void beginArray() throws IOException {
    ArrayFile.Entry entry = entries.get(index);
    Dtype delivered = options.asFloat() ? Dtype.FLOAT32 : entry.dtype();
    cut = Cut.of(entry, delivered, options.pieceBytes());
    boolean passes = filter.test(split.path(), entry.name(), entry.typeName(), entry.nbytes());
    piece = passes ? 0 : cut.pieces();
  }

  /** Makes the row of the current piece, if it begins in this range. */
  private boolean makePiece() throws IOException {
    ArrayFile.Entry entry = entries.get(index);
    long start = cut.start(piece);
    long stop = cut.stop(piece);
    piece++;
    long inArray = cut.length() == 0 ? 0 : (long) ((double) entry.nbytes() * start / cut.length());
    if (!split.contains(before + inArray, total)) {
      return false;
    }
    row = rows.make(entry, index, start, stop, cut.pieces() == 1);
    return true;
  }

  @Override
  public InternalRow get() {
    return row;
  }

  @Override
  public CustomTaskMetric[] currentMetricsValues() {
    return ReadMetric.of(counts);
  }

  private void closeFile() throws IOException {
    if (source != null) {
      source.close();
      source = null;
    }
  }

  @Override
  public void close() throws IOException {
    closeFile();
    library.close();
  }
}
