"""Tests --decode mlx: which arrays it takes for a quantized weight, and how it finds out the coding. tests/peers compares the
values with MLX's."""

import json
import struct

from support import Case, floats, main, run, safetensors


def weight(stem, codes, scales, biases):
    """The arrays of a weight of one row: words with the codes, and a scale and a bias for each group."""
    return {stem + ".weight": ("U32", (1, len(codes)), struct.pack(f"<{len(codes)}I", *codes)),
            stem + ".scales": ("F32", (1, len(scales)), floats(*scales)),
            stem + ".biases": ("F32", (1, len(biases)), floats(*biases))}


# 32 codes of 2 bits: 0, 1, 2, 3, 0, ... With this number of bits for a scale, only 2 bits in groups of 32 are possible.
WORD = sum(code << 2 * i for i, code in enumerate([0, 1, 2, 3] * 4))
TWO_BITS = weight("w", [WORD] * 2, [0.5], [-1])
VALUES = [-1, -0.5, 0, 0.5] * 8


class Decode(Case):
    def setUp(self):
        super().setUp()
        self.out = self.path("out.safetensors")

    def refused(self, arrays, *texts, option="mlx", status="corrupt"):
        path = self.write("in.safetensors", safetensors(arrays))
        self.assert_refused(run("convert", "--decode", option, path, self.out), path, status, *texts)

    def values(self, *arguments):
        result = run("convert", "--decode", "mlx", *arguments, self.out)
        self.assertEqual((result.status, result.out, result.err), (0, "", ""))
        return {array["name"]: array["dtype"] for array in self.list_json(self.out)["arrays"]}

    def test_one_array_for_three(self):
        other = ("U8", (1,), b"x")
        path = self.write("in.safetensors", safetensors({**TWO_BITS, "other.scales": other, "ids": ("U32", (1,), bytes(4))}))
        self.assertEqual(self.values(path), {"ids": "uint32", "other.scales": "uint8", "w.weight": "float32"})
        self.assertEqual(json.loads(run("show", self.out, "w.weight", "0").out), VALUES)

    def test_cast_and_names(self):
        path = self.write("in.safetensors", safetensors({**TWO_BITS, "x": ("F32", (1,), floats(1))}))
        self.assertEqual(self.values("--cast", "float16:w*", "--rename", "w.weight=v", path), {"v": "float16", "x": "float32"})
        result = run("convert", "--decode", "mlx", "--quantize", "q8_0", "--cast", "bfloat16", "--set",
                     "general.architecture=x", path, self.path("out.gguf"))
        self.assertEqual(result.status, 0, result.err)
        self.assertEqual({array["name"]: array["dtype"] for array in self.list_json(self.path("out.gguf"))["arrays"]},
                         {"w.weight": "q8_0", "x": "bfloat16"})

    def test_several_codings_fit(self):
        arrays = weight("w", [0] * 8, [1], [0])
        text = "has 256 bits for each scale, which is 2 bits in groups of 128 or 4 bits in groups of 64 or 8 bits in groups"
        self.refused(arrays, "'w.weight'", text, "config.json", "--decode mlx:GROUP_SIZE:BITS", status="unsupported")
        path = self.path("in.safetensors")
        for option, count in (("mlx:64:4", 64), ("mlx:32:8", 32), ("mlx:128:2", 128)):
            self.assertEqual(run("convert", "--decode", option, path, self.out).status, 0)
            self.assertEqual(self.list_json(self.out)["arrays"][0]["shape"], [1, count])

    def test_config_json(self):
        path = self.write("in.safetensors", safetensors(weight("w", [0] * 8, [1], [0])))
        for quantization, count in (({"group_size": 32, "bits": 8}, 32), ({"group_size": 64, "bits": 4}, 64),
                                    ({"group_size": 64, "bits": 4, "w": {"group_size": 128, "bits": 2}}, 128)):
            self.write("config.json", json.dumps({"quantization": quantization}).encode())
            self.assertEqual(run("convert", "--decode", "mlx", path, self.out).status, 0)
            self.assertEqual(self.list_json(self.out)["arrays"][0]["shape"], [1, count])
        for bad in (b"", b"[]", b"{"):
            self.write("config.json", bad)
            self.assert_refused(run("convert", "--decode", "mlx", path, self.out), path, "corrupt", "config.json")

    def test_coding_that_contradicts_the_shapes(self):
        self.refused(TWO_BITS, "has 64 bits for each scale, which is not 4 bits in groups of 64, as --decode says",
                     option="mlx:64:4")
        self.write("config.json", b'{"quantization": {"group_size": 32, "bits": 4}}')
        self.refused(TWO_BITS, "which is not 4 bits in groups of 32, as config.json says")

    def test_arrays_that_do_not_belong_together(self):
        for change in ({"w.scales": ("F32", (2, 1), floats(1, 1))}, {"w.biases": ("F16", (1, 1), bytes(2))},
                       {"w.biases": ("F32", (1, 2), floats(1, 1))}, {"w.weight": ("U32", (2,), bytes(8))},
                       {"w.scales": ("F32", (1, 3), bytes(12)), "w.biases": ("F32", (1, 3), bytes(12))},
                       {"w.scales": ("I32", (1, 1), bytes(4)), "w.biases": ("I32", (1, 1), bytes(4))}):
            self.refused({**TWO_BITS, **change}, "array 'w.weight': uint32 ", "does not fit its scales")
        # Such a weight can be left out.
        path = self.path("in.safetensors")
        self.write("in.safetensors", safetensors({**TWO_BITS, "w.scales": ("F32", (2, 1), floats(1, 1)),
                                                  **weight("v", [WORD] * 2, [0.5], [-1])}))
        self.assertEqual(self.values("--drop", "w.weight", path), {"v.weight": "float32"})

    def test_scales_without_biases(self):
        arrays = dict(TWO_BITS)
        del arrays["w.biases"]
        self.refused(arrays, "'w.weight'", "only MLX's affine quantization", status="unsupported")

    def test_no_weight(self):
        path = self.write("in.safetensors", safetensors({"x": ("U32", (1,), bytes(4))}))
        self.assert_usage(run("convert", "--decode", "mlx", path, self.out), "--decode: no array is a weight")

    def test_invalid_options(self):
        path = self.write("in.safetensors", safetensors(TWO_BITS))
        for option in ("mx", "mlx:", "mlx:64", "mlx:64:", "mlx:64:7", "mlx:48:4", "mlx:64:4x", "mlx:-64:4", "mlx:4:64"):
            self.assert_usage(run("convert", "--decode", option, path, self.out), "--decode: expected mlx or mlx:GROUP_SIZE:BITS")


if __name__ == "__main__":
    main()
