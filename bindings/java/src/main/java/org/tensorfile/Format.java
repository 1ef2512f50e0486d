package org.tensorfile;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

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
   * @param path path of a file of any file system, which is not accessed
   */
  public static Format fromPath(Path path) {
    return of(TensorfileNative.tf_format_from_path(Text.utf8WithNul(path.toString())));
  }

  /**
   * {@return the format of a file that starts with the given bytes, or AUTO if it is unknown}
   *
   * @param head first bytes of a file, from the position to the limit; 16 are enough
   */
  public static Format probe(ByteBuffer head) {
    return of(Direct.callWithBytes(head, address -> TensorfileNative.tf_format_probe(address, head.remaining())));
  }

  /** {@return the formats of files, without AUTO and BY_CONTENT} */
  public static List<Format> all() {
    List<Format> all = new ArrayList<>();
    for (int i = 0; TensorfileNative.tf_format_at(i) != AUTO.number; i++) {
      all.add(of(TensorfileNative.tf_format_at(i)));
    }
    return List.copyOf(all);
  }

  /** {@return the extension with its dot, such as ".npz"; "" for AUTO and BY_CONTENT} */
  public String extension() {
    return TensorfileNative.tf_format_extension(number);
  }

  private long ability(int ability) {
    return TensorfileNative.tf_format_ability(number, ability);
  }

  /** {@return true if a file holds exactly one array, which has no name} */
  public boolean holdsOneArray() {
    return ability(TensorfileNativeConstants.TF_ABILITY_SINGLE_ARRAY) != 0;
  }

  /** {@return the kinds of metadata that a file can hold} */
  public Set<MetadataValue.Kind> metadataKinds() {
    long kinds = ability(TensorfileNativeConstants.TF_ABILITY_METADATA);
    if (kinds == TensorfileNativeConstants.TF_METADATA_NONE) {
      return Set.of();
    } else if (kinds == TensorfileNativeConstants.TF_METADATA_STRINGS) {
      return Set.of(MetadataValue.Kind.STRING);
    } else if (kinds == TensorfileNativeConstants.TF_METADATA_STRING_LISTS) {
      return Set.of(MetadataValue.Kind.STRING, MetadataValue.Kind.STRINGS);
    }
    return Set.of(MetadataValue.Kind.values());
  }

  /** {@return the largest number of files that a set can have; 0 if the format has no sets} */
  public long maxParts() {
    return ability(TensorfileNativeConstants.TF_ABILITY_PARTS);
  }

  /** {@return true if arrays can be compressed} */
  public boolean canCompress() {
    return ability(TensorfileNativeConstants.TF_ABILITY_COMPRESSION) != 0;
  }

  /** {@return true if metadata are members beside the arrays, which some readers (such as MLX) refuse} */
  public boolean storesMetadataAsMembers() {
    return ability(TensorfileNativeConstants.TF_ABILITY_TEXT_MEMBERS) != 0;
  }

  /** {@return true if readers expect metadata that describe a model, general.architecture above all} */
  public boolean expectsModelKeys() {
    return ability(TensorfileNativeConstants.TF_ABILITY_MODEL_KEYS) != 0;
  }

  /** {@return true if the header can end in spaces, so that {@link Tensorfile#saveMetadata} can write a longer one in place} */
  public boolean leavesHeaderSlack() {
    return ability(TensorfileNativeConstants.TF_ABILITY_HEADER_SLACK) != 0;
  }

  /** {@return the name of the format, which is also its extension} */
  @Override
  public String toString() {
    return this == UNKNOWN ? "unknown" : TensorfileNative.tf_format_name(number);
  }
}
