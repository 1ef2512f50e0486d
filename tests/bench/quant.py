"""Times casts from and to ggml's block types, and compares them with memcpy and gguf-py.

usage: quant.py QUANT_BENCH LIBRARY PAGE [--write]

Prints the table of block types, and rows for the 16-bit floats; --write puts the table between the comments in PAGE
that mark its place. The columns about reading, decoding, encoding and exactness come from tests/peers/test_blocks.py.
Speeds are medians of processor time on one thread, in GB/s of float32. gguf-py gets fewer elements, because it is slower.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from gguf import GGMLQuantizationType, quants

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "..", "peers")
sys.path.insert(0, PEERS)
import test_blocks  # noqa: E402
from samples import BLOCKS  # noqa: E402

ELEMENTS = 1 << 20
REPEATS = 5


def results(library, page):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "results.json")
        subprocess.run([sys.executable, "-B", os.path.join(PEERS, "test_blocks.py"), library, page, "--results", path],
                       check=True)
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def rates(bench):
    """Returns type -> GB/s of decoding, memcpy and encoding."""
    lines = subprocess.run([bench], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {name: [float(number) for number in numbers] for name, *numbers in map(str.split, lines)}


def peer_rate(work):
    times = []
    for _ in range(REPEATS):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return ELEMENTS * 4e-9 / statistics.median(times)


def peer_rates(name):
    """GB/s of gguf-py's decoding and encoding; None if it does not support the type."""
    kind = GGMLQuantizationType.__members__.get({"float16": "F16", "bfloat16": "BF16"}.get(name, name.upper()))
    values = np.random.default_rng(1).standard_normal((ELEMENTS // 1024, 1024), np.float32)
    # As many blocks as the values need. With small bytes no scale is infinite.
    block, size = BLOCKS[name][1:] if name in BLOCKS else (1, 2)
    blocks = np.random.default_rng(2).integers(0, 60, (ELEMENTS // 1024, 1024 // block * size), np.uint8)

    def rate(work):
        try:
            work()
        except (NotImplementedError, KeyError, AttributeError):
            return None
        return peer_rate(work)

    if kind is None:
        return None, None
    return rate(lambda: quants.dequantize(blocks, kind)), rate(lambda: quants.quantize(values, kind))


def number(value):
    return "–" if not value else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def speed_cells(ours, peer):
    decode, copy, encode = ours
    ratios = [number(mine / theirs) if mine and theirs else "–" for mine, theirs in zip((decode, encode), peer)]
    return [number(decode), f"{100 * decode / copy:.0f} %", number(encode), f"{ratios[0]} / {ratios[1]}"]


HEAD = ["type", "read", "decode", "encode", "bit-exact with", "decode GB/s", "share of memcpy", "encode GB/s",
        "times gguf-py (decode / encode)"]


def line(cells):
    return "| " + " | ".join(cells) + " |"


def write(page, table):
    with open(page, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split("<!-- block table: begin -->\n")
    after = rest.split("<!-- block table: end -->")[1]
    with open(page, "w", encoding="utf-8") as file:
        file.write(f"{before}<!-- block table: begin -->\n{table}\n<!-- block table: end -->{after}")


def main(bench, library, page):
    seen = results(library, page)
    speeds = rates(bench)
    lines = [line(HEAD), line(["---"] * len(HEAD))]
    lines += [line([name, *test_blocks.columns(seen[name]), *speed_cells(speeds[name], peer_rates(name))])
              for name in BLOCKS]
    print("\n".join(lines))
    for name in ("float16", "bfloat16"):
        print(line([name, "", "", "", "", *speed_cells(speeds[name], peer_rates(name))]))
    if "--write" in sys.argv:
        write(page, "\n".join(lines))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:4])
