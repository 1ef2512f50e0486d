package org.tensorfile;

import java.util.AbstractMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The metadata of a file: a map from keys to values, in the order of insertion or of the file.
 *
 * <pre>{@code
 * Metadata metadata = new Metadata()
 *     .set("general.architecture", "llama")
 *     .set("llama.block_count", 32, Dtype.UINT32)
 *     .set("tokenizer.ggml.tokens", List.of("<s>", "</s>"));
 * long blocks = metadata.getLong("llama.block_count");
 * }</pre>
 *
 * <p>A .safetensors file holds strings, an .npz strings and lists of strings, and a .gguf every kind of value. The
 * typed getters throw a {@link NotFoundException} if there is no such key, and an {@link InvalidArgumentException} if
 * its value has another type: they never convert.
 *
 * <p>As with other maps of Java, several threads may use metadata at the same time only if none of them changes it, and
 * iterators fail with a {@link java.util.ConcurrentModificationException} if it changes.
 */
public final class Metadata extends AbstractMap<String, MetadataValue> {
  private final Map<String, MetadataValue> values;

  /** Creates empty metadata. */
  public Metadata() {
    values = new LinkedHashMap<>();
  }

  private Metadata(Map<String, MetadataValue> values) {
    this.values = values;
  }

  /**
   * {@return metadata of strings}
   *
   * @param strings the strings by key
   */
  public static Metadata of(Map<String, String> strings) {
    Metadata metadata = new Metadata();
    strings.forEach(metadata::set);
    return metadata;
  }

  /** {@return a copy} */
  public Metadata copy() {
    return new Metadata(new LinkedHashMap<>(values));
  }

  // Typed access

  private <T> T get(String key, Function<MetadataValue, T> as) {
    MetadataValue value = values.get(key);
    if (value == null) {
      throw new NotFoundException("the metadata has no key '" + key + "'",
          new Failures.Details(Status.NOT_FOUND, -1, key));
    }
    try {
      return as.apply(value);
    } catch (InvalidArgumentException e) {
      throw new InvalidArgumentException("metadata '" + key + "': " + e.getMessage(),
          new Failures.Details(e.status(), -1, key));
    }
  }

  /**
   * {@return the value of a key, if there is one}
   *
   * @param key key to look up
   */
  public Optional<MetadataValue> find(String key) {
    return Optional.ofNullable(values.get(key));
  }

  /**
   * {@return the boolean of a key}
   *
   * @param key key to look up
   */
  public boolean getBoolean(String key) {
    return get(key, MetadataValue::asBoolean);
  }

  /**
   * {@return the integer of a key, which may have any width if it fits}
   *
   * @param key key to look up
   */
  public int getInt(String key) {
    return get(key, MetadataValue::asInt);
  }

  /**
   * {@return the integer of a key, which may have any width if it fits}
   *
   * @param key key to look up
   */
  public long getLong(String key) {
    return get(key, MetadataValue::asLong);
  }

  /**
   * {@return the float32 of a key}
   *
   * @param key key to look up
   */
  public float getFloat(String key) {
    return get(key, MetadataValue::asFloat);
  }

  /**
   * {@return the float32 or float64 of a key}
   *
   * @param key key to look up
   */
  public double getDouble(String key) {
    return get(key, MetadataValue::asDouble);
  }

  /**
   * {@return the number of a key}
   *
   * @param key key to look up
   */
  public Number getNumber(String key) {
    return get(key, MetadataValue::asNumber);
  }

  /**
   * {@return the string of a key, with replacement characters for bytes that are not UTF-8}
   *
   * @param key key to look up
   */
  public String getString(String key) {
    return get(key, MetadataValue::asString);
  }

  /**
   * {@return the list of strings of a key, with replacement characters for bytes that are not UTF-8}
   *
   * @param key key to look up
   */
  public List<String> getStrings(String key) {
    return get(key, MetadataValue::asStrings);
  }

  /**
   * {@return the list of booleans of a key}
   *
   * @param key key to look up
   */
  public boolean[] getBooleans(String key) {
    return get(key, MetadataValue::asBooleans);
  }

  /**
   * {@return the list of integers of a key, which may have any width if they fit}
   *
   * @param key key to look up
   */
  public int[] getInts(String key) {
    return get(key, MetadataValue::asInts);
  }

  /**
   * {@return the list of integers of a key, which may have any width if they fit}
   *
   * @param key key to look up
   */
  public long[] getLongs(String key) {
    return get(key, MetadataValue::asLongs);
  }

  /**
   * {@return the list of float32 of a key}
   *
   * @param key key to look up
   */
  public float[] getFloats(String key) {
    return get(key, MetadataValue::asFloats);
  }

  /**
   * {@return the list of float32 or float64 of a key}
   *
   * @param key key to look up
   */
  public double[] getDoubles(String key) {
    return get(key, MetadataValue::asDoubles);
  }

  /**
   * {@return the array of a key, as a new array that belongs to the caller}
   *
   * @param key key to look up
   */
  public NdArray getArray(String key) {
    return get(key, MetadataValue::asArray);
  }

