package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class DictTest {
  private static Dict sample() {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("array", new int[] {1, 2});
    entries.put("text", "a\0b");
    entries.put("list", List.of("x", "é😀"));
    entries.put("dict", Map.of("n", 1.5));
    entries.put("number", -5);
    entries.put("bytes", new byte[] {(byte) 0xff});
    entries.put("wéight😀\0z", "");
    return new Dict(entries);
  }

  @Test
  void itIsAMapInInsertionOrder() {
    Dict dict = sample();
    assertEquals(List.of("array", "text", "list", "dict", "number", "bytes", "wéight😀\0z"), new ArrayList<>(dict.keySet()));
    assertEquals(7, dict.size());
    assertEquals("a\0b", dict.get("text"));
    assertEquals("", dict.get("wéight😀\0z"));
    assertEquals(List.of("x", "é😀"), dict.get("list"));
    assertEquals(-5, assertInstanceOf(Array.class, dict.get("number")).getLong());
    assertEquals(1.5, assertInstanceOf(Dict.class, dict.get("dict")).getDouble("n"));
    assertNull(dict.get("missing"));
    assertNull(dict.get(3));
    assertTrue(dict.containsKey("bytes"));
    assertFalse(dict.containsKey("missing") || dict.containsKey(null));
    assertEquals("a\0b", dict.put("text", "new"));
    assertEquals("new", dict.get("text"));
    assertEquals("text", new ArrayList<>(dict.keySet()).get(1));
    assertNull(dict.put("last", true));
    assertEquals(List.of("x", "é😀"), dict.remove("list"));
    assertNull(dict.remove("list"));
    assertNull(dict.remove(3));
    assertEquals(Set.of("array", "text", "dict", "number", "bytes", "wéight😀\0z", "last"), dict.keySet());
    dict.clear();
    assertTrue(dict.isEmpty());
    assertEquals("{}", dict.toString());
  }

  @Test
  void valuesHaveKindsAndTypes() {
    Dict dict = sample();
    assertEquals(List.of(Kind.ARRAY, Kind.STRING, Kind.STRING_LIST, Kind.DICT, Kind.ARRAY, Kind.STRING, Kind.STRING),
        dict.keySet().stream().map(dict::kind).toList());
    assertEquals(Kind.NONE, dict.kind("missing"));
    assertArrayEquals(new int[] {1, 2}, dict.getArray("array").toIntArray());
    assertEquals("a\0b", dict.getString("text"));
    assertEquals("\ufffd", dict.getString("bytes"));
    assertArrayEquals(new byte[] {(byte) 0xff}, dict.getBytes("bytes"));
    assertEquals(List.of("x", "é😀"), dict.getStrings("list"));
    assertEquals(2, dict.getBytesList("list").size());
    assertEquals(-5, dict.getLong("number"));
    assertEquals(-5.0, dict.getDouble("number"));
    assertEquals(Dtype.INT32, dict.getArray("number").dtype());
    NotFoundException e = assertThrows(NotFoundException.class, () -> dict.getArray("missing"));
    assertEquals(Status.NOT_FOUND, e.status());
    assertEquals(Optional.of("missing"), e.name());
    assertEquals(OptionalLong.empty(), e.offset());
    assertEquals(Status.TYPE, ArrayTest.statusOf(() -> dict.getArray("text")));
    assertEquals(Status.TYPE, ArrayTest.statusOf(() -> dict.getStrings("text")));
    assertEquals(Status.TYPE, ArrayTest.statusOf(() -> dict.getDict("text")));
    assertEquals(Status.TYPE, ArrayTest.statusOf(() -> dict.getString("array")));
    assertEquals(Status.TYPE, ArrayTest.statusOf(() -> dict.getLong("array")));
    assertEquals(Status.TYPE, ArrayTest.statusOf(() -> dict.getDouble("text")));
  }

  @Test
  void numbersAndArraysOfJavaBecomeArrays() {
    Dict dict = new Dict();
    Map<Object, Dtype> values = new LinkedHashMap<>();
    values.put(true, Dtype.BOOL);
    values.put((byte) 1, Dtype.INT8);
    values.put((short) 1, Dtype.INT16);
    values.put(1, Dtype.INT32);
    values.put(1L, Dtype.INT64);
    values.put(1f, Dtype.FLOAT32);
    values.put(1.0, Dtype.FLOAT64);
    values.put(new float[1], Dtype.FLOAT32);
    values.put(new double[1], Dtype.FLOAT64);
    values.put(new long[1], Dtype.INT64);
    values.put(new int[1], Dtype.INT32);
    values.put(new short[1], Dtype.INT16);
    values.put(new boolean[1], Dtype.BOOL);
    values.forEach((value, dtype) -> {
      dict.put("x", value);
      assertEquals(dtype, dict.getArray("x").dtype());
    });
    for (Object wrong : Arrays.asList(null, new Object(), List.of(1), Map.of(1, 2), 'c')) {
      assertThrows(InvalidArgumentException.class, () -> dict.put("x", wrong));
    }
    assertThrows(InvalidArgumentException.class, () -> dict.put("\ud83d", 1));
    assertThrows(InvalidArgumentException.class, () -> dict.put("x", "a\ude00"));
    assertThrows(NullPointerException.class, () -> dict.put(null, 1));
    assertEquals(1, dict.size());
  }

  @Test
  void iteratorsRemoveAndEntriesWrite() {
    Dict dict = new Dict();
    for (int i = 0; i < 10; i++) {
      dict.put("k" + i, (long) i);
    }
    dict.keySet().removeIf(key -> Integer.parseInt(key.substring(1)) % 3 == 0);
    assertEquals(List.of("k1", "k2", "k4", "k5", "k7", "k8"), new ArrayList<>(dict.keySet()));
    dict.entrySet().removeIf(entry -> ((Array) entry.getValue()).getLong() > 5);
    for (Map.Entry<String, Object> entry : dict.entrySet()) {
      entry.setValue(entry.getKey() + "!");
    }
    assertEquals("{k1=k1!, k2=k2!, k4=k4!, k5=k5!}", dict.toString());
    assertTrue(dict.values().remove("k2!"));
    assertTrue(dict.keySet().remove("k1"));
    assertFalse(dict.keySet().remove("k1"));
    assertEquals(Map.of("k4", "k4!", "k5", "k5!"), dict);
    assertEquals(dict, Map.of("k4", "k4!", "k5", "k5!"));
    assertEquals(new TreeMap<>(dict).hashCode(), dict.hashCode());
    Iterator<String> keys = dict.keySet().iterator();
    assertThrows(IllegalStateException.class, keys::remove);
    keys.next();
    keys.next();
    assertThrows(NoSuchElementException.class, keys::next);
    dict.keySet().clear();
    assertEquals(0, dict.size());
  }

  @Test
  void dictsAndArraysInsideAreShared() {
    Dict dict = sample();
    dict.getDict("dict").put("n", 2.5);
    assertEquals(2.5, dict.getDict("dict").getDouble("n"));
    dict.getArray("array").mutableData().putInt(0, 10);
    assertEquals(10, dict.getArray("array").getLong(0));
    Dict copy = dict.copy();
    assertEquals(dict, copy);
    copy.getDict("dict").put("n", 3.5);
    assertEquals(2.5, dict.getDict("dict").getDouble("n"));
    assertThrows(InvalidArgumentException.class, () -> dict.put("self", dict));
    Dict inner = dict.getDict("dict");
    assertThrows(InvalidArgumentException.class, () -> inner.put("outer", dict));
    dict.close();
    assertEquals(2.5, inner.getDouble("n"));
  }

  @Test
  void trees() {
    Dict flat = new Dict();
    flat.put("layers.0.w", new float[] {1, 2});
    flat.put("layers.1.w", new float[] {3});
    Dict tree = flat.unflatten();
    assertArrayEquals(new float[] {1, 2}, tree.getDict("layers").getDict("0").getArray("w").toFloatArray());
    assertEquals(flat, tree.flatten());
    Dict other = flat.copy();
    other.remove("layers.0.w");
    other.put("layers.1.w", new boolean[2]);
    other.put("more", 1);
    Comparison comparison = other.compare(tree);
    assertEquals(new Comparison(List.of("layers.0.w"), List.of("more"), List.of("layers.1.w")), comparison);
    assertFalse(comparison.isEmpty());
    assertTrue(flat.compare(tree).isEmpty());
    flat.put("layers", 1);
    assertEquals(Status.DUPLICATE, ArrayTest.statusOf(flat::unflatten));
    Dict deep = new Dict();
    for (int i = 0; i < 100; i++) {
      deep = new Dict(Map.of("d", deep));
    }
    assertEquals(Status.LIMIT, ArrayTest.statusOf(new Dict(Map.of("d", new Dict(Map.of("x", deep.copy()))))::flatten));
  }
}
