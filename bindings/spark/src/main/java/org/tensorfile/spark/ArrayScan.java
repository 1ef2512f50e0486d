package org.tensorfile.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.metric.CustomMetric;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.Statistics;
import org.apache.spark.sql.connector.read.SupportsReportStatistics;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.tensorfile.Options;

/** A read of the arrays of files: which files, divided into which partitions. */
final class ArrayScan implements Scan, Batch, SupportsReportStatistics {
  private final StructType schema;
  private final RowFilter filter;
  private final ReadOptions options;
  private final boolean readsElements;
  private final Configuration configuration;
  /** The whole files that the query needs; null until they are asked for. */
  private List<Split> files;

  ArrayScan(StructType schema, RowFilter filter, ReadOptions options) {
    this.schema = schema;
    this.filter = filter;
    this.options = options;
    readsElements = Arrays.stream(Column.of(schema)).anyMatch(Column::needsElements);
    configuration = SparkSession.active().sessionState().newHadoopConf();
  }

  @Override
  public StructType readSchema() {
    return schema;
  }

  @Override
  public String description() {
    return "tensorfile " + options.paths() + ", pushed filters: " + filter + ", reads elements: " + readsElements;
  }

  @Override
  public Batch toBatch() {
    return this;
  }

  private synchronized List<Split> files() {
    if (files == null) {
      List<Split> found = new ArrayList<>();
      try (Options library = options.library()) {
        for (FileStatus status : InputFiles.find(options.paths(), configuration)) {
          if (filter.mayContain(status.getPath().toString())) {
            found.add(InputFiles.plan(status, configuration, library));
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e.getMessage(), e);
      }
      files = found;
    }
    return files;
  }

  @Override
  public Statistics estimateStatistics() {
    long bytes = readsElements ? files().stream().mapToLong(Split::length).sum() : files().size() * openCost();
    return new Statistics() {
      @Override
      public OptionalLong sizeInBytes() {
        return OptionalLong.of(bytes);
      }

      @Override
      public OptionalLong numRows() {
        return OptionalLong.empty();
      }
    };
  }

  private static long openCost() {
    return ReadOptions.setting(SparkSession.active(), "spark.sql.files.openCostInBytes");
  }

  /**
   * Divides the files by bytes, by the rules of Spark's file sources. Without elements only headers are read, so that a
   * file is not divided, and costs as much as opening one.
   */
  @Override
  public InputPartition[] planInputPartitions() {
    SparkSession spark = SparkSession.active();
    long openCost = openCost();
    long total = files().stream().mapToLong(file -> openCost + (readsElements ? file.length() : 0)).sum();
    long perCore = total / Math.max(1, spark.sparkContext().defaultParallelism());
    long most = Math.max(1, Math.min(ReadOptions.setting(spark, "spark.sql.files.maxPartitionBytes"),
        Math.max(openCost, perCore)));
    List<InputPartition> partitions = new ArrayList<>();
    List<Split> current = new ArrayList<>();
    long used = 0;
    for (Split split : splits(most)) {
      long cost = openCost + (readsElements ? split.stop() - split.start() : 0);
      if (!current.isEmpty() && used + cost > most) {
        partitions.add(new SplitPartition(List.copyOf(current)));
        current.clear();
        used = 0;
      }
      current.add(split);
      used += cost;
    }
    if (!current.isEmpty()) {
      partitions.add(new SplitPartition(List.copyOf(current)));
    }
    return partitions.toArray(InputPartition[]::new);
  }

  private List<Split> splits(long most) {
    if (!readsElements) {
      return files();
    }
    List<Split> splits = new ArrayList<>();
    for (Split whole : files()) {
      for (long start = 0; start < whole.length(); start += most) {
        splits.add(new Split(whole.file(), whole.length(), start, Math.min(whole.length(), start + most)));
      }
    }
    return splits;
  }

  @Override
  public PartitionReaderFactory createReaderFactory() {
    return new ArrayReaderFactory(schema, filter, options, new SerializableConfiguration(configuration));
  }

  @Override
  public CustomMetric[] supportedCustomMetrics() {
    return ReadMetric.all();
  }

  /** Ranges of files that one task reads. */
  record SplitPartition(List<Split> splits) implements InputPartition {}
}
