"""Measures the program: presets against llama-quantize, and diff of a quantized file with its original.

usage: program.py presets|diff TENSORFILE FOLDER [--bytes N] [--rounds N] [--write PAGE]

FOLDER gets the files, which are removed in the end, and llama-quantize, which is built there from the source package of
tests/peers/llama/llama_quantize.py and kept. N is the size of the float16 model (presets, default 1.1 GB) or of the
float32 file (diff, default 3.1 GB). Prints a table; --write puts it, with the date and the machine, into PAGE. The numbers
are medians of the rounds, in which the programs take turns.
"""

import argparse
import datetime
import json
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from bench import machine, write
from load import markdown

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers" / "llama"))
import llama_quantize  # noqa: E402

# As for the checksums, but with all optimizations of a release for the C code, which is what computes.
FLAGS = [flag.replace("=-O2", "=-O3 -DNDEBUG") for flag in llama_quantize.FLAGS]
ROW, FFN, KEYS, VOCABULARY = 2048, 5632, 256, 32000
PRESETS = [("Q8_0", False), ("Q4_K_M", False), ("Q6_K", False), ("Q4_K_M", True)]


def shapes(elements):
    """The matrices of a llama of about so many elements."""
    layer = {"attn_q": (ROW, ROW), "attn_k": (KEYS, ROW), "attn_v": (KEYS, ROW), "attn_output": (ROW, ROW),
             "ffn_gate": (FFN, ROW), "ffn_up": (FFN, ROW), "ffn_down": (ROW, FFN)}
    out = {"token_embd.weight": (VOCABULARY, ROW), "output.weight": (VOCABULARY, ROW)}
    rest = elements - 2 * VOCABULARY * ROW
    layers = max(1, round(rest / sum(rows * columns for rows, columns in layer.values())))
    for number in range(layers):
        out.update({f"blk.{number}.{name}.weight": shape for name, shape in layer.items()})
    return out, layers


class Values:
    """Random numbers; the same ones occur again and again, because making them takes longer than encoding them."""

    def __init__(self, dtype):
        count = VOCABULARY * ROW
        self.pool = (np.random.default_rng(1).standard_normal(count, np.float32) * np.float32(0.02)).astype(dtype)

    def of(self, shape):
        return self.pool[:shape[0] * shape[1]].reshape(shape)


