package org.tensorfile;

/**
 * Counts the native memory of Java objects, which the garbage collector does not know. Requests a collection when that
 * memory has doubled since its last minimum. Programs that close what they no longer need rarely cause one.
 */
final class NativeMemory {
  private static final long LEAST = Math.max(64L << 20, Runtime.getRuntime().maxMemory() / 2);

  private static long used;
  private static long lowest;

  private NativeMemory() {}

  static void acquired(long nbytes) {
    if (nbytes > 0 && add(nbytes)) {
      System.gc();
    }
  }

  private static synchronized boolean add(long nbytes) {
    used += nbytes;
    if (used <= Math.max(LEAST, 2 * lowest)) {
      return false;
    }
    lowest = used;
    return true;
  }

  static synchronized void released(long nbytes) {
    used -= nbytes;
    lowest = Math.min(lowest, used);
  }

  static synchronized long used() {
    return used;
  }
}
