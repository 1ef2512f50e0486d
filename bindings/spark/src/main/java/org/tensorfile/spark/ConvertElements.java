package org.tensorfile.spark;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.tensorfile.ArrayFile;
import org.tensorfile.ArrayWriter;
import org.tensorfile.Dtype;
import org.tensorfile.NdArray;
import org.tensorfile.Options;
import org.tensorfile.Slice;

/**
 * Reads, casts and writes the arrays of a part of a conversion, in pieces.
 *
 * @param inputs the inputs
 * @param arrays the arrays of the output
 * @param lenient whether faults that the reference readers accept are accepted
 */
record ConvertElements(List<PlannedFile> inputs, List<PlannedArray> arrays, boolean lenient)
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
          source = HadoopSource.open(inputs.get(array.input()), configuration, library, new HadoopSource.Counts());
          open.put(array.input(), source);
        }
        ArrayFile.Entry entry = source.file().entries().get(array.index());
        if (entry.dtype() != array.from() || !java.util.Arrays.equals(entry.shape(), array.shape())) {
          throw PlannedFile.changed(path(array));
        }
        write(entry, array, writer, library);
      }
    } finally {
      for (HadoopSource source : open.values()) {
        source.close();
      }
    }
  }

  private String path(PlannedArray array) {
    return inputs.get(array.input()).path();
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
      throw new IOException(path(array) + ": array '" + array.name() + "': " + e.getMessage(), e);
    }
  }

  private static boolean isPacked(Dtype dtype) {
    return dtype.blockSize() > 1 && !dtype.isBlock();
  }
}