def write_model(path, nbytes):
    """A float16 model, with the keys that the presets need."""
    matrices, layers = shapes(nbytes // 2)
    values = Values(np.float16)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(ROW)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(32)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(1)
    for name, shape in matrices.items():
        writer.add_tensor(name, values.of(shape))
    finish(writer)
    return matrices


def write_imatrix(path, matrices):
    writer = gguf.GGUFWriter(path, "")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["text.txt"])
    writer.add_uint32("imatrix.chunk_count", 1)
    writer.add_uint32("imatrix.chunk_size", 512)
    random = np.random.default_rng(2)
    for name, (_, columns) in matrices.items():
        if name != "token_embd.weight":
            writer.add_tensor(name + ".in_sum2", random.random((1, columns), np.float32) * 100)
            writer.add_tensor(name + ".counts", np.full((1, 1), 512, np.float32))
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_floats(path, nbytes):
    """A float32 .safetensors of the same matrices."""
    matrices, _ = shapes(nbytes // 4)
    values = Values(np.float32)
    header, at = {}, 0
    for name, shape in matrices.items():
        end = at + 4 * shape[0] * shape[1]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for shape in matrices.values():
            values.of(shape).tofile(file)


def measure(command, status=0):
    """The seconds, processor seconds and largest memory of a command."""
    out = subprocess.run([sys.executable, "-S", "-B", HERE / "usage.py", *command], check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    wall, cpu, peak, found = out.stdout.split()
    if int(found) != status:
        raise SystemExit(f"{command}: status {found}\n{out.stderr[-2000:]}")
    return float(wall), float(cpu), int(peak)


def medians(rounds):
    return [statistics.median(column) for column in zip(*rounds)]


def cells(numbers):
    wall, cpu, peak = numbers
    return [f"{wall:.1f} s", f"{cpu:.1f} s", f"{peak / 1e6:,.0f} MB"]


def require_equal(ours, theirs):
    """The tensors of both files must have the same types and bytes."""
    found = [{tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors} for path in (ours, theirs)]
    assert found[0].keys() == found[1].keys()
    for name, tensor in found[0].items():
        other = found[1][name]
        assert tensor.tensor_type == other.tensor_type and np.array_equal(tensor.data, other.data), name


def measure_preset(given, binary, work, preset, weighted):
    options = ["--imatrix", work / "imatrix.gguf"] if weighted else []
    ours, theirs = work / "ours.gguf", work / "theirs.gguf"
    commands = ([given.tensorfile, "convert", "--quiet", "--preset", preset, *options, work / "in.gguf", ours],
                [binary, *options, work / "in.gguf", theirs, preset])
    rounds = [[], []]
    for _ in range(given.rounds):
        for out, command, found in zip((ours, theirs), commands, rounds):
            out.unlink(missing_ok=True)
            found.append(measure(command))
    require_equal(ours, theirs)
    mine, other = map(medians, rounds)
    return [preset + (" with an importance matrix" if weighted else ""), *cells(mine), *cells(other),
            f"{other[1] / mine[1]:.1f}", f"{other[2] / mine[2]:.1f}"]


def presets(given, work):
    binary = llama_quantize.build(given.folder, FLAGS, "build-release")
    matrices = write_model(work / "in.gguf", given.bytes or 1_100_000_000)
    write_imatrix(work / "imatrix.gguf", matrices)
    rows = [measure_preset(given, binary, work, *preset) for preset in PRESETS]
    size = (work / "in.gguf").stat().st_size
    return f"A float16 model of {size / 1e9:.1f} GB.", markdown(
        ["preset", "tensorfile", "CPU", "memory", "llama-quantize", "CPU", "memory", "times less CPU", "times less memory"],
        rows)


def diff(given, work):
    original, quantized, decoded = work / "original.safetensors", work / "quantized.gguf", work / "decoded.safetensors"
    write_floats(original, given.bytes or 3_100_000_000)
    convert = [given.tensorfile, "convert", "--quiet"]
    measure([*convert, "--quantize", "q8_0", "--set", "general.architecture=llama", original, quantized])
    measure([*convert, "--metadata", "drop", "--cast", "float32", quantized, decoded])
    compare = [given.tensorfile, "diff", "--ignore-metadata"]
    commands = {
        "`check` of both, which only reads them": ([given.tensorfile, "check", "--quiet", original, quantized], 0),
        "`diff`, the original: nearly all elements differ": ([*compare, original, quantized], 1),
        "`diff --atol 0.01`, the original: all are close": ([*compare, "--atol", "0.01", original, quantized], 0),
        "`diff --atol 0`, the decoded file: all are equal": ([*compare, "--atol", "0", decoded, quantized], 0),
    }
    found = {what: [] for what in commands}
    for _ in range(given.rounds):
        for what, (command, status) in commands.items():
            found[what].append(measure(command, status))
    sizes = [path.stat().st_size / 1e9 for path in (quantized, original)]
    return f"A q8_0 .gguf of {sizes[0]:.1f} GB and a float32 .safetensors of {sizes[1]:.1f} GB.", markdown(
        ["what", "time", "CPU", "memory"], [[what, *cells(medians(rounds))] for what, rounds in found.items()])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("what", choices=["presets", "diff"])
    parser.add_argument("tensorfile", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--bytes", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", metavar="PAGE")
    given = parser.parse_args()
    given.tensorfile, given.folder = given.tensorfile.resolve(), given.folder.resolve()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as work:
        about, rows = (presets if given.what == "presets" else diff)(given, pathlib.Path(work))
    text = f"Measured on {datetime.date.today()}, {machine()}; medians of {given.rounds}. {about}\n\n{rows}"
    print(text)
    if given.write:
        write(given.write, given.what, text)


if __name__ == "__main__":
    main()
