package org.tensorfile.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.Map;
import org.apache.spark.sql.catalyst.util.ArrayBasedMapData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.catalyst.util.MapData;
import org.apache.spark.unsafe.types.UTF8String;
import org.tensorfile.Dtype;
import org.tensorfile.Metadata;
import org.tensorfile.MetadataValue;
import org.tensorfile.NdArray;

/** Metadata as text: strings as they are, other values as JSON. */
final class MetadataText {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private MetadataText() {}

  /** {@return metadata as a map of strings} */
  static MapData of(Metadata metadata) {
    Object[] keys = new Object[metadata.size()];
    Object[] values = new Object[metadata.size()];
    int i = 0;
    for (Map.Entry<String, MetadataValue> entry : metadata.entrySet()) {
      keys[i] = UTF8String.fromString(entry.getKey());
      values[i++] = text(entry.getValue());
    }
    return new ArrayBasedMapData(new GenericArrayData(keys), new GenericArrayData(values));
  }

  private static UTF8String text(MetadataValue value) {
    return value.kind() == MetadataValue.Kind.STRING ? UTF8String.fromBytes(value.asBytes())
        : UTF8String.fromString(json(value).toString());
  }

  private static JsonNode json(MetadataValue value) {
    return switch (value.kind()) {
      case BOOLEAN -> JSON.booleanNode(value.asBoolean());
      case NUMBER -> number(value.asNumber());
      case STRING -> JSON.textNode(value.asString());
      case STRINGS -> {
        ArrayNode list = JSON.arrayNode();
        value.asStrings().forEach(list::add);
        yield list;
      }
      case ARRAY -> array(value);
      case METADATA -> {
        ArrayNode list = JSON.arrayNode();
        value.asMetadata().values().forEach(item -> list.add(json(item)));
        yield list;
      }
    };
  }

  private static JsonNode array(MetadataValue value) {
    ArrayNode list = JSON.arrayNode();
    if (value.dtype() == Dtype.BOOL) {
      for (boolean item : value.asBooleans()) {
        list.add(item);
      }
    } else if (value.dtype() == Dtype.FLOAT32) {
      for (float item : value.asFloats()) {
        list.add(number(item));
      }
    } else if (value.dtype() == Dtype.FLOAT64) {
      for (double item : value.asDoubles()) {
        list.add(number(item));
      }
    } else if (value.dtype() == Dtype.UINT64) {
      try (NdArray items = value.asArray()) {
        LongBuffer bits = ByteBuffer.wrap(items.toRawBytes()).order(ByteOrder.nativeOrder()).asLongBuffer();
        while (bits.hasRemaining()) {
          list.add(new BigInteger(Long.toUnsignedString(bits.get())));
        }
      }
    } else {
      for (long item : value.asLongs()) {
        list.add(item);
      }
    }
    return list;
  }

  private static JsonNode number(Number value) {
    if (!Double.isFinite(value.doubleValue())) {
      return JSON.nullNode();
    }
    return value instanceof Float single ? JSON.numberNode(single)
        : value instanceof Double wide ? JSON.numberNode(wide) : JSON.numberNode(new BigInteger(value.toString()));
  }
}
