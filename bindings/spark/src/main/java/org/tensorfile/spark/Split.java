package org.tensorfile.spark;

import java.io.Serializable;

/**
 * A range of a file. The pieces of arrays are spread over the file in proportion to their bytes, so that no header is
 * needed to plan, and each piece begins in exactly one range.
 *
 * @param file the file
 * @param length the bytes of the file, or of its set; at least 1
 * @param start the first byte of the range
 * @param stop the byte after the range
 */
record Split(PlannedFile file, long length, long start, long stop) implements Serializable {
  static Split whole(PlannedFile file, long bytes) {
    long length = Math.max(1, bytes);
    return new Split(file, length, 0, length);
  }

  String path() {
    return file.path();
  }

  /**
   * {@return whether a piece begins in this range}
   *
   * @param before bytes of the arrays of the file that precede the piece
   * @param total bytes of all arrays of the file
   */
  boolean contains(long before, long total) {
    long at = total == 0 ? 0 : Math.min((long) ((double) before / total * length), length - 1);
    return start <= at && at < stop;
  }
}
