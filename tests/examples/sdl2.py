"""Tests the example for SDL2 without a screen: loading a level, quitting while it loads, and errors.

usage: sdl2.py GAME WORK
"""

import json
import os
import shutil
import struct
import subprocess
import sys
from array import array
from pathlib import Path

GAME, WORK = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
SIDE = 3072


def npy():
    """Returns a height map of float32 as NumPy saves it."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({SIDE}, {SIDE}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    row = array("f", range(SIDE))
    if sys.byteorder == "big":
        row.byteswap()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + row.tobytes() * SIDE


def safetensors():
    bias = struct.pack("<4e", 0.5, 1, -2, 65504)
    kernel = bytes(4 * 1024)
    header = json.dumps({"bias": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]},
                         "kernel": {"dtype": "F32", "shape": [32, 32], "data_offsets": [8, 8 + len(kernel)]}})
    header += " " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header.encode() + bias + kernel


def pack(path, files):
    """Returns an archive in Quake's PAK format."""
    offset, directory, body = 12, b"", b""
    for name, content in files.items():
        directory += struct.pack("<56sII", name.encode(), offset + len(body), len(content))
        body += content
    path.write_bytes(b"PACK" + struct.pack("<II", 12 + len(body), len(directory)) + body + directory)


def play(*arguments):
    environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
    done = subprocess.run([GAME, *arguments], env=environment, text=True, capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def expect(found, expected):
    if found != expected:
        sys.exit(f"expected {expected}, found {found}")


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    level = WORK / "level.pak"
    pack(level, {"readme.txt": b"a level", "terrain.npy": npy(), "weights.safetensors": safetensors()})
    expect(play(level), (0, f"terrain {SIDE}x{SIDE}, 2 weights, 4 biases from 0.5 on, in the arena: yes, "
                            "jobs on workers: yes", ""))
    expect(play(level, "--quit-while-loading"),
           (0, "stopped: the progress callback ended the call with status cancelled", ""))
    cut = WORK / "cut.pak"
    pack(cut, {"terrain.npy": npy()[:-1]})
    status, said, _ = play(cut)
    expect((status, said.startswith("failed: "), f"needs {SIDE * SIDE * 4} bytes of data, {SIDE * SIDE * 4 - 1} are there" in said), (1, True, True))
    pack(cut, {"weights.safetensors": safetensors()})
    expect(play(cut), (1, "failed: not in the archive: terrain.npy", ""))


main()
