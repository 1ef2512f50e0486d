"""Times many small arrays with the Rust crates safetensors, candle and ndarray-npy.

The library is the amalgamation, compiled as the Rust crate compiles it. bench.py calls rows(). deflated.py compares
compressed files with ndarray-npy.
"""

import tempfile

from load import SMALL_ARRAY_BYTES, START_BYTES, free_space, row, take_turns
from save import write_data

COUNT = 100_000
EACH = 16
PEERS = {"safetensors": "safetensors", "gguf": "candle", "npz": "ndarray-npy"}
# How many times the peer's speed is the aim.
SAVE_AIM = 2
LOAD_AIM = 3
LIST_AIM = 1


def crate_build(program):
    return program + "_crate"


def rows_of(options, folder, data, kind, peer):
    ours, theirs = f"{folder}/ours.{kind}", f"{folder}/theirs.{kind}"
    save_bench, load_bench = crate_build(options.save_bench), crate_build(options.load_bench)
    what = f"{kind}, {COUNT:,} arrays of {EACH} bytes, beside Rust"
    steps = [
        (f"save {what}", SAVE_AIM, [save_bench, kind, ours, data, COUNT, COUNT * EACH],
         [options.crates, "save", kind, theirs, data, COUNT, COUNT * EACH]),
        (f"open and list {what}", LIST_AIM, [load_bench, "list", ours], [options.crates, "list", kind, ours]),
        (f"load {what}", LOAD_AIM, [load_bench, "load", ours], [options.crates, "load", kind, ours]),
    ]
    found = []
    for name, aim, our_command, their_command in steps:
        times = take_turns({"ours": our_command, peer: their_command}, options.repeats,
                           START_BYTES + COUNT * SMALL_ARRAY_BYTES)
        found.append(row(name, times, "ahead" if aim == 1 else f"{aim} times the best peer",
                         lambda ours_, share, best, aim=aim: best / ours_ >= aim))
    return found


def rows(options):
    """options: crates (a program), save_bench, load_bench, folder, bytes, repeats."""
    parent = options.folder or ("/dev/shm" if free_space("/dev/shm") > 2 * options.bytes else None)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        data = write_data(folder)
        return [entry for kind, peer in PEERS.items() for entry in rows_of(options, folder, data, kind, peer)]
