package org.tensorfile.gdx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.badlogic.gdx.ApplicationAdapter;
import com.badlogic.gdx.Gdx;
import com.badlogic.gdx.assets.AssetManager;
import com.badlogic.gdx.assets.loaders.FileHandleResolver;
import com.badlogic.gdx.backends.headless.HeadlessApplication;
import com.badlogic.gdx.files.FileHandle;
import com.badlogic.gdx.files.FileHandleStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorfile.Metadata;
import org.tensorfile.NdArray;
import org.tensorfile.Tensorfile;
import org.tensorfile.TensorfileException;

/** Tests the loaders in games without a window. */
class LoadersTest {
  @TempDir Path folder;

  @BeforeEach
  void save() throws IOException {
    NdArray heights = NdArray.of(new double[] {0, 1, 2, 3, 4, 5.5}, 2, 3);
    NdArray depths = NdArray.of(new short[] {0, 1, 2, 3}, 2, 2);
    NdArray line = NdArray.of(new float[] {1, 2}, 2);
    Tensorfile.saveNpzCompressed(folder.resolve("terrain.npz"), Map.of("heights", heights, "depths", depths, "line", line));
    NdArray kernel = NdArray.of(new float[] {1, 2, 3, 4}, 2, 2);
    Tensorfile.saveSafetensors(folder.resolve("network.safetensors"), Map.of("kernel", kernel),
        new Metadata().set("author", "tester"));
  }

  /** A game that loads assets and computes a result. */
  private final class Game<T> extends ApplicationAdapter {
    final CompletableFuture<T> ended = new CompletableFuture<>();
    private final FileHandleResolver resolver;
    private final Consumer<AssetManager> begin;
    private final Function<AssetManager, T> end;
    private AssetManager manager;
    private boolean finished;
    private T result;

    Game(FileHandleResolver resolver, Consumer<AssetManager> begin, Function<AssetManager, T> end) {
      this.resolver = resolver;
      this.begin = begin;
      this.end = end;
    }

    private void attempt(Runnable step) {
      try {
        step.run();
      } catch (Throwable t) {
        ended.completeExceptionally(t);
        Gdx.app.exit();
      }
    }

    @Override
    public void create() {
      attempt(() -> {
        manager = new AssetManager(resolver);
        manager.setLoader(HeightMap.class, ".npz", new HeightMapLoader(manager.getFileHandleResolver()));
        manager.setLoader(Weights.class, ".safetensors", new WeightsLoader(manager.getFileHandleResolver()));
        begin.accept(manager);
      });
    }

    @Override
    public void render() {
      attempt(() -> {
        if (!finished && manager.update()) {
          finished = true;
          result = end.apply(manager);
          Gdx.app.exit();
        }
      });
    }

    @Override
    public void dispose() {
      manager.dispose();
      ended.complete(result);
    }
  }

  private <T> T play(FileHandleResolver resolver, Consumer<AssetManager> begin, Function<AssetManager, T> end)
      throws Exception {
    Game<T> game = new Game<>(resolver, begin, end);
    new HeadlessApplication(game);
    return game.ended.get(60, TimeUnit.SECONDS);
  }

  private <T> T play(Consumer<AssetManager> begin, Function<AssetManager, T> end) throws Exception {
    return play(name -> Gdx.files.absolute(folder.resolve(name).toString()), begin, end);
  }

  @Test
  void heightMapsAndWeights() throws Exception {
    Weights weights = play(manager -> {
      manager.load("terrain.npz", HeightMap.class);
      manager.load("network.safetensors", Weights.class);
      assertFalse(manager.isLoaded("terrain.npz"));
    }, manager -> {
      assertEquals(1, manager.getProgress());
      HeightMap map = manager.get("terrain.npz", HeightMap.class);
      assertEquals(2, map.rows());
      assertEquals(3, map.columns());
      assertArrayEquals(new float[] {0, 1, 2, 3, 4, 5.5f}, map.heights());
      assertEquals(5.5f, map.get(1, 2));
      assertThrows(IndexOutOfBoundsException.class, () -> map.get(0, 3));
      Weights loaded = manager.get("network.safetensors", Weights.class);
      assertEquals(Set.of("kernel"), loaded.names());
      assertArrayEquals(new float[] {1, 2, 3, 4}, loaded.get("kernel").toFloatArray());
      assertEquals("tester", loaded.metadata().getString("author"));
      return loaded;
    });
    // The asset manager has disposed of them.
    assertThrows(IllegalStateException.class, () -> weights.get("kernel").toFloatArray());
  }

