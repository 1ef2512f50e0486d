#!/usr/bin/env python3
"""Runs clang-tidy on the sources of the core and the program, and prints its findings, if any with the exit status 1.

usage: tidy.py CLANG_TIDY BUILD    BUILD is a configured build folder with a compile_commands.json

Most of the time goes into the headers of the standard library, so sources that compile as one file are checked as one.
"""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# clang does not know this option of GCC.
ONLY_GCC = {"-fno-gnu-unique"}
# clang-tidy counts the warnings that it suppressed, even with --quiet.
COUNT = re.compile(r"\d+ (warning|error)s?( and \d+ errors?)? generated\.")


def options(command):
    """The options of a compile command: without the compiler, the source and the output."""
    words = iter(shlex.split(command)[1:])
    kept = []
    for word in words:
        if word in ("-o", "-c"):
            next(words)
        elif word not in ONLY_GCC:
            kept.append(word)
    return tuple(kept)


def groups(database):
    """The sources under src/ by their options."""
    found = {}
    for entry in database:
        source = Path(entry["file"])
        if ROOT / "src" in source.parents:
            found.setdefault(options(entry["command"]), []).append(source)
    return found


def compiles(compiler, source, flags):
    command = [compiler, *flags, "-w", "-ferror-limit=1", "-fsyntax-only", str(source)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def units(compiler, sources, flags, folder):
    """Files to check, each with its number of sources, as few as halving finds: two may define the same name."""
    if len(sources) == 1:
        return [(sources[0], 1)]
    unit = folder / f"{sources[0].stem}_to_{sources[-1].stem}.cpp"
    unit.write_text("".join(f'#include "{source}"  // NOLINT\n' for source in sources))
    if compiles(compiler, unit, flags):
        return [(unit, len(sources))]
    half = len(sources) // 2
    return [unit for part in (sources[:half], sources[half:]) for unit in units(compiler, part, flags, folder)]


def check(tidy, source, flags):
    command = [tidy, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", "--extra-arg=-Wno-unknown-warning-option"]
    run = subprocess.run([*command, str(source), "--", *flags], stdin=subprocess.DEVNULL, text=True,
                         capture_output=True)
    lines = [line for line in (run.stdout + run.stderr).splitlines() if not COUNT.fullmatch(line)]
    return run.returncode, "".join(f"{line}\n" for line in lines)


def main():
    tidy, build = sys.argv[1], Path(sys.argv[2])
    compiler = tidy.replace("clang-tidy", "clang++")
    found = groups(json.loads((build / "compile_commands.json").read_text()))
    if not found:
        sys.exit(f"tidy.py: {build / 'compile_commands.json'} has no source of {ROOT / 'src'}")
    status = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        work = [(count, unit, flags) for flags, sources in found.items()
                for unit, count in units(compiler, sorted(sources), flags, Path(folder))]
        # The longest first, so that the last to end is a short one.
        work.sort(reverse=True)
        for code, output in pool.map(lambda item: check(tidy, *item[1:]), work):
            sys.stdout.write(output)
            status |= code != 0
    return status


if __name__ == "__main__":
    sys.exit(main())
