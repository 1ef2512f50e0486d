#!/usr/bin/env python3
"""Writes the whole core as one source file, tensorfile.cpp, and its header, tensorfile.h, into a folder.

usage: amalgamate.py FOLDER

One command compiles it; it depends only on zlib, and with -DTENSORFILE_NO_ZLIB on nothing:

    c++ -std=c++20 -O2 -c tensorfile.cpp

With -fno-exceptions -fno-rtti it does not need the C++ run-time library. The macros TENSORFILE_NO_NPY, TENSORFILE_NO_NPZ
and so on leave out a format. Two processors compile it in little more than half the time if one has
-DTENSORFILE_PART=1 and the other -DTENSORFILE_PART=2; the program needs both objects.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src"
HEADER = ROOT / "include" / "tensorfile.h"

# The layers of the core in the order of the sources: each layer after those that it includes.
LAYERS = ["base", "core", "io", "codec", "quant", "format", "transfer", "file", "api"]
# TENSORFILE_PART=2 compiles these layers, and 1 the others, which take about as long.
SECOND_PART = LAYERS[LAYERS.index("format"):]

# The name of a source in format/ or transfer/ starts with its format: "format/gguf/gguf_read.cpp" belongs to gguf. These
# names belong to other formats too, or instead.
FORMATS_OF = {"npy": ["npy", "npz"], "zip": ["npz"]}
FORMAT_ROW = re.compile(r"^TFILE_FORMAT\(k(\w+)Format\)$", re.M)

PROLOGUE = """\
// tensorfile {version}: named n-dimensional arrays in .npy, .npz, .safetensors and .gguf files. See tensorfile.h.
// Generated from many files by tools/amalgamate.py. Do not edit.
//
//     c++ -std=c++20 -O2 -c tensorfile.cpp
//
// and link with zlib, or add -DTENSORFILE_NO_ZLIB: then TF_DEFLATE_ZLIB is unsupported, and nothing is linked. With
// -fno-exceptions -fno-rtti it needs no C++ run-time library. These macros leave out a format:
// {macros}.
//
// To use two processors, compile it twice, with -DTENSORFILE_PART=1 and with -DTENSORFILE_PART=2, and link both objects.
//
{license}
#if !defined(_FILE_OFFSET_BITS)
#define _FILE_OFFSET_BITS 64
#endif
#if {none_left}
#error "tensorfile needs at least one format"
#endif
#if !defined(TENSORFILE_PART)
#define TENSORFILE_PART 0
#elif TENSORFILE_PART != 1 && TENSORFILE_PART != 2
#error "TENSORFILE_PART is 1 or 2"
#endif
// Conversions must round after each operation, like the reference implementations of the formats.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#if defined(__i386__)
#pragma GCC target("sse2,fpmath=sse")
#endif
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif
"""

TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|\s+)
      |(?P<directive>(?<![^\n])\#(?:[^\n\\]|\\.)*)
      |(?P<text>(?:u8|[uUL])?(?:R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      |(?P<name>[A-Za-z_]\w*)
      |(?P<number>\.?\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
      |(?P<mark2>::|->|\[\[|\]\]|.)""",
    re.X | re.S,
)
INCLUDE = re.compile(r'#\s*include\s*([<"])([^>"]+)[>"]')
SHARED_BODY = re.compile(r'^#include "([^"]+\.inc)"$', re.M)
SPECIFIERS = {"static", "inline", "constexpr", "consteval", "constinit", "extern", "const", "typename", "thread_local"}


def fail(message):
    sys.exit(f"amalgamate.py: {message}")


def tokens(text):
    """Returns (kind, text) for each token. The texts together are the input."""
    return [(match.lastgroup if match.lastgroup != "mark2" else "mark", match.group()) for match in TOKEN.finditer(text)]


def source_list():
    """Returns the sources, layer by layer, each sorted by name."""
    return [path.relative_to(SOURCES).as_posix() for layer in LAYERS for path in sorted((SOURCES / layer).rglob("*.cpp"))]


def format_list():
    """Returns the formats in the table."""
    return [name.lower() for name in FORMAT_ROW.findall((SOURCES / "format" / "table.inc").read_text(encoding="utf-8"))]


def macro(name):
    """Returns the macro that leaves out a format."""
    return f"TENSORFILE_NO_{name.upper()}"


def conditional_rows(text):
    """Returns text with a condition around each row of the table of formats."""
    return FORMAT_ROW.sub(lambda row: f"#if !defined({macro(row.group(1))})\n{row.group()}\n#endif", text)


