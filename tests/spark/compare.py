"""Compares the data source with Spark's binaryFile source and a NumPy function on the same files.

usage: compare.py [--mebibytes N] [--write PAGE]    with the path of the jars in TENSORFILE_SPARK_JARS

Prints a table of CPU times, which are those of the JVM, the driver and the Python workers; medians of five runs.
--write puts it, with the date and the machine, into PAGE.
"""

import argparse
import datetime
import glob
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save_file
from support import session

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))
from bench import machine, write  # noqa: E402

FILES, RUNS = 8, 5


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


def write_files(folder, mebibytes):
    rng = np.random.default_rng(1)
    for shard in range(FILES):
        arrays = {f"{shard}.{i}": rng.normal(size=(mebibytes * 1024 // (4 * FILES), 1024 // 4)).astype(np.float32)
                  for i in range(4)}
        save_file(arrays, f"{folder}/{shard}.safetensors")


def median(run):
    """The median of the CPU times of a query, which has been run once before."""
    times, count = [], len(run())
    for _ in range(RUNS):
        before = cpu_seconds()
        assert len(run()) == count == 4 * FILES, count
        times.append(cpu_seconds() - before)
    return f"{statistics.median(times):.2f} s"


def table(spark, folder):
    ours = spark.read.format("tensorfile").load(folder)
    binary = spark.read.format("binaryFile").load(folder)
    queries = {
        "range and nans of each array": (
            lambda: ours.groupBy("name").agg({"nan_count": "sum", "min": "min", "max": "max"}).collect(),
            lambda: binary.rdd.flatMap(ranges).collect()),
        "names and shapes": (
            lambda: ours.select("name", "shape").collect(),
            lambda: binary.rdd.flatMap(shapes).collect()),
    }
    lines = ["| query | `tensorfile` | `binaryFile` and NumPy |", "| --- | --- | --- |"]
    for name, runs in queries.items():
        lines.append(f"| {name} | {' | '.join(map(median, runs))} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--mebibytes", type=int, default=128)
    parser.add_argument("--write", metavar="PAGE")
    given = parser.parse_args()
    spark = session("local[2]", **{"spark.driver.memory": "4g"})
    with tempfile.TemporaryDirectory(prefix="tensorfile-compare-") as folder:
        write_files(folder, given.mebibytes)
        text = (f"Measured on {datetime.date.today()}, {machine()}; medians of {RUNS}. CPU time of all processes, for "
                f"{given.mebibytes} MiB of float32 in {FILES} `.safetensors` files.\n\n{table(spark, folder)}")
    print(text)
    if given.write:
        write(given.write, "spark", text)


if __name__ == "__main__":
    main()
