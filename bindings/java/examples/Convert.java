import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorfile.Array;
import org.tensorfile.Dtype;
import org.tensorfile.Loaded;
import org.tensorfile.Tensorfile;

/**
 * Loads a .safetensors file, prints the names and shapes of its arrays, changes one of them, and saves .npz and .gguf with
 * metadata.
 *
 * <p>{@code java -cp target/tensorfile-0.1.0.jar examples/Convert.java [MODEL.safetensors]}; without an argument it creates a
 * small file.
 */
class Convert {
  public static void main(String[] args) throws IOException {
    Path model = Path.of(args.length > 0 ? args[0] : "model.safetensors");
    if (args.length == 0) {
      Map<String, Object> arrays = new LinkedHashMap<>();
      arrays.put("layers.0.weight", Array.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
      arrays.put("layers.0.bias", Array.of(new float[] {0.5f, -0.5f}));
      Tensorfile.saveSafetensors(model, arrays, null);
    }

    try (Loaded loaded = Tensorfile.load(model)) {
      String first = null;
      for (String name : loaded.arrays().keySet()) {
        Array array = loaded.get(name);
        System.out.println(name + ": " + array.dtype() + " " + Arrays.toString(array.shape()));
        if (first == null && array.dtype() == Dtype.FLOAT32) {
          first = name;
        }
      }

      // Halves the elements of the first float32 array: the buffer is the memory of the array.
      if (first != null) {
        FloatBuffer floats = loaded.get(first).mutableData().asFloatBuffer();
        for (int i = 0; i < floats.limit(); i++) {
          floats.put(i, floats.get(i) / 2);
        }
        System.out.println("halved " + first);
      }

      String stem = model.toString().replaceFirst("\\.safetensors$", "");
      Tensorfile.savez(Path.of(stem + ".npz"), loaded.arrays());

      Map<String, Object> metadata = new LinkedHashMap<>();
      metadata.put("general.architecture", "example");
      metadata.put("general.name", "halved");
      metadata.put("example.block_count", 1);
      metadata.put("tokenizer.ggml.tokens", List.of("<s>", "</s>"));
      Tensorfile.saveGguf(Path.of(stem + ".gguf"), loaded.arrays(), metadata);

      try (Loaded gguf = Tensorfile.load(Path.of(stem + ".gguf"))) {
        System.out.println(gguf.metadata().getString("general.name") + " has " + gguf.arrays().size() + " arrays, made by "
            + gguf.metadata());
      }
    }
  }
}
