"""Tests tensorfile stat against Python's statistics module."""

import math
import statistics
import struct

from support import GGML_Q8_0, Case, floats, gguf, main, npy, npz, run, safetensors

NAN, INF = math.nan, math.inf


class Stat(Case):
    def stat(self, *arguments, status=0):
        result = run("stat", "--json", *arguments)
        self.assertEqual(result.status, status, result.err)
        return {array["name"]: array for array in result.json()[0]["arrays"]}

    def assert_statistics(self, found, values):
        finite = [value for value in values if math.isfinite(value)]
        self.assertEqual(found["count"], len(values))
        self.assertEqual(found["zeros"], values.count(0))
        self.assertEqual(found["nan"], sum(map(math.isnan, values)))
        self.assertEqual(found["inf"], sum(map(math.isinf, values)))
        self.assertEqual((found["min"], found["max"]), (min(finite), max(finite)))
        self.assertAlmostEqual(found["mean"], statistics.fmean(finite), delta=1e-12 * max(map(abs, finite)))
        self.assertAlmostEqual(found["std"], statistics.pstdev(finite), delta=1e-9 * max(map(abs, finite)))
        self.assertEqual(sum(found["histogram"]), len(finite))

    def test_values(self):
        values = [0.5, -1.25, 0, 3, NAN, INF, -INF, 0, 2.5]
        integers = [-128, 127, 0, 5]
        path = self.write("w.safetensors", safetensors({
            "f": ("F32", (9,), floats(*values)), "i": ("I8", (2, 2), struct.pack("4b", *integers)),
            "b": ("BOOL", (3,), b"\1\0\1"), "h": ("F16", (3,), struct.pack("<3e", 1, 2, 4))}))
        found = self.stat(path)
        self.assert_statistics(found["f"], values)
        self.assert_statistics(found["i"], integers)
        self.assert_statistics(found["b"], [1, 0, 1])
        self.assert_statistics(found["h"], [1, 2, 4])

    def test_mean_far_from_zero(self):
        values = [1e9 + i for i in range(1000)]
        path = self.write("x.npy", npy("<f8", (1000,), struct.pack("<1000d", *values)))
        self.assert_statistics(self.stat(path)[""], values)

    def test_histogram(self):
        values = [0, 15.9, 16, 1, 1.5, 8]
        path = self.write("x.npy", npy("<f8", (6,), struct.pack("<6d", *values)))
        expected = [0] * 16
        for value in values:
            expected[min(int(value), 15)] += 1
        self.assertEqual(self.stat(path)[""]["histogram"], expected)

    def test_extremes(self):
        big = 1.7976931348623157e308
        path = self.write("x.npy", npy("<f8", (2,), struct.pack("<2d", -big, big)))
        found = self.stat(path)[""]
        self.assertEqual((found["min"], found["max"]), (-big, big))
        self.assertEqual(found["histogram"], [1] + [0] * 14 + [1])

    def test_pieces(self):
        """An array of more than one piece, of 8 Mi elements each."""
        count = (8 << 20) + 3
        path = self.write("x.npy", npy("|i1", (count,), b"\xff" * (8 << 20) + b"\0\1\2"))
        found = self.stat(path)[""]
        self.assertEqual((found["count"], found["zeros"], found["min"], found["max"]), (count, 1, -1, 2))
        self.assertEqual(found["histogram"], [8 << 20, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])
        self.assertAlmostEqual(found["mean"], (3 - (8 << 20)) / count, delta=1e-15)

    def test_blocks_are_decoded(self):
        block = struct.pack("<e32b", 0.5, *range(32))
        path = self.write("q.gguf", gguf({"q": (GGML_Q8_0, (1, 32), block)}))
        self.assert_statistics(self.stat(path)["q"], [i / 2 for i in range(32)])

    def test_without_statistics(self):
        path = self.write("w.safetensors", safetensors({"c": ("C64", (1,), floats(1, 2)), "e": ("F32", (0,), b""),
                                                        "n": ("F32", (1,), floats(NAN))}))
        found = self.stat(path)
        self.assertEqual(found["c"], {"name": "c", "dtype": "complex64"})
        for name in ("e", "n"):
            self.assertEqual([found[name][key] for key in ("min", "max", "mean", "std")], [None] * 4)
        text = run("stat", path).out
        self.assertIn("c", text)

    def test_overflow(self):
        """As numpy.std, which computes the squares in float64 too."""
        path = self.write("w.npy", npy("<f8", (3,), struct.pack("<3d", 1.7e308, -1.7e308, 3e300)))
        found = self.stat(path)[""]
        self.assertEqual((found["min"], found["max"], found["std"]), (-1.7e308, 1.7e308, None))
        self.assertEqual(run("stat", path).out.splitlines()[2].split()[2:6], ["-1.7e+308", "1.7e+308", "1e+300", "inf"])

    def test_fail_on_nan(self):
        path = self.write("w.safetensors", safetensors({"n": ("F32", (2,), floats(NAN, 1)), "x": ("F32", (1,), floats(1))}))
        result = run("stat", "--fail-on-nan", path)
        self.assertEqual(result.status, 1)
        self.assertIn("1 value is nan", result.err)
        self.assertEqual(run("stat", "--fail-on-nan", "--only", "x", path).status, 0)

    def test_selection(self):
        path = self.write("w.safetensors", safetensors({"a": ("I8", (1,), b"x"), "b": ("I8", (1,), b"x")}))
        self.assertEqual(list(self.stat("--drop", "a", path)), ["b"])
        self.assert_usage(run("stat", "--only", "c", path), "--only 'c' matches no array")

    def test_text(self):
        path = self.write("w.safetensors", safetensors({"a\x1b": ("F32", (4,), floats(0, 1, 2, 3))}))
        lines = run("stat", path).out.splitlines()
        self.assertEqual(lines[0], path + ":")
        self.assertEqual(lines[1].split(), ["array", "type", "min", "max", "mean", "std", "zeros", "nan", "inf", "distribution"])
        self.assertEqual(lines[2].split()[:9], ["a\\x1b", "float32", "(4,)", "0", "3", "1.5", "1.11803", "25%", "0"])

    def test_goes_on_after_an_array_that_cannot_be_read(self):
        data = bytearray(npz({name + ".npy": npy("<f4", (2,), floats(1, index)) for index, name in enumerate("abc")}))
        at = data.index(floats(1, 1))
        data[at] ^= 1
        path = self.write("d.npz", bytes(data))
        result = run("stat", "--json", path)
        self.assert_refused(result, path, "corrupt", "'b'")
        a, b, c = result.json()[0]["arrays"]
        self.assert_statistics(a, [1, 0])
        self.assert_statistics(c, [1, 2])
        self.assertEqual(sorted(b), ["dtype", "error", "name"])
        self.assertTrue(b["error"].startswith("corrupt: "), b)
        text = run("stat", path)
        self.assert_refused(text, path, "corrupt", "'b'")
        self.assertEqual([line.split()[0] for line in text.out.splitlines()[2:]], ["a", "b", "c"])
        # Each array that cannot be read has a line, and the status is that of the worst.
        data[data.index(floats(1, 2))] ^= 1
        both = run("stat", "--fail-on-nan", self.write("d.npz", bytes(data)))
        self.assertEqual((both.status, len(both.lines)), (1, 2), both.err)

    def test_bad_file(self):
        self.assertEqual(run("stat", self.write("w.npy", b"no")).status, 1)
        self.assertEqual(run("stat", self.path("missing.npy")).status, 3)


if __name__ == "__main__":
    main()
