package org.tensorfile.spark;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.apache.spark.sql.sources.And;
import org.apache.spark.sql.sources.EqualNullSafe;
import org.apache.spark.sql.sources.EqualTo;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.sources.GreaterThan;
import org.apache.spark.sql.sources.GreaterThanOrEqual;
import org.apache.spark.sql.sources.In;
import org.apache.spark.sql.sources.IsNotNull;
import org.apache.spark.sql.sources.IsNull;
import org.apache.spark.sql.sources.LessThan;
import org.apache.spark.sql.sources.LessThanOrEqual;
import org.apache.spark.sql.sources.Not;
import org.apache.spark.sql.sources.Or;
import org.apache.spark.sql.sources.StringContains;
import org.apache.spark.sql.sources.StringEndsWith;
import org.apache.spark.sql.sources.StringStartsWith;
import org.apache.spark.unsafe.types.UTF8String;

/** Filters on columns that are known before the elements of an array are read. None of these columns is ever null. */
final class RowFilter implements Serializable {
  private static final long serialVersionUID = 1;

  private static final Set<String> COLUMNS =
      Set.of(Column.PATH.text(), Column.NAME.text(), Column.DTYPE.text(), Column.NBYTES.text());

  private final Filter[] filters;

  RowFilter(Filter[] filters) {
    this.filters = filters.clone();
  }

  /** {@return true if a filter can be evaluated} */
  static boolean supports(Filter filter) {
    if (filter instanceof And and) {
      return supports(and.left()) && supports(and.right());
    }
    if (filter instanceof Or or) {
      return supports(or.left()) && supports(or.right());
    }
    if (filter instanceof Not not) {
      return supports(not.child());
    }
    return isKnown(filter) && Arrays.stream(filter.references()).allMatch(COLUMNS::contains);
  }

  private static boolean isKnown(Filter filter) {
    if (filter instanceof In in) {
      return Arrays.stream(in.values()).allMatch(Objects::nonNull);
    }
    Object value = literal(filter);
    return value instanceof String || value instanceof Long || filter instanceof IsNotNull || filter instanceof IsNull;
  }

  /** Returns the value that a filter compares with, or null if it has none. */
  private static Object literal(Filter filter) {
    if (filter instanceof EqualTo f) {
      return f.value();
    }
    if (filter instanceof EqualNullSafe f) {
      return f.value();
    }
    if (filter instanceof GreaterThan f) {
      return f.value();
    }
    if (filter instanceof GreaterThanOrEqual f) {
      return f.value();
    }
    if (filter instanceof LessThan f) {
      return f.value();
    }
    if (filter instanceof LessThanOrEqual f) {
      return f.value();
    }
    if (filter instanceof StringStartsWith f) {
      return f.value();
    }
    if (filter instanceof StringEndsWith f) {
      return f.value();
    }
    return filter instanceof StringContains f ? f.value() : null;
  }

  /** {@return false if no row of a file can pass} */
  boolean mayContain(String path) {
    return Arrays.stream(filters).filter(RowFilter::isAboutPath).allMatch(filter -> test(filter, column -> path));
  }

  private static boolean isAboutPath(Filter filter) {
    return List.of(filter.references()).stream().allMatch(Column.PATH.text()::equals);
  }

  /** {@return true if a row passes} */
  boolean test(String path, String name, String dtype, long nbytes) {
    Function<String, Object> row = column -> column.equals(Column.PATH.text()) ? path
        : column.equals(Column.NAME.text()) ? name : column.equals(Column.DTYPE.text()) ? dtype : (Object) nbytes;
    return Arrays.stream(filters).allMatch(filter -> test(filter, row));
  }

  private static boolean test(Filter filter, Function<String, Object> row) {
    if (filter instanceof And and) {
      return test(and.left(), row) && test(and.right(), row);
    }
    if (filter instanceof Or or) {
      return test(or.left(), row) || test(or.right(), row);
    }
    if (filter instanceof Not not) {
      return !test(not.child(), row);
    }
    if (filter instanceof IsNotNull) {
      return true;
    }
    if (filter instanceof IsNull) {
      return false;
    }
    Object value = row.apply(filter.references()[0]);
    return filter instanceof In in ? List.of(in.values()).contains(value) : compare(filter, value);
  }

  private static boolean compare(Filter filter, Object value) {
    if (filter instanceof StringStartsWith f) {
      return value.toString().startsWith(f.value());
    }
    if (filter instanceof StringEndsWith f) {
      return value.toString().endsWith(f.value());
    }
    if (filter instanceof StringContains f) {
      return value.toString().contains(f.value());
    }
    int order = order(value, literal(filter));
    if (filter instanceof GreaterThan) {
      return order > 0;
    }
    if (filter instanceof GreaterThanOrEqual) {
      return order >= 0;
    }
    if (filter instanceof LessThan) {
      return order < 0;
    }
    return filter instanceof LessThanOrEqual ? order <= 0 : order == 0;
  }

  /** Compares numbers, or strings by their bytes in UTF-8, as Spark does. */
  private static int order(Object a, Object b) {
    return a instanceof Long number ? Long.compare(number, (Long) b)
        : UTF8String.fromString(a.toString()).compareTo(UTF8String.fromString(b.toString()));
  }

  @Override
  public String toString() {
    return Arrays.toString(filters);
  }
}
