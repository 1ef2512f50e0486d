"""Decodes and encodes random data in ggml's block types and compares the bits with gguf-py, ggml and ggml's rules.

usage: test_blocks.py LIBRARY PAGE [--results FILE]

gguf-py decodes all but four types and encodes eight. The output of ggml's own encoders is in the golden files. The rest
is compared with the same rules in NumPy. The tables of PAGE, docs/block-types.md, must agree with the
results; --results writes these to FILE instead, for the benchmark.
"""

import json
import os
import sys
import tempfile
import unittest
from ctypes import byref, c_int32, c_void_p

import numpy as np
from gguf import GGMLQuantizationType, quants

import capi
from capi import Tensor
from samples import BLOCKS

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden", "gguf")
sys.path.insert(0, os.path.join(HERE, "..", "data"))
import make_encode_vectors as rules  # noqa: E402

LIBRARY = PAGE = None
# type -> {"read", "decode", "encode": what it was compared with}
RESULTS = {name: {} for name in BLOCKS}

BY_GGUF_PY = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "tq1_0", "tq2_0", "mxfp4"]
BY_GGML = ["q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs"]
BY_RULE = {"q8_1": rules.q8_1, "q8_k": rules.q8_k, "nvfp4": rules.nvfp4}
NO_RULE = ["iq2_xxs", "iq2_xs", "iq3_xxs", "iq1_s", "iq3_s", "iq2_s", "iq1_m", "q1_0", "q2_0"]


def decode_by_rule(name, blocks):
    """Decodes the types that gguf-py cannot decode."""
    scale = blocks[:, :4].copy().view(np.float32) if name == "q8_k" else halves(blocks[:, :2])
    if name == "q8_1":
        codes = blocks[:, 4:].view(np.int8)
    elif name == "q8_k":
        codes = blocks[:, 4:260].view(np.int8)
    elif name == "q1_0":
        codes = np.unpackbits(blocks[:, 2:], axis=1, bitorder="little").astype(np.int8) * 2 - 1
    else:
        codes = ((blocks[:, 2:, None] >> np.array([0, 2, 4, 6], np.uint8)) & 3).reshape(len(blocks), -1) - np.int8(1)
    return scale * codes.astype(np.float32)


def halves(raw):
    return raw.copy().view(np.float16).astype(np.float32)


