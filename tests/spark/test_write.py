"""Writing through the Spark module, compared with what NumPy, safetensors, gguf-py and the program read and write."""

import filecmp
import os
import subprocess
import unittest

import gguf
import ml_dtypes
import numpy as np
from pyspark import TaskContext
from pyspark.sql.types import ArrayType, BinaryType, FloatType, LongType, StringType, StructField, StructType
from safetensors.numpy import load_file, save_file
from support import PROGRAM, SparkTest

ROWS = StructType([StructField("name", StringType()), StructField("dtype", StringType()),
                   StructField("shape", ArrayType(LongType())), StructField("start", LongType()),
                   StructField("stop", LongType()), StructField("data", BinaryType())])


def row(name, array, start=0, stop=None):
    stop = (array.shape[0] if array.shape else 1) if stop is None else stop
    piece = array[start:stop] if array.shape else array
    return name, array.dtype.name, list(array.shape), start, stop, bytearray(piece.tobytes())


class WriteTest(SparkTest):
    def frame(self, rows, partitions=3):
        return self.spark.createDataFrame(self.spark.sparkContext.parallelize(rows, partitions), ROWS)

    def save(self, frame, name, mode="append", **options):
        frame.write.format("tensorfile").mode(mode).options(**options).save(self.url(self.path(name)))

    def files(self):
        return sorted(os.listdir(self.folder))


