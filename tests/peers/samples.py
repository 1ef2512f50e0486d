"""Arrays to save: every dtype in every layout, with the values that are easy to get wrong."""

import ml_dtypes
import numpy as np

# dtype name -> NumPy type; the names are the library's.
ADDRESSABLE = {
    "bool": np.bool_,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "float64": np.float64,
    "complex64": np.complex64,
    "complex128": np.complex128,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "float8_e8m0fnu": ml_dtypes.float8_e8m0fnu,
}

# dtype name -> (elements, bytes) of the smallest unit.
PACKED = {"float6_e2m3fn": (4, 3), "float6_e3m2fn": (4, 3), "float4_e2m1fn": (2, 1)}

# dtype name -> (ggml id, elements, bytes of a block), from ggml's type table.
BLOCKS = {
    "q4_0": (2, 32, 18), "q4_1": (3, 32, 20), "q5_0": (6, 32, 22), "q5_1": (7, 32, 24), "q8_0": (8, 32, 34),
    "q8_1": (9, 32, 36), "q2_k": (10, 256, 84), "q3_k": (11, 256, 110), "q4_k": (12, 256, 144),
    "q5_k": (13, 256, 176), "q6_k": (14, 256, 210), "q8_k": (15, 256, 292), "iq2_xxs": (16, 256, 66),
    "iq2_xs": (17, 256, 74), "iq3_xxs": (18, 256, 98), "iq1_s": (19, 256, 50), "iq4_nl": (20, 32, 18),
    "iq3_s": (21, 256, 110), "iq2_s": (22, 256, 82), "iq4_xs": (23, 256, 136), "iq1_m": (29, 256, 56),
    "tq1_0": (34, 256, 54), "tq2_0": (35, 256, 66), "mxfp4": (39, 32, 17), "nvfp4": (40, 64, 36),
    "q1_0": (41, 128, 18), "q2_0": (42, 64, 18),
}

ALL = [*ADDRESSABLE, *PACKED, *BLOCKS]


def random_bytes(size, seed):
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def elements(dtype, count):
    """count elements: random bits, so that NaN payloads, infinities, subnormals and both zeros are among them."""
    kind = np.dtype(ADDRESSABLE[dtype])
    raw = random_bytes(count * kind.itemsize, seed=len(dtype) * 1000 + count)
    if dtype == "bool":
        return (raw & 1).view(np.bool_)
    values = raw.view(kind)
    if dtype.startswith(("float", "bfloat", "complex")) and count >= 8:
        special = [0.0, 1.0, np.inf, np.nan] if dtype == "float8_e8m0fnu" else [0.0, -0.0, np.inf, -np.inf, np.nan]
        with np.errstate(all="ignore"):
            values[: len(special)] = np.array(special, np.float32).astype(kind)
    return values


def layouts(dtype):
    """Name -> array of an addressable dtype: scalars, dense, empty, and every kind of stride."""
    base = elements(dtype, 120)
    return {
        "scalar": base[:1].reshape(()),
        "vector": base[:17],
        "matrix": base[:24].reshape(4, 6),
        "rank4": base.reshape(2, 3, 4, 5),
        "empty": base[:0].reshape(0, 3),
        "strided": base.reshape(10, 12)[1::3, ::2],
        "transposed": base[:24].reshape(4, 6).T,
        "fortran": np.asfortranarray(base[:60].reshape(3, 4, 5)),
        "backwards": base[:24].reshape(4, 6)[::-1, ::-2],
        "broadcast": np.broadcast_to(base[:5], (3, 5)),
    }


def dense(array):
    """The C-contiguous bytes of a NumPy array."""
    return np.ascontiguousarray(array).tobytes()