def random_blocks(name, count):
    """Random bytes. Every other block has, somewhere, two bytes that are an extreme float16."""
    size = BLOCKS[name][2]
    rng = np.random.default_rng(BLOCKS[name][0])
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    extremes = np.array([0x7C00, 0xFC00, 0x7E00, 0xFD01, 0x0001, 0x83FF, 0x7BFF, 0x8000, 0x0000], "<u2").view(np.uint8)
    for block in blocks[::2]:
        place = rng.choice([0, 2, size - 2, size - 4, rng.integers(size - 1)])
        which = 2 * rng.integers(len(extremes) // 2)
        block[place:place + 2] = extremes[which:which + 2]
    return blocks


def rows():
    return np.concatenate([part.astype(np.float32) for part in rules.rows(np.random.default_rng(99))])


class Blocks(unittest.TestCase):
    def cast(self, handle, dtype):
        out = c_void_p()
        try:
            LIBRARY.call("tf_array_cast", byref(out), handle, c_int32(LIBRARY.lib.tf_dtype_from_name(dtype.encode())), None)
        finally:
            LIBRARY.lib.tf_array_release(handle)
        return LIBRARY.tensor(out).data

    def check_read(self, name):
        blocks = random_blocks(name, 12)
        tensor = Tensor(name, (3, 4 * BLOCKS[name][1]), blocks.tobytes())
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.gguf")
            handle = LIBRARY.wrap(name, blocks, shape=tensor.shape)
            LIBRARY.save(path, {"w": handle})
            LIBRARY.lib.tf_array_release(handle)
            self.assertEqual(LIBRARY.load(path)[0], {"w": tensor})
        RESULTS[name]["read"] = "tensorfile"

    def check_decode(self, name):
        blocks = random_blocks(name, 1000)
        with np.errstate(all="ignore"):
            if name in ("q8_1", "q8_k", "q1_0", "q2_0"):
                expected, whom = decode_by_rule(name, blocks), "ggml's rule"
            else:
                expected, whom = quants.dequantize(blocks, GGMLQuantizationType[name.upper()]), "gguf-py"
        found = np.frombuffer(self.cast(LIBRARY.wrap(name, blocks, shape=(1000 * BLOCKS[name][1],)), "float32"), np.uint32)
        bits = np.ascontiguousarray(expected, np.float32).view(np.uint32).ravel()
        nan = np.isnan(bits.view(np.float32))
        self.assertTrue(nan.any() or name in ("mxfp4", "nvfp4"), "no NaN among the samples")
        np.testing.assert_array_equal(np.isnan(found.view(np.float32)), nan)
        np.testing.assert_array_equal(found[~nan], bits[~nan])
        RESULTS[name]["decode"] = whom

    def expected_encoding(self, name):
        """Returns values, the blocks that they must be encoded as, and the encoder that produced these."""
        if name in BY_GGML:
            with open(os.path.join(GOLDEN, f"encoded_kquants_{name.upper()}.bin"), "rb") as file:
                return np.load(os.path.join(GOLDEN, "encode_kquants_input.npy")), file.read(), "ggml"
        values = rows()
        if name in BY_GGUF_PY:
            return values, quants.quantize(values, GGMLQuantizationType[name.upper()]).tobytes(), "gguf-py"
        parts = values.reshape(-1, BLOCKS[name][1])
        return values, b"".join(BY_RULE[name](part) for part in parts), "ggml's rule"

    def check_encode(self, name):
        with np.errstate(all="ignore"):
            values, expected, whom = self.expected_encoding(name)
        self.assertEqual(self.cast(LIBRARY.wrap("float32", np.ascontiguousarray(values)), name), expected)
        RESULTS[name]["encode"] = whom

    def check_refused(self, name):
        with self.assertRaises(capi.TensorfileError) as caught:
            self.cast(LIBRARY.wrap("float32", rows()), name)
        self.assertEqual(caught.exception.status, "unsupported")
        reason = ("encoding it well takes an importance matrix, which only running the model gives"
                  if name.startswith("iq") else "gguf-py has no encoder of it that would define the bytes")
        self.assertEqual(caught.exception.message,
                         f"cannot cast float32 to {name}, which can only be decoded: {reason}")


class ZTables(unittest.TestCase):
    """Runs last: the page's tables must agree with the results of the tests above."""

    def rows(self, name):
        with open(PAGE, encoding="utf-8") as file:
            text = file.read()
        begin, end = f"<!-- {name} table: begin -->\n", f"\n<!-- {name} table: end -->"
        table = text[text.index(begin) + len(begin):text.index(end)].splitlines()[2:]
        return [[cell.strip() for cell in line.strip("| ").split("|")] for line in table]

    def test_results(self):
        found = [cells[:5] for cells in self.rows("block")]
        expected = [[name, *columns(seen)] for name, seen in RESULTS.items()]
        self.assertEqual(found, expected, "run tests/bench/quant.py with --write")

    def test_sizes(self):
        expected = [[name, str(elements), str(nbytes), f"{8 * nbytes / elements:.4g}"]
                    for name, (_, elements, nbytes) in BLOCKS.items()]
        self.assertEqual(self.rows("size"), expected)


def columns(seen):
    """The cells of one type: read, decode, encode, and what it is bit-exact with."""
    decode, encode = seen["decode"], seen.get("encode")
    whom = decode if encode in (None, decode) else f"{decode}, encoding {encode}"
    return "✓", "✓", "✓" if encode else "–", whom


def add_tests():
    for name in BLOCKS:
        last = "refused" if name in NO_RULE else "encode"
        for what in ("read", "decode", last):
            def test(self, name=name, what=what):
                getattr(self, f"check_{what}")(name)
            setattr(Blocks, f"test_{what}_{name}", test)


if __name__ == "__main__":
    LIBRARY, PAGE = capi.Library(sys.argv[1]), sys.argv[2]
    add_tests()
    if "--results" in sys.argv:
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(Blocks)
        if not unittest.TextTestRunner().run(suite).wasSuccessful():
            sys.exit(1)
        with open(sys.argv[sys.argv.index("--results") + 1], "w", encoding="utf-8") as file:
            json.dump(RESULTS, file)
    else:
        unittest.main(argv=[sys.argv[0]])