class Writing(WriteTest):
    def test_pieces_become_arrays(self):
        x = np.arange(40, dtype=np.int32).reshape(10, 4)
        y = np.array(2.5, ml_dtypes.bfloat16)
        z = np.zeros((0, 3), np.float64)
        rows = [row("x", x, 7, 10), row("y", y), row("x", x, 0, 3), row("z", z), row("x", x, 3, 7)]
        self.save(self.frame(rows), "m.safetensors", **{"set.author": "Grace"})
        self.assertEqual(self.files(), ["m.safetensors"])
        loaded = load_file(self.path("m.safetensors"))
        self.assertEqual(sorted(loaded), ["x", "y", "z"])
        for name, array in (("x", x), ("y", y), ("z", z)):
            self.assertEqual((loaded[name].dtype, loaded[name].shape), (array.dtype, array.shape))
            self.assertEqual(loaded[name].tobytes(), array.tobytes())
        self.assertEqual(self.load(self.path("m.safetensors")).first().metadata, {"author": "Grace"})

    def test_npz(self):
        x = np.arange(40, dtype=np.int32).reshape(10, 4)
        self.save(self.frame([row("x", x), row("b", x[:1])]), "m.npz", compress="true")
        with np.load(self.path("m.npz")) as loaded:
            self.assertEqual(sorted(loaded), ["b", "x"])
            np.testing.assert_array_equal(loaded["x"], x)

    def test_npy(self):
        x = np.arange(40, dtype=np.int32).reshape(10, 4)
        self.save(self.frame([row("x", x, 0, 6), row("x", x, 6, 10)]), "x.npy")
        np.testing.assert_array_equal(np.load(self.path("x.npy")), x)
        text = self.failure(lambda: self.save(self.frame([row("x", x), row("y", x)]), "x.npy", "overwrite"))
        self.assertIn(self.url(self.path("x.npy")) + ": array 'y': npy holds one array, and it is declared", text)
        np.testing.assert_array_equal(np.load(self.path("x.npy")), x)
        self.assertEqual(self.files(), ["x.npy"])

    def test_floats_are_cast_and_encoded(self):
        x = np.linspace(-2, 2, 128, dtype=np.float32).reshape(4, 32)
        schema = StructType([StructField("name", StringType()), StructField("dtype", StringType()),
                             StructField("shape", ArrayType(LongType())), StructField("data", ArrayType(FloatType()))])
        rows = [("q", "q8_0", [4, 32], x.ravel().tolist()), ("h", "float16", [128], x.ravel().tolist())]
        self.save(self.spark.createDataFrame(rows, schema), "m.gguf",
                  **{"set.general.architecture": "demo", "set.demo.layers": "u32:2"})
        reader = gguf.GGUFReader(self.path("m.gguf"))
        tensors = {tensor.name: tensor for tensor in reader.tensors}
        self.assertEqual(tensors["q"].tensor_type, gguf.GGMLQuantizationType.Q8_0)
        self.assertEqual(bytes(tensors["q"].data), gguf.quants.quantize(x, gguf.GGMLQuantizationType.Q8_0).tobytes())
        np.testing.assert_array_equal(tensors["h"].data, x.ravel().astype(np.float16))
        self.assertEqual(reader.fields["general.architecture"].contents(), "demo")
        self.assertEqual(reader.fields["demo.layers"].types, [gguf.GGUFValueType.UINT32])
        self.assertEqual(reader.fields["demo.layers"].contents(), 2)

    def test_a_set_is_that_of_the_program(self):
        rng = np.random.default_rng(3)
        arrays = {f"layers.{i}.w": rng.normal(size=(10 + i, 100)).astype(np.float32) for i in range(20)}
        save_file(arrays, self.path("in.safetensors"))
        for extension in ("safetensors", "gguf"):
            os.makedirs(self.path("program"), exist_ok=True)
            subprocess.run([PROGRAM, "convert", "--quiet", "--part-bytes", "20000", self.path("in.safetensors"),
                            self.path(f"program/m.{extension}")], check=True)
            frame = self.load(self.path("in.safetensors"), pieceBytes="1k").repartition(7)
            self.save(frame, f"spark/m.{extension}", partBytes="20000")
        names = sorted(os.listdir(self.path("program")))
        self.assertGreater(len(names), 8)
        self.assertEqual(names, sorted(os.listdir(self.path("spark"))))
        self.assertEqual(filecmp.cmpfiles(self.path("program"), self.path("spark"), names, shallow=False),
                         (names, [], []))

    def test_a_smaller_set_replaces_a_larger_one(self):
        x = np.arange(1000, dtype=np.int64).reshape(10, 100)
        self.save(self.frame([row(f"x{i}", x + i) for i in range(5)]), "m.safetensors", partBytes="8000")
        self.assertEqual(len(self.files()), 6)
        self.save(self.frame([row(f"x{i}", x - i) for i in range(2)]), "m.safetensors", "overwrite", partBytes="8000")
        self.assertEqual(self.files(), ["m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors",
                                        "m.safetensors.index.json"])
        rows = self.load(self.path("m.safetensors.index.json")).collect()
        self.assertEqual({row.name: bytes(row.data) for row in rows},
                         {"x0": x.tobytes(), "x1": (x - 1).tobytes()})
        self.save(self.frame([row("x", x)]), "m.safetensors", "overwrite")
        self.assertEqual(self.files(), ["m.safetensors"])

    def test_tasks_that_fail_are_retried(self):
        x = np.arange(1000, dtype=np.int64).reshape(10, 100)

        def rows(number):
            for i in range(4):
                if i == 3 and number % 2 == 0 and TaskContext.get().attemptNumber() < 2:
                    raise ValueError("this attempt fails")
                yield row(f"x{number}.{i}", x + number * 4 + i)

        numbers = self.spark.sparkContext.parallelize(range(4), 4).flatMap(rows)
        self.save(self.spark.createDataFrame(numbers, ROWS), "m.safetensors", partBytes="20000")
        self.assertEqual(len([name for name in self.files() if name.endswith(".safetensors")]), 8)
        loaded = {}
        for name in self.files()[:-1]:
            loaded.update(load_file(self.path(name)))
        self.assertEqual({name: array.tobytes() for name, array in loaded.items()},
                         {f"x{n}.{i}": (x + n * 4 + i).tobytes() for n in range(4) for i in range(4)})


