"""Times opening, listing and loading beside the peers, and beside a program that only reads.

usage: load.py LOAD_BENCH RAW_READ TENSORFILE [--folder F] [--bytes N] [--repeats N] [--quick] [--json FILE]

Each time is of a fresh process, which measures itself from its first call to the last byte in memory; contenders take
turns, so that what slows the machine down slows them all. Files lie in the page cache. rows() is for other programs.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from types import SimpleNamespace

MIB = 1 << 20

# Each prints seconds. Imports are not counted; mlx is lazy, so what it loads is evaluated. What a peer does when its
# process ends is not counted either, and mlx's threads may abort there.
CLOCK = """import os, sys, time
import numpy as np
{imports}
path = sys.argv[1]
begin = time.perf_counter()
{work}
print(time.perf_counter() - begin, flush=True)
os._exit(0)
"""
MLX = ("import mlx.core as mx", "x = mx.load(path)\nmx.eval(list(x.values()) if isinstance(x, dict) else x)")
GGUF = "from gguf import GGUFReader"
LOADERS = {
    "safetensors": {"mlx": MLX, "safetensors": ("from safetensors.numpy import load_file", "x = load_file(path)")},
    "gguf": {"mlx": MLX, "gguf-py": (GGUF, "x = {t.name: np.array(t.data) for t in GGUFReader(path).tensors}")},
    "npz": {"mlx": MLX, "numpy": ("", "with np.load(path) as z:\n  x = {k: z[k] for k in z.files}")},
    "npy": {"mlx": MLX, "numpy": ("", "x = np.load(path)")},
}
LISTERS = {
    "safetensors": {"safetensors": (
        "from safetensors import safe_open",
        "with safe_open(path, 'np') as f:\n"
        "  x = [(k, s.get_dtype(), s.get_shape()) for k in f.keys() for s in [f.get_slice(k)]]")},
    "gguf": {"gguf-py": (GGUF, "x = [(t.name, t.tensor_type, t.shape) for t in GGUFReader(path).tensors]")},
    "npz": {"numpy": LOADERS["npz"]["numpy"], "mlx": MLX},
}
OPENERS = {
    "safetensors": {"safetensors": ("from safetensors import safe_open", "x = safe_open(path, 'np')")},
    "gguf": {"gguf-py": (GGUF, "x = GGUFReader(path)")},
    "npz": {"numpy": ("", "x = np.load(path)")},
    "npy": {"numpy": ("", "x = np.load(path, mmap_mode='r')")},
}
# Seconds that a file with all its bytes in the page cache may take to open, and one of many arrays to be listed.
OPEN_AIMS = {"safetensors": 60e-6, "gguf": 60e-6, "npy": 60e-6, "npz": 100e-6}
LIST_AIMS = {"safetensors": (100_000, 20e-3), "gguf": (100_000, 20e-3), "npz": (20_000, 15e-3)}


def seconds(command):
    """The median of what a program prints."""
    out = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True).stdout
    return statistics.median(float(line) for line in out.split())


def python(code, path):
    imports, work = code
    return [sys.executable, "-c", CLOCK.format(imports=imports, work=work), path]


def take_turns(contenders, repeats):
    """name -> median seconds, of programs by name that run one after another, again and again.

    Each time in another order: whoever follows a process that freed huge pages finds them ready.
    """
    times = {name: [] for name in contenders}
    shuffled = random.Random(1)
    for _ in range(repeats):
        order = list(contenders)
        shuffled.shuffle(order)
        for name in order:
            times[name].append(seconds(contenders[name]))
    return {name: statistics.median(found) for name, found in times.items()}


def row(name, found, limit, aim, holds):
    """ours, raw (a program that only reads, or None) and peers in seconds; ratio: how many times faster than the best."""
    peers = {peer: found[peer] for peer in found if peer not in ("ours", "raw")}
    best = min(peers, key=peers.get) if peers else None
    return {"name": name, "ours": found["ours"], "peers": peers, "best peer": best, "limit": limit,
            "of limit": limit / found["ours"] if limit else None,
            "ratio": peers[best] / found["ours"] if best else None, "aim": aim,
            "reached": holds(found["ours"], limit, peers[best] if best else None)}


# Data


def write_big(folder, size, tensorfile):
    """64 arrays of float32 in all formats; their bytes are at the ends of the files but for an npz's directory."""
    import numpy as np
    from safetensors.numpy import save_file

    side = size // 64 // 4 // 1024
    one = np.random.default_rng(0).standard_normal((1024, side), np.float32)
    save_file({f"model.layers.{i}.weight": one for i in range(64)}, f"{folder}/big.safetensors")
    np.save(f"{folder}/big.npy", np.concatenate([one] * 64))
    for extension in ("npz", "gguf"):
        subprocess.run([tensorfile, "convert", f"{folder}/big.safetensors", f"{folder}/big.{extension}"], check=True,
                       stderr=subprocess.DEVNULL)
    return one.nbytes


def write_many(folder, counts, tensorfile):
    import numpy as np
    from safetensors.numpy import save_file

    values = np.zeros((4, 4), np.float32)
    for count in sorted(set(counts.values())):
        arrays = {f"layers.{i // 10}.{i % 10}.w": values for i in range(count)}
        save_file(arrays, f"{folder}/many{count}.safetensors")
    for extension, count in counts.items():
        if extension == "safetensors":
            continue
        subprocess.run([tensorfile, "convert", f"{folder}/many{count}.safetensors", f"{folder}/many{count}.{extension}"],
                       check=True, stderr=subprocess.DEVNULL)


