package org.tensorfile;

import java.util.List;

/**
 * What {@link Tensorfile#check(java.nio.file.Path)} found: one line of text for each entry.
 *
 * @param faults what would make a load with default options fail, and any damage. Each begins with the name of a
 *     status, as in "corrupt: w.npz: array 'x': ..."
 * @param excused faults that the option lenient accepts, and arrays that the option skipUnsupported leaves out, if they
 *     are set
 * @param notes remarks that are not faults
 */
public record CheckReport(List<String> faults, List<String> excused, List<String> notes) {
  /** {@return true if there are no faults} */
  public boolean isValid() {
    return faults.isEmpty();
  }
}
