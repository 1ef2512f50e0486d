package org.tensorfile.spark;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.tensorfile.ArrayFile;
import org.tensorfile.ArrayWriter;
import org.tensorfile.Dtype;
import org.tensorfile.NdArray;
import org.tensorfile.Options;
import org.tensorfile.Slice;

/**
 * Reads, casts and writes the arrays of a part of a conversion, in pieces.
 *
 * @param paths the inputs
 * @param modified when the inputs were modified
 * @param arrays the arrays of the output
 * @param lenient whether faults that the reference readers accept are accepted
 */
record ConvertElements(List<String> paths, List<Long> modified, List<PlannedArray> arrays, boolean lenient)
    implements SetWriter.Elements {
  /** The most bytes of a piece in the dtype of the output. */
  private static final long PIECE = 32L << 20;

  @Override
  public void write(List<Integer> indices, ArrayWriter writer, Configuration configuration) throws IOException {
    Map<Integer, HadoopSource> open = new HashMap<>();
    try (Options library = Options.builder().threads(1).lenient(lenient).build()) {
      for (int index : indices) {
        PlannedArray array = arrays.get(index);
        HadoopSource source = open.get(array.input());
        if (source == null) {
          source = open(array.input(), configuration, library);
          open.put(array.input(), source);
        }
        ArrayFile.Entry entry = source.file().entries().get(array.index());
        if (entry.dtype() != array.from() || !java.util.Arrays.equals(entry.shape(), array.shape())) {
          throw changed(array.input());
        }
        write(entry, array, writer, library);
      }
    } finally {
      for (HadoopSource source : open.values()) {
        source.close();
      }
    }
  }

  private HadoopSource open(int input, Configuration configuration, Options library) throws IOException {
    Path path = new Path(paths.get(input));
    FileStatus status = path.getFileSystem(configuration).getFileStatus(path);
    if (status.getModificationTime() != modified.get(input)) {
      throw changed(input);
    }
    return HadoopSource.open(status, configuration, library, new HadoopSource.Counts());
  }

  private IOException changed(int input) {
    return new IOException(paths.get(input) + ": the file was modified while it is converted; convert it again");
  }

  private void write(ArrayFile.Entry entry, PlannedArray array, ArrayWriter writer, Options library)
      throws IOException {
    // Pieces could divide a byte that packed elements share.
    boolean packed = isPacked(array.from()) || isPacked(array.to());
    Cut cut = Cut.of(entry, array.to(), packed ? 0 : PIECE);
    for (long i = 0; i < cut.pieces(); i++) {
      try (NdArray piece = cut.pieces() == 1 ? entry.read() : entry.readSlice(Slice.of(cut.start(i), cut.stop(i)))) {
        if (array.from() == array.to()) {
          writer.write(piece);
          continue;
        }
        try (NdArray cast = cast(piece, array, library)) {
          writer.write(cast);
        }
      }
    }
  }

  private NdArray cast(NdArray piece, PlannedArray array, Options library) throws IOException {
    try {
      return piece.cast(array.to(), library);
    } catch (RuntimeException e) {
      throw new IOException(paths.get(array.input()) + ": array '" + array.name() + "': " + e.getMessage(), e);
    }
  }

  private static boolean isPacked(Dtype dtype) {
    return dtype.blockSize() > 1 && !dtype.isBlock();
  }
}
