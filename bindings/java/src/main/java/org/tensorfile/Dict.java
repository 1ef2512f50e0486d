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
 * Values by name, in insertion or file order: a {@link Map} whose values are {@link Array}, {@link String}, {@link
 * List} of strings, or {@link Dict}.
 *
 * <p>{@link #put} also takes numbers, booleans and primitive arrays, of which it makes arrays, byte[] for a string
 * that is not UTF-8, and maps, of which it makes dicts. A dict has references of its own to its arrays and dicts:
 * closing it, or what was put or got, does not close the other. A dict got from a dict is that very one, so that
 * changes show in both.
 *
 * <p>Threads may use dicts at once; iterators of one that is changed meanwhile may miss entries or throw a
 * {@link ConcurrentModificationException}. A save uses the dict as it was when it began.
 */
public final class Dict extends AbstractMap<String, Object> implements AutoCloseable {
  /**
   * The library wants nobody else to use a dict that is changed, and dicts may hold one another. Calls under the lock
   * are short, and none of them calls back.
   */
  private static final ReentrantReadWriteLock LOCK = new ReentrantReadWriteLock();

  private final Handle handle;
  private final Cleaner.Cleanable cleanable;
  private final boolean readOnly;

  /** Makes an empty dict. */
  public Dict() {
    this(TensorfileNative.tf_dict_new(), false, 0);
  }

  /**
   * Makes a dict with the entries of a map.
   *
   * @param entries values that {@link #put} takes; those of a dict are shared, but for the dicts in it
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

  /** Takes over a reference to a new dict. */
  static Dict adopt(long address) {
    return new Dict(address, false, TensorfileNative.tf_java_dict_nbytes(address));
  }

  /** Takes over a reference to a dict that nobody may change. */
  static Dict adoptReadOnly(long address) {
    return new Dict(address, true, 0);
  }

  // As a map

  @Override
  public int size() {
    return (int) Math.min(read(TensorfileNative::tf_dict_size), Integer.MAX_VALUE);
  }

  @Override
  public boolean containsKey(Object key) {
    return key instanceof String name && find(Text.utf8(name)) >= 0;
  }

  /** {@return the value of a key: an Array, a String, a List of strings, a Dict; null when there is none} */
  @Override
  public Object get(Object key) {
    return key instanceof String name ? valueOf(Text.utf8(name)) : null;
  }

  /**
   * Puts a value under a key, in the place of the one that is there, else at the end.
   *
   * @param value an Array, String, List of strings, Dict, Map, Boolean, number, primitive array, or byte[] for a string
   * @return the value that was there, or null
   * @throws UnsupportedOperationException when the dict is a file's metadata
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

  /** A view of the entries, or of a part of each. */
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
            throw new IllegalStateException("next() gave nothing to remove");
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

  // With the types that values have

  /**
   * {@return the kind of a key's value, NONE when there is none}
   *
   * @param key its name
   */
  public Kind kind(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> kindIn(address, bytes));
  }

  /**
   * {@return the array of a key}
   *
   * @param key its name
   * @throws NotFoundException when there is no such key
   * @throws InvalidArgumentException when its value is something else
   */
  public Array getArray(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> new Array(TensorfileNative.tf_dict_get(address, bytes)));
  }

  /**
   * {@return the string of a key; what is not UTF-8 in it is replaced}
   *
   * @param key its name
   * @throws NotFoundException when there is no such key
   * @throws InvalidArgumentException when its value is something else
   */
  public String getString(String key) {
    return Text.string(getBytes(key));
  }

  /**
   * {@return the bytes of the string of a key}
   *
   * @param key its name
   * @throws NotFoundException when there is no such key
   * @throws InvalidArgumentException when its value is something else
   */
  public byte[] getBytes(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> TensorfileNative.tf_dict_get_string(address, bytes));
  }

  /**
   * {@return the strings of the list of a key; what is not UTF-8 in them is replaced}
   *
   * @param key its name
   * @throws NotFoundException when there is no such key
   * @throws InvalidArgumentException when its value is something else
   */
  public List<String> getStrings(String key) {
    return getBytesList(key).stream().map(Text::string).toList();
  }

  /**
   * {@return the bytes of the strings of the list of a key}
   *
   * @param key its name
   * @throws NotFoundException when there is no such key
   * @throws InvalidArgumentException when its value is something else
   */
  public List<byte[]> getBytesList(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> stringsIn(address, bytes));
  }

  /**
   * {@return the dict of a key, itself and not a copy}
   *
   * @param key its name
   * @throws NotFoundException when there is no such key
   * @throws InvalidArgumentException when its value is something else
   */
  public Dict getDict(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> new Dict(TensorfileNative.tf_dict_get_dict(address, bytes), readOnly, 0));
  }

  /**
   * {@return the number of a key, whose value is an array without dimensions of bool or an integer dtype}
   *
   * @param key its name
   * @throws NotFoundException when there is no such key
   * @throws InvalidArgumentException when its value is something else
   */
  public long getLong(String key) {
    byte[] bytes = Text.utf8(key);
    return read(address -> TensorfileNative.tf_dict_get_int64(address, bytes));
  }

  /**
   * {@return the number of a key, whose value is an array without dimensions of any real dtype}
   *
   * @param key its name
   * @throws NotFoundException when there is no such key
   * @throws InvalidArgumentException when its value is something else
   */
  public double getDouble(String key) {
    byte[] bytes = Text.utf8(key);
    return readObject(address -> TensorfileNative.tf_dict_get_double(address, bytes));
  }

  /** {@return whether it cannot be changed, as the metadata of an {@link ArrayFile}} */
  public boolean isReadOnly() {
    return readOnly;
  }

  // Trees

  /** {@return a flat dict of the same values, the names of dicts inside joined with '.'} */
  public Dict flatten() {
    return readObject(address -> new Dict(TensorfileNative.tf_dict_flatten(address), false, 0));
  }

  /** {@return the tree of a flat dict, whose names are split at '.'} */
  public Dict unflatten() {
    return readObject(address -> new Dict(TensorfileNative.tf_dict_unflatten(address), false, 0));
  }

  /**
   * {@return how the names and shapes of the arrays in this tree or flat dict differ from what is expected}
   *
   * @param expected a tree or flat dict
   */
  public Comparison compare(Map<String, ?> expected) {
    try (Dict wanted = snapshot(expected);
        Dict report = readObject(actual -> wanted.handle.call(
            other -> new Dict(TensorfileNative.tf_dict_compare(other, actual), false, 0)))) {
      return new Comparison(report.getStrings("missing"), report.getStrings("unexpected"), report.getStrings("shape"));
    }
  }

  /** {@return a dict of the same arrays and strings, and copies of the dicts inside} */
  public Dict copy() {
    return readObject(address -> new Dict(copyOf(address), false, 0));
  }

  /** Gives this reference up. Arrays that were got stay usable. */
  @Override
  public void close() {
    cleanable.clean();
  }

  // For other classes

  /** The entries of a map as they are now, in a dict of the caller's own. */
  static Dict snapshot(Map<String, ?> map) {
    return map instanceof Dict dict ? dict.copy() : new Dict(map);
  }

  /** Calls with the address of a snapshot, or 0 for null; not under the lock. */
  static <T> T callWithSnapshot(Map<String, ?> map, LongFunction<T> body) {
    if (map == null) {
      return body.apply(0);
    }
    try (Dict dict = snapshot(map)) {
      return dict.handle.call(body);
    }
  }

  // How it is done

  private void requireWritable() {
    handle.requireOpen();
    if (readOnly) {
      throw new UnsupportedOperationException("the dict is a file's metadata, to be read only: change a copy()");
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
        return new Array(TensorfileNative.tf_dict_get(address, key));
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
        change(address -> TensorfileNative.tf_dict_set(address, bytes, given));
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
        throw new InvalidArgumentException("a list holds " + describe(each) + ", not strings alone");
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
        throw new InvalidArgumentException("a key is " + describe(key) + ", not a string");
      }
      dict.set((String) key, value);
    });
    return dict;
  }

  /** A new dict with the entries of another, and copies of the dicts in it. */
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
        long array = TensorfileNative.tf_dict_get(from, key);
        try {
          TensorfileNative.tf_dict_set(to, key, array);
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
      default -> throw new InvalidArgumentException("a value is of a kind that is not known here");
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
