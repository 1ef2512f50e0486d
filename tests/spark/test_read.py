"""Reading through the Spark module, compared with what NumPy, safetensors and gguf-py wrote."""

import json
import os
import time
import unittest

import ml_dtypes
import numpy as np
from gguf import GGUFWriter, GGMLQuantizationType, quants
from safetensors.numpy import save_file
from support import SparkTest

PARTS = "m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors"
INDEX, VARIANT = "m.safetensors.index.json", "m.safetensors.index.fp16.json"


def write_set(test, index):
    save_file({"a": np.arange(3)}, test.path(PARTS[0]))
    save_file({"b": np.arange(4)}, test.path(PARTS[1]))
    with open(test.path(index), "w") as file:
        json.dump({"metadata": {}, "weight_map": dict(zip("ab", PARTS))}, file)


class Reading(SparkTest):
    def test_a_row_for_each_array(self):
        arrays = {"b": np.arange(6, dtype=np.int64).reshape(2, 3), "a": np.array(1.5, np.float16),
                  "w": np.ones((4, 2), ml_dtypes.bfloat16), "empty": np.zeros((0, 3), np.float32)}
        save_file(arrays, self.path("m.safetensors"), {"author": "Grace"})
        rows = self.load(self.path("m.safetensors")).collect()
        self.assertEqual({row.name for row in rows}, set(arrays))
        for row in rows:
            array = arrays[row.name]
            self.assertEqual(row.path, self.uri(self.path("m.safetensors")))
            self.assertEqual(row.dtype, array.dtype.name)
            self.assertEqual(tuple(row["shape"]), array.shape)
            self.assertEqual((row.nbytes, row.stored_bytes), (array.nbytes, array.nbytes))
            self.assertEqual((row.start, row.stop), (0, array.shape[0] if array.shape else 1))
            self.assertEqual(row.metadata, {"author": "Grace"})
            self.assertEqual(bytes(row.data), array.tobytes())
        self.assertEqual(sorted(row.position for row in rows), [0, 1, 2, 3])

    def test_every_format_of_a_folder(self):
        x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32)
        os.makedirs(self.path("deep/er"))
        np.save(self.path("x.npy"), np.asfortranarray(x.astype(">f8")))
        np.savez_compressed(self.path("deep/x.npz"), x=np.zeros((100, 100)))
        save_file({"x": x}, self.path("deep/er/x.safetensors"))
        writer = GGUFWriter(self.path("x.gguf"), "demo")
        writer.add_array("demo.sizes", [1, 2])
        writer.add_array("demo.names", ["a", "b"])
        writer.add_float32("demo.eps", 0.5)
        q8 = quants.quantize(x, GGMLQuantizationType.Q8_0)
        writer.add_tensor("x", q8, raw_dtype=GGMLQuantizationType.Q8_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        for other in ("notes.txt", "_x.npy", ".x.npy"):
            with open(self.path(other), "w") as file:
                file.write("not data")
        rows = {os.path.splitext(row.path)[1]: row for row in self.load(self.folder).collect()}
        self.assertEqual(set(rows), {".npy", ".npz", ".safetensors", ".gguf"})
        self.assertEqual((rows[".npy"].name, rows[".npy"].dtype), ("", "float64"))
        self.assertEqual(bytes(rows[".npy"].data), x.astype("<f8").tobytes())
        self.assertEqual(rows[".npz"].nbytes, 80000)
        self.assertLess(rows[".npz"].stored_bytes, 1000)
        self.assertEqual(bytes(rows[".npz"].data), bytes(80000))
        self.assertEqual((rows[".gguf"].dtype, list(rows[".gguf"]["shape"])), ("q8_0", [2, 32]))
        self.assertEqual(bytes(rows[".gguf"].data), q8.tobytes())
        self.assertEqual(rows[".gguf"].metadata["general.architecture"], "demo")
        self.assertEqual(json.loads(rows[".gguf"].metadata["demo.sizes"]), [1, 2])
        self.assertEqual(json.loads(rows[".gguf"].metadata["demo.names"]), ["a", "b"])
        self.assertEqual(json.loads(rows[".gguf"].metadata["demo.eps"]), 0.5)
        floats = {os.path.splitext(row.path)[1]: row.data for row in self.load(self.folder, data="float").collect()}
        self.assertEqual(floats[".npy"], x.ravel().tolist())
        self.assertEqual(floats[".gguf"], quants.dequantize(q8, GGMLQuantizationType.Q8_0).ravel().tolist())

    def test_arrays_are_cut_along_the_first_axis(self):
        x = np.arange(1000 * 10, dtype=np.int32).reshape(1000, 10)
        y = np.arange(7, dtype=np.int8)
        save_file({"x": x, "y": y}, self.path("m.safetensors"))
        frame = self.load(self.path("m.safetensors"), pieceBytes="4k")
        self.assertEqual(frame.count(), 11)
        self.assertEqual(frame.where("start = 0").count(), 2)
        pieces = frame.where("name = 'x'").orderBy("start").collect()
        self.assertEqual([(row.start, row.stop) for row in pieces],
                         [(i, min(1000, i + 102)) for i in range(0, 1000, 102)])
        self.assertEqual(b"".join(bytes(row.data) for row in pieces), x.tobytes())
        self.assertTrue(all(list(row["shape"]) == [1000, 10] for row in pieces))
        self.assertEqual(self.load(self.path("m.safetensors"), pieceBytes="0").count(), 2)
        self.assertEqual(self.load(self.path("m.safetensors")).count(), 2)

    def test_pieces_of_blocks_are_whole_blocks(self):
        x = np.linspace(-1, 1, 320, dtype=np.float32)
        writer = GGUFWriter(self.path("x.gguf"), "demo")
        q8 = quants.quantize(x, GGMLQuantizationType.Q8_0)
        writer.add_tensor("x", q8, raw_dtype=GGMLQuantizationType.Q8_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        pieces = self.load(self.path("x.gguf"), pieceBytes="70").orderBy("start").collect()
        self.assertEqual([row.start for row in pieces], [0, 64, 128, 192, 256])
        self.assertEqual(b"".join(bytes(row.data) for row in pieces), q8.tobytes())

    def test_partitions_by_bytes_give_each_piece_once(self):
        rng = np.random.default_rng(1)
        arrays = {f"a{i:03}": rng.integers(0, 255, int(rng.integers(1, 60000)), np.uint8) for i in range(100)}
        save_file(arrays, self.path("m.safetensors"))
        np.savez_compressed(self.path("m.npz"), **{k: np.zeros_like(v) for k, v in arrays.items()})
        self.spark.conf.set("spark.sql.files.maxPartitionBytes", "100k")
        self.spark.conf.set("spark.sql.files.openCostInBytes", "1k")
        self.addCleanup(self.spark.conf.unset, "spark.sql.files.maxPartitionBytes")
        self.addCleanup(self.spark.conf.unset, "spark.sql.files.openCostInBytes")
        frame = self.load(self.folder, pieceBytes="16k").select("path", "name", "start", "data")
        self.assertGreater(frame.rdd.getNumPartitions(), 20)
        found = {}
        for row in frame.orderBy("path", "name", "start").collect():
            key = (os.path.splitext(row.path)[1], row.name)
            found[key] = found.get(key, b"") + bytes(row.data)
        self.assertEqual(len(found), 200)
        for name, array in arrays.items():
            self.assertEqual(found[".safetensors", name], array.tobytes())
            self.assertEqual(found[".npz", name], bytes(array.nbytes))

    def test_arrays_above_64_mib_are_cut_by_default(self):
        shapes = {"above": [(64 << 20) // 1000 + 1, 1000], "limit": [64, 1 << 20], "flat": [(128 << 20) + 1]}
        header, end = {}, 0
        for name, shape in shapes.items():
            size = shape[0] * (shape[1] if len(shape) > 1 else 1)
            header[name] = {"dtype": "U8", "shape": shape, "data_offsets": [end, end + size]}
            end += size
        text = json.dumps(header).encode()
        with open(self.path("m.safetensors"), "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + end)
        rows = self.load(self.path("m.safetensors")).select("name", "start", "stop").orderBy("name", "start").collect()
        self.assertEqual([tuple(row) for row in rows], [
            ("above", 0, 67108), ("above", 67108, 67109), ("flat", 0, 64 << 20), ("flat", 64 << 20, 128 << 20),
            ("flat", 128 << 20, (128 << 20) + 1), ("limit", 0, 64)])

    def test_a_listing_reads_headers_only(self):
        count = 10_000
        header = {f"t{i}": {"dtype": "F32", "shape": [1, 1000], "data_offsets": [4000 * i, 4000 * i + 4000]}
                  for i in range(count)}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(self.path("big.safetensors"), "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + 4000 * count)
        frame = self.load(self.path("big.safetensors")).selectExpr("count(*)", "sum(nbytes)", "max(length(name))")
        rows, counts = self.metrics(frame)
        self.assertEqual(tuple(rows[0]), (count, 4000 * count, 5))
        self.assertEqual(counts["files opened"], 1)
        self.assertLessEqual(counts["reads of files"], 3 + (len(text) >> 20))
        self.assertLessEqual(counts["bytes read from files"], 8 + len(text) + (1 << 20))

    def test_only_arrays_that_pass_the_filters_are_read(self):
        arrays = {f"{kind}.{i}": np.full(1 << 20, i, kind) for kind in ("int8", "uint8") for i in range(8)}
        save_file(arrays, self.path("a.safetensors"))
        save_file(arrays, self.path("b.safetensors"))
        frame = self.load(self.path("*.safetensors")).where(
            "path like '%/a.safetensors' and dtype = 'int8' and (name like '%.3' or name in ('int8.5', 'uint8.5')) "
            "and nbytes >= 1048576").select("path", "name", "data")
        rows, counts = self.metrics(frame)
        self.assertEqual({(row.name, bytes(row.data)) for row in rows},
                         {("int8.3", bytes([3]) * (1 << 20)), ("int8.5", bytes([5]) * (1 << 20))})
        # Each partition opens the one file that is left, and one of them reads each array.
        self.assertLessEqual(counts["files opened"], frame.rdd.getNumPartitions())
        self.assertLessEqual(counts["bytes read from files"], (2 << 20) + counts["files opened"] * (1 << 20))
        plan = frame._jdf.queryExecution().executedPlan().toString()
        self.assertNotRegex(plan, r"[-+)] Filter ")
        for condition in ("not name = 'int8.3'", "name != 'int8.3'", "nbytes < 5", "nbytes <= 1048576 or dtype = 'x'",
                          "name > 'int8.5'", "name is null", "name <=> 'int8.3'", "length(name) = 6", "name = null",
                          "start = 0 and name like 'u%t8.2'", "nbytes > 1048575.5",
                          "name between 'int8.2' and 'int8.4'"):
            with self.subTest(condition):
                pushed = self.load(self.path("*.safetensors")).select("name").where(condition)
                cached = self.spark.createDataFrame(
                    [(name, a.dtype.name, a.nbytes, 0) for name, a in arrays.items()] * 2,
                    "name string, dtype string, nbytes bigint, start bigint").where(condition).select("name")
                self.assertEqual(sorted(pushed.collect()), sorted(cached.collect()))

    def test_statistics(self):
        x = np.array([[1, np.nan, -3], [np.inf, 2, np.nan]], np.float32)
        big = np.random.default_rng(0).normal(size=(3000, 1000)).astype(np.float16)
        arrays = {"x": x, "big": big, "n": np.full(3, np.nan, np.float64), "c": np.ones(2, np.complex64),
                  "u": np.array([0, 2**64 - 1], np.uint64), "b": np.array([True, False]), "e": np.zeros(0, np.int8)}
        np.savez(self.path("m.npz"), **arrays)
        self.load(self.path("m.npz"), pieceBytes="64k").createOrReplaceTempView("arrays")
        rows = {row.name: tuple(row)[1:] for row in self.spark.sql(
            "SELECT name, sum(nan_count), sum(inf_count), min(min), max(max) FROM arrays GROUP BY name").collect()}
        self.assertEqual(rows, {
            "x": (2, 1, -3.0, np.inf), "n": (3, 0, None, None), "c": (None, None, None, None),
            "u": (0, 0, 0.0, 2.0**64), "b": (0, 0, 0.0, 1.0), "e": (0, 0, None, None),
            "big": (0, 0, float(big.min()), float(big.max()))})

    def test_an_index_is_its_set(self):
        for index in INDEX, VARIANT:
            with self.subTest(index):
                write_set(self, index)
                rows = self.load(self.path(index)).collect()
                self.assertEqual([(row.name, bytes(row.data)) for row in sorted(rows)],
                                 [("a", np.arange(3).tobytes()), ("b", np.arange(4).tobytes())])

    def test_types_that_the_library_does_not_know(self):
        np.save(self.path("x.npy"), np.array(["ab", "c"]))
        row = self.load(self.path("x.npy")).collect()[0]
        self.assertEqual((row.dtype, row.nan_count), ("<U2", None))
        self.assertEqual(bytes(row.data), np.array(["ab", "c"]).tobytes())
        self.assertIn("array '' has the type <U2, which the library does not know; without the option data=float its "
                      "bytes can be read", self.failure(self.load(self.path("x.npy"), data="float").collect))

    def test_several_paths(self):
        np.save(self.path("a.npy"), np.arange(2))
        np.save(self.path("b c.npy"), np.arange(3))
        frame = self.spark.read.format("tensorfile").load(
            [self.url(self.path("b c.npy")), self.url(self.path("a.npy"))])
        self.assertEqual(sorted(row.nbytes for row in frame.collect()), [16, 24])


class Failures(SparkTest):
    def test_no_such_file(self):
        self.assertIn(self.url(self.path("none.npy")) + ": no such file or folder",
                      self.failure(self.load(self.path("none.npy")).collect))
        with open(self.path("notes.txt"), "w") as file:  # a store of objects has no empty folders
            file.write("not data")
        self.assertIn("the folder has no .npy, .npz, .safetensors or .gguf file",
                      self.failure(self.load(self.folder).collect))
        self.assertIn("no path is given; load(PATH) takes a file, a folder or a glob",
                      self.failure(lambda: self.spark.read.format("tensorfile").load().collect()))

    def test_options(self):
        np.save(self.path("a.npy"), np.arange(2))
        self.assertIn("option data: expected binary or float, found text",
                      self.failure(lambda: self.load(self.path("a.npy"), data="text")))
        self.assertIn("option pieceBytes: expected a size of 0 or more, such as 64m or 2g, found many",
                      self.failure(lambda: self.load(self.path("a.npy"), pieceBytes="many")))

    def test_a_bad_file(self):
        np.save(self.path("a.npy"), np.arange(100))
        os.truncate(self.path("a.npy"), 200)
        text = self.failure(self.load(self.path("a.npy")).collect)
        self.assertIn(self.uri(self.path("a.npy")), text)
        self.assertIn("TensorfileException", text)

    def test_a_file_that_changes_after_planning(self):
        """A file, an index or a part of its set: only its time changes, and then only its length."""

        def later(path):
            os.utime(path, (time.time() + 60,) * 2)

        def longer(path):
            before = os.stat(path)
            with open(path, "ab") as file:
                file.write(b" ")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

        for loaded, changed in (("a.npy", "a.npy"), (INDEX, INDEX), (INDEX, PARTS[1]), (VARIANT, PARTS[0])):
            for change in later, longer:
                with self.subTest(f"{changed} of {loaded} is {change.__name__}"):
                    np.save(self.path("a.npy"), np.arange(100))
                    write_set(self, INDEX)
                    write_set(self, VARIANT)
                    plan = self.load(self.path(loaded))._jdf.queryExecution().executedPlan()
                    plan.execute().getNumPartitions()
                    change(self.path(changed))
                    self.assertIn(f"{changed}: the file was modified after the job was planned; load or convert it "
                                  "again", self.failure(plan.executeCollect))

    def test_a_row_that_no_array_of_the_jvm_holds(self):
        with open(self.path("a.safetensors"), "wb") as file:
            size = 3 << 30
            text = json.dumps({"x": {"dtype": "U8", "shape": [1, size], "data_offsets": [0, size]}}).encode()
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + size)
        frame = self.load(self.path("a.safetensors"))
        self.assertEqual(frame.selectExpr("nbytes").collect()[0].nbytes, size)
        self.assertIn("array 'x': a row of 3221225472 bytes does not fit an array of the JVM",
                      self.failure(frame.collect))

    def test_complex_numbers_are_not_floats(self):
        np.save(self.path("a.npy"), np.ones(2, np.complex64))
        self.assertIn("is complex64, which has no value as a float",
                      self.failure(self.load(self.path("a.npy"), data="float").collect))


if __name__ == "__main__":
    unittest.main(verbosity=2)
