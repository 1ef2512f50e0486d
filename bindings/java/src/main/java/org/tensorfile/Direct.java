package org.tensorfile;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.function.LongFunction;

/** Direct buffers and their addresses. */
final class Direct {
  private Direct() {}

  static ByteBuffer require(ByteBuffer buffer) {
    if (!buffer.isDirect()) {
      throw new InvalidArgumentException("the buffer is not direct: use ByteBuffer.allocateDirect()");
    }
    return buffer;
  }

  static ByteBuffer requireWritable(ByteBuffer buffer) {
    if (require(buffer).isReadOnly()) {
      throw new InvalidArgumentException("the buffer is read-only");
    }
    return buffer;
  }

  /** Runs a call with the address of a direct buffer's position, and keeps the buffer alive until it returns. */
  static <T> T call(ByteBuffer buffer, LongFunction<T> body) {
    try {
      return body.apply(TensorfileNative.tf_java_address(buffer) + buffer.position());
    } finally {
      Reference.reachabilityFence(buffer);
    }
  }

  /** Runs a call with the address of the bytes of any buffer, which are copied unless they are in native memory. */
  static <T> T callWithBytes(ByteBuffer bytes, LongFunction<T> body) {
    if (bytes.isDirect()) {
      return call(bytes, body);
    }
    return call(ByteBuffer.allocateDirect(bytes.remaining()).put(bytes.duplicate()).flip(), body);
  }

  /** Writes length bytes to an address. */
  interface Fill {
    void run(long address, long length);
  }

  /** Fills what remains of any buffer. What goes to the heap is first written to native memory. */
  static void fill(ByteBuffer to, Fill fill) {
    if (to.isReadOnly()) {
      throw new InvalidArgumentException("the buffer is read-only");
    }
    int length = to.remaining();
    if (to.isDirect()) {
      call(to, address -> {
        fill.run(address, length);
        return null;
      });
      to.position(to.limit());
    } else {
      try (NdArray scratch = NdArray.zeros(Dtype.UINT8, length)) {
        fill(scratch, length, fill);
        to.put(scratch.data());
      }
    }
  }

  /** Fills the first bytes of an array. */
  static void fill(NdArray scratch, long length, Fill fill) {
    scratch.call(array -> {
      fill.run(TensorfileNative.tf_array_data_mut(array), length);
      return null;
    });
  }

  /** Returns a buffer over memory of the library. The buffer keeps keeper alive until it and its views are collected. */
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