class Committing(WriteTest):
    """How the driver replaces a set, in file systems that record it. s3.py tests the requests to a store of objects."""

    RECORDING = "org.tensorfile.spark.tests.RecordingFileSystem"
    SETTINGS = {"fs.file.impl": RECORDING + "$Local", "fs.file.impl.disable.cache": "true",
                "fs.recording.impl": RECORDING}
    # Local files are replaced. In other file systems, such as HDFS, the old file is removed first.
    SCHEMES = "file", "recording"
    INDEX = "m.safetensors.index.json"

    def setUp(self):
        super().setUp()
        for name, value in self.SETTINGS.items():
            self.spark.conf.set(name, value)
            self.addCleanup(self.spark.conf.unset, name)
        self.recording = self.spark._jvm.org.tensorfile.spark.tests.RecordingFileSystem
        self.addCleanup(self.recording.start, None)

    def url(self, path):
        return f"{self.scheme}://{path}"

    @staticmethod
    def parts(count, extension="safetensors"):
        return [f"m-{i:05}-of-{count:05}.{extension}" for i in range(1, count + 1)]

    def save_set(self, count, extension="safetensors"):
        """Replaces the set of the scheme by one with a part for each array, and returns the names of the parts."""
        x = np.arange(1000.0).reshape(10, 100)
        self.save(self.frame([row(f"x{i}", x + count) for i in range(count)]), f"{self.scheme}/m.{extension}",
                  "overwrite", partBytes="8000")
        return self.parts(count, extension)

    def contents(self):
        found = {}
        for name in os.listdir(self.path(self.scheme)):
            with open(self.path(f"{self.scheme}/{name}"), "rb") as file:
                found[name] = file.read()
        return found

    def test_the_index_is_last(self):
        for self.scheme in self.SCHEMES:
            with self.subTest(self.scheme):
                old = self.save_set(2)
                self.recording.start(None)
                new = self.save_set(3)
                calls = [call for call in self.recording.calls() if call.split()[1].startswith("m")]
                # Without its entries, the old set cannot be opened any more.
                self.assertEqual(calls[:6], [f"delete {old[0]}", f"delete {self.INDEX}",
                                             *(f"move {name}" for name in reversed(new)), f"move {self.INDEX}"])
                self.assertEqual(sorted(calls[6:]), [f"delete {name}" for name in old[1:]])
                self.assertEqual(sorted(self.contents()), [*new, self.INDEX])

    def test_the_first_part_of_a_gguf_is_last(self):
        """It is what opens the set, which has no index."""
        for self.scheme in self.SCHEMES:
            with self.subTest(self.scheme):
                old = self.save_set(2, "gguf")
                self.recording.start(None)
                new = self.save_set(3, "gguf")
                calls = [call for call in self.recording.calls() if call.split()[1].startswith("m")]
                self.assertEqual(calls, [f"delete {old[0]}", f"move {new[2]}", f"move {new[1]}", f"move {new[0]}",
                                         f"delete {old[1]}"])
                self.assertEqual(sorted(self.contents()), new)

    def test_a_move_that_fails_leaves_no_first_part_of_a_gguf(self):
        for self.scheme in self.SCHEMES:
            names = self.save_set(3, "gguf")
            for refused in names:
                with self.subTest(f"{self.scheme} {refused}"):
                    self.recording.start(refused)
                    self.assertIn(f"{refused}: cannot move", self.failure(lambda: self.save_set(3, "gguf")))
                    self.assertLessEqual(set(self.contents()), set(names[1:]))
                    self.recording.start(None)
                    self.save_set(3, "gguf")
                    self.assertEqual(sorted(self.contents()), names)

    def test_a_move_that_fails_leaves_no_index(self):
        """Neither the old set nor the new one, and no mixture; the next write replaces what is left."""
        for self.scheme in self.SCHEMES:
            names = self.save_set(3)
            for refused in (*names, self.INDEX):
                with self.subTest(f"{self.scheme} {refused}"):
                    self.recording.start(refused)
                    self.assertIn(f"{refused}: cannot move", self.failure(lambda: self.save_set(3)))
                    self.assertEqual(set(self.contents()) - set(names), set())
                    self.recording.start(None)
                    self.save_set(3)
                    self.assertEqual(sorted(self.contents()), [*names, self.INDEX])

    def test_a_folder_with_the_name_of_a_file_of_the_set(self):
        """A move to such a name would succeed, and put the file into the folder."""
        for self.scheme in self.SCHEMES:
            old = self.save_set(2)
            before = self.contents()
            self.assertEqual(sorted(before), [*old, self.INDEX])
            for name in self.parts(3):
                with self.subTest(f"{self.scheme} {name}"):
                    os.mkdir(self.path(f"{self.scheme}/{name}"))
                    self.assertIn(f"{name}: is a folder", self.failure(lambda: self.save_set(3)))
                    os.rmdir(self.path(f"{self.scheme}/{name}"))
                    self.assertEqual(self.contents(), before)
            with self.subTest(f"{self.scheme} {self.INDEX}"):
                self.save(self.frame([row("x", np.arange(4))]), f"{self.scheme}/m.safetensors", "overwrite")
                self.assertEqual(list(self.contents()), ["m.safetensors"])
                os.mkdir(self.path(f"{self.scheme}/{self.INDEX}"))
                self.assertIn(f"{self.INDEX}: is a folder", self.failure(lambda: self.save_set(3)))
                self.assertEqual(sorted(os.listdir(self.path(self.scheme))), ["m.safetensors", self.INDEX])


