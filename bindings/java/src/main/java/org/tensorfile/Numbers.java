package org.tensorfile;

import java.util.function.ToIntFunction;

/** Finds enum constants by number. */
final class Numbers {
  private Numbers() {}

  /** Returns the constant of a number, or unknown if this version does not know it. */
  static <E extends Enum<E>> E find(E[] constants, ToIntFunction<E> numberOf, int number, E unknown) {
    for (E constant : constants) {
      if (numberOf.applyAsInt(constant) == number) {
        return constant;
      }
    }
    return unknown;
  }
}
