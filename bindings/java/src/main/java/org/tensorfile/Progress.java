package org.tensorfile;

import java.io.IOException;

/** Receives the progress of a load or save on the thread that called it, and can stop it. */
@FunctionalInterface
public interface Progress {
  /**
   * Called after each piece of work. An exception ends the load or save and reaches its caller.
   *
   * @param done number of bytes of array data loaded or saved so far
   * @param total total number of bytes of array data
   * @return true to continue; if false, the load or save throws a {@link CancelledException}
   * @throws IOException to end the load or save
   */
  boolean update(long done, long total) throws IOException;
}
