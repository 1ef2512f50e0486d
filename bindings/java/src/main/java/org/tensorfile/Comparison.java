package org.tensorfile;

import java.util.List;

/**
 * How the arrays of a tree differ from those expected; each list is sorted.
 *
 * @param missing names that are expected, and not there
 * @param unexpected names that are there, and not expected
 * @param shape names of arrays of another shape
 */
public record Comparison(List<String> missing, List<String> unexpected, List<String> shape) {
  /** {@return whether there is no difference} */
  public boolean isEmpty() {
    return missing.isEmpty() && unexpected.isEmpty() && shape.isEmpty();
  }
}
