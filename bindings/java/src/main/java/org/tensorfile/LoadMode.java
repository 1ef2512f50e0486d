package org.tensorfile;

/** How arrays are loaded. */
public enum LoadMode {
  /** Arrays get memory of their own: nothing that happens to the file afterwards touches them. */
  OWN(TensorfileNativeConstants.TF_LOAD_MODE_OWN),
  /** Arrays are private, writable mappings of the file, read when first touched. If another program shortens the file
      in place, reading the lost part through a buffer throws an {@link InternalError}, and in a call of the library ends
      the process. What cannot be mapped is copied. */
  MAP(TensorfileNativeConstants.TF_LOAD_MODE_MAP),
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
