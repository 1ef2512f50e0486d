package org.tensorfile;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/** A file format. */
public enum Format {
  // BEGIN tf_format: generated from tensorfile.h by bindings/swig/generate.sh
  /** Find out: by extension, then by content. */
  AUTO(TensorfileNativeConstants.TF_FORMAT_AUTO),
  /** The .npy format. */
  NPY(TensorfileNativeConstants.TF_FORMAT_NPY),
  /** The .npz format. */
  NPZ(TensorfileNativeConstants.TF_FORMAT_NPZ),
  /** The .safetensors format. */
  SAFETENSORS(TensorfileNativeConstants.TF_FORMAT_SAFETENSORS),
  /** The .gguf format. */
  GGUF(TensorfileNativeConstants.TF_FORMAT_GGUF),
  // END tf_format
  /** A format of a later version of the library. */
  UNKNOWN(Integer.MIN_VALUE);

  private static final Format[] VALUES = values();

  private final int number;

  Format(int number) {
    this.number = number;
  }

  /** The one of a number, which may come from a later version of the library. */
  static Format of(int number) {
    return Numbers.find(VALUES, Format::number, number, UNKNOWN);
  }

  int number() {
    return number;
  }

  /**
   * {@return the format that a path's extension names, AUTO when it names none}
   *
   * @param path of a file
   */
  public static Format fromPath(Path path) {
    return of(TensorfileNative.tf_format_from_path(Text.path(path)));
  }

  /**
   * {@return the format that the first bytes of a file are of, AUTO when of none}
   *
   * @param head the bytes from position to limit; 16 are enough, fewer may not tell
   */
  public static Format probe(ByteBuffer head) {
    return of(Direct.callWithBytes(head, address -> TensorfileNative.tf_format_probe(address, head.remaining())));
  }

  /** {@return its name, which is also its extension} */
  @Override
  public String toString() {
    return this == UNKNOWN ? "unknown" : TensorfileNative.tf_format_name(number);
  }
}
