package org.tensorfile;

/** The result of a call. */
public enum Status {
  // BEGIN tf_status: generated from tensorfile.h by bindings/swig/generate.sh
  /** Done. */
  OK(TensorfileNativeConstants.TF_STATUS_OK),
  /** The caller's mistake: a null handle, an index or number out of range, a wrong shape. Nothing was done. */
  INVALID_ARGUMENT(TensorfileNativeConstants.TF_STATUS_INVALID_ARGUMENT),
  /** An allocation failed. Handles are as before; the same call may succeed later. */
  OUT_OF_MEMORY(TensorfileNativeConstants.TF_STATUS_OUT_OF_MEMORY),
  /** The system could not open, read, write or replace a file; the message carries its reason. */
  IO(TensorfileNativeConstants.TF_STATUS_IO),
  /** No such file, name or key. */
  NOT_FOUND(TensorfileNativeConstants.TF_STATUS_NOT_FOUND),
  /** A name stands twice: in a file, or among the names given. */
  DUPLICATE(TensorfileNativeConstants.TF_STATUS_DUPLICATE),
  /** The bytes are not of the format asked for, or of none that is known. */
  FORMAT(TensorfileNativeConstants.TF_STATUS_FORMAT),
  /** The file breaks a rule of its format. No reader should trust it. */
  CORRUPT(TensorfileNativeConstants.TF_STATUS_CORRUPT),
  /** The file ends too early; more bytes at its end could make it valid. */
  TRUNCATED(TensorfileNativeConstants.TF_STATUS_TRUNCATED),
  /** Valid, but not handled here: a dtype, version or method; an unknown option; what a target format cannot hold. */
  UNSUPPORTED(TensorfileNativeConstants.TF_STATUS_UNSUPPORTED),
  /** A limit of the options was hit; a larger limit would change the verdict. */
  LIMIT(TensorfileNativeConstants.TF_STATUS_LIMIT),
  /** A value is of another kind or dtype than the call needs. */
  TYPE(TensorfileNativeConstants.TF_STATUS_TYPE),
  /** What was loaded is not what was expected. */
  MISMATCH(TensorfileNativeConstants.TF_STATUS_MISMATCH),
  /** A progress callback asked to stop. */
  CANCELLED(TensorfileNativeConstants.TF_STATUS_CANCELLED),
  /** The library contradicts itself; please report it. */
  INTERNAL(TensorfileNativeConstants.TF_STATUS_INTERNAL),
  // END tf_status
  /** A status that only a later version of the library has. */
  UNKNOWN(Integer.MIN_VALUE);

  private static final Status[] VALUES = values();

  private final int number;

  Status(int number) {
    this.number = number;
  }

  /** Returns the constant of a number, which may be from a later version of the library. */
  static Status of(int number) {
    return Numbers.find(VALUES, Status::number, number, UNKNOWN);
  }

  int number() {
    return number;
  }

  /** {@return the name in lower case, such as "corrupt"} */
  @Override
  public String toString() {
    return this == UNKNOWN ? "unknown" : TensorfileNative.tf_status_name(number);
  }
}
