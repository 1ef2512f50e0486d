"""Times compressing and loading kinds of data, and compares them with NumPy, MLX, and wrappers of other libraries.

The library is measured twice: as the shared library, and as the amalgamation, compiled as the Rust crate compiles it.
Every program writes a file and computes the CRC-32 of the data. NumPy uses level 6 of zlib; so do libdeflate and
zlib-ng here, and ISA-L its level 1. bench.py calls rows() and table().
"""

import os
import sys
import tempfile
import zipfile

from load import MIB, free_space, milliseconds, python, take_turns
from save import CLOCK, SAVERS

KINDS = ["float32", "float16", "bfloat16", "float64", "int32 below 50", "int64 indices", "uint8 image", "bool mask",
         "zeros", "random bytes", "90 % zeros", "token ids"]
# How many times NumPy's speed is the aim, and how large the file may be compared with NumPy's.
AIMS = {"float32": (30, 1.0), "float16": (20, 1.0), "bfloat16": (20, 1.0), "float64": (20, 1.0),
        "int32 below 50": (20, 1.03)}
AIM = (10, 1.05)
FLOAT_LOAD_AIM = 4
FOREIGN_AIM = 1.5
# What a wrapper imports; compresses `data` to `packed`; and inflates `packed`, of `size` bytes, to `data`.
WRAPPERS = {
    "isa-l": ("from isal import igzip_lib, isal_zlib as z",
              "packed = igzip_lib.compress(data, 1, igzip_lib.COMP_DEFLATE)",
              "data = igzip_lib.decompress(packed, igzip_lib.DECOMP_DEFLATE)"),
    "libdeflate": ("import deflate as z", "packed = z.deflate_compress(data, 6)",
                   "data = z.deflate_decompress(packed, size)"),
    "zlib-ng": ("from zlib_ng import zlib_ng as z", "packed = z.compress(data, 6, -15)",
                "data = z.decompress(packed, -15, size)"),
}
WRAPPED = """import os, sys, time
{imports}
path, size = sys.argv[1], int(sys.argv[2])
{before}
begin = time.perf_counter()
{work}
z.crc32(data)
{after}
print(time.perf_counter() - begin, flush=True)
os._exit(0)
"""
NUMPY_LOAD = ("", "with np.load(path) as z:\n  x = {k: z[k] for k in z.files}")
MLX_LOAD = ("import mlx.core as mx", "mx.eval(list(mx.load(path).values()))")


