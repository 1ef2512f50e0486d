"""Compares the data source with Spark's binaryFile source and a NumPy function on the same files.

usage: compare.py [MEGABYTES]    CPU time is that of the JVM, the driver and the Python workers; medians of five runs
"""

import glob
import os
import statistics
import sys
import tempfile

import numpy as np
from safetensors.numpy import load, save_file
from support import session


def cpu_seconds():
    """CPU time of this process and all its descendants."""
    parents, times = {}, {}
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{folder}/stat") as file:
                stat = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(folder[6:])] = int(stat[1])
        times[int(folder[6:])] = sum(map(int, stat[11:15]))
    total = 0
    for process in times:
        ancestor = process
        while ancestor > 1 and ancestor != os.getpid():
            ancestor = parents.get(ancestor, 0)
        total += times[process] if ancestor == os.getpid() else 0
    return total / os.sysconf("SC_CLK_TCK")


def ranges(row):
    for name, array in load(bytes(row.content)).items():
        yield name, int(np.isnan(array).sum()), float(np.nanmin(array)), float(np.nanmax(array))


def shapes(row):
    for name, array in load(bytes(row.content)).items():
        yield name, array.shape


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    spark = session("local[2]", **{"spark.driver.memory": "4g"})
    with tempfile.TemporaryDirectory(prefix="tensorfile-compare-") as folder:
        rng = np.random.default_rng(1)
        for shard in range(8):
            arrays = {f"{shard}.{i}": rng.normal(size=(megabytes * 1024 // 32, 1024 // 4)).astype(np.float32)
                      for i in range(4)}
            save_file(arrays, f"{folder}/{shard}.safetensors")
        ours = spark.read.format("tensorfile").load(folder)
        binary = spark.read.format("binaryFile").load(folder)
        cases = {
            "range of each array, tensorfile":
                lambda: ours.groupBy("name").agg({"nan_count": "sum", "min": "min", "max": "max"}).collect(),
            "range of each array, binaryFile and NumPy": lambda: binary.rdd.flatMap(ranges).collect(),
            "names and shapes, tensorfile": lambda: ours.select("name", "shape").collect(),
            "names and shapes, binaryFile and NumPy": lambda: binary.rdd.flatMap(shapes).collect(),
        }
        for name, run in cases.items():
            run()
            times = []
            for _ in range(5):
                before = cpu_seconds()
                result = run()
                times.append(cpu_seconds() - before)
            print(f"{name}: {statistics.median(times):.2f} s of CPU, {len(result)} rows", flush=True)


if __name__ == "__main__":
    main()
