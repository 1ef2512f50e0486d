#!/usr/bin/env python3
"""Makes the unit test vectors of the weighted encoders with ggml. Run by hand.

usage: make_weighted_vectors.py FOLDER

Loads the libggml-base that tests/peers/llama/llama_quantize.py has built in FOLDER, or builds it, and writes
weighted_vectors.inc: for each case of inputs and each type, the bytes that ggml_quantize_chunk() makes of one
row of 256 elements and their weights. tests/unit/cast_weighted_test.cpp makes the same inputs: integers of 24 bits times
powers of two, which float32 holds exactly.
"""

import ctypes
import pathlib
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers" / "llama"))
import llama_quantize  # noqa: E402

OUT = HERE / "weighted_vectors.inc"
TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"]
ROW = 256
LINE = 96  # hexadecimal digits of a line


def integers(seed):
    """The numbers of a linear congruential generator, from -2^23 to 2^23 - 1."""
    out, state = [], seed
    for _ in range(ROW):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 40) - 2**23)
    return np.array(out, np.int64)


def values(seed):
    return (integers(seed) / 2**20).astype(np.float32)


def cases():
    """Returns name -> (elements, weights)."""
    x, weights = values(1), np.abs(values(2))
    i = np.arange(ROW)
    return {
        "random": (x, weights),
        "one large element": (np.where(i == 37, x * 64, x), weights),
        "one large weight": (x, np.where(i == 70, weights * 1024, weights)),
        "weights of zero": (x, weights * 0),
        "weights of zero in every other group": (x, np.where(i // 16 % 2 == 0, weights, 0)),
        "zeros": (x * 0, weights),
        "tiny": (x / 2**60, weights),
        "constant": (np.full(ROW, 0.75, np.float32), weights),
        "positive": (np.abs(x), weights),
        "negative": (-np.abs(x), weights),
        "groups of zeros": (np.where(i // 32 % 2 == 0, x, 0), weights),
        "small next to large": (np.where(i // 16 % 4 == 0, x * 256, x / 256), weights),
    }


def load(folder):
    binary = llama_quantize.build(folder)
    library = ctypes.CDLL(str(binary.parent / "libggml-base.so"))
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
                                            ctypes.c_int64, ctypes.c_void_p]
    return library


def encode(library, kind, x, weights):
    number = GGMLQuantizationType[kind]
    block, size = GGML_QUANT_SIZES[number]
    out = ctypes.create_string_buffer(ROW // block * size)
    x, weights = np.ascontiguousarray(x, np.float32), np.ascontiguousarray(weights, np.float32)
    made = library.ggml_quantize_chunk(int(number), x.ctypes.data, out, 0, 1, ROW, weights.ctypes.data)
    assert made == len(out)
    return out.raw.hex()


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    library = load(folder)
    lines = ["// Made by make_weighted_vectors.py with ggml: a type, a case, and the bytes in hexadecimal.", ""]
    for name, (x, weights) in cases().items():
        for kind in TYPES:
            text = encode(library, kind, x, weights)
            parts = [text[start:start + LINE] for start in range(0, len(text), LINE)]
            lines.append(f'{{TF_DTYPE_{kind}, "{name}",')
            lines += [f' "{part}"' for part in parts[:-1]] + [f' "{parts[-1]}"}},']
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
