package org.tensorfile.spark;

import java.util.Map;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.sources.DataSourceRegister;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * The data source {@code tensorfile}: a row for each array of .npy, .npz, .safetensors and .gguf files.
 *
 * <pre>{@code
 * Dataset<Row> arrays = spark.read().format("tensorfile").load("models/*.safetensors");
 * arrays.where("dtype = 'bfloat16'").select("path", "name", "shape").show();
 * }</pre>
 */
public final class TensorfileSource implements TableProvider, DataSourceRegister {
  /** Creates the source; Spark does so by reflection. */
  public TensorfileSource() {}

  @Override
  public String shortName() {
    return "tensorfile";
  }

  @Override
  public StructType inferSchema(CaseInsensitiveStringMap options) {
    return Column.schema(ReadOptions.of(options).asFloat());
  }

  @Override
  public Table getTable(StructType schema, Transform[] partitioning, Map<String, String> properties) {
    return new ArrayTable(schema);
  }
}
