package org.tensorfile.spark;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.Utils;
import org.tensorfile.ArrayWriter;
import org.tensorfile.PartPlan;

/** Writes a set with a job of Spark, one part in each task, and commits it on the driver. */
final class SetWriter {
  /** Writes the elements of arrays. It is sent to the executors. */
  interface Elements extends Serializable {
    /**
     * Writes the elements of the arrays of a part.
     *
     * @param indices the arrays, by their numbers in the plan
     * @param writer the writer of the part
     */
    void write(List<Integer> indices, ArrayWriter writer, Configuration configuration) throws IOException;
  }

  private SetWriter() {}

  /**
   * Writes all parts, and moves them to their names when all are complete. The staging folder must exist; it is not
   * removed.
   */
  static void write(SparkSession spark, SetPlan plan, OutputFolder folder, Elements elements) throws IOException {
    Configuration configuration = spark.sessionState().newHadoopConf();
    List<String> names = new ArrayList<>();
    String index;
    try (PartPlan parts = plan.open()) {
      parts.parts().forEach(part -> names.add(part.path().toString()));
      index = parts.index().orElse(null);
    }
    SerializableConfiguration shared = new SerializableConfiguration(configuration);
    List<Integer> numbers = IntStream.range(0, names.size()).boxed().toList();
    List<String> staged = JavaSparkContext.fromSparkContext(spark.sparkContext()).parallelize(numbers, numbers.size())
        .map(number -> writePart(plan, number, folder, elements, shared.value())).collect();
    folder.commit(names, staged, index, configuration);
  }

  /**
   * Writes a part in a task. Returns the name of its file in the staging folder.
   *
   * <p>The library writes other bytes to a stream than to a file, in which it can go back: the part is first a local
   * file, as a save on one machine has it.
   */
  private static String writePart(SetPlan plan, int number, OutputFolder folder, Elements elements,
      Configuration configuration) throws IOException {
    String name = OutputFolder.attemptName("part");
    boolean isLocal = folder.isLocal(configuration);
    Path local = isLocal ? Path.of(folder.staged(name).toUri().getPath())
        : Files.createTempDirectory(Path.of(Utils.getLocalDir(SparkEnv.get().conf())), "tensorfile").resolve(name);
    try {
      writeLocal(plan, number, local, elements, configuration);
      if (!isLocal) {
        try (FSDataOutputStream out = folder.createStaged(name, configuration)) {
          Files.copy(local, out);
        }
      }
      folder.requireOpen(configuration);
      return name;
    } finally {
      if (!isLocal) {
        Files.deleteIfExists(local);
        Files.delete(local.getParent());
      }
    }
  }

  private static void writeLocal(SetPlan plan, int number, Path local, Elements elements, Configuration configuration)
      throws IOException {
    try (PartPlan parts = plan.open()) {
      List<PartPlan.Part> all = parts.parts();
      int first = all.subList(0, number).stream().mapToInt(part -> part.names().size()).sum();
      PartPlan.Part part = all.get(number);
      try (ArrayWriter writer = part.open(local)) {
        elements.write(IntStream.range(first, first + part.names().size()).boxed().toList(), writer, configuration);
        writer.finish();
      }
    }
  }
}
