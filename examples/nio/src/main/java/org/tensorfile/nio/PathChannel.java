package org.tensorfile.nio;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.tensorfile.TransactionalChannel;

/** Writes a file, or the files of a set, under temporary names, and renames all of them at the end. */
final class PathChannel implements TransactionalChannel {
  private final Path path;
  private final Path unfinished;
  /** Null until the first write, which never comes if the arrays need a set. */
  private WritableByteChannel channel;

  PathChannel(Path path) {
    this.path = path;
    unfinished = path.resolveSibling("." + path.getFileName() + "." + UUID.randomUUID() + ".tmp");
  }

  @Override
  public String name() {
    return path.getFileName().toString();
  }

  @Override
  public WritableByteChannel openPart(String name) {
    return new PathChannel(path.resolveSibling(name));
  }

  @Override
  public int write(ByteBuffer from) throws IOException {
    if (channel == null) {
      channel = Files.newByteChannel(unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }
    return channel.write(from);
  }

  @Override
  public void commit() throws IOException {
    if (channel == null) {
      return;
    }
    channel.close();
    try {
      // The zip file system needs the second option, which others ignore.
      Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(unfinished, path, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Override
  public void abort() {
    try {
      close();
      Files.deleteIfExists(unfinished);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public boolean isOpen() {
    return channel == null || channel.isOpen();
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
