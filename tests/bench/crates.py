"""Times many small arrays, and compressed ones, with the Rust crates safetensors, candle and ndarray-npy.

bench.py calls rows().
"""

import os
import tempfile

from load import MIB, free_space, row, take_turns
from save import write_data

COUNT = 100_000
NPZ_COUNT = 20_000
EACH = 16
FORMATS = {"safetensors": ("safetensors", COUNT), "gguf": ("candle", COUNT), "npz": ("ndarray-npy", NPZ_COUNT)}


def small_rows(options, folder, data):
    found_rows = []
    for kind, (peer, count) in FORMATS.items():
        ours, theirs = f"{folder}/ours.{kind}", f"{folder}/theirs.{kind}"
        found = take_turns({"ours": [options.save_bench, kind, ours, data, count, count * EACH],
                            peer: [options.crates, "save", kind, theirs, data, count, count * EACH]}, options.repeats)
        found_rows.append(row(f"save {kind}, {count:,} arrays of {EACH} bytes, beside Rust", found, "ahead",
                              lambda ours_, share, best: best > ours_))
        for action, what in (("list", "open and list"), ("load", "load")):
            found = take_turns({"ours": [options.load_bench, action, ours],
                                peer: [options.crates, action, kind, ours]}, options.repeats)
            found_rows.append(row(f"{what} {kind}, {count:,} arrays of {EACH} bytes, beside Rust", found, "ahead",
                                  lambda ours_, share, best: best > ours_))
    return found_rows


def deflated_rows(options, folder, data):
    nbytes = 32 * MIB if options.quick else 128 * MIB
    ours, theirs = f"{folder}/deflated-ours.npz", f"{folder}/deflated-theirs.npz"
    found = take_turns({"ours": [options.save_bench, "deflated", ours, data, 1, nbytes, 1],
                        "ndarray-npy": [options.crates, "save", "deflated", theirs, data, 1, nbytes]}, options.repeats,
                       2 * nbytes)
    size = os.path.getsize(ours) / os.path.getsize(theirs)
    what = f"deflate float32 weights, {nbytes // MIB} MiB, one core, beside Rust; size {size:.3f} of its"
    saved = row(what, found, "ahead", lambda ours_, share, best: best > ours_)
    found = take_turns({"ours": [options.load_bench, "load", ours, 1],
                        "ndarray-npy": [options.crates, "load", "deflated", theirs]}, options.repeats, 2 * nbytes)
    return [saved, row("load deflated float32 weights, one core, beside Rust", found, "ahead",
                       lambda ours_, share, best: best > ours_)]


def rows(options):
    """options: crates (a program; without it there are no rows), save_bench, load_bench, folder, bytes, repeats,
    quick."""
    if not options.crates:
        return []
    parent = options.folder or ("/dev/shm" if free_space("/dev/shm") > 2 * options.bytes else None)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        data = write_data(folder)
        return small_rows(options, folder, data) + deflated_rows(options, folder, data)
