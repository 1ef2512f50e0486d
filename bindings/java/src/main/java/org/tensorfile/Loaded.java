package org.tensorfile;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * The contents of a file. {@link #close} closes all arrays in it; an array that should stay is taken out with {@code
 * loaded.arrays().remove(name)}. Arrays that are not closed are released when they are garbage collected.
 */
public final class Loaded implements AutoCloseable {
  /** {@link #toString} leaves out arrays after that many. */
  private static final int MAX_SHOWN = 20;

  private final Map<String, NdArray> arrays;
  private final Metadata metadata;

  Loaded(Map<String, NdArray> arrays, Metadata metadata) {
    this.arrays = arrays;
    this.metadata = metadata;
  }

  /**
   * {@return the arrays by name, in the order of the file; the map can be changed. The array of a .npy has the name ""}
   */
  public Map<String, NdArray> arrays() {
    return arrays;
  }

  /** {@return the metadata, which can be changed; they are empty if the format has none} */
  public Metadata metadata() {
    return metadata;
  }

  /**
   * {@return the array with a name}
   *
   * @param name name of the array
   * @throws NotFoundException if there is no such array
   */
  public NdArray get(String name) {
    NdArray array = arrays.get(name);
    if (array == null) {
      throw new NotFoundException("there is no array '" + name + "'",
          new Failures.Details(Status.NOT_FOUND, -1, name));
    }
    return array;
  }

  /**
   * {@return the arrays of a part of a model: those whose names start with the name of the part and a dot, by the rest
   * of their names}
   *
   * <p>{@code weights.within("layers.0")} has the array {@code layers.0.bias} under the name {@code bias}. The map is
   * new, the arrays are the same.
   *
   * @param part name of the part
   */
  public Map<String, NdArray> within(String part) {
    String prefix = Objects.requireNonNull(part, "part") + ".";
    Map<String, NdArray> found = new LinkedHashMap<>();
    arrays.forEach((name, array) -> {
      if (name.startsWith(prefix)) {
        found.put(name.substring(prefix.length()), array);
      }
    });
    return found;
  }

  /** Closes all arrays. */
  @Override
  public void close() {
    arrays.values().forEach(NdArray::close);
  }

  /** {@return the names, dtypes, shapes and elements of the arrays, and the metadata; long ones are abbreviated} */
  @Override
  public String toString() {
    String shown = arrays.entrySet().stream().limit(MAX_SHOWN).map(entry -> entry.getKey() + "=" + entry.getValue())
        .collect(Collectors.joining(", "));
    String more = arrays.size() > MAX_SHOWN ? ", ... " + arrays.size() + " arrays" : "";
    return "Loaded(arrays={" + shown + more + "}, metadata=" + metadata + ")";
  }
}