def make(kind, nbytes):
    """Returns the bytes of an array of this kind."""
    import numpy as np

    random = np.random.default_rng(1)

    def weights(count):
        return random.normal(0, 0.02, count).astype(np.float32)

    if kind == "float32":
        return weights(nbytes // 4)
    if kind == "float16":
        return weights(nbytes // 2).astype(np.float16)
    if kind == "bfloat16":
        return (weights(nbytes // 2).view(np.uint32) >> 16).astype(np.uint16)
    if kind == "float64":
        return random.normal(0, 1, nbytes // 8)
    if kind == "int32 below 50":
        return random.integers(0, 50, nbytes // 4).astype(np.int32)
    if kind == "int64 indices":
        return random.integers(0, 1_000_000, nbytes // 8)
    if kind == "uint8 image":
        i = np.arange(nbytes)
        wave = 120 + 60 * np.sin(i % 4096 // 4 / 197 + i // 4096 / 153 + i % 4)
        return np.clip(wave + random.normal(0, 1.5, nbytes), 0, 255).astype(np.uint8)
    if kind == "bool mask":
        return random.random(nbytes) < 0.1
    if kind == "zeros":
        return np.zeros(nbytes, np.uint8)
    if kind == "random bytes":
        return random.integers(0, 256, nbytes, np.uint8)
    if kind == "90 % zeros":
        return np.where(random.random(nbytes // 4) < 0.1, weights(nbytes // 4), np.float32(0))
    return (50000 ** random.random(nbytes // 4)).astype(np.int32) - 1


def wrapped(name, path, size, *, data=None):
    """A command that compresses the file `data` to path, or inflates path."""
    imports, pack, unpack = WRAPPERS[name]
    if data:
        code = WRAPPED.format(imports=imports, before=f"data = open({data!r}, 'rb').read()", work=pack,
                              after="open(path, 'wb').write(packed)")
    else:
        code = WRAPPED.format(imports=imports, before="", work=f"packed = open(path, 'rb').read()\n{unpack}", after="")
    return [sys.executable, "-c", code, path, size]


def own_stream(npz, path):
    """Copies the deflate stream of the first member of an .npz to a file."""
    with zipfile.ZipFile(npz) as archive, open(npz, "rb") as file:
        member = archive.infolist()[0]
        file.seek(member.header_offset + 26)
        lengths = file.read(4)
        file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), os.SEEK_CUR)
        with open(path, "wb") as out:
            out.write(file.read(member.compress_size))


def measure(options, folder, kind):
    """Returns the row of a kind: the medians of the seconds of saving, loading, and loading what NumPy wrote."""
    nbytes = options.deflate_bytes
    cores = len(os.sched_getaffinity(0))
    data = f"{folder}/data"
    make(kind, nbytes).tofile(data)
    ours = {"one core": ("", 1), "all cores": ("", cores), "crate, one core": ("_crate", 1),
            "crate, all cores": ("_crate", cores)}
    saves = {name: [options.save_bench + build, "deflated", f"{folder}/ours{build}.npz", data, 1, nbytes, threads]
             for name, (build, threads) in ours.items()}
    for name in ("numpy", "mlx"):
        imports, before, work = SAVERS["deflated"][name]
        saves[name] = [sys.executable, "-c", CLOCK.format(imports=imports, before=before, work=work),
                       f"{folder}/{name}.npz", data, 1, nbytes]
    for name in WRAPPERS:
        saves[name] = wrapped(name, f"{folder}/{name}.raw", nbytes, data=data)
    saved = take_turns(saves, options.repeats, 2 * nbytes)
    with open(f"{folder}/ours.npz", "rb") as one, open(f"{folder}/ours_crate.npz", "rb") as other:
        assert one.read() == other.read(), "the shared library and the amalgamation wrote different bytes"
    loads = {name: [options.load_bench + build, "load", f"{folder}/ours.npz", threads]
             for name, (build, threads) in ours.items()}
    loads["numpy"] = python(NUMPY_LOAD, f"{folder}/numpy.npz")
    loads["mlx"] = python(MLX_LOAD, f"{folder}/mlx.npz")
    loads.update({name: wrapped(name, f"{folder}/{name}.raw", nbytes) for name in WRAPPERS})
    loaded = take_turns(loads, options.repeats, 2 * nbytes)
    own_stream(f"{folder}/numpy.npz", f"{folder}/numpy.raw")
    foreign = {name: [options.load_bench + build, "load", f"{folder}/numpy.npz", threads]
               for name, (build, threads) in ours.items() if threads == 1}
    foreign.update({name: wrapped(name, f"{folder}/numpy.raw", nbytes + 128) for name in WRAPPERS})
    foreign["numpy"] = python(NUMPY_LOAD, f"{folder}/numpy.npz")
    read = take_turns(foreign, options.repeats, 2 * nbytes)
    sizes = {name: os.path.getsize(f"{folder}/{name}.npz") for name in ("ours", "numpy", "mlx")}
    sizes.update({name: os.path.getsize(f"{folder}/{name}.raw") for name in WRAPPERS})
    return {"kind": kind, "bytes": nbytes, "sizes": sizes, "save": saved, "load": loaded, "load numpy's": read}


def rows(options):
    """options: save_bench, load_bench (programs), folder, deflate_bytes, repeats."""
    parent = options.folder or ("/dev/shm" if free_space("/dev/shm") > 16 * options.deflate_bytes else None)
    found = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            found.append(measure(options, folder, kind))
    return found


def line(words):
    return "| " + " | ".join(words) + " |"


def save_table(found):
    peers = ["numpy", "mlx", *WRAPPERS]
    lines = [line(["compress", "one core", "all cores", "crate, one core", "crate, all cores",
                   *(f"{peer} (size)" for peer in peers), "times numpy", "size, numpy = 1", "aim", "reached"])]
    lines.append(line(["---"] * 14))
    for row in found:
        saved, sizes = row["save"], row["sizes"]
        times, size = saved["numpy"] / saved["one core"], sizes["ours"] / sizes["numpy"]
        least, most = AIMS.get(row["kind"], AIM)
        lines.append(line([
            row["kind"], *(milliseconds(saved[name]) for name in list(saved)[:4]),
            *(f"{milliseconds(saved[peer])} ({sizes[peer] / sizes['numpy']:.3f})" for peer in peers),
            f"{times:.1f}", f"{size:.3f}", f"{least} times, {most:.2f}",
            "yes" if times >= least and size <= most else "no"]))
    return "\n".join(lines)


def load_table(found):
    peers = ["numpy", "mlx", *WRAPPERS]
    lines = [line(["load", "one core", "all cores", "crate, one core", "crate, all cores", *peers, "times numpy",
                   "numpy's file, one core", "crate", *(f"{peer}, numpy's" for peer in WRAPPERS), "times numpy"])]
    lines.append(line(["---"] * (13 + len(WRAPPERS))))
    for row in found:
        loaded, read = row["load"], row["load numpy's"]
        lines.append(line([
            row["kind"], *(milliseconds(loaded[name]) for name in list(loaded)[:4]),
            *(milliseconds(loaded[peer]) for peer in peers), f"{loaded['numpy'] / loaded['one core']:.1f}",
            milliseconds(read["one core"]), milliseconds(read["crate, one core"]),
            *(milliseconds(read[peer]) for peer in WRAPPERS), f"{read['numpy'] / read['one core']:.1f}"]))
    return "\n".join(lines)


def table(found):
    size = found[0]["bytes"] // MIB
    return (f"{size} MiB of each kind. Sizes are compared with NumPy's file.\n\n{save_table(found)}\n\n"
            "Loading: each program loads what it wrote, then what NumPy wrote. The aims are "
            f"{FLOAT_LOAD_AIM} times NumPy for floats of our own, and {FOREIGN_AIM} times for NumPy's.\n\n"
            f"{load_table(found)}")
