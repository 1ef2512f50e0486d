package org.tensorfile.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.tensorfile.Dtype;
import org.tensorfile.Metadata;
import org.tensorfile.MetadataValue;
import org.tensorfile.Preset;
import org.tensorfile.QuantPlan;

/**
 * Plans the dtypes of the arrays of a conversion as {@code tensorfile convert} does. The decisions of presets are the
 * library's; the rules of --quantize are those of src/cli/quantize.cpp, and a test compares the results.
 */
final class TypePlanner {
  private static final String FILE_TYPE = "general.file_type";
  private static final String QUANTIZATION_VERSION = "general.quantization_version";
  private static final long CURRENT_VERSION = 2;

  /** Types with blocks of 32 and about as many bits per element, for rows that are not whole blocks of 256. */
  private static final Map<Dtype, Dtype> SMALLER = Map.ofEntries(Map.entry(Dtype.Q2_K, Dtype.Q4_0),
      Map.entry(Dtype.Q3_K, Dtype.Q4_0), Map.entry(Dtype.TQ1_0, Dtype.Q4_0), Map.entry(Dtype.TQ2_0, Dtype.Q4_0),
      Map.entry(Dtype.IQ4_XS, Dtype.IQ4_NL), Map.entry(Dtype.Q4_K, Dtype.Q5_0), Map.entry(Dtype.Q5_K, Dtype.Q5_1),
      Map.entry(Dtype.Q6_K, Dtype.Q8_0), Map.entry(Dtype.Q8_K, Dtype.Q8_0));

  /** The numbers of llama_ftype, as src/cli/file_type.cpp has them. */
  private static final Map<Dtype, Integer> FILE_TYPES = Map.ofEntries(Map.entry(Dtype.FLOAT32, 0),
      Map.entry(Dtype.FLOAT16, 1), Map.entry(Dtype.Q4_0, 2), Map.entry(Dtype.Q4_1, 3), Map.entry(Dtype.Q8_0, 7),
      Map.entry(Dtype.Q5_0, 8), Map.entry(Dtype.Q5_1, 9), Map.entry(Dtype.Q2_K, 10), Map.entry(Dtype.Q3_K, 12),
      Map.entry(Dtype.Q4_K, 15), Map.entry(Dtype.Q5_K, 17), Map.entry(Dtype.Q6_K, 18), Map.entry(Dtype.IQ2_XXS, 19),
      Map.entry(Dtype.IQ2_XS, 20), Map.entry(Dtype.IQ3_XXS, 23), Map.entry(Dtype.IQ1_S, 24),
      Map.entry(Dtype.IQ4_NL, 25), Map.entry(Dtype.IQ3_S, 26), Map.entry(Dtype.IQ2_S, 28), Map.entry(Dtype.IQ4_XS, 30),
      Map.entry(Dtype.IQ1_M, 31), Map.entry(Dtype.BFLOAT16, 32), Map.entry(Dtype.TQ1_0, 36), Map.entry(Dtype.TQ2_0, 37),
      Map.entry(Dtype.MXFP4, 38), Map.entry(Dtype.NVFP4, 39), Map.entry(Dtype.Q1_0, 40));

  private final ConvertOptions options;
  private final List<String> decisions = new ArrayList<>();

  TypePlanner(ConvertOptions options) {
    this.options = options;
  }

  /** {@return what became of each array that could have been encoded} */
  List<String> decisions() {
    return decisions;
  }

  /** {@return the dtype of an array after --cast} */
  Dtype cast(String name, Dtype stored) {
    if (!whyNotSelected(name).isEmpty()) {
      return stored;
    }
    Dtype dtype = stored;
    for (ConvertOptions.Typed cast : options.casts) {
      dtype = ConvertOptions.matches(cast.pattern(), name) ? cast.dtype() : dtype;
    }
    return dtype;
  }

  /**
   * {@return the arrays with their types after --quantize and --preset}
   *
   * @param arrays the arrays after --cast
   * @param model all metadata that describe the model
   * @param metadata the metadata of the output, of which the file type is updated
   * @param hasTypes whether the format of the output has a file type
   */
  List<PlannedArray> plan(List<PlannedArray> arrays, Metadata model, Metadata metadata, boolean hasTypes) {
    if (options.preset != Preset.NONE) {
      if (hasTypes) {
        metadata.set(FILE_TYPE, options.preset.fileType(), Dtype.UINT32);
        metadata.set(QUANTIZATION_VERSION, CURRENT_VERSION, Dtype.UINT32);
      }
      return planPreset(arrays, model);
    }
    boolean encodes = options.quantize != Dtype.UNSUPPORTED;
    List<PlannedArray> planned = encodes ? arrays.stream().map(this::planArray).toList() : arrays;
    if (hasTypes && (encodes || !options.casts.isEmpty())) {
      updateFileType(metadata, planned, encodes);
    }
    return planned;
  }

