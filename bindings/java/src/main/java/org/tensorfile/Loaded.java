package org.tensorfile;

/**
 * The contents of a file. Closing it closes both dicts. Arrays that were obtained from them remain valid.
 *
 * @param arrays arrays by name, in the order of the file; that of a .npy file has the name ""
 * @param metadata metadata by name, which are empty if the format has none
 */
public record Loaded(Dict arrays, Dict metadata) implements AutoCloseable {
  /**
   * {@return the array with a name}
   *
   * @param name name of the array
   * @throws NotFoundException if there is no such array
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
