package org.tensorfile.gdx;

import com.badlogic.gdx.assets.AssetDescriptor;
import com.badlogic.gdx.assets.AssetLoaderParameters;
import com.badlogic.gdx.assets.AssetManager;
import com.badlogic.gdx.assets.loaders.AsynchronousAssetLoader;
import com.badlogic.gdx.assets.loaders.FileHandleResolver;
import com.badlogic.gdx.files.FileHandle;
import com.badlogic.gdx.utils.GdxRuntimeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.tensorfile.Array;
import org.tensorfile.ArrayFile;
import org.tensorfile.Format;

/** Loads {@link HeightMap}s from .npz files, on the manager's own thread. */
public class HeightMapLoader extends AsynchronousAssetLoader<HeightMap, HeightMapLoader.HeightMapParameter> {
  /** Which array is the map, and how high it is. */
  public static class HeightMapParameter extends AssetLoaderParameters<HeightMap> {
    /** The array's name: two dimensions, of any dtype that numbers have. */
    public String array = "heights";

    /** What its elements are multiplied by. */
    public float scale = 1;
  }

  private HeightMap map;

  public HeightMapLoader(FileHandleResolver resolver) {
    super(resolver);
  }

  @Override
  public void loadAsync(AssetManager manager, String fileName, FileHandle file, HeightMapParameter parameter) {
    HeightMapParameter settings = parameter == null ? new HeightMapParameter() : parameter;
    try {
      map = load(file, settings);
    } catch (IOException | RuntimeException e) {
      throw new GdxRuntimeException(fileName + ": " + e.getMessage(), e);
    }
  }

  /** Of the file's arrays only the map is read. */
  private static HeightMap load(FileHandle file, HeightMapParameter settings) throws IOException {
    try (ArrayFile arrays = ArrayFile.open(ByteBuffer.wrap(file.readBytes()), Format.NPZ, null);
        Array array = arrays.entry(settings.array).read()) {
      if (array.ndim() != 2) {
        throw new GdxRuntimeException("'" + settings.array + "' has " + array.ndim() + " dimensions, and a map has 2");
      }
      float[] heights = array.toFloatArray();
      for (int i = 0; i < heights.length; i++) {
        heights[i] *= settings.scale;
      }
      return new HeightMap(Math.toIntExact(array.shape(0)), Math.toIntExact(array.shape(1)), heights);
    }
  }

  @Override
  public HeightMap loadSync(AssetManager manager, String fileName, FileHandle file, HeightMapParameter parameter) {
    HeightMap loaded = map;
    map = null;
    return loaded;
  }

  @Override
  @SuppressWarnings("rawtypes") // as libGDX has it
  public com.badlogic.gdx.utils.Array<AssetDescriptor> getDependencies(String fileName, FileHandle file,
      HeightMapParameter parameter) {
    return null;
  }
}
