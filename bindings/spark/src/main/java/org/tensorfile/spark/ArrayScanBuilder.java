package org.tensorfile.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.SupportsPushDownFilters;
import org.apache.spark.sql.connector.read.SupportsPushDownRequiredColumns;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.types.StructType;

/** Collects the columns and filters of a query. */
final class ArrayScanBuilder implements SupportsPushDownFilters, SupportsPushDownRequiredColumns {
  private final ReadOptions options;
  private StructType schema;
  private Filter[] pushed = {};

  ArrayScanBuilder(StructType schema, ReadOptions options) {
    this.schema = schema;
    this.options = options;
  }

  @Override
  public void pruneColumns(StructType required) {
    schema = required;
  }

  /** Returns the filters that Spark has to evaluate itself. Spark does not evaluate the others again. */
  @Override
  public Filter[] pushFilters(Filter[] filters) {
    List<Filter> known = new ArrayList<>();
    List<Filter> others = new ArrayList<>();
    for (Filter filter : filters) {
      (RowFilter.supports(filter) ? known : others).add(filter);
    }
    pushed = known.toArray(Filter[]::new);
    return others.toArray(Filter[]::new);
  }

  @Override
  public Filter[] pushedFilters() {
    return pushed.clone();
  }

  @Override
  public Scan build() {
    return new ArrayScan(schema, new RowFilter(pushed), options);
  }
}
