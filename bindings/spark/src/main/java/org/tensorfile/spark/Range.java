package org.tensorfile.spark;

import org.tensorfile.Dtype;
import org.tensorfile.NdArray;
import org.tensorfile.Slice;

/**
 * The range of the elements of a piece.
 *
 * @param isKnown false for complex numbers and unknown types, which have no order
 * @param nans number of elements that are not numbers
 * @param infinities number of infinite elements
 * @param min the least number; infinite if there is none
 * @param max the greatest number
 */
record Range(boolean isKnown, long nans, long infinities, double min, double max) {
  private static final Range UNKNOWN = new Range(false, 0, 0, Double.NaN, Double.NaN);

  /** The most elements that are decoded at the same time, a multiple of the size of every block. */
  private static final long MOST = 1 << 20;

  static Range of(Dtype dtype, NdArray elements) {
    if (dtype == Dtype.UNSUPPORTED || dtype.isComplex()) {
      return UNKNOWN;
    }
    Range all = new Range(true, 0, 0, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
    long size = elements.size();
    try (NdArray flat = elements.reshape(size)) {
      for (long start = 0; start < size; start += MOST) {
        try (NdArray part = flat.slice(Slice.of(start, Math.min(size, start + MOST)))) {
          all = all.with(ofDecoded(part));
        }
      }
    }
    return all;
  }

  private static Range ofDecoded(NdArray elements) {
    long nans = 0;
    long infinities = 0;
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    for (double value : elements.castToDoubleArray()) {
      if (Double.isNaN(value)) {
        nans++;
      } else {
        infinities += Double.isInfinite(value) ? 1 : 0;
        min = Math.min(min, value);
        max = Math.max(max, value);
      }
    }
    return new Range(true, nans, infinities, min, max);
  }

  private Range with(Range other) {
    return new Range(true, nans + other.nans, infinities + other.infinities, Math.min(min, other.min),
        Math.max(max, other.max));
  }

  /** {@return true if there is an element that is a number} */
  boolean hasNumbers() {
    return isKnown && min <= max;
  }
}
