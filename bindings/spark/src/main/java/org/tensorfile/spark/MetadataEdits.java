package org.tensorfile.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorfile.Dtype;
import org.tensorfile.Metadata;
import org.tensorfile.MetadataValue;

/** Settings of metadata as {@code tensorfile convert --set KEY=[TYPE:]VALUE} has them. */
final class MetadataEdits {
  private static final Map<String, Dtype> TYPES = Map.ofEntries(Map.entry("i8", Dtype.INT8),
      Map.entry("i16", Dtype.INT16), Map.entry("i32", Dtype.INT32), Map.entry("i64", Dtype.INT64),
      Map.entry("u8", Dtype.UINT8), Map.entry("u16", Dtype.UINT16), Map.entry("u32", Dtype.UINT32),
      Map.entry("u64", Dtype.UINT64), Map.entry("f32", Dtype.FLOAT32), Map.entry("f64", Dtype.FLOAT64),
      Map.entry("bool", Dtype.BOOL));

  private MetadataEdits() {}

  /** {@return the key of a setting} */
  static String key(String setting) {
    int equals = setting.indexOf('=');
    if (equals <= 0) {
      throw new IllegalArgumentException("--set " + setting + ": expected KEY=VALUE");
    }
    return setting.substring(0, equals);
  }

  /**
   * Sets a value.
   *
   * @param metadata receives it
   * @param original metadata whose types the keys keep, unless metadata has them
   * @param setting KEY=VALUE or KEY=TYPE:VALUE
   */
  static void set(Metadata metadata, Metadata original, String setting) {
    String key = key(setting);
    String value = setting.substring(key.length() + 1);
    int colon = value.indexOf(':');
    String type = colon < 0 ? "" : value.substring(0, colon);
    String rest = value.substring(colon + 1);
    if (type.equals("str")) {
      metadata.set(key, rest);
    } else if (type.equals("list")) {
      metadata.set(key, list(setting, rest));
    } else if (TYPES.containsKey(type)) {
      metadata.set(key, rest.startsWith("[") ? list(setting, TYPES.get(type), parse(setting, rest))
          : scalar(setting, TYPES.get(type), rest));
    } else {
      Optional<MetadataValue> like = metadata.find(key).or(() -> original.find(key));
      metadata.set(key, like.isPresent() ? like(setting, like.get(), value) : MetadataValue.of(value));
    }
  }

  private static MetadataValue like(String setting, MetadataValue like, String value) {
    return switch (like.kind()) {
      case STRING -> MetadataValue.of(value);
      case STRINGS -> strings(setting, parse(setting, value));
      case BOOLEAN, NUMBER -> scalar(setting, like.dtype(), value);
      case ARRAY -> list(setting, like.dtype(), parse(setting, value));
      case METADATA -> throw refuse(setting, "the value of this key is a list of lists, which cannot be set");
    };
  }

  private static MetadataValue scalar(String setting, Dtype dtype, String text) {
    try {
      if (dtype == Dtype.BOOL) {
        if (!text.equals("true") && !text.equals("false")) {
          throw refuse(setting, "'" + text + "' is neither true nor false");
        }
        return MetadataValue.of(text.equals("true"));
      }
      return dtype == Dtype.FLOAT32 ? MetadataValue.of(Float.parseFloat(text))
          : dtype == Dtype.FLOAT64 ? MetadataValue.of(Double.parseDouble(text))
              : MetadataValue.of(new BigInteger(text), dtype);
    } catch (NumberFormatException | org.tensorfile.InvalidArgumentException e) {
      throw refuse(setting, "'" + text + "' is not a valid " + dtype);
    }
  }

  private static JsonNode parse(String setting, String text) {
    try {
      JsonNode items = new ObjectMapper().readTree(text);
      if (items.isArray()) {
        return items;
      }
    } catch (JsonProcessingException e) {
      // Reported below.
    }
    throw refuse(setting, "'" + text + "' is not a list of JSON, such as [\"a\", \"b\"] or [1, 2]");
  }

  private static MetadataValue strings(String setting, JsonNode items) {
    List<String> strings = new ArrayList<>();
    for (JsonNode item : items) {
      if (!item.isTextual()) {
        throw refuse(setting, item + " is not a string");
      }
      strings.add(item.textValue());
    }
    return MetadataValue.of(strings);
  }

  /** Makes a list whose type its items have, as gguf-py does: int32 and float32, unless an integer needs more bits. */
  private static MetadataValue list(String setting, String text) {
    JsonNode items = parse(setting, text);
    boolean strings = true;
    boolean booleans = true;
    boolean integers = true;
    boolean numbers = true;
    int bits = 0;
    for (JsonNode item : items) {
      strings &= item.isTextual();
      booleans &= item.isBoolean();
      integers &= item.isIntegralNumber();
      numbers &= item.isNumber();
      bits = Math.max(bits, item.isIntegralNumber() ? item.bigIntegerValue().bitLength() : 0);
    }
    if (strings) {
      return strings(setting, items);
    }
    if (!booleans && !numbers) {
      throw refuse(setting, "the items are not all strings, all numbers, or all true and false");
    }
    Dtype whole = bits < Integer.SIZE ? Dtype.INT32 : bits < Long.SIZE ? Dtype.INT64 : Dtype.UINT64;
    return list(setting, booleans ? Dtype.BOOL : integers ? whole : Dtype.FLOAT32, items);
  }

  private static MetadataValue list(String setting, Dtype dtype, JsonNode items) {
    int size = items.size();
    long[] longs = new long[size];
    float[] floats = new float[size];
    double[] doubles = new double[size];
    boolean[] booleans = new boolean[size];
    for (int i = 0; i < size; i++) {
      MetadataValue item = scalar(setting, dtype, items.get(i).toString());
      if (dtype == Dtype.BOOL) {
        booleans[i] = item.asBoolean();
      } else {
        longs[i] = item.asNumber().longValue();
        floats[i] = item.asNumber().floatValue();
        doubles[i] = item.asNumber().doubleValue();
      }
    }
    return dtype == Dtype.BOOL ? MetadataValue.of(booleans) : dtype == Dtype.FLOAT32 ? MetadataValue.of(floats)
        : dtype == Dtype.FLOAT64 ? MetadataValue.of(doubles) : MetadataValue.of(longs, dtype);
  }

  private static IllegalArgumentException refuse(String setting, String why) {
    return new IllegalArgumentException("--set " + setting + ": " + why);
  }
}
