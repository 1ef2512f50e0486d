package org.tensorfile.spark;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.tensorfile.ArrayFile;
import org.tensorfile.Dtype;
import org.tensorfile.Format;
import org.tensorfile.Metadata;
import org.tensorfile.MetadataValue;
import org.tensorfile.Options;

/** Plans a conversion on the driver, which reads the headers of all inputs. */
final class ConvertPlan {
  private static final Set<String> PART_KEYS = Set.of("split.no", "split.count", "split.tensors.count");
  private static final Pattern PART = Pattern.compile("-\\d{5}-of-\\d{5}(?=\\.gguf$)");

  private final ConvertOptions options;
  private final Configuration configuration;
  private final Format format;
  private final TypePlanner types;
  private final List<FileStatus> inputs;
  private final List<PlannedFile> planned = new ArrayList<>();
  private final Map<String, Integer> inputOf = new HashMap<>();
  private final Map<String, Integer> metadataFrom = new HashMap<>();
  private final Set<String> unused;
  /** The metadata of all inputs, also what the output does not get. */
  private final Metadata all = new Metadata();
  private final Metadata metadata = new Metadata();
  private List<PlannedArray> arrays = new ArrayList<>();
  private boolean extended;

  ConvertPlan(ConvertOptions options, Configuration configuration) throws IOException {
    this.options = options;
    this.configuration = configuration;
    format = SetPlan.format(new Path(options.output).getName());
    types = new TypePlanner(options);
    unused = new HashSet<>(options.only);
    unused.addAll(options.drop);
    inputs = InputFiles.find(options.inputs, configuration);
    requireNotRead();
    try (Options library = library(options)) {
      for (int i = 0; i < inputs.size(); i++) {
        try (HadoopSource source = HadoopSource.open(inputs.get(i), configuration, library,
            new HadoopSource.Counts())) {
          add(i, source.file());
          planned.add(source.planned());
        }
      }
    }
    finish();
  }

  static Options library(ConvertOptions options) {
    return Options.builder().threads(1).lenient(options.lenient).build();
  }

  private void requireNotRead() throws IOException {
    Path output = new Path(options.output);
    List<Path> written = OutputFolder.of(output, "").existing(configuration);
    for (FileStatus input : inputs) {
      Path path = input.getPath();
      for (Path target : written) {
        if (Path.getPathWithoutSchemeAndAuthority(path).equals(Path.getPathWithoutSchemeAndAuthority(target))) {
          throw new IllegalArgumentException(options.output + ": " + path + " is read, and would be replaced; choose"
              + " another name for the output");
        }
      }
    }
  }

  private void add(int input, ArrayFile file) throws IOException {
    extended |= file.format() == format;
    for (ArrayFile.Entry entry : file.entries()) {
      String name = file.format().holdsOneArray() ? nameOfSingle(input) : entry.name();
      if (selects(name)) {
        add(input, file.entries().indexOf(entry), entry, name);
      }
    }
    addMetadata(input, file);
  }

  private String nameOfSingle(int input) {
    String name = inputs.get(input).getPath().getName();
    return inputs.size() == 1 ? "arr_0" : name.substring(0, Math.max(name.lastIndexOf('.'), 0));
  }

  private boolean selects(String name) {
    unused.removeIf(pattern -> ConvertOptions.matches(pattern, name));
    return (options.only.isEmpty() || ConvertOptions.matchesAny(options.only, name))
        && !ConvertOptions.matchesAny(options.drop, name);
  }

  private void add(int input, int index, ArrayFile.Entry entry, String name) throws IOException {
    Path path = inputs.get(input).getPath();
    if (entry.dtype() == Dtype.UNSUPPORTED) {
      throw new IOException(path + ": array '" + name + "' has the type " + entry.typeName()
          + ", which the library does not know; --drop leaves it out");
    }
    Integer twin = inputOf.putIfAbsent(name, input);
    if (twin != null) {
      throw new IOException("several arrays would be named '" + name + "': of " + inputs.get(twin).getPath()
          + " and of " + path + "; convert one of the files by itself first");
    }
    arrays.add(new PlannedArray(input, index, name, entry.dtype(), types.cast(name, entry.dtype()), entry.shape()));
  }

  private void addMetadata(int input, ArrayFile file) throws IOException {
    String path = inputs.get(input).getPath().toString();
    boolean asksForText = format.storesMetadataAsMembers() && !file.format().storesMetadataAsMembers();
    boolean keepsPart = partOf(path) != null && partOf(path).equals(partOf(options.output));
    for (Map.Entry<String, MetadataValue> entry : file.metadata().entrySet()) {
      String key = entry.getKey();
      if (!keepsPart && file.format().expectsModelKeys() && PART_KEYS.contains(key)) {
        all.put(key, entry.getValue());
      } else if (keep(input, key, entry.getValue()) && !options.dropsMetadata) {
        if (asksForText && !replaces(key)) {
          throw new IOException(format + " gets no metadata from another format, because MLX cannot read an .npz with"
              + " text, but " + path + " has '" + key + "'; --metadata drop leaves it out");
        }
        metadata.put(key, entry.getValue());
      }
    }
  }

  private static String partOf(String path) {
    Matcher matcher = PART.matcher(path);
    return matcher.find() ? matcher.group() : null;
  }

  private boolean replaces(String key) {
    return options.delete.contains(key) || options.set.stream().map(MetadataEdits::key).anyMatch(key::equals);
  }

  /** Returns false if an earlier input has the value. */
  private boolean keep(int input, String key, MetadataValue value) throws IOException {
    if (!all.containsKey(key)) {
      all.put(key, value);
      metadataFrom.put(key, input);
      return true;
    }
    if (!all.get(key).equals(value) && !options.dropsMetadata && !replaces(key)) {
      throw new IOException("metadata '" + key + "' has different values in "
          + inputs.get(metadataFrom.getOrDefault(key, input)).getPath() + " and " + inputs.get(input).getPath()
          + "; choose one with --set, or remove it with --delete");
    }
    return false;
  }

  private void finish() {
    if (!unused.isEmpty()) {
      throw new IllegalArgumentException("--only or --drop '" + unused.iterator().next() + "' matches no array");
    }
    Metadata model = all.copy();
    edit(model);
    // The file type comes before what is set, which may replace it.
    arrays = types.plan(arrays, model, metadata, format.expectsModelKeys());
    edit(metadata);
  }

  private void edit(Metadata edited) {
    for (String key : options.delete) {
      if (!all.containsKey(key)) {
        throw new IllegalArgumentException("--delete: there is no metadata value '" + key + "'");
      }
      edited.remove(key);
    }
    options.set.forEach(setting -> MetadataEdits.set(edited, all, setting));
  }

  List<PlannedFile> inputs() {
    return planned;
  }

  List<PlannedArray> arrays() {
    return arrays;
  }

  List<String> decisions() {
    return types.decisions();
  }

  /** {@return what the output will contain} */
  SetPlan set() throws IOException {
    List<SetPlan.Declared> declared = arrays.stream()
        .map(array -> new SetPlan.Declared(array.name(), array.to().toString(), array.shape())).toList();
    try {
      return SetPlan.of(new Path(options.output).getName(), declared, metadata,
          new SetPlan.WriteOptions(options.partBytes, options.compress, extended));
    } catch (org.tensorfile.UnsupportedException e) {
      throw new IOException(options.output + ": " + e.getMessage() + "; --metadata drop leaves the metadata out", e);
    }
  }
}
