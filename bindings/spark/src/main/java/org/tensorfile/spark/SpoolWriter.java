package org.tensorfile.spark;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.write.DataWriter;
import org.apache.spark.sql.connector.write.DataWriterFactory;
import org.apache.spark.sql.connector.write.WriterCommitMessage;
import org.apache.spark.util.SerializableConfiguration;
import org.tensorfile.Options;

/** Writes the elements of the rows of a task to a file in the staging folder, one after another. */
final class SpoolWriter implements DataWriter<InternalRow> {
  /** The pieces that a task has written. */
  record Message(List<Spooled.Piece> pieces) implements WriterCommitMessage {}

  /** Makes the writers on the executors. */
  record Factory(WriteColumns columns, OutputFolder folder, SerializableConfiguration configuration)
      implements DataWriterFactory, Serializable {
    @Override
    public DataWriter<InternalRow> createWriter(int partition, long task) {
      return new SpoolWriter(columns, folder, configuration.value());
    }
  }

  private final WriteColumns columns;
  private final OutputFolder folder;
  private final Configuration configuration;
  private final Options options = Options.builder().threads(1).build();
  private final List<Spooled.Piece> pieces = new ArrayList<>();
  private final String name = OutputFolder.attemptName("rows");
  /** Null until there is a row. */
  private FSDataOutputStream out;

  private SpoolWriter(WriteColumns columns, OutputFolder folder, Configuration configuration) {
    this.columns = columns;
    this.folder = folder;
    this.configuration = configuration;
  }

  @Override
  public void write(InternalRow row) throws IOException {
    WriteColumns.Piece piece = columns.read(row, options);
    if (out == null) {
      out = folder.createStaged(name, configuration);
    }
    pieces.add(new Spooled.Piece(piece.array(), piece.order(), piece.start(), piece.stop(), name, out.getPos(),
        piece.bytes().length));
    out.write(piece.bytes());
  }

  @Override
  public WriterCommitMessage commit() throws IOException {
    if (out != null) {
      closeFile();
      folder.requireOpen(configuration);
    }
    return new Message(List.copyOf(pieces));
  }

  @Override
  public void abort() throws IOException {
    // An object that is never created need not be deleted, perhaps after the driver has removed the folder.
    if (out != null && out.hasCapability(CommonPathCapabilities.ABORTABLE_STREAM)) {
      out.abort();
    }
    try {
      closeFile();
    } finally {
      folder.files(configuration).delete(folder.staged(name), false);
    }
  }

  private void closeFile() throws IOException {
    if (out != null) {
      FSDataOutputStream open = out;
      out = null;
      open.close();
    }
  }

  @Override
  public void close() throws IOException {
    closeFile();
    options.close();
  }
}
