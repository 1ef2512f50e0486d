"""Checks that the header, the committed list and the shared library have the same functions.

usage: exported_symbols.py HEADER LIST LIBRARY NM
"""

import re
import subprocess
import sys
from pathlib import Path


def declared(header):
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", Path(header).read_text(encoding="utf-8"), flags=re.S)
    return [re.search(r"\b(tf_\w+)\s*\(", declaration).group(1)
            for declaration in re.findall(r"\bTENSORFILE_API\b([^;]*);", text)]


def exported(library, nm):
    lines = subprocess.run([nm, "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    return [line.split()[-1] for line in lines.splitlines()]


def differences(what, names, other_what, other_names):
    return [f"{name}: in {what}, not in {other_what}" for name in names if name not in other_names]


def main(header, list_file, library, nm):
    in_header = declared(header)
    in_list = Path(list_file).read_text(encoding="utf-8").split("\n")[:-1]
    in_library = exported(library, nm)
    problems = []
    if in_list != sorted(set(in_list)):
        problems.append(f"{list_file} is not sorted, or contains duplicates")
    if len(in_header) != len(set(in_header)):
        problems.append(f"{header} declares a function twice")
    if not in_header:
        problems.append(f"found no functions in {header}")
    problems += differences("the header", in_header, "the list", in_list)
    problems += differences("the list", in_list, "the header", in_header)
    problems += differences("the list", in_list, "the library's exports", in_library)
    problems += differences("the library's exports", in_library, "the list", in_list)
    return "\n".join(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
