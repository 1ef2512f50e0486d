package org.tensorfile.gdx;

/** A grid of heights. */
public final class HeightMap {
  private final int rows;
  private final int columns;
  private final float[] heights;

  HeightMap(int rows, int columns, float[] heights) {
    this.rows = rows;
    this.columns = columns;
    this.heights = heights;
  }

  /** {@return the number of rows} */
  public int rows() {
    return rows;
  }

  /** {@return the number of heights in a row} */
  public int columns() {
    return columns;
  }

  /** {@return all heights, row by row; the array is not a copy} */
  public float[] heights() {
    return heights;
  }

  /**
   * {@return the height at a position}
   *
   * @param row index of the row, 0 to rows - 1
   * @param column index of the column, 0 to columns - 1
   */
  public float get(int row, int column) {
    if (column < 0 || column >= columns) {
      throw new IndexOutOfBoundsException("column " + column + " of " + columns);
    }
    return heights[row * columns + column];
  }
}
