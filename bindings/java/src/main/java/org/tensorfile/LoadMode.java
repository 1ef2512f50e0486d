package org.tensorfile;

/**
 * Where the elements of loaded arrays are.
 *
 * <p>If a mapped file is truncated, reading the lost part through a buffer throws an {@link InternalError}, and a call
 * of the library that reads it ends the process.
 */
public enum LoadMode {
  // BEGIN tf_load_mode: generated from tensorfile.h by bindings/swig/generate.sh
  /** Arrays get memory of their own: nothing that happens to the file afterwards touches them. */
  OWN(TensorfileNativeConstants.TF_LOAD_MODE_OWN),
  /**
   * Arrays are private, writable mappings of the file, read when first touched. If another program shortens the file in
   * place, touching the lost part ends the process with SIGBUS. What cannot be mapped is copied: compressed members,
   * data not aligned to its items, another byte order, bools that are not 0 or 1. The CRC-32 of a member of an .npz is
   * checked where its bytes are copied, not where they are mapped: that would read them.
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
