"""Checks that sources ask the tables of formats and options instead of repeating what is in their rows.

A format's number is only in its row in src/format: other code asks for an ability. The name of an option is only in its
row in src/base/options.cpp: messages get it from there.

usage: one_place.py SRC
"""

import re
import sys
from pathlib import Path

FORMAT = re.compile(r"\bTF_FORMAT_(?!AUTO\b|BY_CONTENT\b)[A-Z]\w*|\bFormat::(?!auto_\b|by_content\b)[a-z]\w*")
FORMAT_ROW = re.compile(r"^ +\.id = TF_FORMAT_\w+,$", re.M)
OPTION_ROW = re.compile(r'TF_OPTION_\w+, "(\w+)"')


def problems(sources):
    names = OPTION_ROW.findall((sources / "base/options.cpp").read_text(encoding="utf-8"))
    if len(names) < 20:
        yield "found no table of options in base/options.cpp"
        return
    option = re.compile(rf"the (?:limit|option) \(({'|'.join(names)})\)(?=.*\")")
    rows = 0
    for path in sorted(sources.rglob("*")):
        if path.suffix not in (".h", ".inc", ".cpp"):
            continue
        text = path.read_text(encoding="utf-8")
        layer = path.relative_to(sources).parts[0]
        if layer == "format":
            rows += len(FORMAT_ROW.findall(text))
            text = FORMAT_ROW.sub("", text)
        for found in FORMAT.finditer(text):
            yield f"{path}: {found[0]}: ask for the ability that makes the difference"
        if layer != "cli":
            for found in option.finditer(text):
                yield f"{path}: ({found[1]}) in a message: take the name from the table of options"
    if rows == 0:
        yield "found no rows of formats in format/"


if __name__ == "__main__":
    sys.exit("\n".join(problems(Path(sys.argv[1]))) or 0)
