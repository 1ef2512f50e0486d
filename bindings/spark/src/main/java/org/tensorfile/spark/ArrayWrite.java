package org.tensorfile.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.write.BatchWrite;
import org.apache.spark.sql.connector.write.DataWriterFactory;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.PhysicalWriteInfo;
import org.apache.spark.sql.connector.write.SupportsTruncate;
import org.apache.spark.sql.connector.write.Write;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.connector.write.WriterCommitMessage;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.apache.spark.util.SerializableConfiguration;
import org.tensorfile.InvalidArgumentException;
import org.tensorfile.Metadata;

/**
 * Writes the rows of a query as a set. The tasks of the query write the elements of their rows to the staging folder;
 * when all have finished, the driver knows the arrays, plans the parts, and runs a job that writes one part in each
 * task.
 */
final class ArrayWrite implements SupportsTruncate, Write, BatchWrite {
  private static final String SET = "set.";

  private final WriteColumns columns;
  private final Path target;
  private final OutputFolder folder;
  private final SetPlan.WriteOptions options;
  private final Metadata metadata = new Metadata();
  private final Configuration configuration;
  private boolean replaces;

  ArrayWrite(LogicalWriteInfo info) {
    CaseInsensitiveStringMap given = info.options();
    columns = new WriteColumns(info.schema());
    if (!given.containsKey("path")) {
      throw new IllegalArgumentException("tensorfile: no path is given; save(PATH) takes one such as m.safetensors");
    }
    configuration = SparkSession.active().sessionState().newHadoopConf();
    target = new Path(given.get("path"));
    SetPlan.format(target.getName());
    folder = OutputFolder.of(target, info.queryId());
    options = new SetPlan.WriteOptions(ReadOptions.bytes(given, "partBytes", 0), given.getBoolean("compress", false),
        given.getBoolean("ggufExtended", false));
    // In the order of the keys, so that equal options give equal files.
    for (Map.Entry<String, String> option : new TreeMap<>(given.asCaseSensitiveMap()).entrySet()) {
      if (option.getKey().startsWith(SET)) {
        MetadataEdits.set(metadata, metadata, option.getKey().substring(SET.length()) + "=" + option.getValue());
      }
    }
  }

  @Override
  public WriteBuilder truncate() {
    replaces = true;
    return this;
  }

  @Override
  public Write build() {
    return this;
  }

  @Override
  public BatchWrite toBatch() {
    return this;
  }

  @Override
  public DataWriterFactory createBatchWriterFactory(PhysicalWriteInfo info) {
    try {
      List<Path> existing = folder.existing(configuration);
      if (!replaces && !existing.isEmpty()) {
        throw new IllegalArgumentException(
            existing.get(0) + ": exists, and arrays cannot be appended to a set; mode overwrite replaces it");
      }
      folder.create(configuration);
    } catch (IOException e) {
      throw new UncheckedIOException(target + ": " + e.getMessage(), e);
    }
    return new SpoolWriter.Factory(columns, folder, new SerializableConfiguration(configuration));
  }

  @Override
  public void commit(WriterCommitMessage[] messages) {
    try {
      List<Spooled> arrays = Spooled.collect(
          Arrays.stream(messages).flatMap(message -> ((SpoolWriter.Message) message).pieces().stream()).toList());
      List<SetPlan.Declared> declared = new ArrayList<>();
      arrays.forEach(array -> declared.add(array.declared()));
      SetPlan plan = SetPlan.of(target.getName(), declared, metadata, options);
      SetWriter.write(SparkSession.active(), plan, folder, new Spooled.Copy(arrays, folder));
      folder.discard(configuration);
    } catch (IOException e) {
      throw new UncheckedIOException(target + ": " + e.getMessage(), e);
    } catch (InvalidArgumentException e) {
      throw new IllegalArgumentException(target + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void abort(WriterCommitMessage[] messages) {
    try {
      folder.discard(configuration);
    } catch (IOException e) {
      throw new UncheckedIOException(target + ": " + e.getMessage(), e);
    }
  }

  @Override
  public String toString() {
    return "tensorfile " + target;
  }
}
