"""Times opening, listing and loading, and compares them with the peers and with a program that only reads.

Each measurement is a fresh process, which measures the time from its first call to the last byte in memory. The
programs take turns in a random order, so that whatever slows the machine down affects all of them. Before each, as much
memory as it needs is taken and freed, and its file is read, so that each finds the same free pages and the file in the
page cache. bench.py calls rows().
"""

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

MIB = 1 << 20
LONG = 1  # seconds, from which on a program runs only once
REPEATED = f"programs that take more than {LONG} s run once"  # for the head of a table
# About the memory that a program needs before it loads anything, and for each small array, with its object and name.
START_BYTES = 64 * MIB
SMALL_ARRAY_BYTES = 1024

# Prints seconds. Imports are not counted. mlx is lazy, so the arrays that it loads are evaluated. The end of the
# process is not counted either, and mlx's threads may abort in it.
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
# The maximum seconds for opening a file that is in the page cache, and for listing one with many arrays.
OPEN_AIMS = {"safetensors": 60e-6, "gguf": 60e-6, "npy": 60e-6, "npz": 100e-6}
LIST_AIMS = {"safetensors": (100_000, 20e-3), "gguf": (100_000, 20e-3), "npz": (20_000, 15e-3)}


def seconds(command):
    """The median of the seconds that a program prints."""
    out = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True).stdout
    return statistics.median(float(line) for line in out.split())


def python(code, path):
    imports, work = code
    return [sys.executable, "-c", CLOCK.format(imports=imports, work=work), path]


def prepare(command, nbytes):
    """Takes and frees as much memory as a program needs, and reads the files that it names."""
    import numpy as np

    np.ones(nbytes, np.uint8)
    for word in command:
        if os.path.isfile(str(word)) and not os.access(str(word), os.X_OK):
            with open(word, "rb", buffering=0) as file:
                while file.read(8 * MIB):
                    pass


def markdown(head, body):
    """A table of Markdown. head and each element of body are lists of texts."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *body])


def take_turns(contenders, repeats, nbytes):
    """Runs programs in turns and returns name -> median seconds. nbytes is the memory that each of them needs.

    Each turn has another order. Only "ours" and the raw programs, which do nothing but the same reads or writes, always
    run directly after each other, in both orders. "share" is our speed as a fraction of the best raw program's speed,
    as the median over all turns. A program that takes more than LONG seconds runs only once.
    """
    times = {name: [] for name in contenders}
    shares = []
    raw = [name for name in contenders if name.startswith("raw")]
    shuffled = random.Random(1)
    for _ in range(repeats):
        order = [name for name in contenders if name not in raw and not (times[name] and times[name][0] > LONG)]
        shuffled.shuffle(order)
        for name in order:
            forth = [name, *raw] if name == "ours" and raw else [name]
            turn = {each: [] for each in forth}
            for each in forth + (forth[::-1] if len(forth) > 1 else []):
                prepare(contenders[each], nbytes)
                turn[each].append(seconds(contenders[each]))
            for each, found in turn.items():
                times[each].append(statistics.mean(found))
            if len(forth) > 1:
                shares.append(min(times[each][-1] for each in raw) / times[name][-1])
    found = {name: statistics.median(each) for name, each in times.items()}
    if raw:
        found["raw"] = min(found.pop(name) for name in raw)
        found["share"] = statistics.median(shares)
    return found


def row(name, found, aim, holds):
    """Makes a row of the table from the result of take_turns(). holds(ours, share, best peer) is true if the aim is met."""
    peers = {peer: found[peer] for peer in found if peer not in ("ours", "raw", "share")}
    best = min(peers, key=peers.get) if peers else None
    return {"name": name, "ours": found["ours"], "peers": peers, "best peer": best, "limit": found.get("raw"),
            "of limit": found.get("share"), "ratio": peers[best] / found["ours"] if best else None, "aim": aim,
            "reached": holds(found["ours"], found.get("share"), peers[best] if best else None)}


# Data


def write_big(folder, size, tensorfile):
    """Writes 64 float32 arrays in all formats; the data are at the end of each file, except for an npz's directory."""
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


