package org.tensorfile.hadoop;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.tensorfile.ArrayFile;
import org.tensorfile.Format;
import org.tensorfile.Metadata;
import org.tensorfile.NdArray;
import org.tensorfile.Options;
import org.tensorfile.Source;
import org.tensorfile.Tensorfile;

/** A file of arrays in any file system of Hadoop, opened with the other files of its set. */
public final class HadoopFile implements AutoCloseable {
  // A request to an object store costs about as much as 1 MiB of data.
  private static final long GAP = 1 << 20;
  private static final long PIECE = 8 << 20;
  private static final int REQUESTS = 16;

  private final Configuration configuration;
  private final List<StreamSource> sources = new ArrayList<>();
  private ArrayFile file;

  private HadoopFile(Configuration configuration) {
    this.configuration = configuration;
  }

  /**
   * Opens a file, or the set that an index describes.
   *
   * @param path path of the file or the index
   * @param configuration settings of the file system
   * @param options settings for opening and reading
   * @return the file
   * @throws FileNotFoundException if the file does not exist
   * @throws java.nio.file.NoSuchFileException if another file of its set does not exist
   * @throws IOException if the file cannot be read or is invalid
   */
  public static HadoopFile open(Path path, Configuration configuration, Options options) throws IOException {
    HadoopFile opened = new HadoopFile(configuration);
    try (Source source = opened.sourceOf(path)) {
      source.setResolver(name -> opened.find(sibling(path, name)));
      opened.file = ArrayFile.open(source, options);
      return opened;
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /** {@return the path of another file of the set, whose name may have a colon} */
  static Path sibling(Path path, String name) {
    return new Path(path.getParent(), new Path(null, null, name));
  }

  private Source find(Path path) throws IOException {
    try {
      return sourceOf(path);
    } catch (FileNotFoundException e) {
      return null;
    }
  }

  private Source sourceOf(Path path) throws IOException {
    StreamSource source = new StreamSource(path.getFileSystem(configuration), path);
    sources.add(source);
    return Source.of(source).setName(path.toString()).setHints(GAP, PIECE, REQUESTS);
  }

  /** {@return the arrays, valid until this is closed} */
  public ArrayFile file() {
    return file;
  }

  /**
   * Saves arrays to a file, or with {@link Options.Builder#partBytes} to a set. Files replace older ones of their names
   * when all of them have been written, and none if the save fails.
   *
   * @param path path of the file, whose extension is the format
   * @param configuration settings of the file system
   * @param arrays the arrays
   * @param metadata the metadata
   * @param options settings for saving
   * @throws IOException if the files cannot be written
   */
  public static void save(Path path, Configuration configuration, Map<String, NdArray> arrays, Metadata metadata,
      Options options) throws IOException {
    Format format = Format.fromPath(java.nio.file.Path.of(path.getName()));
    Tensorfile.saveTo(new HadoopChannel(path, configuration), format, arrays, metadata, options);
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      file.close();
    }
    for (StreamSource source : sources) {
      source.close();
    }
  }
}
