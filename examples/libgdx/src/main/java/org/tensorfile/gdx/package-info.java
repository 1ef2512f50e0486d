/**
 * Arrays as assets of libGDX: {@link org.tensorfile.gdx.HeightMap}s from .npz, {@link org.tensorfile.gdx.Weights} from
 * .safetensors, loaded through the engine's file handles.
 *
 * <pre>{@code
 * AssetManager manager = new AssetManager();
 * FileHandleResolver resolver = manager.getFileHandleResolver();
 * manager.setLoader(HeightMap.class, ".npz", new HeightMapLoader(resolver));
 * manager.setLoader(Weights.class, ".safetensors", new WeightsLoader(resolver));
 * manager.load("terrain.npz", HeightMap.class);
 * }</pre>
 */
package org.tensorfile.gdx;
