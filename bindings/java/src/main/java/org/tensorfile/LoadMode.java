package org.tensorfile;

/**
 * Where the elements of loaded arrays are.
 *
 * <p>If a mapped file is truncated, reading the lost part through a buffer throws an {@link InternalError}, and a call
 * of the library that reads it ends the process.
 */
public enum LoadMode {
  // BEGIN tf_load_mode: generated from tensorfile.h by bindings/swig/generate.sh
  /** Arrays own their memory; later changes to the file do not affect them. */
  OWN(TensorfileNativeConstants.TF_LOAD_MODE_OWN),
  /**
   * Arrays are private, writable mappings of the file: pages are read when they are first accessed, and writes do not
   * reach the file. If another program shortens the file in place, accessing the lost part raises SIGBUS, which ends
   * the process. Data that cannot be mapped is copied instead: compressed members, data that is not aligned to its
   * items, another byte order, and bools other than 0 and 1. Copied members of an .npz have their CRC-32 verified;
   * mapped ones do not, because that would read them.
   */
  MAP(TensorfileNativeConstants.TF_LOAD_MODE_MAP),
  // END tf_load_mode
  /** A mode that only a later version of the library has. */
  UNKNOWN(Integer.MIN_VALUE);

  private static final LoadMode[] VALUES = values();

  private final int number;

  LoadMode(int number) {
    this.number = number;
  }

  /** Returns the constant of a number, which may be from a later version of the library. */
  static LoadMode of(int number) {
    return Numbers.find(VALUES, LoadMode::number, number, UNKNOWN);
  }

  int number() {
    return number;
  }
}
