"""Writes npy_headers.inc, a table of headers that np.save writes. Needs numpy and ml_dtypes."""

import io
import os

import ml_dtypes
import numpy as np

rows = []


def row(dtype, shape, order="C"):
    stream = io.BytesIO()
    np.save(stream, np.zeros(shape, ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype, order=order))
    data = stream.getvalue()
    size = 10 + int.from_bytes(data[8:10], "little")
    text = data[10:size].decode()
    assert data[6:8] == b"\1\0" and text.endswith("\n") and ("True" in text) == (order == "F")
    sizes = ", ".join(map(str, shape))
    fortran = str(order == "F").lower()
    rows.append('    {"%s", {%s}, %s, "%s", %d},' % (dtype, sizes, fortran, text.rstrip(), size))


for name in ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16",
             "float32", "float64", "complex64", "complex128"]:
    row(name, (3, 5))
for shape in [(), (0,), (1,), (7,), (123,), (1234567,), (1, 1), (5, 1), (1, 5), (3, 0, 2), (2, 3, 4),
              (1, 2, 1, 2, 1, 2, 1, 2), (0, 4294967296), (0, 999999999999, 3), (1,) * 64]:
    row("float32", shape)
for rank in range(8, 17):
    row("int8" if rank % 2 else "complex128", (1,) * rank)
# Headers whose text already ends at a multiple of 64 get 64 more spaces. These do, and so do some of similar length.
for size in [10, 100, 1000]:
    for name in ["int8", "complex128"]:
        row(name, (1,) * 12 + (0, size))
for shape in [(3, 4), (2, 3, 4), (2, 3, 1, 4), (2, 12), (2, 1, 2, 1, 1000)]:
    row("float32", shape, "F")

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "npy_headers.inc"), "w") as file:
    file.write("\n".join(rows) + "\n")
