package org.tensorfile;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;
import java.util.function.LongToDoubleFunction;
import java.util.function.LongUnaryOperator;

/**
 * A reference to an object of the library. It is released once, by {@code close} or when its owner is garbage
 * collected, and never during a call that uses it.
 */
final class Handle implements Runnable {
  private static final Cleaner CLEANER = Cleaner.create();
  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(Handle.class, "state", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private static final int CLOSED = 1;
  private static final int CALL = 2;

  private final String what;
  private final long address;
  private final LongConsumer release;
  private final long nbytes;
  /** Bit 0: closed. The other bits: number of calls in progress. */
  private volatile int state;

  private Handle(String what, long address, LongConsumer release, long nbytes) {
    this.what = what;
    this.address = address;
    this.release = release;
    this.nbytes = nbytes;
  }

  /** Takes ownership of a reference to an object with about nbytes of native memory. */
  static Handle adopt(String what, long address, LongConsumer release, long nbytes) {
    Handle handle;
    try {
      handle = new Handle(what, address, release, nbytes);
    } catch (Throwable t) {
      release.accept(address);
      throw t;
    }
    NativeMemory.acquired(nbytes);
    return handle;
  }

  static Handle ofArray(long address, long nbytes) {
    return adopt("array", address, TensorfileNative::tf_array_release, nbytes);
  }

  /** Releases the reference when the owner is garbage collected or the result is cleaned. */
  Cleaner.Cleanable ownedBy(Object owner) {
    try {
      return CLEANER.register(owner, this);
    } catch (Throwable t) {
      run();
      throw t;
    }
  }

  boolean isClosed() {
    return (state & CLOSED) != 0;
  }

  /** {@return the address, which is valid until {@link #leave}} */
  long address() {
    return address;
  }

  boolean tryEnter() {
    for (;;) {
      int before = state;
      if ((before & CLOSED) != 0) {
        return false;
      }
      if (STATE.compareAndSet(this, before, before + CALL)) {
        return true;
      }
    }
  }

  Handle enter() {
    if (!tryEnter()) {
      throw closed();
    }
    return this;
  }

  void leave() {
    if ((int) STATE.getAndAdd(this, -CALL) == CLOSED + CALL) {
      free();
    }
  }

  IllegalStateException closed() {
    return new IllegalStateException("the " + what + " is closed");
  }

  void requireOpen() {
    if (isClosed()) {
      throw closed();
    }
  }

  /** Closes the handle. The last call in progress releases the reference. */
  @Override
  public void run() {
    if ((int) STATE.getAndBitwiseOr(this, CLOSED) == 0) {
      free();
    }
  }

  /**
   * Closes the handle and transfers the reference to the caller, which is then the only user. Returns false if a call
   * is in progress or the handle is closed.
   */
  boolean takeOver() {
    if (!STATE.compareAndSet(this, 0, CLOSED)) {
      return false;
    }
    NativeMemory.released(nbytes);
    return true;
  }

  private void free() {
    release.accept(address);
    NativeMemory.released(nbytes);
  }

  <T> T call(LongFunction<T> body) {
    enter();
    try {
      return body.apply(address);
    } finally {
      leave();
    }
  }

  long callLong(LongUnaryOperator body) {
    enter();
    try {
      return body.applyAsLong(address);
    } finally {
      leave();
    }
  }

  double callDouble(LongToDoubleFunction body) {
    enter();
    try {
      return body.applyAsDouble(address);
    } finally {
      leave();
    }
  }
}
