"""Tests the installed package against NumPy and safetensors.

usage: test_package.py [TEST...]
"""

import errno
import gc
import json
import os
import struct
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import ml_dtypes
import numpy
import safetensors.numpy

import tensorfile

FORMATS = ("npz", "safetensors", "gguf")
DTYPES = ("int8", "int16", "int32", "int64", "float16", "float32", "float64", "bfloat16")
Q8_0 = struct.pack("<e32b", 0.5, *range(-16, 16))


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def assert_same(self, got, expected):
        expected = numpy.asarray(expected)
        self.assertEqual((got.dtype, got.shape, got.tobytes()), (expected.dtype, expected.shape, expected.tobytes()))


def quantized(path):
    """A .gguf with one array of q8_0, whose values are i / 2."""
    info = struct.pack("<Q1sIQIQ", 1, b"q", 1, 32, 8, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + info
    path.write_bytes(head + bytes(-len(head) % 32) + Q8_0 + bytes(-len(Q8_0) % 32))


class LoadAndSave(Case):
    def test_what_numpy_saves_is_loaded(self):
        arrays = {name: numpy.arange(24).astype(name).reshape(2, 3, 4) for name in DTYPES if name != "bfloat16"}
        arrays.update({"b": numpy.array([True, False]), "c": numpy.complex64([1j]), "none": numpy.zeros((0, 3)),
                       "scalar": numpy.float64(2.5), "fortran": numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
                       "big": numpy.arange(5, dtype=">i4")})
        numpy.savez(self.folder / "a.npz", **arrays)
        numpy.savez_compressed(self.folder / "z.npz", **arrays)
        for name in ("a.npz", "z.npz"):
            loaded = tensorfile.load(self.folder / name)
            self.assertEqual(list(loaded), list(arrays))
            for key, expected in arrays.items():
                expected = numpy.asarray(expected)
                self.assert_same(loaded[key], expected.astype(expected.dtype.newbyteorder("=")))
        numpy.save(self.folder / "a.npy", arrays["float32"])
        self.assert_same(tensorfile.load(self.folder / "a.npy")[""], arrays["float32"])

    def test_what_is_saved_is_loaded_by_numpy(self):
        base = numpy.arange(24, dtype=numpy.int32).reshape(4, 6)
        arrays = {"plain": base, "transposed": base.T, "steps": base[::2, ::-3], "list": [1.5, 2.5], "big": base.astype(">i4"),
                  "repeated": numpy.broadcast_to(base[0], (3, 6)), "none": base[:0], "scalar": numpy.float32(7),
                  "reversed": base[::-1, ::-1], "unaligned": numpy.frombuffer(bytes(9), numpy.uint8)[1:].view("<u4")}
        for settings in ({}, {"compress": True}):
            tensorfile.save(self.folder / "a.npz", arrays, **settings)
            with numpy.load(self.folder / "a.npz") as loaded:
                self.assertEqual(sorted(loaded), sorted(arrays))
                for key, expected in arrays.items():
                    numpy.testing.assert_array_equal(loaded[key], expected)
                    self.assertEqual(loaded[key].shape, numpy.shape(expected))
        tensorfile.save(self.folder / "a.npy", base.T)
        numpy.testing.assert_array_equal(numpy.load(self.folder / "a.npy"), base.T)

    def test_safetensors_both_ways(self):
        arrays = {name: numpy.arange(6).astype(name).reshape(2, 3) for name in DTYPES}
        safetensors.numpy.save_file(arrays, self.folder / "theirs.safetensors", {"k": "v"})
        loaded = tensorfile.load(self.folder / "theirs.safetensors")
        tensorfile.save(self.folder / "ours.safetensors", arrays, {"k": "v"})
        theirs = safetensors.numpy.load_file(self.folder / "ours.safetensors")
        for name, expected in arrays.items():
            self.assert_same(loaded[name], expected)
            self.assert_same(theirs[name], expected)
        self.assertEqual(tensorfile.load_metadata(self.folder / "theirs.safetensors"), {"k": "v"})

    def test_metadata_of_safetensors(self):
        path, arrays = self.folder / "a.safetensors", {"w": numpy.arange(6.0)}
        safetensors.numpy.save_file(arrays, path, {"k": "v", "n": "1"})
        tensorfile.save_metadata(path, {**tensorfile.load_metadata(path), "k": "w", "new": "x" * 1000})
        with safetensors.safe_open(path, "numpy") as file:
            self.assertEqual(file.metadata(), {"k": "w", "n": "1", "new": "x" * 1000})
            self.assert_same(file.get_tensor("w"), arrays["w"])
        tensorfile.save_metadata(path, {"k": "z"}, atomic=False)
        with safetensors.safe_open(path, "numpy") as file:
            self.assertEqual(file.metadata(), {"k": "z"})
        with self.assertRaisesRegex(tensorfile.Error, "unsupported|in place"):
            tensorfile.save_metadata(path, {"k": "z" * 9000}, atomic=False)
        with self.assertRaises(FileNotFoundError):
            tensorfile.save_metadata(self.folder / "none.gguf", {})

    def test_small_floats_are_those_of_ml_dtypes(self):
        arrays = {name: numpy.arange(8).astype(getattr(ml_dtypes, name)) for name in
                  ("float8_e4m3fn", "float8_e5m2", "bfloat16")}
        tensorfile.save(self.folder / "a.safetensors", arrays)
        for name, array in tensorfile.load(self.folder / "a.safetensors").items():
            self.assert_same(array, arrays[name])

    def test_bytes(self):
        array = numpy.arange(6, dtype=numpy.float32)
        data = tensorfile.save_bytes("safetensors", {"w": array})
        self.assert_same(safetensors.numpy.load(data)["w"], array)
        self.assert_same(tensorfile.load_bytes(memoryview(data))["w"], array)
        with self.assertRaisesRegex(ValueError, "expected one of the formats npy, npz, safetensors, gguf.*, got 'zip'"):
            tensorfile.save_bytes("zip", {})

    def test_loaded_arrays_are_writable_and_the_file_stays(self):
        expected = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
        tensorfile.save(self.folder / "a.safetensors", {"w": expected})
        loaded = tensorfile.load(self.folder / "a.safetensors")["w"]
        loaded[0, 0] = 9
        self.assertEqual(loaded[0, 0], 9)
        mapped = tensorfile.load(self.folder / "a.safetensors", mmap=True)["w"]
        self.assert_same(mapped, expected)
        mapped[0, 0] = 9
        self.assert_same(safetensors.numpy.load_file(self.folder / "a.safetensors")["w"], expected)

    def test_mapped_fortran_order(self):
        expected = numpy.asfortranarray(numpy.arange(6).reshape(2, 3))
        numpy.save(self.folder / "f.npy", expected)
        mapped = tensorfile.load(self.folder / "f.npy", mmap=True)[""]
        numpy.testing.assert_array_equal(mapped, expected)
        self.assertTrue(mapped.flags.f_contiguous)

    def test_saving_copies_nothing(self):
        """The memory that a copy of these 64 MiB would need is not used."""
        import resource
        array = numpy.ones((4096, 4096), numpy.float32)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        tensorfile.save(self.folder / "a.npy", array.T, threads=1)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        self.assertLess(grown, array.nbytes // 1024 // 4)

    def test_arrays_outlive_what_they_came_from(self):
        tensorfile.save(self.folder / "a.npz", {"x": numpy.arange(1000)})
        part = tensorfile.load(self.folder / "a.npz")["x"][10:20]
        gc.collect()
        self.assertEqual(part.tolist(), list(range(10, 20)))

    def test_threads(self):
        tensorfile.save(self.folder / "a.npz", {"x": numpy.arange(10000)}, compress=True)
        sums = []
        threads = [threading.Thread(target=lambda: sums.append(int(tensorfile.load(self.folder / "a.npz")["x"].sum())))
                   for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sums, [49995000] * 8)


class Metadata(Case):
    def test_kinds(self):
        metadata = {"general.architecture": "demo", "names": ["a", "\u00fc"], "layers": numpy.uint32(3), "scale": numpy.float32(0.5),
                    "on": True, "count": 2**40, "real": 1e300, "list": numpy.arange(3, dtype=numpy.int16)}
        tensorfile.save(self.folder / "a.gguf", {"w": numpy.zeros(4, numpy.float32)}, metadata)
        loaded = tensorfile.load_metadata(self.folder / "a.gguf")
        for key, value in metadata.items():
            self.assertEqual(type(numpy.asarray(loaded[key])[()]), type(numpy.asarray(value)[()]), key)
            numpy.testing.assert_array_equal(loaded[key], value)

    def test_what_a_format_cannot_hold(self):
        with self.assertRaisesRegex(tensorfile.Error, "layers"):
            tensorfile.save(self.folder / "a.safetensors", {}, {"layers": 3})
        self.assertEqual(os.listdir(self.folder), [])


class Files(Case):
    ARRAY = numpy.arange(120, dtype=numpy.int32).reshape(4, 5, 6)

    def setUp(self):
        super().setUp()
        self.paths = [self.folder / f"a.{format}" for format in FORMATS]
        for path in self.paths:
            tensorfile.save(path, {"x": self.ARRAY, "s": numpy.float32(1.5)})

    def test_slices_are_those_of_numpy(self):
        keys = [1, -1, numpy.int64(2), slice(1, 3), (slice(None), 2), (0, 1, 2), (..., 1), (1, ..., slice(None, None, 2)), ...,
                (slice(None, None, -1), slice(4, 0, -2)), (slice(10, 20),), (slice(3, 1),), (slice(None, None, 3), ..., -2), ()]
        for path in self.paths:
            with tensorfile.open(path) as file:
                for key in keys:
                    with self.subTest(path=path.suffix, key=key):
                        numpy.testing.assert_array_equal(file["x"][key], self.ARRAY[key])
                        self.assertEqual(numpy.shape(file["x"][key]), self.ARRAY[key].shape)
                self.assertEqual(file["s"][()], 1.5)

    def test_bad_indices(self):
        with tensorfile.open(self.paths[0]) as file:
            for key in (4, -5, (0, 0, 0, 0), (..., ...)):
                with self.subTest(key=key), self.assertRaises(IndexError):
                    file["x"][key]
            for key in ([0, 1], None, "x", True, numpy.array([True])):
                with self.subTest(key=key), self.assertRaises(TypeError):
                    file["x"][key]

    def test_entries(self):
        for path in self.paths:
            with tensorfile.open(path) as file:
                self.assertEqual((file.format, sorted(file), len(file), "y" in file), (path.suffix[1:], ["s", "x"], 2, False))
                entry = file["x"]
                self.assertEqual((entry.name, entry.shape, entry.ndim, len(entry), entry.dtype, entry.type, entry.nbytes),
                                 ("x", (4, 5, 6), 3, 4, numpy.int32, "int32", 480))
                self.assert_same(entry.read(numpy.float64), self.ARRAY.astype(numpy.float64))
                self.assert_same(numpy.asarray(entry), self.ARRAY)
                with self.assertRaises(KeyError):
                    file["y"]

    def test_reads_only_what_it_needs(self):
        path = self.folder / "holes.npy"
        with open(path, "wb") as file:
            numpy.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (2**40,)})
            file.truncate(file.tell() + 2**40)
        with tensorfile.open(path) as file:
            self.assertEqual(file[""][2**39:2**39 + 3].tolist(), [0, 0, 0])

    def test_quantized(self):
        path = self.folder / "q.gguf"
        quantized(path)
        expected = numpy.arange(-16, 16, dtype=numpy.float32) / 2
        self.assert_same(tensorfile.load(path)["q"], expected)
        with tensorfile.open(path) as file:
            self.assertEqual((file["q"].type, file["q"].dtype), ("q8_0", numpy.float32))
            self.assert_same(file["q"].read(), expected)
            self.assertEqual(file["q"].read_bytes().tobytes(), Q8_0)

    def test_unknown_types(self):
        path = self.folder / "u.npy"
        numpy.save(path, numpy.zeros(2, "datetime64[s]"))
        with tensorfile.open(path) as file:
            self.assertEqual((file[""].dtype, file[""].read_bytes().tolist()), (None, [0] * 16))
            with self.assertRaisesRegex(TypeError, "read_bytes"):
                file[""].read()

    def test_closed(self):
        file = tensorfile.open(self.paths[0])
        entry = file["x"]
        file.close()
        file.close()
        with self.assertRaisesRegex(ValueError, "the file is closed"):
            entry.read()


