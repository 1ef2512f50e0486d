package org.tensorfile;

/** The result of a call. */
public enum Status {
  // BEGIN tf_status: generated from tensorfile.h by bindings/swig/generate.sh
  /** The call succeeded. */
  OK(TensorfileNativeConstants.TF_STATUS_OK),
  /** The caller made a mistake: a null handle, an index or number out of range, a wrong shape. Nothing was done. */
  INVALID_ARGUMENT(TensorfileNativeConstants.TF_STATUS_INVALID_ARGUMENT),
  /** An allocation failed. All handles are as before, and the same call may succeed later. */
  OUT_OF_MEMORY(TensorfileNativeConstants.TF_STATUS_OUT_OF_MEMORY),
  /** The system could not open, read, write or replace a file. The message contains the reason that it gave. */
  IO(TensorfileNativeConstants.TF_STATUS_IO),
  /** There is no such file, name or key. */
  NOT_FOUND(TensorfileNativeConstants.TF_STATUS_NOT_FOUND),
  /** A name occurs twice, in a file or among the names passed to a call. */
  DUPLICATE(TensorfileNativeConstants.TF_STATUS_DUPLICATE),
  /** The bytes are not of the requested format, or of no known format. */
  FORMAT(TensorfileNativeConstants.TF_STATUS_FORMAT),
  /** The file breaks a rule of its format. */
  CORRUPT(TensorfileNativeConstants.TF_STATUS_CORRUPT),
  /** The file ends too early. More bytes at its end could make it valid. */
  TRUNCATED(TensorfileNativeConstants.TF_STATUS_TRUNCATED),
  /** The input is valid but not supported: a dtype, version, method or option, or something a format cannot hold. */
  UNSUPPORTED(TensorfileNativeConstants.TF_STATUS_UNSUPPORTED),
  /** A limit set by an option was exceeded. The call could succeed with a larger limit. */
  LIMIT(TensorfileNativeConstants.TF_STATUS_LIMIT),
  /** A value has another kind or dtype than the call needs. */
  TYPE(TensorfileNativeConstants.TF_STATUS_TYPE),
  /** The loaded weights do not have the expected names and shapes. */
  MISMATCH(TensorfileNativeConstants.TF_STATUS_MISMATCH),
  /** A progress callback ended the call. */
  CANCELLED(TensorfileNativeConstants.TF_STATUS_CANCELLED),
  /** The library has a bug; please report it. */
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
