"""Compares what `tensorfile convert` decodes with gguf-py's decoding (--cast float32) and MLX's (--decode mlx), bit for bit.

usage: test_program.py PROGRAM
"""

import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

import gguf
import mlx.core as mx
import numpy as np

from peers import Safetensors

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "gguf")
PROGRAM = None


def decoded_by_gguf_py(path):
    """Returns name -> float32 array for all tensors, or None if gguf-py cannot decode one of them."""
    arrays = {}
    for tensor in gguf.GGUFReader(path).tensors:
        try:
            values = gguf.dequantize(tensor.data, tensor.tensor_type)
        except NotImplementedError:
            return None
        arrays[tensor.name] = np.asarray(values, np.float32).reshape([int(n) for n in reversed(tensor.shape)])
    return arrays


class CastToFloat32(unittest.TestCase):
    def test_golden_files(self):
        seen = 0
        for path in sorted(glob.glob(os.path.join(GOLDEN, "py_*Q*.gguf")) + glob.glob(os.path.join(GOLDEN, "py_*FP4.gguf"))):
            expected = decoded_by_gguf_py(path)
            if expected is None:
                continue
            with self.subTest(os.path.basename(path)), tempfile.TemporaryDirectory() as folder:
                out = os.path.join(folder, "out.safetensors")
                subprocess.run([PROGRAM, "convert", "--cast", "float32", "--metadata", "drop", path, out], check=True)
                found = Safetensors.read(out)
                self.assertEqual(found.keys(), expected.keys())
                for name, values in expected.items():
                    self.assertEqual((found[name].dtype, found[name].shape), ("float32", values.shape))
                    self.assertEqual(found[name].data, values.tobytes())
            seen += 1
        self.assertGreaterEqual(seen, 20)


class DecodeMlx(unittest.TestCase):
    """--decode mlx gives the values and the dtype that MLX's own dequantize() does."""

    CODINGS = [(bits, group_size) for bits in (2, 3, 4, 5, 6, 8) for group_size in (32, 64, 128)]

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def quantized(self, shape, dtype, bits, group_size):
        """Returns the arrays of a weight, and the weight after dequantizing."""
        weight = mx.random.normal(shape).astype(dtype)
        codes, scales, biases = mx.quantize(weight, group_size=group_size, bits=bits)
        decoded = mx.dequantize(codes, scales, biases, group_size=group_size, bits=bits)
        return {"weight": codes, "scales": scales, "biases": biases}, decoded

    def decode(self, arrays, option="mlx"):
        path = os.path.join(self.folder, "model.safetensors")
        out = os.path.join(self.folder, "out.safetensors")
        mx.save_safetensors(path, arrays)
        subprocess.run([PROGRAM, "convert", "--metadata", "drop", "--decode", option, path, out], check=True)
        return mx.load(out)

    def configure(self, quantization):
        with open(os.path.join(self.folder, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"model_type": "llama", "quantization": quantization}, file)

    def assert_same(self, found, expected):
        self.assertEqual((found.dtype, found.shape), (expected.dtype, expected.shape))
        self.assertTrue(bool(mx.array_equal(found, expected)))

    def test_every_coding_and_dtype(self):
        for bits, group_size in self.CODINGS:
            arrays, decoded = {}, {}
            for dtype in (mx.float16, mx.bfloat16, mx.float32):
                for shape in ((6, 256), (2, 3, 384)):
                    stem = f"{dtype}.{len(shape)}"
                    parts, decoded[stem + ".weight"] = self.quantized(shape, dtype, bits, group_size)
                    arrays.update({f"{stem}.{part}": array for part, array in parts.items()})
            arrays["norm.weight"] = decoded["norm.weight"] = mx.ones((4,))
            found = self.decode(arrays, f"mlx:{group_size}:{bits}")
            self.assertEqual(set(found), set(decoded))
            for name, expected in decoded.items():
                with self.subTest(bits=bits, group_size=group_size, name=name):
                    self.assert_same(found[name], expected)

    def test_coding_from_config_json(self):
        arrays, decoded = {}, {}
        for stem, bits in (("model.embed_tokens", 8), ("model.layers.0.mlp.up_proj", 4)):
            parts, decoded[stem + ".weight"] = self.quantized((4, 128), mx.bfloat16, bits, 64)
            arrays.update({f"{stem}.{part}": array for part, array in parts.items()})
        self.configure({"group_size": 64, "bits": 4, "model.embed_tokens": {"group_size": 64, "bits": 8},
                        "model.layers.0.mlp.gate": False})
        found = self.decode(arrays)
        for name, expected in decoded.items():
            self.assert_same(found[name], expected)

    def test_coding_from_the_shapes(self):
        for bits, group_size in ((3, 32), (6, 128), (8, 128), (2, 32), (5, 64)):
            arrays, expected = self.quantized((4, 256), mx.float16, bits, group_size)
            self.assert_same(self.decode({"w." + part: array for part, array in arrays.items()})["w.weight"], expected)

    def test_a_weight_of_several_pieces(self):
        arrays, expected = self.quantized((3, 4200, 1024), mx.float16, 4, 64)
        found = self.decode({"w." + part: array for part, array in arrays.items()}, "mlx:64:4")
        self.assert_same(found["w.weight"], expected)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[1])
    unittest.main(argv=[sys.argv[0]])
