package org.tensorfile.gdx;

import com.badlogic.gdx.utils.Disposable;
import java.util.Set;
import org.tensorfile.Array;
import org.tensorfile.Dict;
import org.tensorfile.Loaded;

/** A network's weights by name. The manager disposes of them when they are unloaded; arrays that were got stay usable. */
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
   * {@return an array}
   *
   * @param name of it
   */
  public Array get(String name) {
    return loaded.get(name);
  }

  /** {@return what the file says of the weights} */
  public Dict metadata() {
    return loaded.metadata();
  }

  @Override
  public void dispose() {
    loaded.close();
  }
}
