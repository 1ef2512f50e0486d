package org.tensorfile.spark;

import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.tensorfile.ArrayWriter;

/**
 * An array whose elements are in the staging folder.
 *
 * @param declared the array
 * @param pieces its pieces in their order
 */
record Spooled(SetPlan.Declared declared, List<Piece> pieces) implements Serializable {
  private static final int BUFFER = 1 << 20;

  /**
   * A piece of an array.
   *
   * @param array the array
   * @param order the key by which arrays are ordered
   * @param start the first index along the first axis
   * @param stop the index after the last one
   * @param file name of the file in the staging folder
   * @param offset offset of its bytes
   * @param nbytes number of its bytes
   */
  record Piece(SetPlan.Declared array, WriteColumns.Order order, long start, long stop, String file, long offset,
      long nbytes) implements Serializable {}

  /**
   * {@return the arrays of pieces, in the order of the file}
   *
   * @throws IOException if the pieces of an array contradict each other, overlap, or do not cover it
   */
  static List<Spooled> collect(List<Piece> pieces) throws IOException {
    Map<String, List<Piece>> byName = new HashMap<>();
    for (Piece piece : pieces) {
      byName.computeIfAbsent(piece.array().name(), name -> new ArrayList<>()).add(piece);
    }
    List<Spooled> arrays = new ArrayList<>();
    for (List<Piece> all : byName.values()) {
      all.sort(Comparator.comparingLong(Piece::start).thenComparingLong(Piece::stop));
      requireComplete(all);
      arrays.add(new Spooled(all.get(0).array(), List.copyOf(all)));
    }
    arrays.sort(Comparator.comparing(array -> array.pieces().get(0).order()));
    return arrays;
  }

  private static void requireComplete(List<Piece> pieces) throws IOException {
    SetPlan.Declared first = pieces.get(0).array();
    long length = first.shape().length == 0 ? 1 : first.shape()[0];
    long next = 0;
    String name = "array '" + first.name() + "': ";
    for (Piece piece : pieces) {
      if (!piece.array().dtype().equals(first.dtype()) || !Arrays.equals(piece.array().shape(), first.shape())) {
        throw new IOException(name + "one row says " + text(first) + " and another " + text(piece.array()));
      }
      if (piece.start() < next || (pieces.size() > 1 && piece.start() == piece.stop())) {
        throw new IOException(name + "several rows have index " + piece.start() + " of the first axis; a name can be"
            + " that of one array only");
      }
      if (piece.start() > next) {
        throw new IOException(name + "no row has the indices " + next + " to " + piece.start() + " of the first axis");
      }
      next = piece.stop();
    }
    if (next != length) {
      throw new IOException(name + "no row has the indices " + next + " to " + length + " of the first axis");
    }
  }

  private static String text(SetPlan.Declared array) {
    return array.dtype() + " " + Arrays.toString(array.shape());
  }

  /** Copies the elements of arrays from the staging folder to a part. */
  record Copy(List<Spooled> arrays, OutputFolder folder) implements SetWriter.Elements {
    @Override
    public void write(List<Integer> indices, ArrayWriter writer, Configuration configuration) throws IOException {
      Map<String, FSDataInputStream> open = new HashMap<>();
      try {
        for (int index : indices) {
          for (Piece piece : arrays.get(index).pieces()) {
            if (piece.nbytes() > 0) {
              copy(stream(piece.file(), open, configuration), piece, writer);
            }
          }
        }
      } finally {
        for (FSDataInputStream stream : open.values()) {
          stream.close();
        }
      }
    }

    private FSDataInputStream stream(String file, Map<String, FSDataInputStream> open, Configuration configuration)
        throws IOException {
      FSDataInputStream stream = open.get(file);
      if (stream == null) {
        stream = folder.files(configuration).open(folder.staged(file));
        open.put(file, stream);
      }
      return stream;
    }

    private static void copy(FSDataInputStream from, Piece piece, ArrayWriter writer) throws IOException {
      byte[] buffer = new byte[(int) Math.min(BUFFER, piece.nbytes())];
      for (long done = 0; done < piece.nbytes(); done += buffer.length) {
        int count = (int) Math.min(buffer.length, piece.nbytes() - done);
        from.readFully(piece.offset() + done, buffer, 0, count);
        writer.write(ByteBuffer.wrap(buffer, 0, count));
      }
    }
  }
}
