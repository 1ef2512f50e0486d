package org.tensorfile.spark;

import org.tensorfile.ArrayFile;
import org.tensorfile.Dtype;

/**
 * How an array is cut along its first axis.
 *
 * @param length the size of the first axis; 1 for an array without dimensions
 * @param step indices in each piece but the last
 */
record Cut(long length, long step) {
  /**
   * {@return the cut of an array}
   *
   * <p>The pieces of packed and block types end between blocks, so that the pieces together are the bytes of the array.
   *
   * @param entry the array
   * @param dtype dtype of the elements of the pieces
   * @param most the most bytes in a piece, unless a single index has more; 0 means a single piece
   */
  static Cut of(ArrayFile.Entry entry, Dtype dtype, long most) {
    long[] shape = entry.shape();
    long length = shape.length == 0 ? 1 : shape[0];
    if (most == 0 || shape.length == 0 || entry.nbytes() == 0 || entry.dtype() == Dtype.UNSUPPORTED) {
      return new Cut(length, Math.max(1, length));
    }
    long row = 1;
    for (int i = 1; i < shape.length; i++) {
      row *= shape[i];
    }
    long unit = Math.max(unit(entry.dtype(), row), unit(dtype, row));
    double unitBytes = (double) unit * row / dtype.blockSize() * dtype.blockBytes();
    long step = unit * Math.max(1, (long) (most / unitBytes));
    return new Cut(length, Math.min(step, length));
  }

  /** Returns the smallest number of rows that consists of whole blocks. */
  private static long unit(Dtype dtype, long row) {
    long a = dtype.blockSize();
    for (long b = row; b != 0;) {
      long rest = a % b;
      a = b;
      b = rest;
    }
    return dtype.blockSize() / a;
  }

  /** {@return the number of pieces; an empty array has one} */
  long pieces() {
    return Math.max(1, (length + step - 1) / step);
  }

  long start(long piece) {
    return piece * step;
  }

  long stop(long piece) {
    return Math.min(length, (piece + 1) * step);
  }
}
