"""Saves the weights of a model with MLX, converts them between all formats with the tensorfile program, and has other
libraries read the results back.

usage: demo.py PROGRAM
"""

import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

from peers import PEERS, GgufPy, Mlx, NumPy, Safetensors, mx
from samples import dense

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
READERS = {"npy": [NumPy, Mlx], "npz": [NumPy, Mlx], "safetensors": [Safetensors, Mlx], "gguf": [GgufPy, Mlx]}


def run(*command):
    print("$ tensorfile", *command[1:], flush=True)
    subprocess.run(command, check=True)


def save_model():
    """Builds a small model and saves it with MLX. Returns the name of its first weight, and all weights by name."""
    import mlx.nn as nn
    from mlx.utils import tree_flatten

    mx.random.seed(7)
    model = nn.Sequential(nn.Embedding(50, 16), nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4))
    weights = dict(tree_flatten(model.parameters()))
    model.save_weights("model.npz")
    model.save_weights("model.safetensors")
    mx.save_gguf("model.gguf", weights, {"general.architecture": "demo", "demo.block_count": mx.array(2, mx.uint32)})
    first = next(iter(weights))
    mx.save("model.npy", weights[first])
    return first, {name: np.array(array) for name, array in weights.items()}


def save_golden():
    """Does the same without MLX, from a golden file that MLX wrote."""
    shutil.copy(os.path.join(GOLDEN, "npy", "mx_float32_c.npy"), "model.npy")
    weights = {"w": np.load("model.npy"), "b": np.arange(4, dtype=np.float32)}
    np.savez("model.npz", **weights)
    Safetensors.write("model.safetensors", weights)
    GgufPy.write("model.gguf", weights)
    return "w", weights


def compare(path, expected):
    """Reads path with each peer that supports its format. Exits unless every value is the expected one."""
    readers = []
    for peer in READERS[path.rsplit(".", 1)[1]]:
        if peer not in PEERS:
            continue
        found = {name: (tensor.shape, tensor.data) for name, tensor in peer.read(path).items()}
        values = {name: (array.shape, dense(array)) for name, array in expected.items()}
        if found != values:
            sys.exit(f"{path}: the values that {peer.name} reads differ from those saved")
        readers.append(peer.name)
    print(f"  {path}: {len(expected)} array(s), bit for bit the same for {', '.join(readers)}\n")


def main():
    program = os.path.abspath(sys.argv[1])
    os.chdir(tempfile.mkdtemp(prefix="tensorfile-demo-"))
    first, weights = save_model() if mx is not None else save_golden()
    print(f"A model of {len(weights)} arrays, saved by {'MLX' if mx is not None else 'the peers'} in each format:\n")
    for name in READERS:
        run(program, "ls", f"model.{name}")
        print()
    one = {"": weights[first]}
    for source in READERS:
        for target in READERS:
            if source == target:
                continue
            out = f"from-{source}.{target}"
            # Only .gguf holds metadata other than strings, and it requires an architecture.
            options = ["--metadata", "drop"] if source == "gguf" else []
            options += ["--set", "general.architecture=demo"] if target == "gguf" else []
            name = ["--name", first] if "npy" in (source, target) else []
            run(program, "convert", *options, *name, f"model.{source}", out)
            if target == "npy":
                compare(out, one)
            else:
                compare(out, {first: weights[first]} if source == "npy" else weights)
    run(program, "diff", "from-npz.safetensors", "from-gguf.npz")
    print("  no difference after two conversions\n")
    print("demo: all conversions preserved every value")
    shutil.rmtree(os.getcwd())


if __name__ == "__main__":
    main()
