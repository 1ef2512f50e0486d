package org.tensorfile;

import java.lang.ref.Cleaner;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayList;
import java.util.ConcurrentModificationException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;
import java.util.function.LongUnaryOperator;

/**
 * A {@link Map} from names to values, in the order of insertion or of the file. A value is an {@link Array}, a {@link
 * String}, a {@link List} of strings, or a {@link Dict}.
 *
 * <p>{@link #put} also accepts numbers, booleans and primitive arrays, which it converts to arrays, byte[] for a string
 * that is not UTF-8, and maps, which it converts to dicts. A dict has its own references to its values: closing it does
 * not close them, and closing a value does not remove it. A nested dict is not copied, so that changes are visible in
 * both.
 *
 * <p>Several threads may use dicts at the same time. If a dict changes during an iteration, the iterator may skip
 * entries or throw a {@link ConcurrentModificationException}. A save uses the dict as it is at the start.
 */
public final class Dict extends AbstractMap<String, Object> implements AutoCloseable {
  /**
   * The library does not allow other calls on a dict that is being changed, and dicts may contain each other. Calls
   * under the lock are short, and none of them runs callbacks.
   */
  private static final ReentrantReadWriteLock LOCK = new ReentrantReadWriteLock();

  private final Handle handle;
  private final Cleaner.Cleanable cleanable;
  private final boolean readOnly;

  /** Creates an empty dict. */
  public Dict() {
    this(TensorfileNative.tf_dict_new(), false, 0);
  }

  /**
   * Creates a dict with the entries of a map.
   *
   * @param entries keys, and values that {@link #put} accepts. Values of the types Array and Dict are not copied: the
   *     new dict refers to the same ones. A dict in the metadata of a file is copied, as is any other kind of map.
   */
  public Dict(Map<String, ?> entries) {
    this();
    putAll(entries);
  }

  private Dict(long address, boolean readOnly, long nbytes) {
    handle = Handle.ofDict(address, nbytes);
    cleanable = handle.ownedBy(this);
    this.readOnly = readOnly;
  }

  /** Takes ownership of a reference to a new dict. */
  static Dict adopt(long address) {
    return new Dict(address, false, TensorfileNative.tf_java_dict_nbytes(address));
  }

  /** Takes ownership of a reference to a dict that must not be changed. */
  static Dict adoptReadOnly(long address) {
    return new Dict(address, true, 0);
  }

  // Map

  @Override
  public int size() {
    return (int) Math.min(read(TensorfileNative::tf_dict_size), Integer.MAX_VALUE);
  }

  @Override
  public boolean containsKey(Object key) {
    return key instanceof String name && find(Text.utf8(name)) >= 0;
  }

  /** {@return the value of a key: an Array, String, List of strings or Dict; null if there is none} */
  @Override
  public Object get(Object key) {
    return key instanceof String name ? valueOf(Text.utf8(name)) : null;
  }

  /**
   * Stores a value under a key. A new value replaces the old one at the same position; a new key is appended.
   *
   * @param value an Array, String, List of strings, Dict, Map, Boolean, number, primitive array, or byte[] for a string
   * @return the old value, or null
   * @throws UnsupportedOperationException if the dict is the metadata of a file
   */
  @Override
  public Object put(String key, Object value) {
    Object before = get(key);
    set(key, value);
    return before;
  }

  @Override
  public void putAll(Map<? extends String, ?> entries) {
    entries.forEach(this::set);
  }

  @Override
  public Object remove(Object key) {
    if (!(key instanceof String name)) {
      return null;
    }
    byte[] bytes = Text.utf8(name);
    requireWritable();
    Object before = valueOf(bytes);
    change(address -> TensorfileNative.tf_dict_find(address, bytes) < 0 ? 0
        : TensorfileNative.tf_dict_remove(address, bytes));
    return before;
  }

  @Override
  public void clear() {
    requireWritable();
    change(address -> {
      for (long i = TensorfileNative.tf_dict_size(address) - 1; i >= 0; i--) {
        TensorfileNative.tf_dict_remove(address, TensorfileNative.tf_dict_key_at(address, i));
      }
      return 0;
    });
  }

  @Override
  public Set<Map.Entry<String, Object>> entrySet() {
    return new Entries<>() {
      @Override
      Map.Entry<String, Object> at(long address, byte[] key) {
        return new SimpleEntry<>(Text.string(key), valueIn(address, key)) {
          private static final long serialVersionUID = 1L;

          @Override
          public Object setValue(Object value) {
            Dict.this.set(getKey(), value);
            return super.setValue(value);
          }
        };
      }
    };
  }

