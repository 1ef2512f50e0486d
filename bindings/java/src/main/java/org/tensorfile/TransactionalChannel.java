package org.tensorfile;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;

/**
 * A channel that is all or nothing, such as an upload: {@link #commit} is called when a file has been written, or else
 * {@link #abort}. With a {@link #name} it can also receive a set of files.
 *
 * <p>{@link Tensorfile#saveTo} and {@link ArrayWriter} accept it like any other channel. As for other channels, they do
 * not call {@link #close}.
 */
public interface TransactionalChannel extends WritableByteChannel {
  /**
   * Completes what was written. An exception makes the save fail, and reaches its caller.
   *
   * @throws IOException if it cannot be completed
   */
  void commit() throws IOException;

  /**
   * Discards what was written, because the save failed or was cancelled, or the writer was closed before it finished.
   * Exceptions are ignored, since there already is one.
   */
  void abort();

  /**
   * {@return the name that a single file would have, such as "w.safetensors", which makes the option PART_BYTES write a
   * set of files; "" if the channel takes only one file}
   */
  default String name() {
    return "";
  }

  /**
   * Opens a channel for a file of a set. If the arrays fit in one file it is written to this channel itself, and the
   * method is not called. Otherwise nothing is written to this channel, which is committed after all others, or
   * aborted.
   *
   * @param name name of the file: that of a part, such as "w-00001-of-00003.safetensors", or of the index
   * @return the channel, which may be transactional too; nothing else closes it
   * @throws IOException if it cannot be opened
   */
  default WritableByteChannel openPart(String name) throws IOException {
    throw new UnsupportedOperationException("the channel takes only one file");
  }
}
