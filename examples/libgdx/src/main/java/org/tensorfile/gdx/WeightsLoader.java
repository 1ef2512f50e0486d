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
import org.tensorfile.Format;
import org.tensorfile.Options;
import org.tensorfile.Tensorfile;

/** Loads {@link Weights} from .safetensors files, on the thread of the asset manager. */
public class WeightsLoader extends AsynchronousAssetLoader<Weights, WeightsLoader.WeightsParameter> {
  /** Settings for loading weights. */
  public static class WeightsParameter extends AssetLoaderParameters<Weights> {
    /** Settings for the load. */
    public Options options = SAFETENSORS;
  }

  private static final Options SAFETENSORS = Options.builder().format(Format.SAFETENSORS).build();

  private Weights weights;

  public WeightsLoader(FileHandleResolver resolver) {
    super(resolver);
  }

  @Override
  public void loadAsync(AssetManager manager, String fileName, FileHandle file, WeightsParameter parameter) {
    Options options = parameter == null ? SAFETENSORS : parameter.options;
    try {
      weights = new Weights(Tensorfile.load(file.readBytes(), options));
    } catch (IOException e) {
      throw new GdxRuntimeException(fileName + ": " + e.getMessage(), e);
    }
  }

  @Override
  public Weights loadSync(AssetManager manager, String fileName, FileHandle file, WeightsParameter parameter) {
    Weights loaded = weights;
    weights = null;
    return loaded;
  }

  @Override
  public void unloadAsync(AssetManager manager, String fileName, FileHandle file, WeightsParameter parameter) {
    if (weights != null) {
      weights.dispose();
      weights = null;
    }
  }

  @Override
  @SuppressWarnings("rawtypes") // the signature is that of libGDX
  public Array<AssetDescriptor> getDependencies(String fileName, FileHandle file, WeightsParameter parameter) {
    return null;
  }
}
