package org.tensorfile.gdx;

import com.badlogic.gdx.utils.Disposable;
import java.util.Set;
import org.tensorfile.Loaded;
import org.tensorfile.Metadata;
import org.tensorfile.NdArray;

/** The weights of a network by name. Its arrays are closed when the asset manager disposes of it. */
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
  public NdArray get(String name) {
    return loaded.get(name);
  }

  /** {@return the metadata of the file} */
  public Metadata metadata() {
    return loaded.metadata();
  }

  @Override
  public void dispose() {
    loaded.close();
  }
}
