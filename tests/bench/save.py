"""Times saving, and compares them with the peers and with a program that only writes.

Each measurement is a fresh process, which measures the time from its first call until the file has its final name.
The programs take turns, so that whatever slows the machine down affects all of them. Files are on a RAM disk. bench.py
calls rows().
"""

import os
import sys
import tempfile

from load import MIB, SMALL_ARRAY_BYTES, START_BYTES, free_space, row, take_turns

SMALL = 20_000
GGUF = ("from gguf import GGUFWriter",
        "w = GGUFWriter(path, 'bench')\nfor k, v in arrays.items(): w.add_tensor(k, v)\n"
        "w.write_header_to_file()\nw.write_kv_data_to_file()\nw.write_tensors_to_file()\nw.close()")
MLX = "import mlx.core as mx"
MAKE_MLX = "arrays = {k: mx.array(v) for k, v in arrays.items()}\nmx.eval(list(arrays.values()))"
# What each peer imports, does before the clock starts, and does.
SAVERS = {
    "safetensors": {"safetensors": ("from safetensors.numpy import save_file", "", "save_file(arrays, path)"),
                    "mlx": (MLX, MAKE_MLX, "mx.save_safetensors(path, arrays)")},
    "gguf": {"gguf-py": (GGUF[0], "", GGUF[1]), "mlx": (MLX, MAKE_MLX, "mx.save_gguf(path, arrays)")},
    "npz": {"numpy": ("", "", "np.savez(path, **arrays)"), "mlx": (MLX, MAKE_MLX, "mx.savez(path, **arrays)")},
    "npy": {"numpy": ("", "", "np.save(path, next(iter(arrays.values())))"),
            "mlx": (MLX, MAKE_MLX, "mx.save(path, next(iter(arrays.values())))")},
    "deflated": {"numpy": ("", "", "np.savez_compressed(path, **arrays)"),
                 "mlx": (MLX, MAKE_MLX, "mx.savez_compressed(path, **arrays)")},
}
CLOCK = """import os, sys, time
import numpy as np
{imports}
path, data, count, nbytes, dtype = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), np.dtype(sys.argv[5])
one = np.resize(np.fromfile(data, dtype), nbytes // count // dtype.itemsize)
arrays = {{f'layers.{{i}}.weight': one.copy() for i in range(count)}}
{before}
if os.path.exists(path): os.remove(path)
begin = time.perf_counter()
{work}
print(time.perf_counter() - begin, flush=True)
os._exit(0)
"""


def peers_of(kind, path, data, count, nbytes):
    return {name: [sys.executable, "-c", CLOCK.format(imports=imports, before=before, work=work),
                   f"{path}{name}.{kind}", data, count, nbytes, "float32"]
            for name, (imports, before, work) in SAVERS[kind].items()}


def write_data(folder):
    """Writes float32 weights, and returns the path."""
    import numpy as np

    path = f"{folder}/weights"
    np.random.default_rng(0).normal(0, 0.02, 8 * MIB // 4).astype(np.float32).tofile(path)
    return path


def clear(folder, prefix):
    for name in os.listdir(folder):
        if name.startswith(prefix):
            os.remove(os.path.join(folder, name))


def save_rows(options, folder, data):
    found_rows = []
    threads = len(os.sched_getaffinity(0))
    size = options.bytes // 2
    for kind in ("safetensors", "gguf", "npz", "npy"):
        count = 1 if kind == "npy" else 64
        found = take_turns({"ours": [options.save_bench, kind, f"{folder}/out.{kind}", data, count, size],
                            "raw, one core": [options.raw_write, f"{folder}/out.raw", size, 1],
                            "raw, all cores": [options.raw_write, f"{folder}/out.raw", size, threads],
                            **peers_of(kind, f"{folder}/out-", data, count, size)}, options.repeats, 2 * size)
        clear(folder, "out")
        found_rows.append(row(f"save {kind}, {size // MIB} MiB in {count} arrays", found,
                              "0.9 of writing, ahead of every peer",
                              lambda ours, share, best: share >= 0.9 and best > ours))
    return found_rows


def many_rows(options, folder, data):
    found_rows = []
    for kind in ("safetensors", "gguf", "npz"):
        nbytes = SMALL * 64
        peers = peers_of(kind, f"{folder}/out-", data, SMALL, nbytes)
        if kind == "npz":
            del peers["mlx"]  # cannot write more than 1,024 arrays
        found = take_turns({"ours": [options.save_bench, kind, f"{folder}/out.{kind}", data, SMALL, nbytes], **peers},
                           options.repeats, START_BYTES + SMALL * SMALL_ARRAY_BYTES)
        clear(folder, "out")
        found_rows.append(row(f"save {kind}, {SMALL:,} arrays", found, "3 times the best peer",
                              lambda ours, share, best: best / ours >= 3))
    return found_rows


def rows(options):
    """options: save_bench, load_bench, raw_write (programs), folder (None: a RAM disk, or the temporary folder), bytes,
    repeats, quick."""
    parent = options.folder or ("/dev/shm" if free_space("/dev/shm") > 4 * options.bytes else None)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        weights = write_data(folder)
        return save_rows(options, folder, weights) + many_rows(options, folder, weights)
