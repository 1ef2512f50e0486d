package org.tensorfile.hadoop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.util.EnumSet;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.Options.CreateOpts;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.tensorfile.TransactionalChannel;

/**
 * Writes a file, or the files of a set, which appear when all of them have been written. Object stores show a file when
 * it is closed; in other file systems it is written under another name.
 */
final class HadoopChannel implements TransactionalChannel {
  private final Path path;
  private final Configuration configuration;
  private final FileContext files;
  private final boolean abortable;
  private final Path written;
  /** Null until the first write, which never comes if the arrays need a set. */
  private FSDataOutputStream stream;
  private WritableByteChannel channel;

  HadoopChannel(Path path, Configuration configuration) throws IOException {
    this.path = path;
    this.configuration = configuration;
    files = FileContext.getFileContext(path.getFileSystem(configuration).getUri(), configuration);
    abortable = files.hasPathCapability(path, CommonPathCapabilities.ABORTABLE_STREAM);
    written = abortable ? path : HadoopFile.sibling(path, "." + path.getName() + "." + UUID.randomUUID() + ".tmp");
  }

  @Override
  public String name() {
    return path.getName();
  }

  @Override
  public WritableByteChannel openPart(String name) throws IOException {
    return new HadoopChannel(HadoopFile.sibling(path, name), configuration);
  }

  @Override
  public int write(ByteBuffer from) throws IOException {
    if (stream == null) {
      stream = files.create(written, EnumSet.of(CreateFlag.CREATE, CreateFlag.OVERWRITE), CreateOpts.createParent());
      channel = Channels.newChannel(stream);
    }
    return channel.write(from);
  }

  @Override
  public void commit() throws IOException {
    close();
    if (stream != null && !abortable) {
      files.rename(written, path, Rename.OVERWRITE);
    }
  }

  @Override
  public void abort() {
    if (stream == null) {
      return;
    }
    try {
      if (abortable) {
        stream.abort();
      }
      close();
      if (!abortable) {
        files.delete(written, false);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public boolean isOpen() {
    return channel == null || channel.isOpen();
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