  @Test
  void parametersOfHeightMaps() throws Exception {
    HeightMapLoader.HeightMapParameter parameter = new HeightMapLoader.HeightMapParameter();
    parameter.array = "depths";
    parameter.scale = 0.5f;
    HeightMap map = play(manager -> manager.load("terrain.npz", HeightMap.class, parameter),
        manager -> manager.get("terrain.npz", HeightMap.class));
    assertArrayEquals(new float[] {0, 0.5f, 1, 1.5f}, map.heights());
  }

  @Test
  void unloadingClosesTheArraysButNotTheirViews() throws Exception {
    NdArray kernel = play(manager -> manager.load("network.safetensors", Weights.class), manager -> {
      Weights weights = manager.get("network.safetensors", Weights.class);
      NdArray got = weights.get("kernel");
      NdArray view = got.slice();
      manager.unload("network.safetensors");
      assertThrows(IllegalStateException.class, got::toFloatArray);
      return view;
    });
    assertEquals(4, kernel.getDouble(1, 1));
  }

  /** A file that is not on the disk, such as one in an archive. */
  private static final class InMemory extends FileHandleStream {
    private final byte[] content;

    InMemory(String path, byte[] content) {
      super(path);
      this.content = content;
    }

    @Override
    public InputStream read() {
      return new ByteArrayInputStream(content);
    }

    @Override
    public long length() {
      return content.length;
    }
  }

  @Test
  void anyFileHandleIsRead() throws Exception {
    byte[] content = Files.readAllBytes(folder.resolve("terrain.npz"));
    List<String> resolved = new ArrayList<>();
    HeightMap map = play(name -> {
      resolved.add(name);
      return new InMemory(name, content);
    }, manager -> manager.load("in/memory.npz", HeightMap.class),
        manager -> manager.get("in/memory.npz", HeightMap.class));
    assertEquals(5.5f, map.get(1, 2));
    assertTrue(resolved.contains("in/memory.npz"));
  }

  /** Returns the error that the game's error listener gets for an asset. */
  private Throwable failure(Consumer<AssetManager> begin) throws Exception {
    List<Throwable> errors = new ArrayList<>();
    play(manager -> {
      manager.setErrorListener((asset, error) -> errors.add(error));
      begin.accept(manager);
    }, manager -> null);
    assertEquals(1, errors.size());
    Throwable root = errors.get(0);
    while (root.getCause() != null && !(root instanceof TensorfileException)) {
      root = root.getCause();
    }
    return root;
  }

  @Test
  void aBrokenFileSaysWhatIsWrong() throws Exception {
    Files.write(folder.resolve("network.safetensors"), "\10\0\0\0\0\0\0\0{\"a\": 1}".getBytes("US-ASCII"));
    Throwable error = failure(manager -> manager.load("network.safetensors", Weights.class));
    assertInstanceOf(TensorfileException.class, error);
    assertTrue(error.getMessage().contains("'a'"), error.getMessage());
  }

  @Test
  void anArrayThatIsNoMap() throws Exception {
    HeightMapLoader.HeightMapParameter parameter = new HeightMapLoader.HeightMapParameter();
    parameter.array = "line";
    Throwable error = failure(manager -> manager.load("terrain.npz", HeightMap.class, parameter));
    assertEquals("expected 'line' to have 2 dimensions, found 1", error.getMessage());
  }
}
