package org.tensorfile;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.LongFunction;

/**
 * What the library calls, from any of its threads. Foreign code gets memory of Java's alone, which it may keep without
 * harm; the bytes are copied from and to it.
 */
final class Callbacks {
  /** Statuses from here on stand for exceptions, as in java.i. */
  private static final int CARRIED = 0x40000000;

  /** Exceptions that nobody takes, since another of the same call is thrown, make room for later ones. */
  private static final int MOST_CARRIED = 256;

  private static final Map<Integer, Throwable> CARRIED_BY_STATUS = new LinkedHashMap<>() {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<Integer, Throwable> eldest) {
      return size() > MOST_CARRIED;
    }
  };

  private static int lastCarried;

  private Callbacks() {}

  /** Keeps an exception for the caller of the library; gives the status that stands for it. */
  static int carry(Throwable thrown) {
    synchronized (CARRIED_BY_STATUS) {
      lastCarried = (lastCarried + 1) & (CARRIED - 1);
      CARRIED_BY_STATUS.put(CARRIED + lastCarried, thrown);
      return CARRIED + lastCarried;
    }
  }

  static Throwable take(int status) {
    synchronized (CARRIED_BY_STATUS) {
      return CARRIED_BY_STATUS.remove(status);
    }
  }

  /** A source's Java side. */
  static final class Reader {
    final ByteSource source;
    final ConcurrentLinkedDeque<ByteBuffer> rooms = new ConcurrentLinkedDeque<>();
    /** What was mapped must stay until the source goes. */
    final List<ByteBuffer> mapped = new ArrayList<>();

    Reader(ByteSource source) {
      this.source = source;
    }
  }

  /** A sink's Java side. */
  static final class Writer {
    final WritableByteChannel channel;
    ByteBuffer room = ByteBuffer.allocateDirect(1 << 16);

    Writer(WritableByteChannel channel) {
      this.channel = channel;
    }
  }

  /** Calls with the address of a sink over a channel. */
  static <T> T callWithSink(WritableByteChannel channel, LongFunction<T> body) {
    long sink = TensorfileNative.tf_sink_new(new Writer(Objects.requireNonNull(channel, "channel")));
    try {
      return body.apply(sink);
    } finally {
      TensorfileNative.tf_sink_release(sink);
    }
  }

  private static ByteBuffer roomFor(ByteBuffer room, int nbytes) {
    if (room == null || room.capacity() < nbytes) {
      return ByteBuffer.allocateDirect(Math.max(nbytes, 1 << 16)).limit(nbytes);
    }
    return room.clear().limit(nbytes);
  }

  /** Gives a direct buffer that has nbytes from offset at its start; {@link #giveBack} takes it back. */
  static ByteBuffer read(Object user, long offset, int nbytes) throws IOException {
    Reader reader = (Reader) user;
    ByteBuffer room = roomFor(reader.rooms.poll(), nbytes);
    ByteBuffer bytes = room.duplicate();
    reader.source.read(offset, bytes);
    if (bytes.hasRemaining()) {
      throw new EOFException("the source gave " + bytes.position() + " of " + nbytes + " bytes at " + offset);
    }
    return room;
  }

  static void giveBack(Object user, ByteBuffer room) {
    ((Reader) user).rooms.push(room);
  }

  /** Gives a direct buffer over exactly these bytes, or null. */
  static ByteBuffer map(Object user, long offset, long nbytes) throws IOException {
    Reader reader = (Reader) user;
    ByteBuffer bytes = nbytes > Integer.MAX_VALUE ? null : reader.source.map(offset, nbytes);
    if (bytes == null) {
      return null;
    }
    if (!bytes.isDirect() || bytes.remaining() != nbytes) {
      throw new IOException("ByteSource.map gave " + bytes + ", not a direct buffer of " + nbytes + " bytes");
    }
    ByteBuffer exact = bytes.slice();
    synchronized (reader.mapped) {
      reader.mapped.add(exact);
    }
    return exact;
  }

  /** Gives a direct buffer for nbytes, which {@link #write} then writes. */
  static ByteBuffer room(Object user, int nbytes) {
    Writer writer = (Writer) user;
    writer.room = roomFor(writer.room, nbytes);
    return writer.room;
  }

  static void write(Object user) throws IOException {
    Writer writer = (Writer) user;
    ByteBuffer bytes = writer.room.asReadOnlyBuffer();
    while (bytes.hasRemaining()) {
      writer.channel.write(bytes);
    }
  }

  static boolean progress(Object user, long done, long total) throws IOException {
    return ((Progress) user).update(done, total);
  }
}
