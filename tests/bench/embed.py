"""What the library costs who embeds it: stripped sizes, the time of dlopen, allocations and memory of a load.

usage: embed.py EMBED_BENCH LIBRARY README [--write]

Prints the README's table; --write puts it there. CC, CXX and STRIP are taken from the environment.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BEGIN, END = "<!-- cost table: begin -->\n", "<!-- cost table: end -->\n"
FORMATS = ["npy", "npz", "safetensors", "gguf"]


def run(*command, cwd=None):
    return subprocess.run([str(word) for word in command], check=True, cwd=cwd, text=True, stdout=subprocess.PIPE).stdout


def kilobytes(nbytes):
    return f"{nbytes / 1000:,.0f} kB"


def stripped(path, folder):
    copy = Path(folder) / "stripped"
    shutil.copyfile(path, copy)
    run(os.environ.get("STRIP", "strip"), copy)
    return copy.stat().st_size


def amalgamated(folder, wanted, level):
    """The stripped size of a shared library of the amalgamation with the formats wanted."""
    omitted = [f"-DTENSORFILE_NO_{name.upper()}" for name in FORMATS if name not in wanted]
    run(os.environ.get("CXX", "c++"), "-std=c++20", level, "-fPIC", "-fno-exceptions", "-fno-rtti",
        "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections", *omitted, "-c", "tensorfile.cpp", cwd=folder)
    run(os.environ.get("CC", "cc"), "-shared", "-Wl,--gc-sections", "tensorfile.o", "-o", "one.so", "-lz", "-lpthread",
        cwd=folder)
    return stripped(Path(folder) / "one.so", folder)


def measure(bench, library):
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, ROOT / "tools" / "amalgamate.py", folder)
        rows = [("shared library, stripped", kilobytes(stripped(library, folder)))]
        for names in (FORMATS, ["npy"], ["safetensors"], ["gguf"]):
            what = "every format" if names == FORMATS else f".{names[0]} only"
            rows.append((f"amalgamation, {what}, -Os, stripped", kilobytes(amalgamated(folder, names, "-Os"))))
        for line in run(bench, library, folder).splitlines():
            words = line.split()
            if words[0] == "dlopen":
                rows.append(("dlopen", f"{words[1]} µs"))
                continue
            extension, count, allocations, data, peak = words[1], *map(int, words[2:])
            plural = "array" if count == 1 else "arrays"
            rows.append((f"loading .{extension}: {count:,} {plural}, {data / 1e6:.1f} MB",
                         f"{allocations:,} allocations, at most {kilobytes(peak - data)} beyond the data"))
    return rows


def main(bench, library, readme, write=None):
    table = "| what | cost |\n| --- | --- |\n"
    table += "".join(f"| {what} | {cost} |\n" for what, cost in measure(bench, library))
    print(table, end="")
    if write == "--write":
        text = Path(readme).read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        Path(readme).write_text(before + BEGIN + table + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
