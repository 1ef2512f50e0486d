package org.tensorfile.gdx;

import com.badlogic.gdx.assets.AssetDescriptor;
import com.badlogic.gdx.assets.AssetLoaderParameters;
import com.badlogic.gdx.assets.AssetManager;
import com.badlogic.gdx.assets.loaders.AsynchronousAssetLoader;
import com.badlogic.gdx.assets.loaders.FileHandleResolver;
import com.badlogic.gdx.files.FileHandle;
import com.badlogic.gdx.utils.Array;
import com.badlogic.gdx.utils.GdxRuntimeException;
import java.io.IOException;
import org.tensorfile.ArrayFile;
import org.tensorfile.Format;
import org.tensorfile.NdArray;
import org.tensorfile.Options;

/** Loads {@link HeightMap}s from .npz files, on the thread of the asset manager. */
public class HeightMapLoader extends AsynchronousAssetLoader<HeightMap, HeightMapLoader.HeightMapParameter> {
  /** Settings of a map. */
  public static class HeightMapParameter extends AssetLoaderParameters<HeightMap> {
    /** The name of the array, which has two dimensions and a numeric dtype. */
    public String array = "heights";

    /** The factor that its elements are multiplied by. */
    public float scale = 1;
  }

  private static final Options NPZ = Options.builder().format(Format.NPZ).build();

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

  /** Reads only the map from the file. */
  private static HeightMap load(FileHandle file, HeightMapParameter settings) throws IOException {
    try (ArrayFile arrays = ArrayFile.open(file.readBytes(), NPZ);
        NdArray array = arrays.entry(settings.array).read()) {
      if (array.ndim() != 2) {
        throw new GdxRuntimeException("expected '" + settings.array + "' to have 2 dimensions, found " + array.ndim());
      }
      float[] heights = array.castToFloatArray();
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
  @SuppressWarnings("rawtypes") // the signature is that of libGDX
  public Array<AssetDescriptor> getDependencies(String fileName, FileHandle file,
      HeightMapParameter parameter) {
    return null;
  }
}
