"""Tests that block types are encoded, compared and shown."""

import struct

from support import GGML_Q8_0, crc32, floats, gguf, main, npy, npz, run
from test_convert import ConvertCase
from test_diff import DiffCase
from test_show import ShowCase


class Convert(ConvertCase):
    def test_encodes_blocks(self):
        values = [float(i - 64) for i in range(64)]
        path = self.write("in.npy", npy("<f4", (1, 64), floats(*values)))
        out = self.path("out.gguf")
        self.assertEqual(run("convert", "--cast", "Q8_0", "--name", "w", path, out).status, 0)
        # A block is its scale, the largest magnitude / 127 as a float16, and then 32 rounded quotients.
        expected = b""
        for start in (0, 32):
            block = values[start:start + 32]
            scale = max(map(abs, block)) / 127
            expected += struct.pack("<e32b", scale, *(round(value / scale) for value in block))
        self.assertEqual(self.arrays(self.list_json(out, "--crc32"))["w"], ("q8_0", [1, 64], crc32(expected)))

    def test_rows_that_cannot_be_divided_into_blocks(self):
        path = self.write("in.npz", npz({"a.npy": npy("<f4", (2, 32), bytes(256)), "b.npy": npy("<f4", (64, 3), bytes(768)),
                                         "s.npy": npy("<f4", (), bytes(4))}))
        out = self.path("out.gguf")
        result = run("convert", "--cast", "q4_0", path, out)
        self.assert_refused(result, out, "unsupported", "array 'b' (rows of 3 elements; q4_0 needs a multiple of 32)",
                            "array 's' (rows of 1 element; q4_0 needs a multiple of 32)")
        self.assertNotIn("'a'", result.err)

    def test_values_that_cannot_be_encoded(self):
        members = {name + ".npy": npy("<f4", (32,), floats(*[0.5] * 31, last))
                   for name, last in (("nan", float("nan")), ("one", 1.0), ("inf", float("inf")))}
        path = self.write("in.npz", npz(members))
        out = self.path("out.gguf")
        result = run("convert", "--cast", "q8_0", path, out)
        self.assert_refused(result, out, "unsupported", "array 'nan' (", "array 'inf' (")
        self.assertNotIn("'one'", result.err)


class Quantize(ConvertCase):
    def setUp(self):
        super().setUp()
        members = {"blk.0.weight": (2, 256), "blk.1.weight": (2, 64), "odd": (4, 3), "bias": (256,), "ids": (2, 32)}
        arrays = {name + ".npy": npy("<i4" if name == "ids" else "<f4", shape, bytes(4 * shape[0] * (*shape, 1)[1]))
                  for name, shape in members.items()}
        self.source = self.write("in.npz", npz(arrays))

    def quantize(self, *options):
        out = self.path("out.gguf")
        result = run("convert", *options, "--set", "general.architecture=x", self.source, out)
        self.assertEqual((result.status, result.err), (0, ""))
        return result.out.splitlines(), {array["name"]: array["dtype"] for array in self.list_json(out)["arrays"]}

    def test_prints_a_decision_for_each_array(self):
        lines, dtypes = self.quantize("--quantize", "q4_k")
        self.assertEqual(lines, [
            "blk.0.weight: float32 -> q4_k",
            "blk.1.weight: float32 -> q5_0 (rows of 64 cannot be divided into blocks of q4_k)",
            "odd: float32, kept: rows of 3 cannot be divided into blocks of 32",
            "bias: float32, kept: fewer than 2 dimensions",
            "ids: int32, kept: not a float",
        ])
        self.assertEqual(dtypes, {"blk.0.weight": "q4_k", "blk.1.weight": "q5_0", "odd": "float32", "bias": "float32",
                                  "ids": "int32"})

    def test_patterns(self):
        lines, dtypes = self.quantize("--quantize", "Q8_0", "--include", "blk.*.weight", "--exclude", "*.?.weigh?",
                                     "--include", "nothing")
        self.assertEqual(lines[0], "blk.0.weight: float32, kept: excluded")
        self.assertEqual(lines[2], "odd: float32, kept: not included")
        self.assertEqual(set(dtypes.values()), {"float32", "int32"})
        lines, dtypes = self.quantize("--quantize", "q8_0", "--exclude", "*1*")
        self.assertEqual((dtypes["blk.0.weight"], dtypes["blk.1.weight"]), ("q8_0", "float32"))

    def test_usage(self):
        for options in (["--quantize", "float16"], ["--quantize", "q9"], ["--include", "x"],
                        ["--quantize", "q8_0", "--cast", "float31"], ["--part-bytes", "0"], ["--part-bytes", "x"]):
            self.assertEqual(run("convert", *options, self.source, self.path("out.gguf")).status, 2, options)
        self.assertEqual(run("convert", "--part-bytes", "5", self.source, self.path("out.npz")).status, 2)

    def test_parts(self):
        result = run("convert", "--part-bytes", "2100", self.source, self.path("out.safetensors"))
        self.assertEqual((result.status, result.err), (0, ""))
        index = self.path("out.safetensors.index.json")
        self.assertEqual(run("diff", self.source, index).status, 0)
        self.assertEqual(run("check", "--quiet", self.path("out-00002-of-00002.safetensors")).status, 0)


class Diff(DiffCase):
    def test_blocks(self):
        a = struct.pack("<e32b", 0.5, *range(32))
        b = struct.pack("<e32b", 0.5, *range(31), 30)
        paths = [self.write(name, gguf({"q": (GGML_Q8_0, (1, 32), data)})) for name, data in (("a.gguf", a), ("b.gguf", b))]
        self.assertEqual(self.diff(*paths), [
            "array 'q': 1 of 32 elements differs, first at [0, 31] (15.5 != 15.0), largest difference 0.5"])

    def test_different_blocks_with_equal_values(self):
        a = struct.pack("<e32b", 0.5, *[2] * 32)
        b = struct.pack("<e32b", 1.0, *[1] * 32)
        paths = [self.write(name, gguf({"q": (GGML_Q8_0, (32,), data)})) for name, data in (("a.gguf", a), ("b.gguf", b))]
        self.assertEqual(self.diff(*paths), ["array 'q': the bytes differ, but the values are equal"])


class Show(ShowCase):
    def test_blocks_are_decoded(self):
        blocks = b"".join(struct.pack("<e32b", scale, *range(-16, 16)) for scale in (0.5, 2.0, 1.0, 4.0))
        path = self.write("q.gguf", gguf({"q": (GGML_Q8_0, (2, 64), blocks)}))
        self.assertEqual(self.show(path, "q", "0,:3"), "[-8.0, -7.5, -7.0]\n")
        self.assertEqual(self.show(path, "q", "::-1,31:33"), "[[15.0, -64.0],\n [7.5, -32.0]]\n")
        self.assertEqual(self.show(path, "q", "1,-1"), "60.0\n")


if __name__ == "__main__":
    main()
