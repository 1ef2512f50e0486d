package org.tensorfile.spark;

import org.apache.spark.sql.connector.metric.CustomSumMetric;
import org.apache.spark.sql.connector.metric.CustomMetric;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;

/** What a query read, in Spark's user interface. Spark makes the metrics by reflection. */
abstract class ReadMetric extends CustomSumMetric {
  static CustomMetric[] all() {
    return new CustomMetric[] {new FilesOpened(), new Reads(), new BytesRead()};
  }

  static CustomTaskMetric[] of(HadoopSource.Counts counts) {
    return new CustomTaskMetric[] {
      new Value(FilesOpened.NAME, counts.files()), new Value(Reads.NAME, counts.reads()),
      new Value(BytesRead.NAME, counts.bytes())};
  }

  private record Value(String name, long value) implements CustomTaskMetric {}

  /** Files opened; a file that several tasks read counts several times. */
  public static final class FilesOpened extends ReadMetric {
    static final String NAME = "filesOpened";

    /** Creates the metric. */
    public FilesOpened() {}

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public String description() {
      return "files opened";
    }
  }

  /** Reads of files. */
  public static final class Reads extends ReadMetric {
    static final String NAME = "reads";

    /** Creates the metric. */
    public Reads() {}

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public String description() {
      return "reads of files";
    }
  }

  /** Bytes that these reads asked for. */
  public static final class BytesRead extends ReadMetric {
    static final String NAME = "bytesRead";

    /** Creates the metric. */
    public BytesRead() {}

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public String description() {
      return "bytes read from files";
    }
  }
}
