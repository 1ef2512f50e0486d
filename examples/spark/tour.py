"""Writes, lists, checks and reads arrays with Apache Spark."""

import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("tour").getOrCreate()
folder = sys.argv[1]

# Rows become a set: parts of at most 128 KiB of data, each written by a task of its own, and an index.
rows = [(f"layers.{i}.weight", [64, 256], [float(i + j % 7) for j in range(64 * 256)]) for i in range(8)]
arrays = spark.createDataFrame(rows, "name string, shape array<bigint>, data array<float>")
arrays.write.format("tensorfile").mode("overwrite").option("partBytes", "128k").save(f"{folder}/model.safetensors")

# Reads headers only, because no column needs the elements.
listing = spark.read.format("tensorfile").load(f"{folder}/*.safetensors")
listing.select("name", "dtype", "shape", "nbytes").orderBy("name").show(truncate=False)

# Reads the elements of the arrays that pass the filter, on all executors.
listing.createOrReplaceTempView("arrays")
spark.sql("""
    SELECT name, sum(nan_count) AS nans, min(min) AS least, max(max) AS greatest
    FROM arrays WHERE name LIKE 'layers.1.%' OR nbytes > 1000000 GROUP BY name
""").show()

# With data=float every type, also a quantized one, is an array of floats.
floats = spark.read.format("tensorfile").option("data", "float").load(f"{folder}/model.safetensors.index.json")
floats.selectExpr("name", "aggregate(data, 0D, (sum, x) -> sum + x) / size(data) AS mean").orderBy("name").show()
