package org.tensorfile;

/**
 * One axis of a slice, as Python's {@code start:stop:step}.
 *
 * @param start the first index, from the end when negative, or {@link #OMITTED}
 * @param stop the index to stop before, from the end when negative, or {@link #OMITTED}
 * @param step from one index to the next, not 0, or {@link #OMITTED}
 */
public record Slice(long start, long stop, long step) {
  /** A part that is left out, as in Python's {@code a[::2]}. */
  public static final long OMITTED = Long.MIN_VALUE;

  private static final Slice ALL = new Slice(OMITTED, OMITTED, OMITTED);

  /** {@return the whole axis} */
  public static Slice all() {
    return ALL;
  }

  /**
   * {@return start:stop}
   *
   * @param start the first index
   * @param stop the index to stop before
   */
  public static Slice of(long start, long stop) {
    return new Slice(start, stop, OMITTED);
  }

  /**
   * {@return start:}
   *
   * @param start the first index
   */
  public static Slice from(long start) {
    return new Slice(start, OMITTED, OMITTED);
  }

  /**
   * {@return :stop}
   *
   * @param stop the index to stop before
   */
  public static Slice to(long stop) {
    return new Slice(OMITTED, stop, OMITTED);
  }

  /**
   * {@return the same with a step}
   *
   * @param each the step, not 0
   */
  public Slice by(long each) {
    return new Slice(start, stop, each);
  }

  /** Starts, stops and steps one after another, for as many axes as there are; those not given are whole. */
  static long[] pack(Slice[] slices, int ndim) {
    if (slices.length > ndim) {
      throw new InvalidArgumentException(slices.length + " slices for an array of " + ndim + " dimensions");
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