class Failures(WriteTest):
    def refuse(self, rows, text, name="m.safetensors", **options):
        """A write fails, and leaves the old set."""
        before = self.files()
        self.assertIn(text, self.failure(lambda: self.save(self.frame(rows), name, "overwrite", **options)))
        self.assertEqual(self.files(), before)

    def test_rows_that_are_not_arrays(self):
        x = np.arange(40, dtype=np.int32).reshape(10, 4)
        self.save(self.frame([row("old", x)]), "m.safetensors")
        self.refuse([row("x", x, 0, 3), row("x", x, 4, 10)],
                    "array 'x': no row has the indices 3 to 4 of the first axis")
        self.refuse([row("x", x, 0, 3)], "array 'x': no row has the indices 3 to 10 of the first axis")
        self.refuse([row("x", x), row("x", x)], "array 'x': several rows have index 0 of the first axis")
        self.refuse([row("x", x, 0, 3), row("x", x.astype(np.uint32), 3)], "array 'x': one row says int32 [10, 4] and "
                    "another uint32 [10, 4]")
        name, dtype, shape, start, stop, data = row("x", x)
        self.refuse([(name, dtype, shape, start, stop, data[:-1])],
                    "array 'x': the data have 159 bytes, but int32 [10, 4] has 160")
        self.refuse([(name, dtype, shape, 0, 11, data)],
                    "start 0 and stop 11 are not a range of the first axis, which has 10 indices")
        self.refuse([(name, "int33", shape, start, stop, data)], "int33")
        self.refuse([(None, dtype, shape, start, stop, data)], "column name: a row has no value")
        self.refuse([(name, dtype, shape, start, stop, None)], "array 'x': the row has no data")
        self.refuse([row("x", x.astype(np.complex128))], "complex128", "m.gguf")

    def test_columns_and_options(self):
        x = np.arange(4)
        frame = self.frame([row("x", x)])
        self.assertIn("column title: a row to be written has the columns name, dtype, shape and data",
                      self.failure(lambda: self.save(frame.withColumnRenamed("start", "title"), "m.npz")))
        self.assertIn("column dtype is missing", self.failure(lambda: self.save(frame.drop("dtype"), "m.npz")))
        self.assertIn("column name: expected STRING, found INT",
                      self.failure(lambda: self.save(frame.selectExpr("1 name", "dtype", "shape", "data"), "m.npz")))
        self.assertIn("m.txt: the extension is not one of .npy, .npz, .safetensors or .gguf",
                      self.failure(lambda: self.save(frame, "m.txt")))
        self.assertIn("--set n=u8:300: '300' is not a valid uint8",
                      self.failure(lambda: self.save(frame, "m.gguf", **{"set.n": "u8:300"})))
        self.save(frame, "m.npz")
        self.assertIn("m.npz: exists, and arrays cannot be appended to a set; mode overwrite replaces it",
                      self.failure(lambda: self.save(frame, "m.npz")))
        self.assertEqual(self.files(), ["m.npz"])

    def test_a_task_that_always_fails_leaves_the_old_set(self):
        x = np.arange(4)
        self.save(self.frame([row("old", x)]), "m.safetensors")

        def rows(number):
            yield row(f"x{number}", x)
            if number == 1:
                raise ValueError("this task always fails")

        numbers = self.spark.sparkContext.parallelize(range(2), 2).flatMap(rows)
        self.assertIn("this task always fails", self.failure(
            lambda: self.save(self.spark.createDataFrame(numbers, ROWS), "m.safetensors", "overwrite")))
        self.assertEqual(self.files(), ["m.safetensors"])
        self.assertEqual(list(load_file(self.path("m.safetensors"))), ["old"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