  /**
   * {@return a copy of the nested metadata of a key}
   *
   * @param key key to look up
   */
  public Metadata getMetadata(String key) {
    return get(key, MetadataValue::asMetadata);
  }

  /**
   * Sets a boolean.
   *
   * @param key key to set
   * @param value its new value
   * @return this
   */
  public Metadata set(String key, boolean value) {
    return set(key, MetadataValue.of(value));
  }

  /**
   * Sets an int32.
   *
   * @param key key to set
   * @param value its new value
   * @return this
   */
  public Metadata set(String key, int value) {
    return set(key, MetadataValue.of(value));
  }

  /**
   * Sets an int64.
   *
   * @param key key to set
   * @param value its new value
   * @return this
   */
  public Metadata set(String key, long value) {
    return set(key, MetadataValue.of(value));
  }

  /**
   * Sets an integer of any width, such as UINT32, which most keys of .gguf files have.
   *
   * @param key key to set
   * @param value its new value
   * @param dtype an integer dtype
   * @return this
   * @throws InvalidArgumentException if the dtype cannot hold the value, or is not an integer's
   */
  public Metadata set(String key, long value, Dtype dtype) {
    return set(key, MetadataValue.of(value, dtype));
  }

  /**
   * Sets a float32.
   *
   * @param key key to set
   * @param value its new value
   * @return this
   */
  public Metadata set(String key, float value) {
    return set(key, MetadataValue.of(value));
  }

  /**
   * Sets a float64.
   *
   * @param key key to set
   * @param value its new value
   * @return this
   */
  public Metadata set(String key, double value) {
    return set(key, MetadataValue.of(value));
  }

  /**
   * Sets a string.
   *
   * @param key key to set
   * @param value its new value
   * @return this
   */
  public Metadata set(String key, String value) {
    return set(key, MetadataValue.of(value));
  }

  /**
   * Sets a list of strings.
   *
   * @param key key to set
   * @param values its new value
   * @return this
   */
  public Metadata set(String key, List<String> values) {
    return set(key, MetadataValue.of(values));
  }

  /**
   * Sets a list of booleans, which is copied.
   *
   * @param key key to set
   * @param values its new value
   * @return this
   */
  public Metadata set(String key, boolean[] values) {
    return set(key, MetadataValue.of(values));
  }

  /**
   * Sets a list of int32, which is copied.
   *
   * @param key key to set
   * @param values its new value
   * @return this
   */
  public Metadata set(String key, int[] values) {
    return set(key, MetadataValue.of(values));
  }

  /**
   * Sets a list of int64, which is copied.
   *
   * @param key key to set
   * @param values its new value
   * @return this
   */
  public Metadata set(String key, long[] values) {
    return set(key, MetadataValue.of(values));
  }

  /**
   * Sets a list of integers of any width, such as UINT32, which is copied.
   *
   * @param key key to set
   * @param values its new value
   * @param dtype an integer dtype
   * @return this
   * @throws InvalidArgumentException if the dtype cannot hold one of the values, or is not an integer's
   */
  public Metadata set(String key, long[] values, Dtype dtype) {
    return set(key, MetadataValue.of(values, dtype));
  }

  /**
   * Sets a list of float32, which is copied.
   *
   * @param key key to set
   * @param values its new value
   * @return this
   */
  public Metadata set(String key, float[] values) {
    return set(key, MetadataValue.of(values));
  }

  /**
   * Sets a list of float64, which is copied.
   *
   * @param key key to set
   * @param values its new value
   * @return this
   */
  public Metadata set(String key, double[] values) {
    return set(key, MetadataValue.of(values));
  }

  /**
   * Sets an array, of which the elements are copied.
   *
   * @param key key to set
   * @param array its new value
   * @return this
   */
  public Metadata set(String key, NdArray array) {
    return set(key, MetadataValue.of(array));
  }

  /**
   * Sets nested metadata, which is copied.
   *
   * @param key key to set
   * @param value its new value
   * @return this
   */
  public Metadata set(String key, Metadata value) {
    return set(key, MetadataValue.of(value));
  }

  /**
   * Sets a value of any kind.
   *
   * @param key key to set
   * @param value its new value
   * @return this
   */
  public Metadata set(String key, MetadataValue value) {
    put(key, value);
    return this;
  }

  // Map

  @Override
  public MetadataValue put(String key, MetadataValue value) {
    Text.utf8(key); // rejects what UTF-8 cannot encode
    return values.put(key, Objects.requireNonNull(value, "value"));
  }

  @Override
  public MetadataValue get(Object key) {
    return values.get(key);
  }

  @Override
  public boolean containsKey(Object key) {
    return values.containsKey(key);
  }

  @Override
  public MetadataValue remove(Object key) {
    return values.remove(key);
  }

  @Override
  public int size() {
    return values.size();
  }

  @Override
  public void clear() {
    values.clear();
  }

  @Override
  public Set<Map.Entry<String, MetadataValue>> entrySet() {
    return values.entrySet();
  }

  @Override
  public boolean equals(Object other) {
    return this == other || super.equals(other);
  }

  @Override
  public int hashCode() {
    return super.hashCode();
  }
}
