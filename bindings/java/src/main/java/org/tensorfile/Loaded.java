package org.tensorfile;

/**
 * What a file holds. Closing it closes both dicts; arrays that were got stay usable.
 *
 * @param arrays by name; that of a .npy has the name ""
 * @param metadata empty where the format has none
 */
public record Loaded(Dict arrays, Dict metadata) implements AutoCloseable {
  /**
   * {@return an array}
   *
   * @param name of it
   * @throws NotFoundException when there is none
   */
  public Array get(String name) {
    return arrays.getArray(name);
  }

  @Override
  public void close() {
    arrays.close();
    metadata.close();
  }
}
