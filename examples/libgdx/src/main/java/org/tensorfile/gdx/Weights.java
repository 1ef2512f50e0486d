package org.tensorfile.gdx;

import com.badlogic.gdx.utils.Disposable;
import java.util.Set;
import org.tensorfile.Array;
import org.tensorfile.Dict;
import org.tensorfile.Loaded;

/** The weights of a network by name. Arrays remain valid after the asset manager has disposed of the weights. */
public final class Weights implements Disposable {
  private final Loaded loaded;

  Weights(Loaded loaded) {
    this.loaded = loaded;
  }

  /** {@return the names of all arrays} */
  public Set<String> names() {
    return loaded.arrays().keySet();
  }

  /**
   * {@return the array with a name}
   *
   * @param name name of the array
   */
  public Array get(String name) {
    return loaded.get(name);
  }

  /** {@return the metadata of the file} */
  public Dict metadata() {
    return loaded.metadata();
  }

  @Override
  public void dispose() {
    loaded.close();
  }
}
