package org.tensorfile;

import java.util.Arrays;

/**
 * Selects a part of one dimension, like {@code start:stop:step} in Python.
 *
 * @param start first index, which counts from the end if it is negative, or {@link #OMITTED}
 * @param stop index before which the part ends, which counts from the end if it is negative, or {@link #OMITTED}
 * @param step distance from one index to the next, not 0, or {@link #OMITTED}
 */
public record Slice(long start, long stop, long step) {
  /** A number that is not given, as in {@code a[::2]} in Python. */
  public static final long OMITTED = Long.MIN_VALUE;

  private static final Slice ALL = new Slice(OMITTED, OMITTED, OMITTED);

  /** {@return a slice of the whole dimension} */
  public static Slice all() {
    return ALL;
  }

  /**
   * {@return the slice start:stop}
   *
   * @param start first index
   * @param stop index before which the slice ends
   */
  public static Slice of(long start, long stop) {
    return new Slice(start, stop, OMITTED);
  }

  /**
   * {@return the slice start:}
   *
   * @param start first index
   */
  public static Slice from(long start) {
    return new Slice(start, OMITTED, OMITTED);
  }

  /**
   * {@return the slice :stop}
   *
   * @param stop index before which the slice ends
   */
  public static Slice to(long stop) {
    return new Slice(OMITTED, stop, OMITTED);
  }

  /**
   * {@return the same slice with a step}
   *
   * @param each step, not 0
   */
  public Slice by(long each) {
    return new Slice(start, stop, each);
  }

  /**
   * Returns all starts, then all stops, then all steps, for each dimension. Dimensions without a slice are complete.
   */
  static long[] pack(Slice[] slices, long[] shape) {
    int ndim = shape.length;
    if (slices.length > ndim) {
      throw new InvalidArgumentException(
          "shape " + Arrays.toString(shape) + " takes at most " + ndim + " slices, got " + slices.length);
    }
    long[] packed = new long[3 * ndim];
    for (int i = 0; i < ndim; i++) {
      Slice slice = i < slices.length ? slices[i] : ALL;
      packed[i] = slice.start;
      packed[ndim + i] = slice.stop;
      packed[2 * ndim + i] = slice.step;
    }
    return packed;
  }
}
