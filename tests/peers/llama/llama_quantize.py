#!/usr/bin/env python3
"""Builds llama-quantize, and makes the checksums that test_presets.py compares with. Run by hand.

usage: llama_quantize.py FOLDER [--check]

Downloads the source package of llama-cpp-python from PyPI to FOLDER, builds the llama-quantize that it contains there
(unless that has been done), quantizes the models of models.py, and writes expected.json. With --check it only compares
with expected.json. Needs CMake, a C++ compiler and the packages of the Python environment of the tests.
"""

import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import models

VERSION = "0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
# The compiler must not fuse products and sums: ggml's own results differ then. Without GGML_NATIVE, x86-64 has no
# instructions that could. Only the C code computes; the C++ code is not optimized, which saves most of the time.
FLAGS = ["-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O2", "-DCMAKE_CXX_FLAGS=-O0", "-DGGML_NATIVE=OFF",
         "-DGGML_OPENMP=OFF", "-DLLAMA_OPENSSL=OFF", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF",
         "-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_BUILD_APP=OFF"]
PARTS = ["models", "weighted", "overridden", "overridden_weighted"]
EXPECTED = pathlib.Path(__file__).with_name("expected.json")
PRESETS = ["Q4_0", "Q4_1", "Q8_0", "Q5_0", "Q5_1", "Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S",
           "Q5_K_M", "Q6_K", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4_MOE"]
# With an importance matrix; Q2_K_S needs one.
WEIGHTED_PRESETS = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q2_K_S", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M",
                    "Q5_K_S", "Q5_K_M", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4_MOE"]
# With --tensor-type, which changes the counts on which the rules of these presets depend.
OVERRIDDEN_PRESETS = ["Q4_0", "Q2_K", "Q3_K_M", "Q4_K_S", "Q4_K_M", "Q5_K_M", "IQ4_XS", "MXFP4_MOE"]


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, **options)


def download(folder):
    """Returns the source of llama.cpp."""
    source = folder / f"llama_cpp_python-{VERSION}/vendor/llama.cpp"
    if source.exists():
        return source
    run(sys.executable, "-m", "pip", "download", "--no-binary", ":all:", "--no-deps", "--dest", folder,
        f"llama-cpp-python=={VERSION}")
    package = folder / f"llama_cpp_python-{VERSION}.tar.gz"
    run("sha256sum", "--check", input=f"{SHA256}  {package}\n".encode())
    with tarfile.open(package) as archive:
        archive.extractall(folder, filter="data")
    return source


def build(folder, flags=FLAGS, name="build"):
    """Returns the path of llama-quantize, which is built with these flags in a folder of that name."""
    binary = folder / name / "bin/llama-quantize"
    if binary.exists():
        return binary
    run("cmake", "-S", download(folder), "-B", folder / name, *flags)
    run("cmake", "--build", folder / name, "--target", "llama-quantize", "--parallel", 2)
    return binary


def compiler(folder):
    cache = (folder / "build/CMakeCache.txt").read_text(encoding="utf-8")
    path = next(line.split("=", 1)[1] for line in cache.splitlines() if line.startswith("CMAKE_C_COMPILER:"))
    return run(path, "--version", capture_output=True, text=True).stdout.splitlines()[0]


def quantize(binary, model, preset, folder, *options):
    out = folder / "out.gguf"
    result = subprocess.run([binary, *options, folder / "in.gguf", out, preset, "1"], capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        raise SystemExit(f"{model.name} {preset}: {result.stderr[-2000:]}")
    return models.read_tensors(out)


def add(entry, model, preset, tensors, keys):
    """Adds the types and checksums of a quantized model to the entry of the model."""
    types = {name: kind for name, (kind, _) in sorted(tensors.items())}
    entry["presets"][preset] = {"file_type": keys["general.file_type"], "types": types}
    assert keys["general.quantization_version"] == 2
    for name, (kind, data) in tensors.items():
        checksums = entry["checksums"].setdefault(model.key(name), {})
        assert checksums.setdefault(kind, models.digest(data)) == models.digest(data), (model.name, preset, name)


def shorten(entry):
    """Moves the types that are the same in all presets to one place, and those that most tensors of a preset have."""
    presets = entry["presets"].values()
    common = set.intersection(*(set(preset["types"].items()) for preset in presets))
    entry["types"] = dict(sorted(common))
    for preset in presets:
        rest = {name: kind for name, kind in preset.pop("types").items() if (name, kind) not in common}
        preset["usual"] = max(sorted(set(rest.values())), key=list(rest.values()).count)
        preset["others"] = {name: kind for name, kind in rest.items() if kind != preset["usual"]}


def quantize_all(binary, model, folder, presets, *options):
    entry = {"presets": {}, "checksums": {}}
    for preset in presets:
        add(entry, model, preset, *quantize(binary, model, preset, folder, *options))
    entry["checksums"] = dict(sorted(entry["checksums"].items()))
    shorten(entry)
    return entry


def quantize_variants(binary, model, folder):
    """Returns the entries of a model: plain, with an importance matrix, with overrides, and with both."""
    imatrix = ["--imatrix", folder / "imatrix.gguf"]
    chosen = [word for regex, _, kind in models.overrides(model) for word in ("--tensor-type", f"{regex}={kind}")]
    variants = {"models": (PRESETS, []), "weighted": (WEIGHTED_PRESETS, imatrix),
                "overridden": (OVERRIDDEN_PRESETS, chosen), "overridden_weighted": (OVERRIDDEN_PRESETS, imatrix + chosen)}
    return {part: quantize_all(binary, model, folder, presets, *options) for part, (presets, options) in variants.items()}


def expected(binary, folder):
    out = {"llama-cpp-python": VERSION, "compiler": compiler(folder), "flags": FLAGS, **{part: {} for part in PARTS}}
    for model in models.models():
        with tempfile.TemporaryDirectory() as temporary:
            work = pathlib.Path(temporary)
            model.write(work / "in.gguf")
            model.write_imatrix(work / "imatrix.gguf")
            for part, entry in quantize_variants(binary, model, work).items():
                out[part][model.name] = {"input": model.digest(), **entry} if part == "models" else entry
    return out


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    made = expected(build(folder), folder)
    if "--check" in sys.argv[2:]:
        committed = json.loads(EXPECTED.read_text(encoding="utf-8"))
        if any(made[part] != committed[part] for part in PARTS):
            raise SystemExit(f"{EXPECTED} differs from what {made['compiler']} makes")
    else:
        EXPECTED.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
