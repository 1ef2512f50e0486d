package org.tensorfile;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A source of bytes that can be read at any offset. Its exceptions end the call of the library and reach its caller.
 */
public interface ByteSource {
  /**
   * {@return the number of bytes of the file} The library calls it once.
   *
   * @throws IOException if the size is unknown
   */
  long size() throws IOException;

  /**
   * Fills a buffer.
   *
   * @param offset offset of the first byte to read
   * @param into a direct buffer to fill from its position to its limit
   * @throws IOException if the bytes cannot be read
   */
  void read(long offset, ByteBuffer into) throws IOException;

  /**
   * Returns bytes that are in memory. Only called with {@link LoadMode#MAP}. The bytes must not change while anything
   * that was loaded from this source is in use.
   *
   * @param offset offset of the first byte
   * @param nbytes number of bytes
   * @return a direct buffer of exactly these bytes, or null if they are not in memory and have to be read
   * @throws IOException if the bytes cannot be mapped
   */
  default ByteBuffer map(long offset, long nbytes) throws IOException {
    return null;
  }

  /** {@return true if several threads may call {@link #read} and {@link #map} at the same time} */
  default boolean isConcurrent() {
    return false;
  }
}
