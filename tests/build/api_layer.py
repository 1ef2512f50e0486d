"""Checks that src/api defines the C functions and nothing else, and that no other directory of src/ defines any.

A source in src/api includes headers, says `using namespace tfile`, and defines the functions of symbols.txt in one
extern "C" block; each checks its arguments, calls the layers below, and returns, so none has a loop. The only header is
arguments.h, whose inline functions and templates check arguments.

usage: api_layer.py SRC ARCHIVE NM
"""

import re
import subprocess
import sys
from pathlib import Path

# What may be outside the extern "C" block.
OUTSIDE = re.compile(r"(using namespace tfile;|using tfile::\w+;)?")
# What begins a line of arguments.h, with "inline" instead of the parameters of a template.
IN_HEADER = re.compile(r"namespace tfile \{$|inline (?!struct|class|union|enum)[\w:<> *&]+\(")
LOOP = re.compile(r"\b(?:for|while) \(|\bdo \{")
FUNCTION = re.compile(r"^(?!static|inline|template|namespace|struct|class)[\w *&:<>]+?[ *&](\w+)\([^;]*?\)\s*\{$", re.M | re.S)


def strip_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def api_source(path):
    """(names defined, problems) of one source of src/api."""
    text = strip_comments(path.read_text(encoding="utf-8"))
    blocks = re.split(r'^extern "C" \{$', text, flags=re.M)
    if len(blocks) != 2 or not blocks[1].rstrip().endswith("\n}"):
        return [], [f'{path}: should have one extern "C" block, which ends the file']
    outside = [line.strip() for line in blocks[0].splitlines() if not line.startswith("#")]
    outside = [line for line in outside if not OUTSIDE.fullmatch(line)]
    problems = [f'{path}: "{line}" is outside the extern "C" block' for line in outside[:1]]
    names = FUNCTION.findall(blocks[1])
    top_level = [line for line in blocks[1].splitlines() if line and line[0] not in " }#"]
    starts = [line for line in top_level if re.match(r"(?:const )?[\w]+[ \w*]* \*?(tf_\w+)\(", line)]
    if len(starts) != len(names):
        problems.append(f"{path}: has {len(names)} functions and {len(starts)} lines that begin one")
    loops = [line.strip() for line in blocks[1].splitlines() if LOOP.search(line)]
    problems += [f"{path}: {line}: a loop belongs to a layer below" for line in loops]
    problems += [f"{path}: {line}: only functions of the ABI are defined here" for line in top_level if line not in starts]
    return names, problems


def header_problems(path):
    if path.name != "arguments.h":
        return [f"{path}: arguments.h is the only header of src/api; what this one defines belongs to a layer below"]
    text = re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*", "", strip_comments(path.read_text(encoding="utf-8")), flags=re.M)
    text = re.sub(r"^template <[^\n]*>\n", "inline ", text, flags=re.M)
    return [f"{path}: {line}: only inline functions and templates of functions are defined here"
            for line in text.splitlines() if line and line[0] not in " }" and not IN_HEADER.match(line)]


def object_symbols(archive, nm):
    """{object: names of functions and data with external linkage} of an archive."""
    lines = subprocess.run([nm, "--defined-only", "--extern-only", archive], check=True, capture_output=True, text=True).stdout
    symbols, current = {}, None
    for line in lines.splitlines():
        if line.endswith(":"):
            current = symbols.setdefault(line[:-1], set())
        elif current is not None and line.split():
            kind, name = line.split()[-2:]
            # Weak ones are inline functions and templates of headers: see header_problems().
            if kind not in "VWvw":
                current.add(name)
    return symbols


def main(src, archive, nm):
    root = Path(src)
    public = set((root / "api/symbols.txt").read_text(encoding="utf-8").split())
    problems, defined = [], []
    sources = sorted((root / "api").glob("*.cpp"))
    for path in sources:
        names, found = api_source(path)
        defined += names
        problems += found
    for path in sorted((root / "api").glob("*.h")):
        problems += header_problems(path)
    problems += [f"{name}: in src/api, and not in symbols.txt" for name in defined if name not in public]
    problems += [f"{name}: in symbols.txt, and not in src/api" for name in sorted(public - set(defined))]
    for path in sorted(root.rglob("*.cpp")):
        layer = path.relative_to(root).parts[0]
        if layer != "api":
            names = FUNCTION.findall(strip_comments(path.read_text(encoding="utf-8")))
            problems += [f"{path}: {name}() belongs to src/api" for name in names if name in public]
    api_objects = {f"{path.name}.o" for path in sources} | {f"{path.stem}.o" for path in sources}
    for name, symbols in object_symbols(archive, nm).items():
        is_api = name in api_objects
        wrong = symbols - public if is_api else symbols & public
        problems += [f"{name} defines {symbol}, " + ("which is not in symbols.txt" if is_api else "which belongs to src/api")
                     for symbol in sorted(wrong)]
    return "\n".join(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
