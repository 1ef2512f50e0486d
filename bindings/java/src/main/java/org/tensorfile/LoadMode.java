package org.tensorfile;

/** How arrays are loaded. */
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
  /** A mode of a later version of the library. */
  UNKNOWN(Integer.MIN_VALUE);

  private static final LoadMode[] VALUES = values();

  private final int number;

  LoadMode(int number) {
    this.number = number;
  }

  /** The one of a number, which may come from a later version of the library. */
  static LoadMode of(int number) {
    return Numbers.find(VALUES, LoadMode::number, number, UNKNOWN);
  }

  int number() {
    return number;
  }
}
