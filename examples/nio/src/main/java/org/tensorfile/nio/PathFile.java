package org.tensorfile.nio;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorfile.ArrayFile;
import org.tensorfile.Format;
import org.tensorfile.Metadata;
import org.tensorfile.NdArray;
import org.tensorfile.Options;
import org.tensorfile.Source;
import org.tensorfile.Tensorfile;

/**
 * A file of arrays in any file system that has a provider for {@link java.nio.file}, such as a zip, opened with the
 * other files of its set.
 */
public final class PathFile implements AutoCloseable {
  // A request to a file system in a network costs about as much as 1 MiB of data.
  private static final long GAP = 1 << 20;
  private static final long PIECE = 8 << 20;

  private final List<SeekableByteChannel> channels = new ArrayList<>();
  private ArrayFile file;

  private PathFile() {}

  /**
   * Opens a file, or the set that an index describes.
   *
   * @param path path of the file or the index
   * @param options settings for opening and reading
   * @return the file
   * @throws NoSuchFileException if the file, or another one of its set, does not exist
   * @throws IOException if the file cannot be read or is invalid
   */
  public static PathFile open(Path path, Options options) throws IOException {
    PathFile opened = new PathFile();
    try (Source source = opened.sourceOf(path)) {
      source.setResolver(name -> opened.sourceOf(path.resolveSibling(name)));
      opened.file = ArrayFile.open(source, options);
      return opened;
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  private Source sourceOf(Path path) throws IOException {
    SeekableByteChannel channel = open(path);
    channels.add(channel);
    Source source = Source.of(channel).setName(path.toString());
    return path.getFileSystem() == FileSystems.getDefault() ? source : source.setHints(GAP, PIECE, 0);
  }

  /**
   * Opens a channel. Several threads can read a {@link FileChannel}. That of a file in a zip reads an unpacked copy of
   * any size, while the other kind of channel has the file in memory, where it ends at 2 GiB.
   */
  private static SeekableByteChannel open(Path path) throws IOException {
    try {
      return FileChannel.open(path);
    } catch (UnsupportedOperationException e) {
      return Files.newByteChannel(path);
    }
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
   * @param arrays the arrays
   * @param metadata the metadata
   * @param options settings for saving
   * @throws IOException if the files cannot be written
   */
  public static void save(Path path, Map<String, NdArray> arrays, Metadata metadata, Options options)
      throws IOException {
    Tensorfile.saveTo(new PathChannel(path), Format.fromPath(path), arrays, metadata, options);
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      file.close();
    }
    for (SeekableByteChannel channel : channels) {
      channel.close();
    }
  }
}