def condition_of(name):
    """Returns the preprocessor condition of a source: its part, and formats if only some need it."""
    layer, first = name.removesuffix(".cpp").split("/")[:2]
    word = first.split("_")[0]
    formats = FORMATS_OF.get(word, [word] if word in format_list() else [])
    part = f"TENSORFILE_PART != {1 if layer in SECOND_PART else 2}"
    needed = " || ".join(f"!defined({macro(served)})" for served in formats if layer in ("format", "transfer"))
    return f"{part} && ({needed})" if needed else part


def after_angles(words, start):
    """Returns the index after the <...> that opens at start."""
    depth = 0
    for index in range(start, len(words)):
        depth += {"<": 1, ">": -1}.get(words[index], 0)
        if depth == 0:
            return index + 1
    return len(words)


def without_prefixes(words):
    """Returns a declaration without leading templates, attributes and specifiers, and those specifiers."""
    index, seen = 0, set()
    while index < len(words):
        if words[index] == "template":
            index = after_angles(words, index + 1)
        elif words[index] == "[[":
            index = words.index("]]", index) + 1
        elif words[index] in SPECIFIERS:
            seen.add(words[index])
            index += 1
        else:
            break
    return words[index:], seen


def declared_name(words):
    """Returns the name that a declaration at namespace scope declares, or None, and its specifiers."""
    words, specifiers = without_prefixes(words)
    if not words or words[0] in ("using", "static_assert", "namespace", "}", "asm", "friend"):
        alias = words[0:1] == ["using"] and "=" in words
        return (words[1] if alias else None), specifiers
    if words[0] in ("struct", "class", "union", "enum"):
        rest = [word for word in words[1:] if word not in ("class", "struct", "final")]
        if rest and (len(rest) == 1 or rest[1] in (":", "::")):
            return (rest[0] if rest[1:2] != ["::"] else None), specifiers
    index = 0
    while index < len(words) and words[index] not in "(=[;":
        index = after_angles(words, index) if words[index] == "<" else index + 1
    # One word is a macro call or a constructor; a qualified name was declared elsewhere.
    if index < 2 or not re.fullmatch(r"[A-Za-z_]\w*", words[index - 1]) or words[index - 2] in ("::", "operator"):
        return None, specifiers
    return words[index - 1], specifiers


def enumerators(words, start):
    """Returns the names in the body of an enum that opens at start."""
    names, depth, fresh = [], 0, False
    for word in words[start:]:
        if fresh and re.match(r"[A-Za-z_]", word):
            names.append(word)
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(word, 0)
        fresh = depth == 1 and word in "{,"
        if depth == 0:
            break
    return names


def declarations(text):
    """Returns the names that a file declares at namespace scope: in unnamed namespaces, otherwise internal, and external."""
    words = [word for kind, word in tokens(text) if kind not in ("skip", "directive")]
    unnamed, own, shared = set(), set(), set()
    scopes, head, depth = [], [], 0

    def declare(index):
        name, specifiers = declared_name(head)
        local = "static" in specifiers or "constexpr" in specifiers and "inline" not in specifiers
        names = [name] if name else []
        if words[index] == "{" and head and "enum" in head[:2] and "class" not in head:
            names += enumerators(words, index)
        (unnamed if "unnamed" in scopes else own if local else shared).update(names)

    for index, word in enumerate(words):
        if depth:
            depth += {"{": 1, "}": -1}.get(word, 0)
        elif word == "{" and (head[:1] == ["namespace"] or head[:2] == ["inline", "namespace"] or head[:1] == ["extern"]
                              and head[1:] == ['"C"']):
            scopes.append("unnamed" if head == ["namespace"] else "named")
            head = []
        elif word == "{":
            declare(index)
            # The ';' after the body of an initializer or class declares nothing.
            head, depth = ["}"], 1
        elif word == "}":
            scopes.pop()
            head = []
        elif word == ";":
            if head[:1] != ["}"]:
                declare(index)
            head = []
        else:
            if head == ["}"]:
                head = []
            head.append(word)
    if depth or scopes:
        fail("braces do not match")
    return unnamed, own, shared


def renamed(text, names, suffix):
    """Returns text with a suffix added to `names`, except where they are members."""
    out, before = [], ""
    for kind, word in tokens(text):
        out.append(word + suffix if kind == "name" and word in names and before not in (".", "->") else word)
        if kind == "directive" and names:
            out[-1] = re.sub(r"[A-Za-z_]\w*", lambda name: name.group() + (suffix if name.group() in names else ""), word)
        if kind != "skip":
            before = word
    return "".join(out)


