package org.tensorfile.spark;

import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/** Makes the readers of partitions on the executors. */
final class ArrayReaderFactory implements PartitionReaderFactory {
  private static final long serialVersionUID = 1;

  private final StructType schema;
  private final RowFilter filter;
  private final ReadOptions options;
  private final SerializableConfiguration configuration;

  ArrayReaderFactory(StructType schema, RowFilter filter, ReadOptions options,
      SerializableConfiguration configuration) {
    this.schema = schema;
    this.filter = filter;
    this.options = options;
    this.configuration = configuration;
  }

  @Override
  public PartitionReader<InternalRow> createReader(InputPartition partition) {
    return new ArrayReader(((ArrayScan.SplitPartition) partition).splits(), Column.of(schema), filter, options,
        configuration.value());
  }
}
