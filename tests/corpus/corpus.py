"""Compares how the library and the formats' own readers read the test data of other projects, array by array.

usage: corpus.py LIBRARY PROGRAM PAGE FOLDER [--write]

Downloads the packages of packages.txt into FOLDER. A .npy and the members of a .npz are compared with NumPy,
.safetensors with the reference library, .gguf with gguf-py. Fails if an array differs in a way that EXPLANATIONS does
not explain, or if the tables in PAGE, docs/formats.md, differ from the results; --write updates them.
"""

import ast
import collections
import io
import os
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "peers"))

import capi  # noqa: E402
import packages  # noqa: E402
import peers  # noqa: E402

BEGIN, END = "<!-- corpus table: begin -->\n", "\n<!-- corpus table: end -->"
EQUAL, TEXT = "equal", "equal, as text in the metadata"

# The accepted kinds of differences, and the reason for each.
EXPLANATIONS = {
    "text": "text is only read from a `.npz`, as metadata, and only if it has 0 or 1 dimensions",
    "structured": "the library has no structured dtypes",
    "object": "the data are a pickle, which can run code when it is read; NumPy refuses it by default, too",
    "long double": "its layout depends on the machine that wrote it",
    "bool bytes": "bytes other than 0 and 1: NumPy keeps them, tensorfile makes them 1",
}


def unsupported_kind(dtype):
    """The name of the kind of dtypes that the library lists without reading them, or None."""
    if dtype.names is not None:
        return "structured"
    if dtype.char in "gG":
        return "long double"
    return {"O": "object", "U": "text", "S": "text"}.get(dtype.kind)


class NpyMember:
    """A .npy as NumPy reads it: its dtype and shape, its data as stored, and its array."""

    def __init__(self, data):
        stream = io.BytesIO(data)
        version, _ = np.lib.format.read_magic(stream)
        size = int.from_bytes(stream.read(2 if version == 1 else 4), "little")
        header = stream.read(size).decode("utf-8" if version == 3 else "latin-1")
        # Python 2 wrote the sizes as long integers.
        fields = ast.literal_eval(re.sub(r"(\d)L\b", r"\1", header))
        self.shape, self.dtype = fields["shape"], np.lib.format.descr_to_dtype(fields["descr"])
        self.raw = data[stream.tell():]
        stream.seek(0)
        self.array = None if self.dtype.hasobject else np.lib.format.read_array(stream)

    def texts(self):
        """The text of the array: a string or a list of strings."""
        items = [item.decode(errors="surrogateescape") if isinstance(item, bytes) else item
                 for item in self.array.ravel().tolist()]
        return items if self.shape else items[0]


def npy_members(path):
    """Yields the name and bytes of each .npy in a file; a .npy has the name ""."""
    if path.suffix == ".npy":
        yield "", path.read_bytes()
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name.removesuffix(".npy"), archive.read(name)


class File:
    """The result of reading a file with the library."""

    def __init__(self, library, path):
        options = {capi.OPTION_SKIP_UNSUPPORTED: 1}
        self.arrays, self.metadata = library.load(path, options=options)
        self.listed, _, _ = library.listing(path)

    def compare_npy(self, name, member, in_archive):
        """Compares an array. Returns EQUAL, TEXT, a key of EXPLANATIONS, or a description of the difference."""
        kind = unsupported_kind(member.dtype)
        if kind == "text" and in_archive and len(member.shape) <= 1:
            found = self.metadata.get(name)
            return TEXT if found == member.texts() else f"NumPy reads {member.texts()!r}, we {found!r}"
        listed = self.listed.get(name)
        if listed is None:
            return "not listed"
        if listed.shape != member.shape:
            return f"NumPy has the shape {member.shape}, we {listed.shape}"
        if kind is not None:
            return kind if listed.raw == member.raw and name not in self.arrays else f"{kind}: other bytes"
        native = member.array.astype(member.dtype.newbyteorder("="), order="K")
        expected, found = peers.from_numpy(native), self.arrays.get(name)
        if found == expected:
            return EQUAL
        if expected.dtype == "bool" and found is not None:
            as_bits = bytes(byte != 0 for byte in expected.data)
            if found == capi.Tensor("bool", expected.shape, as_bits):
                return "bool bytes"
        return f"NumPy reads {str(expected):.200}, we {str(found):.200}"