def free_space(folder):
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
        found = take_turns(contenders, options.repeats, 64 * array_bytes)
        size = 64 * array_bytes // MIB
        rows_.append(row(f"load {extension}, {size} MiB in {1 if extension == 'npy' else 64} arrays", found,
                         "0.85 of reading, twice the best peer",
                         lambda ours, share, best: share >= 0.85 and best / ours >= 2))
    return rows_


def open_rows(options, folder):
    rows_ = []
    for extension, peers in OPENERS.items():
        path = f"{folder}/big.{extension}"
        contenders = {"ours": [options.load_bench, "open", path, 50],
                      **{peer: python(code, path) for peer, code in peers.items()}}
        aim = OPEN_AIMS[extension]
        rows_.append(row(f"open {extension}", take_turns(contenders, options.repeats, START_BYTES),
                         f"{aim * 1e3:.2f} ms", lambda ours, share, best, aim=aim: ours <= aim))
    return rows_


def map_rows(options, folder, array_bytes):
    """A mapped file of which every page is read, beside a plain mapping that the kernel populates."""
    rows_ = []
    for extension in ("safetensors", "gguf"):
        path = f"{folder}/big.{extension}"
        found = take_turns({"ours": [options.load_bench, "touch", path], "raw": [options.raw_map, path, "populate"]},
                           options.repeats, START_BYTES)
        rows_.append(row(f"map {extension}, {64 * array_bytes // MIB} MiB in 64 arrays, and read every page", found,
                         "at least as fast as MAP_POPULATE", lambda ours, share, best: share >= 1))
    return rows_


def many_rows(options, folder):
    rows_ = []
    for extension, peers in LISTERS.items():
        count, aim = LIST_AIMS[extension]
        path = f"{folder}/many{count}.{extension}"
        nbytes = START_BYTES + count * SMALL_ARRAY_BYTES
        found = take_turns({"ours": [options.load_bench, "list", path],
                            **{peer: python(code, path) for peer, code in peers.items()}}, options.repeats, nbytes)
        rows_.append(row(f"open and list {extension}, {count:,} arrays", found, f"{aim * 1e3:.0f} ms",
                         lambda ours, share, best, aim=aim: ours <= aim))
        loaders = {peer: python(code, path) for peer, code in LOADERS[extension].items() if peer != "gguf-py"}
        found = take_turns({"ours": [options.load_bench, "load", path], **loaders}, options.repeats, nbytes)
        rows_.append(row(f"load {extension}, {count:,} arrays", found, "twice the best peer",
                         lambda ours, share, best: best / ours >= 2))
    return rows_


def growth_rows(options, folder, counts):
    """The time for each array as the number of arrays grows."""
    rows_ = []
    for extension in LISTERS:
        first = None
        for count in counts:
            path = f"{folder}/many{count}.{extension}"
            found = take_turns({"ours": [options.load_bench, "list", path]}, options.repeats,
                               START_BYTES + count * SMALL_ARRAY_BYTES)
            each = found["ours"] / count
            first = first or each
            rows_.append(row(f"open and list {extension}, {count:,} arrays: {each * 1e9:.0f} ns each", found,
                             "linear in the count", lambda ours, share, best, each=each: each <= 2 * first))
    return rows_


def rows(options):
    """options: load_bench, raw_read, raw_map, tensorfile (programs), folder (None: a RAM disk, or the temporary
    folder), bytes, repeats, quick."""
    parent = options.folder or ("/dev/shm" if free_space("/dev/shm") > 6 * options.bytes else None)
    growth = [10_000, 100_000] if options.quick else [10_000, 100_000, 1_000_000]
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        array_bytes = write_big(folder, options.bytes, options.tensorfile)
        found = (open_rows(options, folder) + load_rows(options, folder, array_bytes)
                 + map_rows(options, folder, array_bytes))
        for extension in LOADERS:
            os.remove(f"{folder}/big.{extension}")
        write_many(folder, {extension: count for extension, (count, _) in LIST_AIMS.items()}, options.tensorfile)
        found += many_rows(options, folder)
        for count in growth:
            write_many(folder, dict.fromkeys(LISTERS, count), options.tensorfile)
        return found + growth_rows(options, folder, growth)


def milliseconds(value):
    return "–" if value is None else f"{value * 1e3:.3g} ms"
