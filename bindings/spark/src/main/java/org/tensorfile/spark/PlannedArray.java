package org.tensorfile.spark;

import java.io.Serializable;
import org.tensorfile.Dtype;

/**
 * An array of a conversion.
 *
 * @param input the number of its input
 * @param index its number in the input
 * @param name its name in the output
 * @param from its dtype in the input
 * @param to its dtype in the output
 * @param shape its shape
 */
record PlannedArray(int input, int index, String name, Dtype from, Dtype to, long[] shape) implements Serializable {
  PlannedArray as(Dtype dtype) {
    return new PlannedArray(input, index, name, from, dtype, shape);
  }

  double elements() {
    double count = 1;
    for (long size : shape) {
      count *= size;
    }
    return count;
  }
}
