"""The job that converts files, whose output must have the bytes that the program writes."""

import filecmp
import json
import os
import shutil
import subprocess
import unittest

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file
from support import PROGRAM, SparkTest

TYPES = ["float16", "bfloat16", "float64", "int32", "float8_e4m3fn", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k",
         "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "tq1_0", "tq2_0", "mxfp4"]


def write_model(folder, shards=6, width=256, blocks=4):
    """Writes the shards of a small model in the manner of transformers. There are nine arrays for each block, and three
    others."""
    rng = np.random.default_rng(5)
    weights = {"token_embd.weight": rng.normal(size=(64, width)), "output.weight": rng.normal(size=(64, width)),
               "output_norm.weight": rng.normal(size=width)}
    for block in range(blocks):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_down", "ffn_up"):
            weights[f"blk.{block}.{name}.weight"] = rng.normal(size=(width, width))
        weights[f"blk.{block}.attn_norm.weight"] = rng.normal(size=width)
        weights[f"blk.{block}.odd.weight"] = rng.normal(size=(6, 96))
        weights[f"blk.{block}.ids"] = np.arange(12).reshape(3, 4)
    names, places = list(weights), {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = {name: weights[name] if weights[name].dtype.kind == "i" else weights[name].astype(ml_dtypes.bfloat16)
                for name in names[shard::shards]}
        save_file(part, os.path.join(folder, file), {"format": "pt"})
        places.update(dict.fromkeys(part, file))
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        json.dump({"metadata": {}, "weight_map": places}, file)


class ConvertTest(SparkTest):
    def run_job(self, *arguments):
        arguments = [self.url(argument) for argument in arguments]
        job = self.spark._jvm.org.tensorfile.spark.Convert
        strings = self.spark.sparkContext._gateway.new_array(self.spark._jvm.String, len(arguments))
        for i, argument in enumerate(arguments):
            strings[i] = argument
        job.run(self.spark._jsparkSession, strings)

    def compare(self, inputs, output, *options):
        """Converts with the program and with the job, and returns the names of the files."""
        for kind in ("program", "spark"):
            shutil.rmtree(self.path(kind), ignore_errors=True)
            os.makedirs(self.path(kind))
        subprocess.run([PROGRAM, "convert", "--quiet", *options, *[self.path(name) for name in inputs],
                        self.path(f"program/{output}")], check=True, stdout=subprocess.DEVNULL)
        self.run_job(*options, *[self.path(name) for name in inputs], self.path(f"spark/{output}"))
        names = sorted(os.listdir(self.path("program")))
        self.assertEqual(sorted(os.listdir(self.path("spark"))), names)
        self.assertEqual(filecmp.cmpfiles(self.path("program"), self.path("spark"), names, shallow=False),
                         (names, [], []))
        return names


class Converting(ConvertTest):
    def setUp(self):
        super().setUp()
        write_model(self.folder)

    def shards(self):
        return sorted(name for name in os.listdir(self.folder) if name.startswith("model-"))

    def test_shards_to_a_set(self):
        names = self.compare(self.shards(), "m.safetensors", "--part-bytes", "300KB")
        self.assertGreater(len(names), 10)
        self.assertEqual(self.compare(["model.safetensors.index.json"], "m.safetensors"), ["m.safetensors"])

    def test_hundreds_of_shards(self):
        os.makedirs(self.path("many"))
        write_model(self.path("many"), shards=300, width=32, blocks=36)
        index, shards = "many/model.safetensors.index.json", sorted(os.listdir(self.path("many")))[:-1]
        self.assertEqual(len(shards), 300)
        self.assertGreater(len(self.compare([index], "m.safetensors", "--part-bytes", "4KB")), 100)
        self.compare([f"many/{name}" for name in shards], "m.safetensors", "--cast", "float32", "--part-bytes", "100KB")
        self.compare([index], "m.gguf", "--quantize", "q8_0", "--part-bytes", "30KB", "--set",
                     "general.architecture=demo")

    def test_more_shards_than_connections(self):
        self.spark.conf.set("fs.pooled.impl", "org.tensorfile.spark.tests.PooledFileSystem")
        self.addCleanup(self.spark.conf.unset, "fs.pooled.impl")
        pool = self.spark._jvm.org.tensorfile.spark.tests.PooledFileSystem
        for folder in "many", "out":
            os.makedirs(self.path(folder))
        write_model(self.path("many"), shards=30, width=32)
        shards = sorted(os.listdir(self.path("many")))[:-1]
        self.assertGreater(len(shards), 2 * pool.CONNECTIONS)
        for inputs in ["model.safetensors.index.json"], shards:
            self.run_job("--cast", "float32", "--part-bytes", "10KB",
                         *[f"pooled://{self.path('many')}/{name}" for name in inputs], self.path("out/m.safetensors"))
            self.assertEqual(pool.free(), pool.CONNECTIONS)
        read = self.spark.read.format("tensorfile").load(f"pooled://{self.path('many')}/model.safetensors.index.json")
        self.assertEqual(sum(data is not None for data, in read.select("data").collect()), 39)
        self.assertEqual(pool.free(), pool.CONNECTIONS)

    def test_quantizing(self):
        keys = ("--set", "general.architecture=llama", "--set", "llama.block_count=u32:4")
        index = ["model.safetensors.index.json"]
        self.assertGreater(len(self.compare(index, "m.gguf", "--quantize", "q4_k", "--part-bytes", "200KiB", *keys)), 3)
        self.compare(index, "m.gguf", "--quantize", "q2_k", "--exclude", "output*", "--cast", "float32", *keys)
        self.compare(index, "m.gguf", "--preset", "Q4_K_M", "--tensor-type", "*attn_q*=q8_0", *keys)
        self.compare(index, "m.gguf", "--quantize", "q8_0", "--include", "blk.1.*", "--set", "a.list=list:[1, 2]",
                     "--set", 'a.names=list:["x", "y"]', "--set", "a.x=f32:0.1", "--set", "a.b=bool:true", *keys)

    def test_every_type(self):
        casts = [f"--cast={dtype}:w.{dtype}" for dtype in TYPES]
        rng = np.random.default_rng(1)
        save_file({f"w.{dtype}": rng.normal(size=(40, 256)).astype(np.float32) for dtype in TYPES},
                  self.path("types.safetensors"))
        self.compare(["types.safetensors"], "m.safetensors", *casts[:5], "--drop", "*q*", "--drop", "*fp4")
        blocks = [cast for cast in casts if "q" in cast or "mxfp4" in cast]
        self.compare(["types.safetensors"], "types.gguf", "--part-bytes", "100KB", "--drop", "w.float8*", *blocks)
        shutil.move(self.path("spark"), self.path("blocks"))
        parts = sorted(os.listdir(self.path("blocks")))
        self.compare([f"blocks/{name}" for name in parts], "m.npz", "--cast", "float16", "--metadata", "drop")
        self.compare([f"blocks/{name}" for name in parts], "m.gguf", "--cast", "float16")

    def test_one_array_of_a_file(self):
        np.save(self.path("x.npy"), np.arange(6).reshape(2, 3))
        np.save(self.path("y.npy"), np.arange(6.0))
        self.compare(["x.npy", "y.npy"], "m.npz", "--compress")
        self.compare(["x.npy"], "m.safetensors", "--cast", "int8")
        self.compare(["model.safetensors.index.json"], "m.npy", "--only", "output.weight", "--cast", "float32",
                     "--metadata", "drop")

    def test_pieces_of_a_large_array(self):
        x = np.random.default_rng(2).normal(size=(3000, 8192)).astype(np.float16)
        save_file({"x": x}, self.path("large.safetensors"))
        self.compare(["large.safetensors"], "m.safetensors", "--cast", "float32")

    def test_failures(self):
        one = self.path("model-00001-of-00006.safetensors")
        cases = [
            (["--rename", "a=b", one, self.path("x.npz")],
             "--rename: unknown option; `tensorfile convert` on one machine"),
            ([one], "expected IN... and OUT"),
            (["--part-bytes", "5 gigabytes", one, self.path("x.npz")],
             "--part-bytes 5 gigabytes: expected a whole number"),
            (["--quantize", "float16", one, self.path("x.gguf")], "--quantize: float16 is not a block type"),
            (["--quantize", "q4_k", "--preset", "Q4_K_M", one, self.path("x.gguf")],
             "--preset and --quantize both choose types; give one of them"),
            (["--only", "none", one, self.path("x.safetensors")], "--only or --drop 'none' matches no array"),
            (["--delete", "none", one, self.path("x.safetensors")], "--delete: there is no metadata value 'none'"),
            ([one, one, self.path("x.safetensors")], "several arrays would be named 'blk.0.attn_output.weight'"),
            ([one, self.path("x.npz")], "--metadata drop leaves it out"),
            ([one, one], "is read, and would be replaced; choose another name for the output"),
            ([self.path("none.gguf"), self.path("x.npz")], "none.gguf: no such file or folder"),
            ([one, self.path("x.txt")], "x.txt: the extension is not one of .npy, .npz, .safetensors or .gguf"),
        ]
        before = sorted(os.listdir(self.folder))
        for arguments, text in cases:
            with self.subTest(text):
                self.assertIn(text, self.failure(lambda arguments=arguments: self.run_job(*arguments)))
                self.assertEqual(sorted(os.listdir(self.folder)), before)
        np.save(self.path("nan.npy"), np.full((2, 256), np.nan, np.float32))
        self.assertIn("array 'arr_0'", self.failure(
            lambda: self.run_job("--quantize", "q4_0", self.path("nan.npy"), self.path("x.gguf"))))
        self.assertEqual(sorted(os.listdir(self.folder)), sorted([*before, "nan.npy"]))

    def test_a_part_that_fails_leaves_the_old_set(self):
        """The tasks of the other parts write theirs."""
        good, bad = np.ones((2, 256), np.float32), np.full((2, 256), np.nan, np.float32)
        options = ("--quantize", "q4_0", "--part-bytes", "300")
        save_file({"a": good, "b": good, "c": good}, self.path("in.safetensors"))
        self.run_job(*options, self.path("in.safetensors"), self.path("out/m.gguf"))
        before = {name: open(self.path(f"out/{name}"), "rb").read() for name in os.listdir(self.path("out"))}
        self.assertEqual(len(before), 3)
        save_file({"a": good + 1, "b": good + 1, "c": bad}, self.path("in.safetensors"))
        self.assertIn("in.safetensors: array 'c': ", self.failure(
            lambda: self.run_job(*options, self.path("in.safetensors"), self.path("out/m.gguf"))))
        after = {name: open(self.path(f"out/{name}"), "rb").read() for name in os.listdir(self.path("out"))}
        self.assertEqual(after, before)


class Changing(ConvertTest):
    """An input that is replaced between planning and the tasks. The output is in a file system that does this."""

    PARTS = "m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors"
    INDEX = "m.safetensors.index.json"

    def setUp(self):
        super().setUp()
        self.spark.conf.set("fs.recording.impl", "org.tensorfile.spark.tests.RecordingFileSystem")
        self.addCleanup(self.spark.conf.unset, "fs.recording.impl")

    def url(self, path):
        return path

    def write(self, folder, dtype=np.float32):
        os.makedirs(self.path(folder))
        for name, part in zip("ab", self.PARTS):
            save_file({name: np.ones((2, 256), dtype)}, self.path(f"{folder}/{part}"))
        with open(self.path(f"{folder}/{self.INDEX}"), "w") as file:
            json.dump({"metadata": {}, "weight_map": dict(zip("ab", self.PARTS))}, file)

    def refuse(self, name, seconds=0, dtype=np.float32, reported=None):
        """Converts a set, of which meanwhile one file is replaced by another version."""
        self.write("old")
        self.write("new", dtype)
        old, new = self.path(f"old/{name}"), self.path(f"new/{name}")
        before = os.stat(old)
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns + seconds * 10**9))
        self.spark._jvm.org.tensorfile.spark.tests.RecordingFileSystem.replaceAtNextFolder(new, old)
        text = self.failure(lambda: self.run_job(self.path(f"old/{self.INDEX}"),
                                                 f"recording://{self.path('out')}/m.gguf"))
        self.assertIn(f"old/{reported or name}: the file was modified after the job was planned; load or convert it "
                      "again", text)
        self.assertEqual(os.listdir(self.path("out")), [])
        for folder in "old", "new", "out":
            shutil.rmtree(self.path(folder))

    def test_another_time(self):
        for name in (self.INDEX, *self.PARTS):
            with self.subTest(name):
                self.refuse(name, seconds=60)

    def test_another_length(self):
        self.refuse(self.PARTS[1], dtype=np.float64)

    def test_another_dtype_with_the_same_time_and_length(self):
        self.refuse(self.PARTS[1], dtype=np.int32, reported=self.INDEX)


if __name__ == "__main__":
    unittest.main(verbosity=2)
