package org.tensorfile;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Something that can be read at any place. Exceptions thrown here end the call that reads, whose caller gets them. */
public interface ByteSource {
  /**
   * {@return how many bytes there are; asked once}
   *
   * @throws IOException when it cannot tell
   */
  long size() throws IOException;

  /**
   * Fills a buffer.
   *
   * @param offset of the first byte to read
   * @param into a direct buffer to be filled from its position to its limit
   * @throws IOException when it cannot
   */
  void read(long offset, ByteBuffer into) throws IOException;

  /**
   * Gives the same bytes where they lie in memory; asked only in {@link LoadMode#MAP}. They must not change as long as
   * something loaded from this source is used.
   *
   * @param offset of the first byte
   * @param nbytes how many
   * @return a direct buffer of exactly these bytes, or null when they cannot be mapped and are to be read
   * @throws IOException when it cannot
   */
  default ByteBuffer map(long offset, long nbytes) throws IOException {
    return null;
  }

  /** {@return whether several threads may call {@link #read} and {@link #map} at once} */
  default boolean isConcurrent() {
    return false;
  }
}