  @Override
  public Set<String> keySet() {
    return new Entries<>() {
      @Override
      String at(long address, byte[] key) {
        return Text.string(key);
      }

      @Override
      public boolean contains(Object key) {
        return containsKey(key);
      }

      @Override
      public boolean remove(Object key) {
        boolean there = containsKey(key);
        Dict.this.remove(key);
        return there;
      }
    };
  }

  /** A view of the entries, or of their keys or values. */
  private abstract class Entries<T> extends AbstractSet<T> {
    abstract T at(long address, byte[] key);

    @Override
    public int size() {
      return Dict.this.size();
    }

    @Override
    public void clear() {
      Dict.this.clear();
    }

    @Override
    public Iterator<T> iterator() {
      return new Iterator<>() {
        private long next;
        private byte[] last;

        @Override
        public boolean hasNext() {
          return next < Dict.this.size();
        }

        @Override
        public T next() {
          return readObject(address -> {
            if (next >= TensorfileNative.tf_dict_size(address)) {
              throw new NoSuchElementException();
            }
            last = TensorfileNative.tf_dict_key_at(address, next);
            next++;
            return at(address, last);
          });
        }

        @Override
        public void remove() {
          if (last == null) {
            throw new IllegalStateException("next() has not returned an entry to remove");
          }
          requireWritable();
          change(address -> {
            if (TensorfileNative.tf_dict_find(address, last) != next - 1) {
              throw new ConcurrentModificationException("the dict was changed");
            }
            return TensorfileNative.tf_dict_remove(address, last);
          });
          next--;
          last = null;
        }
      };
    }
  }

  // Typed access

