package org.tensorfile;

import java.util.function.ToIntFunction;

/** The numbers of enums. */
final class Numbers {
  private Numbers() {}

  /** The constant of a number, or what stands for those that this version does not know. */
  static <E extends Enum<E>> E find(E[] constants, ToIntFunction<E> numberOf, int number, E unknown) {
    for (E constant : constants) {
      if (numberOf.applyAsInt(constant) == number) {
        return constant;
      }
    }
    return unknown;
  }
}
