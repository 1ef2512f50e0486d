"""Times compressing and loading kinds of data, and compares them with NumPy, MLX, ndarray-npy, and wrappers of others.

The library is measured twice: as the shared library, and as the amalgamation, compiled as the Rust crate compiles it.
Every program writes a file and computes the CRC-32 of the data. NumPy uses level 6 of zlib; so do libdeflate and
zlib-ng here, and ISA-L its level 1. bench.py calls rows() and table().
"""

import os
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from typing import Callable

from crates import crate_build
from load import MIB, START_BYTES, free_space, markdown, milliseconds, python, take_turns
from save import CLOCK, SAVERS

# The kinds of data, with their dtypes.
KINDS = {"float32": "float32", "float16": "float16", "bfloat16": "bfloat16", "float64": "float64",
         "int32 below 50": "int32", "int64 indices": "int64", "uint8 image": "uint8", "bool mask": "bool",
         "zeros": "uint8", "random bytes": "uint8", "90 % zeros": "float32", "token ids": "int32"}
# What peers save instead of a dtype that they do not have, or would convert: the same bytes. MLX makes float64 float32.
PEER_DTYPES = {"numpy": {"bfloat16": "uint16"}, "mlx": {"bfloat16": "uint16", "float64": "uint64"},
               "ndarray-npy": {"float16": "uint16", "bfloat16": "uint16"}}
BUILDS = ("library", "crate")
FLOATS = ("float32", "bfloat16")
# With less data, starting a thread takes too large a part of the time to say what the second core does.
ALL_CORES_BYTES = 32 * MIB
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


def peer_dtype(peer, dtype):
    """The dtype that a peer saves or loads in place of one."""
    return PEER_DTYPES[peer].get(dtype, dtype)


def our_programs(program):
    """Returns name -> the program and its number of threads."""
    cores = len(os.sched_getaffinity(0))
    return {f"{build}, {name}": (program if build == "library" else crate_build(program), threads)
            for build in BUILDS for name, threads in (("one core", 1), ("all cores", cores))}


def measure_saving(options, folder, kind):
    """Returns the medians of the seconds."""
    nbytes, dtype, data = options.deflate_bytes, KINDS[kind], f"{folder}/data"
    saves = {name: [program, "deflated", f"{folder}/{name.split(',')[0]}.npz", data, 1, nbytes, threads, dtype]
             for name, (program, threads) in our_programs(options.save_bench).items()}
    for name in ("numpy", "mlx"):
        imports, before, work = SAVERS["deflated"][name]
        saves[name] = [sys.executable, "-c", CLOCK.format(imports=imports, before=before, work=work),
                       f"{folder}/{name}.npz", data, 1, nbytes, peer_dtype(name, dtype)]
    saves["ndarray-npy"] = [options.crates, "save", "deflated", f"{folder}/ndarray-npy.npz", data, 1, nbytes,
                            peer_dtype("ndarray-npy", dtype)]
    for name in WRAPPERS:
        saves[name] = wrapped(name, f"{folder}/{name}.raw", nbytes, data=data)
    return take_turns(saves, options.repeats, START_BYTES + 2 * nbytes)


def measure_loading(options, folder, kind):
    """Each program loads what it wrote."""
    nbytes, dtype = options.deflate_bytes, KINDS[kind]
    loads = {name: [program, "load", f"{folder}/library.npz", threads]
             for name, (program, threads) in our_programs(options.load_bench).items()}
    loads["numpy"] = python(NUMPY_LOAD, f"{folder}/numpy.npz")
    loads["mlx"] = python(MLX_LOAD, f"{folder}/mlx.npz")
    loads["ndarray-npy"] = [options.crates, "load", "deflated", f"{folder}/ndarray-npy.npz",
                            peer_dtype("ndarray-npy", dtype)]
    loads.update({name: wrapped(name, f"{folder}/{name}.raw", nbytes) for name in WRAPPERS})
    return take_turns(loads, options.repeats, START_BYTES + 2 * nbytes)


def measure_numpys(options, folder):
    """Each program loads what NumPy wrote."""
    nbytes = options.deflate_bytes
    own_stream(f"{folder}/numpy.npz", f"{folder}/numpy.raw")
    loads = {name: [program, "load", f"{folder}/numpy.npz", threads]
             for name, (program, threads) in our_programs(options.load_bench).items()}
    loads["numpy"] = python(NUMPY_LOAD, f"{folder}/numpy.npz")
    loads.update({name: wrapped(name, f"{folder}/numpy.raw", nbytes + 128) for name in WRAPPERS})
    return take_turns(loads, options.repeats, START_BYTES + 2 * nbytes)


def measure(options, folder, kind):
    """Returns the row of a kind: the sizes, and the medians of the seconds of saving, loading, loading NumPy's."""
    make(kind, options.deflate_bytes).tofile(f"{folder}/data")
    saved = measure_saving(options, folder, kind)
    with open(f"{folder}/library.npz", "rb") as one, open(f"{folder}/crate.npz", "rb") as other:
        assert one.read() == other.read(), "the shared library and the amalgamation wrote different bytes"
    found = {"kind": kind, "bytes": options.deflate_bytes, "save": saved,
             "load": measure_loading(options, folder, kind), "load numpy": measure_numpys(options, folder)}
    files = {"ours": "library.npz", **{name: f"{name}.npz" for name in PEER_DTYPES},
             **{name: f"{name}.raw" for name in WRAPPERS}}
    return {**found, "sizes": {name: os.path.getsize(f"{folder}/{file}") for name, file in files.items()}}


