"""Times opening, listing, loading, saving and deflating, and compares tensorfile with its peers.

usage: bench.py BIN TENSORFILE CRATES [--quick] [--bytes N] [--repeats N] [--folder F] [--only WORD] [--out FOLDER]
                [--write PAGE]

BIN is the folder of load_bench, save_bench, both with _crate, raw_read, raw_write and raw_map. CRATES is the program of
tests/bench/crates. Prints tables; OUT gets bench.json and bench.svg. --write puts the tables, with the date and the
machine, between the comments in PAGE that mark their places.
"""

import argparse
import datetime
import json
import math
import os
import platform
from types import SimpleNamespace
from xml.sax.saxutils import escape

import crates
import deflated
import load
import save
from load import MIB, REPEATED, markdown, milliseconds

HEAD = ["what", "tensorfile", "raw I/O (share)", "best peer", "times faster", "aim", "reached"]
PLACE = "speed"
DEFLATE_PLACE = "deflate"


def machine():
    """The processor, its cores, and the system."""
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        model = models[0] if models else model
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()}"


def cells(entry):
    best, limit = entry["best peer"], entry["limit"]
    return [entry["name"], milliseconds(entry["ours"]),
            "–" if limit is None else f"{milliseconds(limit)} ({entry['of limit']:.2f})",
            "–" if best is None else f"{best} {milliseconds(entry['peers'][best])}",
            "–" if entry["ratio"] is None else f"{entry['ratio']:.1f}",
            entry["aim"], "yes" if entry["reached"] else "no"]


def table(found):
    return markdown(HEAD, map(cells, found))


def picture(found, title):
    """An SVG with a bar for each row that has peers: the speed relative to the best peer, on a logarithmic scale."""
    rows = [entry for entry in found if entry["ratio"]]
    left, width, height, top = 380, 420, 20, 40
    span = max(entry["ratio"] for entry in rows) if rows else 1
    steps = [1]
    while steps[-1] < span:
        steps.append(steps[-1] * 10)
    scale = width / max(1.0, math.log10(steps[-1]))
    bottom = top + height * len(rows)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 80} {bottom + 30}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="100%" height="100%" fill="#fff"/><text x="10" y="20" font-size="14">{escape(title)}</text>']
    for step in steps:
        x = left + math.log10(step) * scale
        out.append(f'<line x1="{x:.1f}" y1="{top - 8}" x2="{x:.1f}" y2="{bottom}" stroke="#ccc"/>'
                   f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" fill="#555">{step}×</text>')
    for i, entry in enumerate(rows):
        y = top + height * i
        bar = max(1.0, math.log10(max(1.0, entry["ratio"])) * scale)
        colour = "#2a7" if entry["reached"] else "#c73"
        out.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(entry["name"])}</text>'
                   f'<rect x="{left}" y="{y + 2}" width="{bar:.1f}" height="{height - 6}" fill="{colour}"/>'
                   f'<text x="{left + bar + 6:.1f}" y="{y + 13}" fill="#333">{entry["ratio"]:.1f}</text>')
    return "\n".join([*out, "</svg>\n"])


def write(path, place, text):
    begin, end = f"<!-- {place} table: begin -->\n", f"<!-- {place} table: end -->"
    with open(path, encoding="utf-8") as file:
        page = file.read()
    before, rest = page.split(begin)
    after = rest.split(end)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + begin + text + "\n" + end + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bin")
    parser.add_argument("tensorfile")
    parser.add_argument("crates")
    parser.add_argument("--quick", action="store_true", help="256 MiB, 3 repeats: two minutes")
    parser.add_argument("--bytes", type=int, help="size of the large files (default 1 GiB)")
    parser.add_argument("--repeats", type=int, help="repeats of each measurement (default 7)")
    parser.add_argument("--folder", help="folder for temporary files (default: a RAM disk, if there is one)")
    parser.add_argument("--only", choices=["load", "save", "crates", "deflate"])
    parser.add_argument("--out", default=".", help="folder for bench.json and bench.svg")
    parser.add_argument("--write", metavar="PAGE")
    given = parser.parse_args()
    programs = {name: os.path.join(given.bin, name)
                for name in ("load_bench", "save_bench", "raw_read", "raw_write", "raw_map")}
    options = SimpleNamespace(**programs, tensorfile=given.tensorfile, folder=given.folder, quick=given.quick,
                              crates=given.crates, deflate_bytes=8 * MIB if given.quick else 32 * MIB,
                              bytes=given.bytes or (256 * MIB if given.quick else 1024 * MIB),
                              repeats=given.repeats or (3 if given.quick else 7))
    title = f"{datetime.date.today()}, {machine()}"
    head = f"Measured on {title}; medians of {options.repeats}; {REPEATED}."
    found, packed = [], []
    for name, module in (("load", load), ("save", save), ("crates", crates)):
        if given.only in (None, name):
            found += module.rows(options)
    if given.only in (None, "deflate"):
        packed = deflated.rows(options)
    text = f"{head}\n\n{table(found)}" if found else ""
    packed_text = f"{head} {deflated.table(packed)}" if packed else ""
    print(f"{text}\n\n{packed_text}")
    os.makedirs(given.out, exist_ok=True)
    with open(os.path.join(given.out, "bench.json"), "w", encoding="utf-8") as file:
        json.dump({"date": str(datetime.date.today()), "machine": machine(), "repeats": options.repeats,
                   "bytes": options.bytes, "rows": found, "deflate": packed}, file, indent=1)
    with open(os.path.join(given.out, "bench.svg"), "w", encoding="utf-8") as file:
        file.write(picture(found, f"times faster than the best peer ({title})"))
    if given.write and found and given.only is None:
        write(given.write, PLACE, text)
    if given.write and packed:
        write(given.write, DEFLATE_PLACE, packed_text)


if __name__ == "__main__":
    main()
