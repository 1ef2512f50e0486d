"""Times the codec on kinds of data, and counts its instructions.

usage: codec.py BIN [--mib N] [--rounds N] [--kind WORD] [--write PAGE]
       codec.py BIN --instructions [--profile] [--kind WORD] [--write PAGE]

BIN is the folder of deflate_bench, parts_bench, save_bench and load_bench. The first form prints the table of
deflate_bench and the speed of CRC-32. The second one runs deflate_bench once with 1 MiB of each kind in callgrind, and
prints the instructions and the mispredicted branches for each byte of data; and how many instructions save_bench and
load_bench execute on one thread and on all. callgrind's simulated processor has neither AVX-512 nor a predictor that
learns patterns, so its counts are not those of the real one; but they are the same in every run. --profile prints the
functions that execute most of the instructions. --write puts the table, with the date and the machine, into PAGE.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import tempfile

from bench import machine, write
from deflated import KINDS, make
from load import MIB, markdown

COUNTED_MIB = 1
THREADS_MIB = 8
THREADS_KINDS = ("float32", "uint8 image")
CRC_AIM = 10  # GB/s
# The functions of deflate_bench, and what they are called in the table.
FUNCTIONS = {"deflate_ours": "deflate", "deflate_zlib": "deflate, zlib", "inflate_ours": "inflate own chunks",
             "inflate_foreign": "inflate zlib's stream", "inflate_libdeflate": "the same, libdeflate",
             "inflate_zlib": "the same, zlib"}
PROFILE_LEAST = 0.5  # instructions for each byte


def output(command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout


def crc_line(parts_bench):
    """A sentence with the speed of CRC-32."""
    found = json.loads(output([parts_bench, "--benchmark_filter=^crc32/", "--benchmark_format=json"]))
    speeds = {int(each["name"].split("/")[1]): each["bytes_per_second"] / 1e9 for each in found["benchmarks"]}
    cells = ", ".join(f"{speed:.1f} GB/s for {size:,} bytes" for size, speed in sorted(speeds.items()))
    reached = "reached" if speeds[max(speeds)] >= CRC_AIM else "not reached"
    return f"CRC-32 on one core: {cells}. The aim, {CRC_AIM} GB/s for the largest, is {reached}."


def speeds(given):
    table = output([f"{given.bin}/deflate_bench", given.mib, given.rounds, given.kind]).strip()
    return (f"Measured on {datetime.date.today()}, {machine()}; {given.mib} MiB of each kind, the best of "
            f"{given.rounds}.\n\n{table}\n\n{crc_line(f'{given.bin}/parts_bench')}")


def kinds(given):
    """The names of the kinds of deflate_bench."""
    return output([f"{given.bin}/deflate_bench", COUNTED_MIB, 0, given.kind]).splitlines()


CELL = r"(?:([\d,]+) \([^)]*\)|\.)"  # a number and its share of the total


def annotate(path, *options):
    """The lines of callgrind_annotate: name -> (instructions, mispredicted branches)."""
    found = {}
    text = output(["callgrind_annotate", "--threshold=100", "--show=Ir,Bcm,Bim", *options, path])
    for line in text.splitlines():
        columns = re.match(rf"\s*{CELL}\s+{CELL}\s+{CELL}\s+(\S.*)", line)
        if columns and columns.group(1) and "PROGRAM TOTALS" not in line:
            instructions, *missed = (int((word or "0").replace(",", "")) for word in columns.groups()[:3])
            found[columns.group(4)] = (instructions, sum(missed))
    return found


def run_callgrind(folder, *command):
    """Returns the file that callgrind writes."""
    out = f"{folder}/callgrind.out"
    output(["valgrind", "--tool=callgrind", "--branch-sim=yes", f"--callgrind-out-file={out}", *command])
    return out


def total(folder, *command):
    """The instructions that a command executes on all threads."""
    with open(run_callgrind(folder, *command), encoding="utf-8") as file:
        return int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.M).group(1))


def on_threads(folder, before, after=()):
    """The instructions of a command, which contains the number of threads, on all cores; those on one are 1."""
    one, all_ = (total(folder, *before, threads, *after) for threads in (1, len(os.sched_getaffinity(0))))
    return all_ / one


def threads_line(given, folder):
    """A sentence about the work that more threads add."""
    data, path = f"{folder}/data", f"{folder}/out.npz"
    nbytes = THREADS_MIB * MIB
    parts = []
    for kind in THREADS_KINDS:
        make(kind, nbytes).tofile(data)
        save = on_threads(folder, [f"{given.bin}/save_bench", "deflated", path, data, 1, nbytes], [KINDS[kind]])
        load = on_threads(folder, [f"{given.bin}/load_bench", "load", path])
        parts.append(f"{kind}, saving {save:.4f}, loading {load:.4f}")
    return (f"Instructions of a program that saves or loads {THREADS_MIB} MiB on all cores, those on one being 1: "
            f"{'; '.join(parts)}.")


def count(given, kind, folder):
    """Returns function -> instructions and mispredicted branches for each byte; prints the profile, if it is wanted."""
    out = run_callgrind(folder, f"{given.bin}/deflate_bench", COUNTED_MIB, 1, kind)
    found = {}
    for name, numbers in annotate(out, "--inclusive=yes").items():
        for function in FUNCTIONS:
            if f"::{function}(" in name:
                found[function] = [number / (COUNTED_MIB * MIB) for number in numbers]
    if given.profile:
        print(f"{kind}: instructions for each byte of the functions themselves")
        for name, (instructions, _) in annotate(out).items():
            if instructions >= PROFILE_LEAST * COUNTED_MIB * MIB:
                print(f"{instructions / (COUNTED_MIB * MIB):10.1f}  {name}")
    return found


def counts(given):
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds(given):
            found = count(given, kind, folder)
            cells = ("–" if name not in found else "{:.1f} ({:.2f})".format(*found[name]) for name in FUNCTIONS)
            lines.append([kind, *cells])
        threads = threads_line(given, folder)
    table = markdown(["data", *FUNCTIONS.values()], lines)
    return (f"Counted by callgrind on {datetime.date.today()}: instructions for each byte of {COUNTED_MIB} MiB of "
            f"data; in brackets, mispredicted branches.\n\n{table}\n\n{threads}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("bin")
    parser.add_argument("--mib", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kind", default="", help="a part of the names of the kinds (default: all)")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--write", metavar="PAGE")
    given = parser.parse_args()
    given.bin = os.path.abspath(given.bin)
    text = counts(given) if given.instructions else speeds(given)
    print(text)
    if given.write:
        write(given.write, "codec counts" if given.instructions else "codec", text)


if __name__ == "__main__":
    main()
