package org.tensorfile;

/**
 * Counts the native memory that Java objects keep. The collector knows nothing of it, so that it is asked to run when
 * that memory has doubled since it was last at its lowest; closing what is not needed makes that rare.
 */
final class NativeMemory {
  private static final long LEAST = Math.max(64L << 20, Runtime.getRuntime().maxMemory() / 2);

  private static long kept;
  private static long lowest;

  private NativeMemory() {}

  static void kept(long nbytes) {
    if (nbytes > 0 && add(nbytes)) {
      System.gc();
    }
  }

  private static synchronized boolean add(long nbytes) {
    kept += nbytes;
    if (kept <= Math.max(LEAST, 2 * lowest)) {
      return false;
    }
    lowest = kept;
    return true;
  }

  static synchronized void released(long nbytes) {
    kept -= nbytes;
    lowest = Math.min(lowest, kept);
  }

  static synchronized long kept() {
    return kept;
  }
}