class Failures(Case):
    def test_of_the_system(self):
        path = self.folder / "no.npy"
        for call in (tensorfile.load, tensorfile.open, tensorfile.load_metadata):
            with self.assertRaises(FileNotFoundError) as caught:
                call(path)
            self.assertEqual((caught.exception.errno, caught.exception.filename), (errno.ENOENT, str(path)))
        with self.assertRaises(OSError):
            tensorfile.save(self.folder / "none" / "a.npy", [1])

    def test_of_files(self):
        path = self.folder / "bad.safetensors"
        path.write_bytes(struct.pack("<Q", 100) + json.dumps({}).encode())
        with self.assertRaises(tensorfile.Error) as caught:
            tensorfile.load(path)
        self.assertEqual(caught.exception.status, "truncated")
        self.assertIn(str(path), str(caught.exception))

    def test_of_arguments(self):
        with self.assertRaisesRegex(TypeError, "there is no option 'colour'"):
            tensorfile.load("a.npy", colour=1)
        with self.assertRaisesRegex(TypeError, "'t': no format can hold the dtype <U4"):
            tensorfile.save(self.folder / "a.npz", {"t": numpy.array(["text"])})
        with self.assertRaises(tensorfile.Error):
            tensorfile.load("a.npy", threads=-1)


class Package(unittest.TestCase):
    def test_has_types_and_a_version(self):
        folder = Path(tensorfile.__file__).parent
        self.assertTrue((folder / "py.typed").is_file())
        self.assertRegex(tensorfile.__version__, r"^\d+\.\d+\.\d+$")
        for name in tensorfile.__all__:
            self.assertTrue(hasattr(tensorfile, name), name)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