def room(folder):
    return shutil.disk_usage(folder).free if os.path.isdir(folder) else 0


# Rows


def load_rows(options, folder, array_bytes):
    threads = len(os.sched_getaffinity(0))
    rows_ = []
    for extension, peers in LOADERS.items():
        path = f"{folder}/big.{extension}"
        raw = [options.raw_read, path, 64, array_bytes, threads, "huge"]
        if extension == "npy":
            raw = [options.raw_read, path, 1, 64 * array_bytes, threads, "huge"]
        contenders = {"ours": [options.load_bench, "load", path], "raw": raw,
                      **{peer: python(code, path) for peer, code in peers.items()}}
        found = take_turns(contenders, options.repeats)
        size = 64 * array_bytes // MIB
        rows_.append(row(f"load {extension}, {size} MiB in {1 if extension == 'npy' else 64} arrays", found,
                         found["raw"], "0.85 of reading, twice the best peer",
                         lambda ours, raw_, best: raw_ / ours >= 0.85 and best / ours >= 2))
    return rows_


def open_rows(options, folder):
    rows_ = []
    for extension, peers in OPENERS.items():
        path = f"{folder}/big.{extension}"
        contenders = {"ours": [options.load_bench, "open", path, 50],
                      **{peer: python(code, path) for peer, code in peers.items()}}
        aim = OPEN_AIMS[extension]
        rows_.append(row(f"open {extension}", take_turns(contenders, options.repeats), None, f"{aim * 1e3:.2f} ms",
                         lambda ours, raw, best, aim=aim: ours <= aim))
    return rows_


def many_rows(options, folder):
    rows_ = []
    for extension, peers in LISTERS.items():
        count, aim = LIST_AIMS[extension]
        path = f"{folder}/many{count}.{extension}"
        found = take_turns({"ours": [options.load_bench, "list", path],
                            **{peer: python(code, path) for peer, code in peers.items()}}, options.repeats)
        rows_.append(row(f"open and list {extension}, {count:,} arrays", found, None, f"{aim * 1e3:.0f} ms",
                         lambda ours, raw, best, aim=aim: ours <= aim))
        loaders = {peer: python(code, path) for peer, code in LOADERS[extension].items() if peer != "gguf-py"}
        found = take_turns({"ours": [options.load_bench, "load", path], **loaders}, options.repeats)
        rows_.append(row(f"load {extension}, {count:,} arrays", found, None, "twice the best peer",
                         lambda ours, raw, best: best / ours >= 2))
    return rows_


def growth_rows(options, folder, counts):
    """Time for each array, as arrays become more."""
    rows_ = []
    first = None
    for count in counts:
        path = f"{folder}/many{count}.safetensors"
        found = take_turns({"ours": [options.load_bench, "list", path]}, options.repeats)
        each = found["ours"] / count
        first = first or each
        rows_.append(row(f"open and list safetensors, {count:,} arrays: {each * 1e9:.0f} ns each", found, None,
                         "linear in the count", lambda ours, raw, best, each=each: each <= 2 * first))
    return rows_


def rows(options):
    """options: load_bench, raw_read, tensorfile (programs), folder (None: a RAM disk, else the temporary folder), bytes,
    repeats, quick."""
    parent = options.folder or ("/dev/shm" if room("/dev/shm") > 6 * options.bytes else None)
    growth = [10_000, 100_000] if options.quick else [10_000, 100_000, 1_000_000]
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        array_bytes = write_big(folder, options.bytes, options.tensorfile)
        found = open_rows(options, folder) + load_rows(options, folder, array_bytes)
        for extension in LOADERS:
            os.remove(f"{folder}/big.{extension}")
        write_many(folder, {extension: count for extension, (count, _) in LIST_AIMS.items()}, options.tensorfile)
        found += many_rows(options, folder)
        for count in growth:
            write_many(folder, {"safetensors": count}, options.tensorfile)
        return found + growth_rows(options, folder, growth)


def milliseconds(value):
    return "–" if value is None else f"{value * 1e3:.3g} ms"


def table(found):
    yield "| what | tensorfile | only reading | best peer | times faster | aim | reached |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for entry in found:
        best = entry["best peer"]
        peer = "–" if best is None else f"{best} {milliseconds(entry['peers'][best])}"
        limit = "–" if entry["limit"] is None else f"{milliseconds(entry['limit'])} ({entry['of limit']:.2f})"
        ratio = "–" if entry["ratio"] is None else f"{entry['ratio']:.1f}"
        yield (f"| {entry['name']} | {milliseconds(entry['ours'])} | {limit} | {peer} | {ratio} | {entry['aim']} | "
               f"{'yes' if entry['reached'] else 'no'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for program in ("load_bench", "raw_read", "tensorfile"):
        parser.add_argument(program)
    parser.add_argument("--folder", help="where files are made, deleted afterwards")
    parser.add_argument("--bytes", type=int, default=1 << 30)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="256 MiB, 3 repeats")
    parser.add_argument("--json")
    given = parser.parse_args()
    options = SimpleNamespace(**vars(given))
    if options.quick:
        options.bytes, options.repeats = 256 * MIB, 3
    found = rows(options)
    print("\n".join(table(found)))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
