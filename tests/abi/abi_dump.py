"""Compares the functions of the library, their parameters and types with the committed dump, tensorfile.abi.

Additions are compatible; changes and removals are errors. --write updates the dump.

usage: abi_dump.py LIBRARY-WITH-TYPES HEADERS DUMP [--write]
"""

import subprocess
import sys
import tempfile
from pathlib import Path


def main(library, headers, dump, write=None):
    make = ["abidw", "--headers-dir", headers, "--drop-private-types", "--exported-interfaces-only",
            "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed", library]
    if write == "--write":
        made = subprocess.run(make, check=True, capture_output=True).stdout
        # Makes paths relative to the source tree.
        Path(dump).write_bytes(made.replace(f"{Path(headers).resolve().parent}/".encode(), b""))
        return
    with tempfile.TemporaryDirectory() as folder:
        now = Path(folder) / "now.abi"
        now.write_bytes(subprocess.run(make, check=True, capture_output=True).stdout)
        found = subprocess.run(["abidiff", "--no-added-syms", dump, now], capture_output=True, text=True)
    if found.returncode != 0:
        sys.exit(f"{found.stdout}{found.stderr}The ABI differs from {dump}: run make abi if the difference is intended.")


if __name__ == "__main__":
    main(*sys.argv[1:])