@dataclass
class Aim:
    """How many times as fast as something else, or how large at most. value(row, build) may be None."""

    name: str
    value: Callable
    wanted: Callable  # of a kind; None: nothing
    is_limit: bool = False

    def verdict(self, row, build):
        """Returns the value, the aim, and whether it is reached; None if nothing is wanted."""
        wanted = self.wanted(row["kind"])
        value = None if wanted is None else self.value(row, build)
        if value is None:
            return None
        return value, wanted, value <= wanted if self.is_limit else value >= wanted


def times(step, peer):
    """The speed on one core compared with a peer's."""
    return lambda row, build: row[step][peer] / row[step][f"{build}, one core"]


def scaling(step):
    def value(row, build):
        enough = row["bytes"] >= ALL_CORES_BYTES
        return row[step][f"{build}, one core"] / row[step][f"{build}, all cores"] if enough else None
    return value


def only_floats(wanted):
    return lambda kind: wanted if kind in FLOATS else None


def always(wanted):
    return lambda kind: wanted


AIMS = [
    Aim("save, times numpy", times("save", "numpy"),
        lambda kind: {"float32": 30, "bfloat16": 60, "int32 below 50": 20}.get(kind, 10)),
    Aim("size, numpy = 1", lambda row, build: row["sizes"]["ours"] / row["sizes"]["numpy"],
        lambda kind: {"float32": 1, "bfloat16": 1, "int32 below 50": 1.03}.get(kind, 1.05), True),
    Aim("save, times isa-l", times("save", "isa-l"), only_floats(1.5)),
    Aim("save, times ndarray-npy", times("save", "ndarray-npy"), always(1)),
    Aim("save, all cores, times one", scaling("save"), always(1.7)),
    Aim("load, times numpy", times("load", "numpy"), only_floats(4)),
    Aim("load, times isa-l", times("load", "isa-l"), only_floats(2.5)),
    Aim("load, times ndarray-npy", times("load", "ndarray-npy"), always(1)),
    Aim("load, all cores, times one", scaling("load"), always(1.7)),
    Aim("load numpy's, times numpy", times("load numpy", "numpy"), always(1.5)),
    Aim("load numpy's, times libdeflate", times("load numpy", "libdeflate"), always(1)),
]


def rows(options):
    """options: save_bench, load_bench, crates (programs), folder, deflate_bytes, repeats."""
    parent = options.folder or ("/dev/shm" if free_space("/dev/shm") > 16 * options.deflate_bytes else None)
    found = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            found.append(measure(options, folder, kind))
    return found


def times_table(found, step, what):
    """The seconds; those of saving with the sizes."""
    names = list(found[0][step])

    def cell(row, name):
        sizes = row["sizes"]
        size = f" ({sizes[name] / sizes['numpy']:.3f})" if step == "save" and name in sizes else ""
        return milliseconds(row[step][name]) + size

    return markdown([what, *names], ([row["kind"], *(cell(row, name) for name in names)] for row in found))


def verdict_cell(aim, row):
    found = [aim.verdict(row, build) for build in BUILDS]
    if found[0] is None:
        return "–"
    digits = 3 if aim.is_limit else 1
    text = f"{' / '.join(f'{value:.{digits}f}' for value, _, _ in found)} of {found[0][1]:g}"
    return text if all(reached for _, _, reached in found) else f"**{text}**"


def counts(found):
    """How many aims each build reaches."""
    def count(build):
        verdicts = [verdict for aim in AIMS for row in found if (verdict := aim.verdict(row, build))]
        return f"{sum(reached for _, _, reached in verdicts)} of {len(verdicts)} by the {build}"

    return " and ".join(count(build) for build in BUILDS)


def ahead(found, step, peer):
    """The kinds for which a peer is faster than the library on one core: by how much, and how large its file is."""
    faster = []
    for row in found:
        ratio = row[step]["library, one core"] / row[step][peer]
        if ratio > 1:
            size = f", size {row['sizes'][peer] / row['sizes']['numpy']:.2f}" if step == "save" else ""
            faster.append(f"{row['kind']} ({ratio:.2f} times{size})")
    return f"{peer} for {', '.join(faster)}" if faster else None


def ahead_line(found, step):
    faster = "; ".join(filter(None, (ahead(found, step, name) for name in found[0][step] if "core" not in name)))
    return f"Faster than the library on one core: {faster or 'none'}."


def part(found, step, title, what):
    return f"{title}:\n\n{times_table(found, step, what)}\n\n{ahead_line(found, step)}"


def aims_table(found):
    body = ([row["kind"], *(verdict_cell(aim, row) for aim in AIMS)] for row in found)
    return (f"The aims that are reached are {counts(found)}. Each cell has the library, the crate, and the aim, in "
            "bold if one of them does not reach it. Unless the column says otherwise, speeds are those on one core.\n\n"
            f"{markdown(['aims', *(aim.name for aim in AIMS)], body)}")


def table(found):
    parts = [part(found, "save", "Compressing; in brackets, the size, that of NumPy's file being 1", "compress"),
             part(found, "load", "Each program loads what it wrote", "load"),
             part(found, "load numpy", "Each program loads what NumPy wrote", "load"), aims_table(found)]
    return f"{found[0]['bytes'] // MIB} MiB of each kind.\n\n" + "\n\n".join(parts)
