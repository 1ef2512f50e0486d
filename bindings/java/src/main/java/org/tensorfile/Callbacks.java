package org.tensorfile;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.LongFunction;

/**
 * The functions that the library calls, on any of its threads. User code only gets memory that belongs to Java, which
 * it may keep; bytes are copied from and to that memory.
 */
final class Callbacks {
  /** Statuses from here on are the numbers of exceptions, as in java.i. */
  private static final int FIRST_EXCEPTION = 0x40000000;

  /** Limits exceptions that are never taken, since another exception of the same call is thrown instead. */
  private static final int MAX_EXCEPTIONS = 256;

  private static final Map<Integer, Throwable> EXCEPTIONS = new LinkedHashMap<>() {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<Integer, Throwable> eldest) {
      return size() > MAX_EXCEPTIONS;
    }
  };

  private static int lastException;

  private Callbacks() {}

  /** Stores an exception until the call of the library ends. Returns the status that identifies it. */
  static int record(Throwable thrown) {
    synchronized (EXCEPTIONS) {
      lastException = (lastException + 1) & (FIRST_EXCEPTION - 1);
      EXCEPTIONS.put(FIRST_EXCEPTION + lastException, thrown);
      return FIRST_EXCEPTION + lastException;
    }
  }

  static Throwable take(int status) {
    synchronized (EXCEPTIONS) {
      return EXCEPTIONS.remove(status);
    }
  }

  /** A ByteSource that the library reads, with the buffers that it needs. */
  static final class Reader {
    final ByteSource source;
    final ConcurrentLinkedDeque<ByteBuffer> buffers = new ConcurrentLinkedDeque<>();
    /** Mapped buffers, which must not be freed before the source is. */
    final List<ByteBuffer> mapped = new ArrayList<>();

    Reader(ByteSource source) {
      this.source = source;
    }
  }

  /** A channel that the library writes to, with the buffer that it needs. */
  static final class Writer {
    final WritableByteChannel channel;
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);

    Writer(WritableByteChannel channel) {
      this.channel = channel;
    }
  }

  /** Runs a call with the address of a sink over a channel. */
  static <T> T callWithSink(WritableByteChannel channel, LongFunction<T> body) {
    long sink = sinkOf(channel);
    try {
      return body.apply(sink);
    } finally {
      TensorfileNative.tf_sink_release(sink);
    }
  }

  private static long sinkOf(WritableByteChannel channel) {
    long sink = TensorfileNative.tf_sink_new(new Writer(Objects.requireNonNull(channel, "channel")));
    try {
      if (channel instanceof TransactionalChannel transactional) {
        byte[] name = Text.utf8(transactional.name());
        if (name.length > 0) {
          TensorfileNative.tf_sink_set_resolver(sink, name, transactional);
        }
        TensorfileNative.tf_sink_set_commit(sink);
      }
      return sink;
    } catch (Throwable t) {
      TensorfileNative.tf_sink_release(sink);
      throw t;
    }
  }

  static void commit(Object user) throws IOException {
    ((TransactionalChannel) ((Writer) user).channel).commit();
  }

  static void abort(Object user) {
    ((TransactionalChannel) ((Writer) user).channel).abort();
  }

  /** Returns a reference to the sink for a file of a set. */
  static long openPart(Object user, byte[] name) throws IOException {
    return sinkOf(((TransactionalChannel) user).openPart(Text.string(name)));
  }

  private static ByteBuffer resized(ByteBuffer buffer, int nbytes) {
    if (buffer == null || buffer.capacity() < nbytes) {
      return ByteBuffer.allocateDirect(Math.max(nbytes, 1 << 16)).limit(nbytes);
    }
    return buffer.clear().limit(nbytes);
  }

  /** Returns a direct buffer that starts with the bytes at offset. {@link #recycle} takes it back. */
  static ByteBuffer read(Object user, long offset, int nbytes) throws IOException {
    Reader reader = (Reader) user;
    ByteBuffer buffer = resized(reader.buffers.poll(), nbytes);
    ByteBuffer bytes = buffer.duplicate();
    reader.source.read(offset, bytes);
    if (bytes.hasRemaining()) {
      throw new EOFException("the source returned " + bytes.position() + " of " + nbytes + " bytes at " + offset);
    }
    return buffer;
  }

  static void recycle(Object user, ByteBuffer buffer) {
    ((Reader) user).buffers.push(buffer);
  }

  /** Returns a direct buffer over exactly these bytes, or null if they are not in memory. */
  static ByteBuffer map(Object user, long offset, long nbytes) throws IOException {
    Reader reader = (Reader) user;
    ByteBuffer bytes = nbytes > Integer.MAX_VALUE ? null : reader.source.map(offset, nbytes);
    if (bytes == null) {
      return null;
    }
    if (!bytes.isDirect() || bytes.remaining() != nbytes) {
      throw new IOException("ByteSource.map returned " + bytes + ", expected a direct buffer of " + nbytes + " bytes");
    }
    ByteBuffer exact = bytes.slice();
    synchronized (reader.mapped) {
      reader.mapped.add(exact);
    }
    return exact;
  }

  /** Returns a reference to the source of another file of a set, or 0 if there is none. */
  static long resolve(Object user, byte[] name) throws IOException {
    try {
      Source source = ((Source.Resolver) user).resolve(Text.string(name));
      return source == null ? 0 : source.takeOver();
    } catch (NoSuchFileException e) {
      return 0;
    }
  }

  /** Returns a direct buffer for nbytes, which {@link #write} then writes. */
  static ByteBuffer writeBuffer(Object user, int nbytes) {
    Writer writer = (Writer) user;
    writer.buffer = resized(writer.buffer, nbytes);
    return writer.buffer;
  }

  static void write(Object user) throws IOException {
    Writer writer = (Writer) user;
    ByteBuffer bytes = writer.buffer.asReadOnlyBuffer();
    while (bytes.hasRemaining()) {
      writer.channel.write(bytes);
    }
  }

  static void complete(Object user, long entry) throws IOException {
    ((ReadPlan.Completion) user).complete((int) entry);
  }

  static boolean progress(Object user, long done, long total) throws IOException {
    return ((Progress) user).update(done, total);
  }
}
