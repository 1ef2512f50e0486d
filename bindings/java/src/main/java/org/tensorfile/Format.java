package org.tensorfile;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/** A file format. */
public enum Format {
  // BEGIN tf_format: generated from tensorfile.h by bindings/swig/generate.sh
  /** Detect the format: by the path's extension, or else by the content. */
  AUTO(TensorfileNativeConstants.TF_FORMAT_AUTO),
  /** The .npy format. */
  NPY(TensorfileNativeConstants.TF_FORMAT_NPY),
  /** The .npz format. */
  NPZ(TensorfileNativeConstants.TF_FORMAT_NPZ),
  /** The .safetensors format. */
  SAFETENSORS(TensorfileNativeConstants.TF_FORMAT_SAFETENSORS),
  /** The .gguf format. */
  GGUF(TensorfileNativeConstants.TF_FORMAT_GGUF),
  /** For reading: detect the format by the content, and ignore the path's extension. */
  BY_CONTENT(TensorfileNativeConstants.TF_FORMAT_BY_CONTENT),
  // END tf_format
  /** A format that only a later version of the library has. */
  UNKNOWN(Integer.MIN_VALUE);

  private static final Format[] VALUES = values();

  private final int number;

  Format(int number) {
    this.number = number;
  }

  /** Returns the constant of a number, which may be from a later version of the library. */
  static Format of(int number) {
    return Numbers.find(VALUES, Format::number, number, UNKNOWN);
  }

  int number() {
    return number;
  }

  /**
   * {@return the format of a path's extension, or AUTO if there is no such format}
   *
   * @param path path of a file
   */
  public static Format fromPath(Path path) {
    return of(TensorfileNative.tf_format_from_path(Text.path(path)));
  }

  /**
   * {@return the format of a file that starts with the given bytes, or AUTO if it is unknown}
   *
   * @param head first bytes of a file, from the position to the limit; 16 are enough
   */
  public static Format probe(ByteBuffer head) {
    return of(Direct.callWithBytes(head, address -> TensorfileNative.tf_format_probe(address, head.remaining())));
  }

  /** {@return the name of the format, which is also its extension} */
  @Override
  public String toString() {
    return this == UNKNOWN ? "unknown" : TensorfileNative.tf_format_name(number);
  }
}
