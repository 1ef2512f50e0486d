package org.tensorfile;

import java.util.List;

/**
 * The differences between the arrays of a tree and those expected. Each list is sorted.
 *
 * @param missing names that are expected, but absent
 * @param unexpected names that are present, but not expected
 * @param shape names of arrays with another shape
 */
public record Comparison(List<String> missing, List<String> unexpected, List<String> shape) {
  /** {@return true if there are no differences} */
  public boolean isEmpty() {
    return missing.isEmpty() && unexpected.isEmpty() && shape.isEmpty();
  }
}
