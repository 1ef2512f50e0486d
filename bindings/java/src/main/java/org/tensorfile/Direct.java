package org.tensorfile;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.function.LongFunction;

/** Direct buffers and their addresses. */
final class Direct {
  private Direct() {}

  static ByteBuffer require(ByteBuffer buffer) {
    if (!buffer.isDirect()) {
      throw new InvalidArgumentException("the buffer is not a direct one");
    }
    return buffer;
  }

  static ByteBuffer requireWritable(ByteBuffer buffer) {
    if (require(buffer).isReadOnly()) {
      throw new InvalidArgumentException("the buffer is read-only");
    }
    return buffer;
  }

  /** Calls with the address of a direct buffer's position; the buffer lives as long. */
  static <T> T call(ByteBuffer buffer, LongFunction<T> body) {
    try {
      return body.apply(TensorfileNative.tf_java_address(buffer) + buffer.position());
    } finally {
      Reference.reachabilityFence(buffer);
    }
  }

  /** The same for any buffer, whose bytes are copied if they are not in native memory. */
  static <T> T callWithBytes(ByteBuffer bytes, LongFunction<T> body) {
    if (bytes.isDirect()) {
      return call(bytes, body);
    }
    return call(ByteBuffer.allocateDirect(bytes.remaining()).put(bytes.duplicate()).flip(), body);
  }

  /** A buffer over memory of the library's; keeper is released when it and all views of it are collected. */
  static ByteBuffer over(long address, int nbytes, Handle keeper) {
    ByteBuffer root;
    try {
      root = TensorfileNative.tf_java_buffer(address, nbytes);
    } catch (Throwable t) {
      keeper.run();
      throw t;
    }
    keeper.ownedBy(root);
    return root;
  }
}
