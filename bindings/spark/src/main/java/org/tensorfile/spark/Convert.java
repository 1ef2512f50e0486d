package org.tensorfile.spark;

import java.io.IOException;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/**
 * The job that converts, casts and quantizes files on a cluster. Its output has the bytes that {@code tensorfile
 * convert} writes on one machine.
 *
 * <pre>{@code
 * spark-submit --class org.tensorfile.spark.Convert --jars tensorfile.jar tensorfile-spark.jar \
 *   --quantize q4_k --part-bytes 5GB 's3a://models/in/*.safetensors' s3a://models/out/model.gguf
 * }</pre>
 */
public final class Convert {
  private Convert() {}

  /**
   * Runs the job.
   *
   * @param arguments options, inputs and the output; see --help
   * @throws IOException if a file cannot be read or written, or is invalid
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length == 1 && arguments[0].equals("--help")) {
      System.out.print(ConvertOptions.USAGE);
      return;
    }
    SparkSession spark = SparkSession.builder().appName("tensorfile convert").getOrCreate();
    try {
      run(spark, arguments);
    } finally {
      spark.stop();
    }
  }

  /**
   * Converts in a session that the caller keeps.
   *
   * @param spark the session
   * @param arguments options, inputs and the output
   * @throws IOException if a file cannot be read or written, or is invalid
   */
  public static void run(SparkSession spark, String... arguments) throws IOException {
    ConvertOptions options = ConvertOptions.parse(arguments);
    Configuration configuration = spark.sessionState().newHadoopConf();
    ConvertPlan plan = new ConvertPlan(options, configuration);
    SetPlan set = plan.set();
    OutputFolder folder = OutputFolder.of(new Path(options.output), UUID.randomUUID().toString());
    folder.create(configuration);
    try {
      SetWriter.write(spark, set, folder, new ConvertElements(plan.inputs(), plan.arrays(), options.lenient));
    } finally {
      folder.discard(configuration);
    }
    plan.decisions().forEach(System.out::println);
  }
}
