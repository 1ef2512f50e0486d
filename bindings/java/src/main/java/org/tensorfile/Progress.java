package org.tensorfile;

import java.io.IOException;

/** Is told how far a load or save is, on the thread that called it, and can stop it. */
@FunctionalInterface
public interface Progress {
  /**
   * Called after each piece of work. An exception thrown here ends the call, whose caller gets it.
   *
   * @param done bytes of array data that are done
   * @param total bytes of array data in all
   * @return whether to go on; if not, the call ends with a {@link CancelledException}
   * @throws IOException for the caller of the load or save
   */
  boolean update(long done, long total) throws IOException;
}