  private List<PlannedArray> planPreset(List<PlannedArray> arrays, Metadata model) {
    List<Dtype> types;
    try (QuantPlan plan = QuantPlan.of(options.preset, model)) {
      arrays.forEach(array -> plan.declare(array.name(), array.from(), array.shape()));
      for (int i = 0; i < arrays.size(); i++) {
        String name = arrays.get(i).name();
        int index = i;
        options.types.stream().filter(type -> ConvertOptions.matches(type.pattern(), name)).findFirst()
            .ifPresent(type -> plan.setDtype(index, type.dtype()));
      }
      types = plan.finish();
    }
    List<PlannedArray> planned = new ArrayList<>();
    for (int i = 0; i < arrays.size(); i++) {
      PlannedArray array = arrays.get(i);
      boolean kept = !whyNotSelected(array.name()).isEmpty() || types.get(i) == array.from();
      planned.add(kept ? array : array.as(types.get(i)));
      decisions.add(array.name() + ": " + array.from() + (kept ? ", kept" : " -> " + types.get(i)));
    }
    return planned;
  }

  private PlannedArray planArray(PlannedArray array) {
    String why = exemption(array);
    if (!why.isEmpty()) {
      decisions.add(array.name() + ": " + array.from() + ", not encoded: " + why);
      return array;
    }
    Dtype to = fits(array, options.quantize) ? options.quantize
        : SMALLER.getOrDefault(options.quantize, options.quantize);
    decisions.add(array.name() + ": " + array.from() + " -> " + to);
    return array.as(to);
  }

  /** Returns the reason why an array is not encoded, or "". */
  private String exemption(PlannedArray array) {
    String why = whyNotSelected(array.name());
    if (!why.isEmpty()) {
      return why;
    }
    // float8_e8m0fnu has the scales of other arrays.
    if (!array.from().isFloat() || array.from() == Dtype.FLOAT8_E8M0FNU || array.from().bits() < Byte.SIZE) {
      return "not a float";
    }
    if (array.shape().length < 2) {
      return "fewer than 2 dimensions";
    }
    Dtype smaller = SMALLER.getOrDefault(options.quantize, options.quantize);
    return fits(array, options.quantize) || fits(array, smaller) ? ""
        : "rows of " + array.shape()[array.shape().length - 1] + " cannot be divided into blocks of "
            + smaller.blockSize();
  }

  private static boolean fits(PlannedArray array, Dtype dtype) {
    return array.shape()[array.shape().length - 1] % dtype.blockSize() == 0;
  }

  private String whyNotSelected(String name) {
    if (!options.include.isEmpty() && !ConvertOptions.matchesAny(options.include, name)) {
      return "not included";
    }
    return ConvertOptions.matchesAny(options.exclude, name) ? "excluded" : "";
  }

  private static void updateFileType(Metadata metadata, List<PlannedArray> arrays, boolean add) {
    boolean wanted = add || metadata.containsKey(FILE_TYPE);
    Integer known = FILE_TYPES.get(mostCommon(arrays));
    if (known == null) {
      metadata.remove(FILE_TYPE);
    } else if (wanted) {
      metadata.set(FILE_TYPE, MetadataValue.of(known, Dtype.UINT32));
    }
    if (arrays.stream().noneMatch(array -> array.to().isBlock())) {
      metadata.remove(QUANTIZATION_VERSION);
    } else if (wanted) {
      metadata.set(QUANTIZATION_VERSION, MetadataValue.of(CURRENT_VERSION, Dtype.UINT32));
    }
  }

  /** Returns the dtype that most elements have, the first in the order of dtypes if several have. */
  private static Dtype mostCommon(List<PlannedArray> arrays) {
    Map<Dtype, Double> elements = new TreeMap<>();
    arrays.forEach(array -> elements.merge(array.to(), array.elements(), Double::sum));
    double most = elements.values().stream().mapToDouble(count -> count).max().orElse(0);
    return Arrays.stream(Dtype.values()).filter(dtype -> elements.containsKey(dtype) && elements.get(dtype) == most)
        .findFirst().orElse(Dtype.UNSUPPORTED);
  }
}
