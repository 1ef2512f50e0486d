"""Measures the cost of embedding the library: stripped sizes, the time of dlopen, allocations and memory of a load.

usage: embed.py EMBED_BENCH LIBRARY PAGE [--write]

Prints the table of PAGE; --write puts it there. CC, CXX and STRIP are taken from the environment.
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


# Uses what most programs use of the library: it loads a file and prints the error if that fails.
PROGRAM = """\
#include <stdio.h>
#include <tensorfile.h>
int main(int argc, char **argv) {
#ifdef LOADS
  tf_dict *arrays, *metadata;
  if (argc > 1 && tf_load(NULL, &arrays, &metadata, argv[1], NULL)) return puts(tf_error_message()), 1;
#endif
  return argc > 1 && puts(argv[1]) < 0;
}
"""


def program(folder, level, *words):
    """The stripped size of PROGRAM, linked without unused sections."""
    source = Path(folder) / "program.c"
    source.write_text(PROGRAM, encoding="utf-8")
    run(os.environ.get("CC", "cc"), level, "-Wl,--gc-sections", f"-I{folder}", source, *words, "-o", "program", "-lz",
        "-lpthread", cwd=folder)
    return stripped(Path(folder) / "program", folder)


def amalgamated(folder, wanted, level):
    """The bytes that the amalgamation with the wanted formats adds to a stripped program that loads a file."""
    omitted = [f"-DTENSORFILE_NO_{name.upper()}" for name in FORMATS if name not in wanted]
    run(os.environ.get("CXX", "c++"), "-std=c++20", level, "-fno-exceptions", "-fno-rtti", "-ffunction-sections",
        "-fdata-sections", *omitted, "-c", "tensorfile.cpp", cwd=folder)
    return program(folder, level, "-DLOADS", "tensorfile.o") - program(folder, level)


def measure(bench, library):
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, ROOT / "tools" / "amalgamate.py", folder)
        rows = [("shared library, stripped", kilobytes(stripped(library, folder)))]
        for names in (FORMATS, *([name] for name in FORMATS)):
            what = "every format" if names == FORMATS else f".{names[0]} only"
            sizes = " / ".join(kilobytes(amalgamated(folder, names, level)) for level in ("-Os", "-O2"))
            rows.append((f"amalgamation in a stripped program, {what}, -Os / -O2", sizes))
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


def main(bench, library, page, write=None):
    table = "| what | cost |\n| --- | --- |\n"
    table += "".join(f"| {what} | {cost} |\n" for what, cost in measure(bench, library))
    print(table, end="")
    if write == "--write":
        text = Path(page).read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        Path(page).write_text(before + BEGIN + table + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
