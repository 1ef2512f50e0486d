"""Packs the inputs of a corpus into one file, or unpacks them. Each input follows its length, 4 bytes, little-endian.

usage: pack.py pack FOLDER FILE.pack
       pack.py unpack FILE.pack FOLDER
"""

import hashlib
import pathlib
import struct
import sys


def pack(folder, file):
    inputs = sorted({path.read_bytes() for path in pathlib.Path(folder).iterdir()}, key=lambda data: (len(data), data))
    pathlib.Path(file).write_bytes(b"".join(struct.pack("<I", len(data)) + data for data in inputs))
    print(f"{file}: {len(inputs)} inputs")


def unpack(file, folder):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    packed = pathlib.Path(file).read_bytes()
    at = 0
    while at < len(packed):
        (length,) = struct.unpack_from("<I", packed, at)
        data = packed[at + 4 : at + 4 + length]
        (pathlib.Path(folder) / hashlib.sha1(data).hexdigest()).write_bytes(data)
        at += 4 + length


if __name__ == "__main__":
    {"pack": pack, "unpack": unpack}[sys.argv[1]](*sys.argv[2:])