  /**
   * {@return the kind of a key's value, or NONE if there is no such key}
   *
   * @param key key to look up
   */
  public Kind kind(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> kindIn(address, bytes));
  }

  /**
   * {@return the array of a key}
   *
   * @param key key to look up
   * @throws NotFoundException if there is no such key
   * @throws InvalidArgumentException if its value has another kind
   */
  public Array getArray(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> new Array(TensorfileNative.tf_dict_get_array(address, bytes)));
  }

  /**
   * {@return the string of a key, with replacement characters for bytes that are not UTF-8}
   *
   * @param key key to look up
   * @throws NotFoundException if there is no such key
   * @throws InvalidArgumentException if its value has another kind
   */
  public String getString(String key) {
    return Text.string(getBytes(key));
  }

  /**
   * {@return the bytes of the string of a key}
   *
   * @param key key to look up
   * @throws NotFoundException if there is no such key
   * @throws InvalidArgumentException if its value has another kind
   */
  public byte[] getBytes(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> TensorfileNative.tf_dict_get_string(address, bytes));
  }

  /**
   * {@return the list of strings of a key, with replacement characters for bytes that are not UTF-8}
   *
   * @param key key to look up
   * @throws NotFoundException if there is no such key
   * @throws InvalidArgumentException if its value has another kind
   */
  public List<String> getStrings(String key) {
    return getBytesList(key).stream().map(Text::string).toList();
  }

  /**
   * {@return the bytes of the strings in the list of a key}
   *
   * @param key key to look up
   * @throws NotFoundException if there is no such key
   * @throws InvalidArgumentException if its value has another kind
   */
  public List<byte[]> getBytesList(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> stringsIn(address, bytes));
  }

  /**
   * {@return the dict of a key, which is not a copy}
   *
   * @param key key to look up
   * @throws NotFoundException if there is no such key
   * @throws InvalidArgumentException if its value has another kind
   */
  public Dict getDict(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> new Dict(TensorfileNative.tf_dict_get_dict(address, bytes), readOnly, 0));
  }

  /**
   * {@return the value of a 0-d array of bool or an integer dtype}
   *
   * @param key key to look up
   * @throws NotFoundException if there is no such key
   * @throws InvalidArgumentException if its value has another kind
   */
  public long getLong(String key) {
    byte[] bytes = Text.utf8(key);
    return read(address -> TensorfileNative.tf_dict_get_int64(address, bytes));
  }

  /**
   * {@return the value of a 0-d array of a real dtype}
   *
   * @param key key to look up
   * @throws NotFoundException if there is no such key
   * @throws InvalidArgumentException if its value has another kind
   */
  public double getDouble(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> TensorfileNative.tf_dict_get_double(address, bytes));
  }

  /** {@return true if the dict cannot be changed, like the metadata of an {@link ArrayFile}} */
  public boolean isReadOnly() {
    return readOnly;
  }

  // Trees

  /** {@return a flat dict of the same values, with the names of nested dicts joined by '.'} */
  public Dict flatten() {
    return readObject(address -> new Dict(TensorfileNative.tf_dict_flatten(address), false, 0));
  }

  /** {@return the tree of a flat dict, whose names are split at '.'} */
  public Dict unflatten() {
    return readObject(address -> new Dict(TensorfileNative.tf_dict_unflatten(address), false, 0));
  }

  /**
   * {@return the differences between the names and shapes of the arrays in this tree or flat dict and those expected}
   *
   * @param expected a tree or flat dict
   */
  public Comparison compare(Map<String, ?> expected) {
    try (Dict expectedDict = snapshot(expected);
        Dict report = readObject(actual -> expectedDict.handle.call(
            other -> new Dict(TensorfileNative.tf_dict_compare(other, actual), false, 0)))) {
      return new Comparison(report.getStrings("missing"), report.getStrings("unexpected"), report.getStrings("shape"));
    }
  }

  /** {@return a dict of the same arrays and strings, with copies of the nested dicts} */
  public Dict copy() {
    return readObject(address -> new Dict(copyOf(address), false, 0));
  }

  /** Releases this reference. Arrays that were obtained from the dict remain valid. */
  @Override
  public void close() {
    cleanable.clean();
  }

  // For other classes

  /** Copies the entries of a map to a new dict, which the caller owns. */
  static Dict snapshot(Map<String, ?> map) {
    return map instanceof Dict dict ? dict.copy() : new Dict(map);
  }

  /** Runs a call with the address of a snapshot, or with 0 for null. The lock is not held. */
  static <T> T callWithSnapshot(Map<String, ?> map, LongFunction<T> body) {
    if (map == null) {
      return body.apply(0);
    }
    try (Dict dict = snapshot(map)) {
      return dict.handle.call(body);
    }
  }

  // Implementation

  private void requireWritable() {
    handle.requireOpen();
    if (readOnly) {
      throw new UnsupportedOperationException("the metadata of a file cannot be changed: change a copy()");
    }
  }

  private <T> T readObject(LongFunction<T> body) {
    Lock lock = LOCK.readLock();
    lock.lock();
    try {
      return handle.call(body);
    } finally {
      lock.unlock();
    }
  }

  private long read(LongUnaryOperator body) {
    Lock lock = LOCK.readLock();
    lock.lock();
    try {
      return handle.callLong(body);
    } finally {
      lock.unlock();
    }
  }

  private void change(LongUnaryOperator body) {
    Lock lock = LOCK.writeLock();
    lock.lock();
    try {
      handle.callLong(body);
    } finally {
      lock.unlock();
    }
  }

  private long find(byte[] key) {
    return read(address -> TensorfileNative.tf_dict_find(address, key));
  }

  private Object valueOf(byte[] key) {
    return readObject(address -> valueIn(address, key));
  }

  private static Kind kindIn(long address, byte[] key) {
    long index = TensorfileNative.tf_dict_find(address, key);
    return index < 0 ? Kind.NONE : Kind.of(TensorfileNative.tf_dict_kind_at(address, index));
  }

  private Object valueIn(long address, byte[] key) {
    switch (kindIn(address, key)) {
      case ARRAY:
        return new Array(TensorfileNative.tf_dict_get_array(address, key));
      case STRING:
        return Text.string(TensorfileNative.tf_dict_get_string(address, key));
      case STRING_LIST:
        return stringsIn(address, key).stream().map(Text::string).toList();
      case DICT:
        return new Dict(TensorfileNative.tf_dict_get_dict(address, key), readOnly, 0);
      default:
        return null;
    }
  }

  private static List<byte[]> stringsIn(long address, byte[] key) {
    long count = TensorfileNative.tf_dict_string_list_size(address, key);
    List<byte[]> strings = new ArrayList<>(Math.toIntExact(count));
    for (long i = 0; i < count; i++) {
      strings.add(TensorfileNative.tf_dict_string_list_at(address, key, i));
    }
    return strings;
  }

  private void set(String key, Object value) {
    byte[] bytes = Text.utf8(key);
    requireWritable();
    if (value instanceof Array array) {
      array.call(given -> {
        change(address -> TensorfileNative.tf_dict_set_array(address, bytes, given));
        return null;
      });
    } else if (value instanceof String text) {
      setString(bytes, Text.utf8(text));
    } else if (value instanceof byte[] text) {
      setString(bytes, text);
    } else if (value instanceof Dict dict && !dict.readOnly) {
      setDict(bytes, dict);
    } else if (value instanceof Map<?, ?> map) {
      try (Dict dict = ofUnchecked(map)) {
        setDict(bytes, dict);
      }
    } else if (value instanceof Iterable<?> list) {
      setStrings(bytes, list);
    } else if (value instanceof Long number) {
      change(address -> TensorfileNative.tf_dict_set_int64(address, bytes, number));
    } else if (value instanceof Double number) {
      change(address -> TensorfileNative.tf_dict_set_double(address, bytes, number));
    } else {
      try (Array array = arrayOf(value)) {
        set(key, array);
      }
    }
  }

  private void setString(byte[] key, byte[] text) {
    change(address -> TensorfileNative.tf_dict_set_string(address, key, text));
  }

  private void setDict(byte[] key, Dict dict) {
    change(address -> dict.handle.callLong(given -> TensorfileNative.tf_dict_set_dict(address, key, given)));
  }

  private void setStrings(byte[] key, Iterable<?> list) {
    List<byte[]> strings = new ArrayList<>();
    for (Object each : list) {
      if (each instanceof byte[] text) {
        strings.add(text);
      } else if (each instanceof String text) {
        strings.add(Text.utf8(text));
      } else {
        throw new InvalidArgumentException("a list of strings cannot contain " + describe(each));
      }
    }
    change(address -> {
      TensorfileNative.tf_dict_set_string_list(address, key);
      for (byte[] text : strings) {
        TensorfileNative.tf_dict_string_list_append(address, key, text);
      }
      return 0;
    });
  }

  private static Array arrayOf(Object value) {
    if (value instanceof float[] values) {
      return Array.of(values);
    } else if (value instanceof double[] values) {
      return Array.of(values);
    } else if (value instanceof long[] values) {
      return Array.of(values);
    } else if (value instanceof int[] values) {
      return Array.of(values);
    } else if (value instanceof short[] values) {
      return Array.of(values);
    } else if (value instanceof boolean[] values) {
      return Array.of(values);
    } else if (value instanceof Number || value instanceof Boolean) {
      return Array.scalar(value);
    }
    throw new InvalidArgumentException("a dict cannot hold " + describe(value));
  }

  private static String describe(Object value) {
    return value == null ? "null" : "a " + value.getClass().getName();
  }

  private static Dict ofUnchecked(Map<?, ?> map) {
    if (map instanceof Dict dict) {
      return dict.copy();
    }
    Dict dict = new Dict();
    map.forEach((key, value) -> {
      if (!(key instanceof String)) {
        throw new InvalidArgumentException("a key must be a string, found " + describe(key));
      }
      dict.set((String) key, value);
    });
    return dict;
  }

  /** Creates a dict with the entries of another one, and copies of the nested dicts. */
  private static long copyOf(long from) {
    long to = TensorfileNative.tf_dict_new();
    try {
      long size = TensorfileNative.tf_dict_size(from);
      for (long i = 0; i < size; i++) {
        Kind kind = Kind.of(TensorfileNative.tf_dict_kind_at(from, i));
        copyEntry(to, from, TensorfileNative.tf_dict_key_at(from, i), kind);
      }
      return to;
    } catch (Throwable t) {
      TensorfileNative.tf_dict_release(to);
      throw t;
    }
  }

  private static void copyEntry(long to, long from, byte[] key, Kind kind) {
    switch (kind) {
      case ARRAY -> {
        long array = TensorfileNative.tf_dict_get_array(from, key);
        try {
          TensorfileNative.tf_dict_set_array(to, key, array);
        } finally {
          TensorfileNative.tf_array_release(array);
        }
      }
      case STRING -> TensorfileNative.tf_dict_set_string(to, key, TensorfileNative.tf_dict_get_string(from, key));
      case STRING_LIST -> {
        TensorfileNative.tf_dict_set_string_list(to, key);
        for (byte[] text : stringsIn(from, key)) {
          TensorfileNative.tf_dict_string_list_append(to, key, text);
        }
      }
      case DICT -> {
        long inner = TensorfileNative.tf_dict_get_dict(from, key);
        long copy = 0;
        try {
          copy = copyOf(inner);
          TensorfileNative.tf_dict_set_dict(to, key, copy);
        } finally {
          TensorfileNative.tf_dict_release(inner);
          TensorfileNative.tf_dict_release(copy);
        }
      }
      default -> throw new InvalidArgumentException("the value has a kind that this version does not know");
    }
  }

  @Override
  public boolean equals(Object other) {
    return this == other || super.equals(other);
  }

  @Override
  public int hashCode() {
    return super.hashCode();
  }

  @Override
  public String toString() {
    return handle.isClosed() ? "Dict(closed)" : super.toString();
  }
}