def outcomes(library, path):
    """Yields the name and outcome of each array of a file."""
    if path.suffix in (".npy", ".npz"):
        expected = {name: NpyMember(data) for name, data in npy_members(path)}
        file = File(library, path)
        for name, member in expected.items():
            yield name, file.compare_npy(name, member, path.suffix == ".npz")
        surplus = (file.arrays.keys() | file.metadata.keys() | file.listed.keys()) - expected.keys()
    else:
        peer = peers.Safetensors if path.suffix == ".safetensors" else peers.GgufPy
        expected, found = peer.read(str(path)), library.load(path)[0]
        for name, tensor in expected.items():
            yield name, EQUAL if found.get(name) == tensor else "differs"
        surplus = found.keys() - expected.keys()
    for name in surplus:
        yield name, "only we read it"


def check_fails(program, path):
    """Returns the fault that `tensorfile check` reports for a file, or None."""
    done = subprocess.run([program, "check", "--skip-unsupported", path], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return None if done.returncode == 0 else f"check exits with {done.returncode}: {done.stdout.decode()}"


def tables(rows, differences):
    """rows: package -> (version, number of files, counts of outcomes). differences: kind -> names of files."""
    lines = ["| test data of | version | files | arrays | equal | equal, as metadata | not read, or different |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    total = [0] * 5
    for name, (version, files, counts) in rows.items():
        # A path of a Go module contains the name of a host.
        short = "/".join(name.split("/")[-2:])
        numbers = [files, counts.total(), counts[EQUAL], counts[TEXT], counts.total() - counts[EQUAL] - counts[TEXT]]
        total = [a + b for a, b in zip(total, numbers)]
        lines.append(f"| {short} | {version.split('-')[-1]} | " + " | ".join(map(str, numbers)) + " |")
    lines += ["| all | | " + " | ".join(map(str, total)) + " |", "",
              "| not read, or different | arrays | for example | why |", "| --- | --- | --- | --- |"]
    for kind, why in EXPLANATIONS.items():
        if kind in differences:
            lines.append(f"| {kind} | {len(differences[kind])} | {differences[kind][0]} | {why} |")
    return "\n".join(lines)


def page_is_right(page, result, write):
    text = page.read_text(encoding="utf-8")
    found = re.search(re.escape(BEGIN) + "(.*?)" + re.escape(END), text, re.S)
    if write:
        page.write_text(text[:found.start(1)] + result + text[found.end(1):], encoding="utf-8")
    elif found.group(1) != result:
        print(f"{page} has another table: run this with --write", file=sys.stderr)
        return False
    return True


def main():
    library_path, program, page, folder = (os.path.abspath(argument) for argument in sys.argv[1:5])
    library = capi.Library(library_path)
    # NumPy warns about headers that Python 2 wrote.
    warnings.simplefilter("ignore", UserWarning)
    rows, differences, failures = {}, collections.defaultdict(list), 0
    for package, version, root, files in packages.download(Path(folder)):
        counts = collections.Counter()
        if not files:
            print(f"{package} {version} has no files", file=sys.stderr)
            failures += 1
        for path in files:
            short = path.relative_to(root)
            found = dict(outcomes(library, path))
            problems = [f"{name!r}: {outcome}" for name, outcome in found.items()
                        if outcome not in (EQUAL, TEXT, *EXPLANATIONS)]
            problems += filter(None, [check_fails(program, path)])
            for problem in problems:
                print(f"{package}: {short}: {problem}", file=sys.stderr)
            failures += len(problems)
            counts.update(found.values())
            for outcome in found.values():
                if outcome in EXPLANATIONS:
                    differences[outcome].append(f"`{path.name}`")
        rows[package] = (version, len(files), counts)
    result = tables(rows, differences)
    print(result)
    right = page_is_right(Path(page), result, "--write" in sys.argv)
    sys.exit(0 if right and not failures else 1)


if __name__ == "__main__":
    main()
