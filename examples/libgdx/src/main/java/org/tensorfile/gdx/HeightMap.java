package org.tensorfile.gdx;

/** Heights in rows. */
public final class HeightMap {
  private final int rows;
  private final int columns;
  private final float[] heights;

  HeightMap(int rows, int columns, float[] heights) {
    this.rows = rows;
    this.columns = columns;
    this.heights = heights;
  }

  /** {@return how many rows there are} */
  public int rows() {
    return rows;
  }

  /** {@return how many heights there are in a row} */
  public int columns() {
    return columns;
  }

  /** {@return all heights, row after row: the array itself, as a mesh takes it} */
  public float[] heights() {
    return heights;
  }

  /**
   * {@return the height of a place}
   *
   * @param row 0 to rows - 1
   * @param column 0 to columns - 1
   */
  public float get(int row, int column) {
    if (column < 0 || column >= columns) {
      throw new IndexOutOfBoundsException("column " + column + " of " + columns);
    }
    return heights[row * columns + column];
  }
}
