"""Compares `tensorfile convert --cast float32` of quantized files with gguf-py's decoding, bit for bit.

usage: test_program.py PROGRAM
"""

import glob
import os
import subprocess
import sys
import tempfile
import unittest

import gguf
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


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[1])
    unittest.main(argv=[sys.argv[0]])
