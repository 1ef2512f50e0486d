package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.ConcurrentModificationException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetadataTest {
  private static final byte[] LATIN_1 = {'c', 'a', 'f', (byte) 0xe9};

  /** Every kind of value that a .gguf can hold. */
  private static Metadata sample() {
    return new Metadata()
        .set("general.architecture", "llama")
        .set("empty", "")
        .set("bool", true)
        .set("int8", MetadataValue.of((byte) -8))
        .set("uint8", 200, Dtype.UINT8)
        .set("int16", MetadataValue.of((short) -16))
        .set("uint16", 60_000, Dtype.UINT16)
        .set("int32", -32)
        .set("uint32", 4_000_000_000L, Dtype.UINT32)
        .set("int64", -64L)
        .set("uint64", MetadataValue.of(BigInteger.TWO.pow(64).subtract(BigInteger.ONE), Dtype.UINT64))
        .set("float32", 0.1f)
        .set("float64", 0.1)
        .set("tokens", List.of("<s>", "</s>", "é😀"))
        .set("scores", NdArray.of(new float[] {1, 2.5f}))
        .set("types", MetadataValue.of(new int[] {1, 2, 3}))
        .set("bytes", MetadataValue.ofBytes(LATIN_1))
        .set("nested",
            new Metadata().set("0", MetadataValue.of(new long[] {1})).set("1", MetadataValue.of(new long[] {2})));
  }

  private static Metadata throughGguf(Metadata metadata) throws IOException {
    try (Bytes bytes = Tensorfile.toBytes(Format.GGUF, Map.of(), metadata);
        Loaded loaded = Tensorfile.load(bytes.data())) {
      return loaded.metadata();
    }
  }

  private static byte[] withMetadata(String value) {
    String header = "{\"__metadata__\":{\"k\":\"" + value + "\"},"
        + "\"a\":{\"dtype\":\"I8\",\"shape\":[3],\"data_offsets\":[0,3]}}";
    return ("x\0\0\0\0\0\0\0" + header + " ".repeat(120 - header.length()) + "abc").getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void metadataAreReplacedWithoutTheArrays(@TempDir Path folder) throws IOException {
    Path path = Files.write(folder.resolve("a.safetensors"), withMetadata("v"));
    Tensorfile.saveMetadata(path, new Metadata().set("k", "a longer value"));
    assertArrayEquals(withMetadata("a longer value"), Files.readAllBytes(path));
    Options inPlace = Options.builder().atomic(false).build();
    Tensorfile.saveMetadata(path, new Metadata().set("k", "w"), inPlace);
    assertArrayEquals(withMetadata("w"), Files.readAllBytes(path));
    Metadata tooLong = new Metadata().set("k", "x".repeat(100));
    assertThrows(IOException.class, () -> Tensorfile.saveMetadata(path, tooLong, inPlace));
    assertThrows(NoSuchFileException.class, () -> Tensorfile.saveMetadata(folder.resolve("none.gguf"), tooLong));
    Tensorfile.saveMetadata(path, new Metadata());
    try (ArrayFile file = ArrayFile.open(path)) {
      assertEquals(new Metadata(), file.metadata());
    }
    assertTrue(Format.SAFETENSORS.leavesHeaderSlack() && !Format.GGUF.leavesHeaderSlack());
  }

  @Test
  void numbersAreThoseOfJavaAndKeepTheirWidth() throws IOException {
    Metadata loaded = throughGguf(sample());
    assertEquals(sample(), loaded);
    assertEquals(sample().hashCode(), loaded.hashCode());
    Map<String, Object> numbers = new LinkedHashMap<>();
    loaded.forEach((key, value) -> {
      if (value.kind() == MetadataValue.Kind.NUMBER) {
        numbers.put(value.dtype() + "", value.asNumber());
      }
    });
    Map<String, Object> expected = new LinkedHashMap<>();
    expected.put("int8", (byte) -8);
    expected.put("uint8", (short) 200);
    expected.put("int16", (short) -16);
    expected.put("uint16", 60_000);
    expected.put("int32", -32);
    expected.put("uint32", 4_000_000_000L);
    expected.put("int64", -64L);
    expected.put("uint64", new BigInteger("18446744073709551615"));
    expected.put("float32", 0.1f);
    expected.put("float64", 0.1);
    assertEquals(expected, numbers);
    assertEquals(new ArrayList<>(expected.keySet()), new ArrayList<>(numbers.keySet()));
  }

  @Test
  void gettersAreTyped() throws IOException {
    Metadata metadata = throughGguf(sample());
    assertEquals("llama", metadata.getString("general.architecture"));
    assertTrue(metadata.getBoolean("bool"));
    assertEquals(200, metadata.getInt("uint8"));
    assertEquals(4_000_000_000L, metadata.getLong("uint32"));
    assertEquals(0.1f, metadata.getFloat("float32"));
    assertEquals(0.1, metadata.getDouble("float64"));
    assertEquals((double) 0.1f, metadata.getDouble("float32"));
    assertEquals(200, metadata.getNumber("uint8").intValue());
    assertEquals(List.of("<s>", "</s>", "é😀"), metadata.getStrings("tokens"));
    assertArrayEquals(new float[] {1, 2.5f}, metadata.getArray("scores").toFloatArray());
    assertArrayEquals(new long[] {2}, metadata.getMetadata("nested").getArray("1").toLongArray());
    assertArrayEquals(LATIN_1, metadata.get("bytes").asBytes());
    assertEquals("caf\ufffd", metadata.getString("bytes"));
    assertEquals("llama", metadata.find("general.architecture").map(MetadataValue::asString).orElse("none"));
    assertEquals(Optional.empty(), metadata.find("missing"));
    assertNull(metadata.get("missing"));
    NotFoundException missing = assertThrows(NotFoundException.class, () -> metadata.getLong("missing"));
    assertEquals("the metadata has no key 'missing'", missing.getMessage());
    assertEquals(Optional.of("missing"), missing.name());
  }

  @Test
  void listsOfNumbersAreArraysOfJavaAndKeepTheirWidth() throws IOException {
    Metadata lists = new Metadata()
        .set("bool", new boolean[] {true, false})
        .set("uint8", new long[] {0, 255}, Dtype.UINT8)
        .set("uint32", new long[] {1, 4_000_000_000L}, Dtype.UINT32)
        .set("uint64", new long[] {1}, Dtype.UINT64)
        .set("int32", new int[] {-1, 2})
        .set("int64", new long[] {Long.MIN_VALUE})
        .set("float32", new float[] {0.1f, 2})
        .set("float64", new double[] {0.1})
        .set("none", new int[0]);
    Metadata loaded = throughGguf(lists);
    assertEquals(lists, loaded);
    loaded.forEach((key, value) -> assertEquals(key.equals("none") ? "int32" : key, value.dtype().toString()));
    assertArrayEquals(new boolean[] {true, false}, loaded.getBooleans("bool"));
    assertArrayEquals(new int[] {0, 255}, loaded.getInts("uint8"));
    assertArrayEquals(new long[] {0, 255}, loaded.getLongs("uint8"));
    assertArrayEquals(new long[] {1, 4_000_000_000L}, loaded.getLongs("uint32"));
    assertArrayEquals(new long[] {1}, loaded.getLongs("uint64"));
    assertArrayEquals(new int[] {-1, 2}, loaded.getInts("int32"));
    assertArrayEquals(new long[] {Long.MIN_VALUE}, loaded.getLongs("int64"));
    assertArrayEquals(new float[] {0.1f, 2}, loaded.getFloats("float32"));
    assertArrayEquals(new double[] {0.1f, 2}, loaded.getDoubles("float32"));
    assertArrayEquals(new double[] {0.1}, loaded.getDoubles("float64"));
    assertArrayEquals(new int[0], loaded.getInts("none"));

    BigInteger large = BigInteger.ONE.shiftLeft(63);
    try (NdArray array = NdArray.of(new long[] {Long.MIN_VALUE}); NdArray matrix = NdArray.of(new int[][] {{1}})) {
      loaded.set("large", MetadataValue.ofElements(Dtype.UINT64, array.shape(), array.toRawBytes()));
      loaded.set("matrix", matrix);
    }
    loaded.set("number", 1);
    Map<Runnable, String> wrong = new LinkedHashMap<>();
    wrong.put(() -> loaded.getInts("uint32"),
        "metadata 'uint32': the element 4000000000 does not fit an int: use getLongs");
    wrong.put(() -> loaded.getLongs("large"),
        "metadata 'large': the element " + large + " does not fit a long: use getArray");
    wrong.put(() -> loaded.getInts("float32"),
        "metadata 'float32': expected a list of integers, found an array of float32 with shape [2]");
    wrong.put(() -> loaded.getFloats("float64"),
        "metadata 'float64': expected a list of float32, found an array of float64 with shape [1]");
    wrong.put(() -> loaded.getDoubles("int32"),
        "metadata 'int32': expected a list of floats, found an array of int32 with shape [2]");
    wrong.put(() -> loaded.getBooleans("uint8"),
        "metadata 'uint8': expected a list of booleans, found an array of uint8 with shape [2]");
    wrong.put(() -> loaded.getInts("matrix"),
        "metadata 'matrix': expected a list of integers, found an array of int32 with shape [1, 1]");
    wrong.put(() -> loaded.getInts("number"), "metadata 'number': expected a list of integers, found the int32 1");
    wrong.put(() -> loaded.set("x", new long[] {256}, Dtype.UINT8), "uint8 takes 0 to 255, got 256");
    wrong.put(() -> loaded.set("x", new long[0], Dtype.FLOAT32), "expected an integer dtype, got float32");
    wrong.forEach((call, message) -> assertEquals(message,
        assertThrows(InvalidArgumentException.class, call::run).getMessage()));
  }

  @Test
  void nothingIsConvertedSilently() {
    Metadata metadata = sample();
    Map<Runnable, String> wrong = new LinkedHashMap<>();
    wrong.put(() -> metadata.getLong("float32"), "metadata 'float32': expected an integer, found the float32 0.1");
    wrong.put(() -> metadata.getDouble("int32"), "metadata 'int32': expected a float, found the int32 -32");
    wrong.put(() -> metadata.getFloat("float64"), "metadata 'float64': expected a float32, found the float64 0.1");
    wrong.put(() -> metadata.getLong("bool"), "metadata 'bool': expected an integer, found the boolean true");
    wrong.put(() -> metadata.getBoolean("int8"), "metadata 'int8': expected a boolean, found the int8 -8");
    wrong.put(() -> metadata.getString("tokens"), "metadata 'tokens': expected a string, found a list of 3 strings");
    wrong.put(() -> metadata.getStrings("empty"), "metadata 'empty': expected a list of strings, found the string ''");
    wrong.put(() -> metadata.getNumber("scores"),
        "metadata 'scores': expected a number, found an array of float32 with shape [2]");
    wrong.put(() -> metadata.getArray("nested"), "metadata 'nested': expected an array, found nested metadata");
    wrong.put(() -> metadata.getMetadata("empty"), "metadata 'empty': expected nested metadata, found the string ''");
    wrong.put(() -> metadata.getInt("uint32"),
        "metadata 'uint32': the value 4000000000 does not fit an int: use getLong");
    wrong.put(() -> metadata.getLong("uint64"),
        "metadata 'uint64': the value 18446744073709551615 does not fit a long: use getNumber");
    wrong.forEach((call, message) -> {
      InvalidArgumentException e = assertThrows(InvalidArgumentException.class, call::run, message);
      assertEquals(message, e.getMessage());
      assertEquals(Status.TYPE, e.status());
    });
    assertEquals("uint8 takes 0 to 255, got 256",
        assertThrows(InvalidArgumentException.class, () -> metadata.set("x", 256, Dtype.UINT8)).getMessage());
    assertEquals("int8 takes -128 to 127, got -129",
        assertThrows(InvalidArgumentException.class, () -> metadata.set("x", -129, Dtype.INT8)).getMessage());
    assertThrows(InvalidArgumentException.class, () -> metadata.set("x", 1, Dtype.FLOAT32));
    assertThrows(InvalidArgumentException.class, () -> metadata.set("\ud83d", 1));
    assertThrows(InvalidArgumentException.class, () -> metadata.set("x", "a\ude00"));
    assertThrows(NullPointerException.class, () -> metadata.put("x", null));
    assertThrows(NullPointerException.class, () -> metadata.set(null, 1));
    assertFalse(metadata.containsKey("x"));
  }

  @Test
  void itPrintsWhatIsInIt() {
    assertEquals("{general.architecture=llama, empty=, bool=true, int8=-8, uint8=200, int16=-16, uint16=60000,"
        + " int32=-32, uint32=4000000000, int64=-64, uint64=18446744073709551615, float32=0.1, float64=0.1,"
        + " tokens=[<s>, </s>, é😀], scores=[1.0, 2.5], types=[1, 2, 3], bytes=caf\ufffd, nested={0=[1], 1=[2]}}",
        sample().toString());
    List<String> many = new ArrayList<>();
    for (int i = 0; i < 32_000; i++) {
      many.add("t" + i);
    }
    assertEquals("{tokens=[t0, t1, t2, t3, t4, t5, ... 32000 strings]}", new Metadata().set("tokens", many).toString());
    assertEquals("{a=[0, 0, 0, ..., 0, 0, 0]}", new Metadata().set("a", NdArray.zeros(Dtype.INT8, 100)).toString());
    assertTrue(new Metadata().set("s", "x".repeat(1000)).toString().endsWith("xxx... (1000 characters)}"));
  }

  @Test
  void itIsAMapWhoseIteratorsFailFast() {
    Metadata metadata = sample();
    assertEquals(18, metadata.size());
    assertEquals(MetadataValue.of("llama"), metadata.put("general.architecture", MetadataValue.of("gpt2")));
    assertEquals("general.architecture", metadata.keySet().iterator().next());
    assertEquals(MetadataValue.of(true), metadata.remove("bool"));
    assertNull(metadata.remove("bool"));
    assertTrue(metadata.keySet().removeIf(key -> key.contains("int")));
    assertThrows(ConcurrentModificationException.class, () -> {
      for (String key : metadata.keySet()) {
        metadata.set(key + "!", 1);
      }
    });
    Metadata copy = metadata.copy();
    copy.entrySet().iterator().next().setValue(null);
    assertEquals("the metadata value 'general.architecture' is null",
        assertThrows(NullPointerException.class, () -> throughGguf(copy)).getMessage());
    metadata.clear();
    assertTrue(metadata.isEmpty());
    assertFalse(copy.isEmpty());
    assertNotEquals(metadata, copy);
  }

  @Test
  void valuesAreEqualByDtypeAndContent() {
    assertNotEquals(MetadataValue.of(1), MetadataValue.of(1L));
    assertNotEquals(MetadataValue.of(1), MetadataValue.of(1, Dtype.UINT32));
    assertNotEquals(MetadataValue.of("1"), MetadataValue.of(1));
    assertEquals(MetadataValue.ofBytes("é".getBytes(StandardCharsets.UTF_8)), MetadataValue.of("é"));
    assertEquals(MetadataValue.ofBytes(LATIN_1), MetadataValue.ofBytes(LATIN_1.clone()));
    assertEquals(MetadataValue.of(NdArray.scalar(5)), MetadataValue.of(5));
    assertEquals(MetadataValue.of(new double[] {1}), MetadataValue.of(NdArray.of(new double[] {1})));
    assertNotEquals(MetadataValue.of(List.of("a")), MetadataValue.of(List.of("a", "b")));
    assertNotEquals(MetadataValue.of(List.of("a")), MetadataValue.of(List.of("b")));
  }

  @Test
  void stringsOfOtherFormats() throws IOException {
    Metadata strings = Metadata.of(Map.of("author", "é"));
    try (Bytes bytes = Tensorfile.toBytes(Format.SAFETENSORS, Map.of(), strings)) {
      assertEquals(strings, Tensorfile.load(bytes.data()).metadata());
    }
    Metadata lists = new Metadata().set("text", "x").set("list", List.of("a", "bc"));
    try (Bytes bytes = Tensorfile.toBytes(Format.NPZ, Map.of("a", NdArray.scalar(1)), lists)) {
      assertEquals(lists, Tensorfile.load(bytes.data()).metadata());
    }
    TensorfileException e = assertThrows(TensorfileException.class,
        () -> Tensorfile.toBytes(Format.SAFETENSORS, Map.of(), new Metadata().set("n", 1)));
    assertEquals(Status.TYPE, e.status());
  }
}