class Amalgamation:
    def __init__(self):
        self.texts = {}
        self.done = set()
        self.guarded = set()
        self.system = set()
        self.out = []

    def text(self, name):
        if name not in self.texts:
            path = SOURCES / name
            if not path.is_file():
                fail(f"src/{name} does not exist")
            # A file that is included several times, once for each CPU, becomes part of the files that include it.
            self.texts[name] = SHARED_BODY.sub(lambda include: self.text(include.group(1)).rstrip("\n"),
                                               conditional_rows(path.read_text(encoding="utf-8")))
        return self.texts[name]

    def headers(self, name, found):
        """Adds the headers of the project that a file includes, each after those that it includes itself."""
        for quote, include in INCLUDE.findall(self.text(name)):
            if quote == '"' and include != "tensorfile.h" and include not in found:
                self.headers(include, found)
                found.append(include)

    def source(self, name, names):
        """Adds a source file, and renames those of its names that clash."""
        suffix = "_" + re.sub(r"\W", "_", name.removesuffix(".cpp"))
        before, body = self.split(name, lambda text: renamed(text, names, suffix))
        self.out += before
        if not body:
            return
        condition = condition_of(name)
        macros = re.findall(r"^#\s*define\s+(\w+)", self.text(name), re.M)
        self.out += [f"\n// src/{name}", f"#if {condition}", *body]
        self.out += [f"#undef {macro}" for macro in dict.fromkeys(macros)]
        self.out += [f"#endif  // {condition}"]

    def header(self, name, conditional):
        """Returns the lines of a header and of the headers that it includes, unless they are already in the file.

        A header that is first included under a condition is written for each include, with an include guard.
        """
        if name in self.done:
            return []
        if not conditional:
            self.done.add(name)
        if "#pragma once" not in self.text(name):
            fail(f"src/{name} lacks #pragma once")
        before, body = self.split(name, lambda text: text, conditional)
        if not conditional and name not in self.guarded:
            return [*before, f"\n// src/{name}", *body]
        self.guarded.add(name)
        guard = "TENSORFILE_" + re.sub(r"\W", "_", name).upper()
        return [*before, f"\n// src/{name}", f"#if !defined({guard})", f"#define {guard}", *body, f"#endif  // {guard}"]

    def split(self, name, change, conditional=False):
        """Returns the lines of the headers that a file includes, and its own lines without includes, after change()."""
        before, body, own, depth = [], [], [], 0

        def flush():
            text = change("\n".join(own)).strip("\n")
            body.extend([text] if text else [])
            own.clear()

        for line in self.text(name).split("\n"):
            include = INCLUDE.match(line)
            if include and include.group(1) == '"':
                if include.group(2) != "tensorfile.h" and depth:
                    flush()
                    body += self.header(include.group(2), True)
                elif include.group(2) != "tensorfile.h":
                    before += self.header(include.group(2), conditional)
            elif include and not depth and not conditional:
                if line not in self.system:
                    self.system.add(line)
                    before.append(line)
            elif line != "#pragma once":
                depth += bool(re.match(r"#\s*if", line)) - bool(re.match(r"#\s*endif", line))
                own.append(line)
        flush()
        return before, body

    def clashes(self, sources):
        """Returns, for each source, its internal names that are also declared elsewhere."""
        found = []
        for source in sources:
            self.headers(source, found)
        in_headers = set().union(*(set().union(*declarations(self.text(name))) for name in found))
        in_sources = {}
        for name in sources:
            unnamed, own, shared = declarations(self.text(name))
            # A constant that a header declares is external, although its definition looks internal.
            in_sources[name] = unnamed | (own - in_headers), shared
        result = {}
        for name, (own, _) in in_sources.items():
            others = set(in_headers)
            for other, (other_own, other_shared) in in_sources.items():
                others |= other_shared | (other_own if other != name else set())
            result[name] = own & others
        return result


def write(folder):
    whole = Amalgamation()
    sources = source_list()
    clashes = whole.clashes(sources)
    version = re.search(r'TENSORFILE_VERSION_STRING "([^"]+)"', HEADER.read_text(encoding="utf-8")).group(1)
    license_lines = (ROOT / "LICENSE").read_text(encoding="utf-8").strip().split("\n")
    license_text = "\n".join(f"// {line}".rstrip() for line in license_lines)
    macros = [macro(name) for name in format_list()]
    whole.out.append(PROLOGUE.format(version=version, license=license_text, macros=", ".join(macros),
                                     none_left=" && ".join(f"defined({name})" for name in macros)))
    whole.out.append('#include "tensorfile.h"\n')
    for name in sources:
        whole.source(name, clashes[name])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tensorfile.cpp").write_text("\n".join(whole.out) + "\n", encoding="utf-8")
    shutil.copyfile(HEADER, folder / "tensorfile.h")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    write(Path(sys.argv[1]))
