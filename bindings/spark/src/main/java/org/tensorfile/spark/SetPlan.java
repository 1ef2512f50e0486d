package org.tensorfile.spark;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.tensorfile.ArrayFile;
import org.tensorfile.Dtype;
import org.tensorfile.Format;
import org.tensorfile.Metadata;
import org.tensorfile.Options;
import org.tensorfile.PartPlan;
import org.tensorfile.Tensorfile;

/**
 * What a set of files will contain. The driver and each task make the same plan of parts from it.
 *
 * @param fileName the name that a single file would have
 * @param arrays the arrays, in the order of the file
 * @param metadata the metadata, as a file without arrays; null if there are none
 * @param options how the files are written
 */
record SetPlan(String fileName, List<Declared> arrays, byte[] metadata, WriteOptions options) implements Serializable {
  /**
   * An array of the set.
   *
   * @param name name of the array
   * @param dtype name of its dtype
   * @param shape its shape
   */
  record Declared(String name, String dtype, long[] shape) implements Serializable {}

  /**
   * Settings of the library that change the files.
   *
   * @param partBytes the most bytes of array data in a part; 0 for a single file
   * @param compress whether the members of a .npz are compressed
   * @param extended whether a .gguf may have names and ranks that few readers accept
   */
  record WriteOptions(long partBytes, boolean compress, boolean extended) implements Serializable {
    /** Spark runs a task on each core, so that a task uses one thread. */
    Options library() {
      return Options.builder().threads(1).exactPath(true).partBytes(partBytes).compress(compress)
          .ggufExtended(extended).build();
    }
  }

  static SetPlan of(String fileName, List<Declared> arrays, Metadata metadata, WriteOptions options)
      throws IOException {
    return new SetPlan(fileName, arrays, encode(format(fileName), metadata, options), options);
  }

  /** {@return the format that the extension of a file names} */
  static Format format(String fileName) {
    Format format = Format.fromPath(Path.of(fileName));
    if (format == Format.AUTO) {
      throw new IllegalArgumentException(
          fileName + ": the extension is not one of .npy, .npz, .safetensors or .gguf, which names the format");
    }
    return format;
  }

  private static byte[] encode(Format format, Metadata metadata, WriteOptions options) throws IOException {
    if (metadata.isEmpty()) {
      return null;
    }
    try (Options settings = options.library(); var bytes = Tensorfile.toBytes(format, Map.of(), metadata, settings)) {
      return bytes.toByteArray();
    }
  }

  private Metadata decode() throws IOException {
    try (ArrayFile file = ArrayFile.open(metadata)) {
      return file.metadata();
    }
  }

  /** {@return the plan of parts, which is finished} */
  PartPlan open() throws IOException {
    try (Options settings = options.library()) {
      PartPlan plan = PartPlan.open(Path.of(fileName), settings);
      try {
        for (Declared array : arrays) {
          plan.declare(array.name, Dtype.fromName(array.dtype), array.shape);
        }
        if (metadata != null) {
          plan.metadata(decode());
        }
        return plan.finish();
      } catch (IOException | RuntimeException e) {
        plan.close();
        throw e;
      }
    }
  }
}
