import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorfile.Dtype;
import org.tensorfile.Loaded;
import org.tensorfile.Metadata;
import org.tensorfile.NdArray;
import org.tensorfile.Tensorfile;

/**
 * Loads a .safetensors file, prints the names and shapes of its arrays, changes one of them, and saves .npz and .gguf
 * with metadata.
 *
 * <p>{@code java -cp target/tensorfile-0.9.0.jar examples/Convert.java [MODEL.safetensors]}; without an argument it
 * creates a small file.
 */
class Convert {
  public static void main(String[] args) throws IOException {
    Path model = Path.of(args.length > 0 ? args[0] : "model.safetensors");
    if (args.length == 0) {
      Map<String, NdArray> arrays = new LinkedHashMap<>();
      arrays.put("layers.0.weight", NdArray.of(new float[][] {{1, 2, 3}, {4, 5, 6}}));
      arrays.put("layers.0.bias", NdArray.of(new float[] {0.5f, -0.5f}));
      Tensorfile.saveSafetensors(model, arrays);
    }

    try (Loaded loaded = Tensorfile.load(model)) {
      String first = null;
      for (Map.Entry<String, NdArray> entry : loaded.arrays().entrySet()) {
        NdArray array = entry.getValue();
        System.out.println(entry.getKey() + ": " + array.dtype() + " " + Arrays.toString(array.shape()));
        if (first == null && array.dtype() == Dtype.FLOAT32) {
          first = entry.getKey();
        }
      }

      // Halves the elements of the first float32 array: the buffer is the memory of the array.
      if (first != null) {
        FloatBuffer floats = loaded.get(first).asMutableFloatBuffer();
        for (int i = 0; i < floats.limit(); i++) {
          floats.put(i, floats.get(i) / 2);
        }
        System.out.println("halved " + first);
      }

      String stem = model.toString().replaceFirst("\\.safetensors$", "");
      Tensorfile.saveNpz(Path.of(stem + ".npz"), loaded.arrays());

      Metadata metadata = new Metadata()
          .set("general.architecture", "example")
          .set("general.name", "halved")
          .set("example.block_count", 1, Dtype.UINT32)
          .set("tokenizer.ggml.tokens", List.of("<s>", "</s>"));
      Tensorfile.saveGguf(Path.of(stem + ".gguf"), loaded.arrays(), metadata);
    }

    Path gguf = Path.of(model.toString().replaceFirst("\\.safetensors$", "") + ".gguf");
    try (Loaded loaded = Tensorfile.load(gguf)) {
      System.out.println(loaded.metadata().getString("general.name") + " has " + loaded.arrays().size() + " arrays and "
          + loaded.metadata());
    }
  }
}
