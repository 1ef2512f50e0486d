/**
 * Files of arrays in any file system of Hadoop: HDFS, S3A, ABFS, local files.
 *
 * <pre>{@code
 * Path path = new Path("hdfs:///models/model.safetensors.index.json");
 * try (HadoopFile model = HadoopFile.open(path, configuration, Options.defaults())) {
 *   NdArray rows = model.file().entry("weight").readSlice(Slice.of(0, 10));
 * }
 * }</pre>
 */
package org.tensorfile.hadoop;
