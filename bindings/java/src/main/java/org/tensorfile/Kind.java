package org.tensorfile;

/** The kind of a value in a {@link Dict}. */
public enum Kind {
  // BEGIN tf_kind: generated from tensorfile.h by bindings/swig/generate.sh
  /** There is no such value. */
  NONE(TensorfileNativeConstants.TF_KIND_NONE),
  /** An array. */
  ARRAY(TensorfileNativeConstants.TF_KIND_ARRAY),
  /** Bytes; they are UTF-8 if the writer of the file obeyed its format. */
  STRING(TensorfileNativeConstants.TF_KIND_STRING),
  /** A string list. */
  STRING_LIST(TensorfileNativeConstants.TF_KIND_STRING_LIST),
  /** A dict. */
  DICT(TensorfileNativeConstants.TF_KIND_DICT),
  // END tf_kind
  /** A kind that only a later version of the library has. */
  UNKNOWN(Integer.MIN_VALUE);

  private static final Kind[] VALUES = values();

  private final int number;

  Kind(int number) {
    this.number = number;
  }

  /** Returns the constant of a number, which may be from a later version of the library. */
  static Kind of(int number) {
    return Numbers.find(VALUES, Kind::number, number, UNKNOWN);
  }

  int number() {
    return number;
  }
}
