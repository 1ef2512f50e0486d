"""Checks that every C++ file in src/ can be found by its name alone, and that long files say why they are long.

Two C++ files have the same name without its extension only if they are in one folder, as NAME.h and NAME.cpp are. A file
of more than 600 lines states the reason in a comment among its first lines: "Longer than 600 lines because ...".

usage: source_files.py SRC
"""

import sys
from pathlib import Path

MOST_LINES = 600
REASON = "longer than 600 lines because"
TOP_LINES = 5


def problems(sources):
    folders = {}
    files = sorted(path for path in sources.rglob("*") if path.is_file())
    if not files:
        yield f"found no sources in {sources}"
    for path in files:
        if path.suffix in (".h", ".inc", ".cpp"):
            other = folders.setdefault(path.stem, path)
            if other.parent != path.parent:
                yield f"{path} has the name of {other}: give it another one"
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > MOST_LINES and REASON not in " ".join(lines[:TOP_LINES]).lower():
            yield (f"{path} has {len(lines)} lines: divide it, or write at its top that it is longer than "
                   f"{MOST_LINES} lines because of something")


if __name__ == "__main__":
    sys.exit("\n".join(problems(Path(sys.argv[1]))) or 0)
