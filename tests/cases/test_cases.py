"""Reads the files of tests/golden/cases, each the essence of a report by a user, through the library and the program.

usage: test_cases.py LIBRARY (with the environment of the tests of the program)

expected.json says of each file or folder what must become of it:
- arrays: the dtype, shape and values of each array, where the values can be a number that all elements have, a range,
  the bytes in hexadecimal digits, or not given;
- unsupported: arrays that are listed and cannot be read: their type, shape and the number of their stored bytes;
- metadata, others (members that are not arrays) and notes, as the library words them;
- refused: without the options, opening fails with this status and a message that contains the texts that follow;
- load: the same for loading, of a file that can be opened;
- options: what it takes to read a file that is refused otherwise; reads is false if nothing does;
- check: for some options of the program's check, the faults that it reports, of which a part is given;
- convert: the format to convert to, if not the format of the file.
"""

import json
import math
import os
import shutil
import struct
import sys
import unittest
import zipfile
from pathlib import Path

SOURCE_DIR = Path(__file__).parent.parent
sys.path[:0] = [str(SOURCE_DIR / "cli"), str(SOURCE_DIR / "peers")]

import capi  # noqa: E402
from support import GOLDEN_DIR, Case, run  # noqa: E402

CASES = GOLDEN_DIR / "cases"
EXPECTED = json.loads((CASES / "expected.json").read_text(encoding="utf-8"))
CODES = {"bool": "?", "uint8": "B", "int32": "i", "int64": "q", "float32": "f", "float64": "d"}
OPTIONS = {"lenient": (capi.OPTION_LENIENT, 1), "parts": (capi.OPTION_PARTS, 1),
           "content": (capi.OPTION_FORMAT, capi.FORMAT_BY_CONTENT)}
FLAGS = {"lenient": ["--lenient"], "parts": ["--parts"], "content": ["--format", "content"]}
LIBRARY = None


def tensor(dtype, shape, values):
    """The array that a row of the table describes."""
    count = math.prod(shape)
    if isinstance(values, str) and " to " in values:
        first, last = map(int, values.split(" to "))
        values = range(first, last + 1)
    if isinstance(values, str):
        data = bytes.fromhex(values)
    else:
        values = [values] * count if isinstance(values, int) else values
        data = struct.pack(f"<{count}{CODES[dtype]}", *values)
    return capi.Tensor(dtype, tuple(shape), data)


class Row:
    """A row of the table."""

    def __init__(self, fields):
        self.file = fields["file"]
        self.path = CASES / self.file
        self.arrays = fields.get("arrays", {})
        self.unsupported = fields.get("unsupported", {})
        self.metadata = fields.get("metadata")
        self.others, self.notes = fields.get("others", []), fields.get("notes", [])
        self.refused, self.load_fails = fields.get("refused"), fields.get("load")
        self.reads = fields.get("reads", True)
        options = fields.get("options", [])
        self.options = dict(OPTIONS[option] for option in options)
        self.flags = [flag for option in options for flag in FLAGS[option]]
        self.skip = ["--skip-unsupported"] if self.unsupported else []
        by_default = {} if self.refused else {"": []}
        self.checks = fields.get("check", by_default | ({" ".join(self.flags): []} if self.reads else {}))
        self.format = fields.get("convert")

    def note_lines(self):
        """The notes as the program prints them, with the flags that set the library's options."""
        return [f"tensorfile: {self.path}: note: {note}".replace("TF_OPTION_PARTS", "--parts") for note in self.notes]

    def load(self):
        """Returns the arrays that can be read, and the metadata."""
        skip = {capi.OPTION_SKIP_UNSUPPORTED: 1} if self.unsupported else {}
        return LIBRARY.load(self.path, options=self.options | skip)


def each_row(wanted):
    """Calls a test with every row of the table that wanted selects."""
    def decorate(test):
        def test_rows(self):
            for row in filter(wanted, map(Row, EXPECTED)):
                with self.subTest(row.file, options=row.flags):
                    test(self, row)
        return test_rows
    return decorate


def refused(row):
    return row.refused is not None


def read(row):
    return row.reads


class CasesTest(Case):
    maxDiff = 2000

    def assert_arrays(self, row, found):
        expected = {name: value for name, value in row.arrays.items() if len(value) > 2}
        self.assertEqual(found.keys(), row.arrays.keys())
        self.assertEqual({name: found[name] for name in expected},
                         {name: tensor(*value) for name, value in expected.items()})
        for name, value in row.arrays.items():
            self.assertEqual((found[name].dtype, list(found[name].shape)), (value[0], value[1]), name)

    def assert_fails(self, function, row, status, *texts):
        with self.assertRaises(capi.TensorfileError) as caught:
            function(row.path)
        self.assertEqual(caught.exception.status, status)
        for text in texts:
            self.assertIn(text, caught.exception.message)


class Library(CasesTest):
    def test_table_has_every_file(self):
        """All files but the parts that other rows open."""
        listed = {row["file"] for row in EXPECTED}
        for path in CASES.rglob("*"):
            name = path.relative_to(CASES).as_posix()
            part = path.suffix in (".safetensors", ".gguf") and ("-of-" in name or path.name == "in.safetensors")
            if path.is_file() and not part and path.name != "expected.json":
                self.assertIn(name, listed)

    @each_row(refused)
    def test_refused(self, row):
        self.assert_fails(LIBRARY.listing, row, *row.refused)
        self.assert_fails(LIBRARY.load, row, *row.refused)

    @each_row(lambda row: row.load_fails is not None)
    def test_load_fails(self, row):
        self.assert_fails(LIBRARY.load, row, *row.load_fails)

    @each_row(lambda row: row.unsupported)
    def test_unsupported_arrays_make_a_load_fail(self, row):
        with self.assertRaises(capi.TensorfileError) as caught:
            LIBRARY.load(row.path, options=row.options)
        self.assertEqual(caught.exception.status, "unsupported")
        self.assertIn(next(iter(row.unsupported)), caught.exception.message)

    @each_row(read)
    def test_load(self, row):
        arrays, metadata = row.load()
        self.assert_arrays(row, arrays)
        if row.metadata is not None:
            self.assertEqual(metadata, row.metadata)

    @each_row(read)
    def test_listing(self, row):
        arrays, notes, others = LIBRARY.listing(row.path, row.options)
        self.assertEqual(arrays.keys(), row.arrays.keys() | row.unsupported.keys())
        for name, (dtype, shape, *_) in row.arrays.items():
            self.assertEqual((arrays[name].type, list(arrays[name].shape)), (dtype, shape), name)
        for name, (text, *rest) in row.unsupported.items():
            self.assertEqual(arrays[name].type, text)
            if rest:
                self.assertEqual([list(arrays[name].shape), len(arrays[name].raw)], rest)
        self.assertEqual(sorted(others), row.others)
        self.assertEqual(notes, row.notes)


class Program(CasesTest):
    @each_row(refused)
    def test_refused(self, row):
        for command in (["ls"], ["check"], ["show", row.path, next(iter(row.arrays), "x")],
                        ["convert", row.path, self.path("out.npz")]):
            result = run(*command, *([row.path] if len(command) == 1 else []))
            self.assertNotEqual(result.status, 0)
            self.assertTrue(result.lines[0].startswith(f"tensorfile: {row.path}: {row.refused[0]}: "), result.err)
            for text in row.refused[1:]:
                self.assertIn(text, result.lines[0])

    @each_row(read)
    def test_ls(self, row):
        result = run("ls", "--json", *row.flags, row.path)
        self.assertEqual(result.status, 0, result.err)
        [listing] = result.json()
        arrays = {array["name"]: array for array in listing["arrays"]}
        self.assertEqual(arrays.keys(), row.arrays.keys() | row.unsupported.keys())
        for name, (dtype, shape, *_) in row.arrays.items():
            self.assertEqual((arrays[name]["dtype"], arrays[name]["shape"]), (dtype, shape), name)
        for name, (text, *rest) in row.unsupported.items():
            self.assertEqual((arrays[name]["dtype"], arrays[name]["type"]), ("unsupported", text))
            if rest:
                self.assertEqual([arrays[name]["shape"], arrays[name]["nbytes"]], rest)
        self.assertEqual(listing.get("notes", []), row.notes)
        text = run("ls", *row.flags, row.path)
        self.assertEqual((text.status, text.lines), (0, row.note_lines()))
        for value in row.unsupported.values():
            self.assertIn(value[0], text.out)
        if row.others:
            self.assertIn(f"{len(row.arrays)} array, {len(row.others)} other members", text.out)

    @each_row(read)
    def test_show(self, row):
        arrays, _ = row.load()
        for name, found in arrays.items():
            result = run("show", *row.flags, row.path, name)
            self.assertEqual(result.status, 0, result.err)
            if found.dtype in CODES:
                values = struct.unpack(f"<{math.prod(found.shape)}{CODES[found.dtype]}", found.data)
                shown = result.out.replace("[", " ").replace("]", " ").replace(",", " ").split()
                self.assertEqual([json.loads(value.lower()) for value in shown], list(values), name)

    @each_row(lambda row: row.checks)
    def test_check(self, row):
        for flags, faults in row.checks.items():
            if row.unsupported and not faults:
                faults = [next(iter(row.unsupported))]
            result = run("check", *flags.split(), row.path)
            self.assert_checked(result, faults)
        if row.unsupported and not row.refused:
            self.assert_checked(run("check", "--skip-unsupported", row.path), [])

    def assert_checked(self, result, faults):
        lines = [line for line in result.lines if ": note: " not in line]
        self.assertEqual((result.status, len(lines)), (1 if faults else 0, len(faults)), result.err)
        for line, text in zip(lines, faults):
            self.assertIn(text, line)

    @each_row(read)
    def test_check_notes(self, row):
        lines = run("check", *row.flags, row.path).lines
        notes = [line for line in lines if ": note: " in line and ": note: excused: " not in line]
        self.assertEqual(notes, row.note_lines())

    @each_row(read)
    def test_convert(self, row):
        [listing] = run("ls", "--json", *row.flags, row.path).json()
        out = self.path("out." + (row.format or listing["format"]))
        result = run("convert", *row.flags, *row.skip, row.path, out)
        self.assertEqual(result.status, 0, result.err)
        for name in [*row.others, *row.unsupported]:
            self.assertIn(name, result.err)
        arrays, metadata = LIBRARY.load(out)
        if list(row.arrays) == [""] and list(arrays) != [""]:
            arrays = {"": next(iter(arrays.values()))}
        self.assert_arrays(row, arrays)
        if row.metadata is not None:
            self.assertEqual(metadata, row.metadata)


class Conversions(Case):
    """The rows of cases that concern what the program writes."""

    def copied(self, folder):
        return Path(shutil.copytree(CASES / folder, self.folder / folder))

    def metadata(self, path):
        return self.list_json(path)["metadata"]

    def test_text_members_in_different_order_and_compression_do_not_differ(self):
        folder = CASES / "npz-text-members"
        result = run("diff", folder / "csr.npz", folder / "csr_stored.npz")
        self.assertEqual((result.status, result.err), (0, ""), result.out)

    def test_text_members_stay_members_of_text(self):
        out = self.path("out.npz")
        self.assertEqual(run("convert", CASES / "npz-text-members" / "walk.npz", out).status, 0)
        with zipfile.ZipFile(out) as archive:
            member = archive.read("gender.npy")
        self.assertIn(b"{'descr': '<U7', 'fortran_order': False, 'shape': (), }", member)
        self.assertTrue(member.endswith("neutral".encode("utf-32-le")))

    def test_what_gguf_cannot_hold_is_refused_from_other_formats(self):
        for file, text in (("gguf-five-dimensions/five.gguf", "patch_embedding.weight"),
                           ("gguf-long-names/long.gguf", "input_proj_linear.weight.scale")):
            other = self.path("other.safetensors")
            self.assertEqual(run("convert", CASES / file, other).status, 0)
            result = run("convert", other, self.path("out.gguf"))
            self.assertEqual(result.status, 1, result.err)
            self.assertIn(": unsupported: ", result.err)
            self.assertIn(text, result.err)
            self.assertFalse(os.path.exists(self.path("out.gguf")))

    def test_a_part_of_the_input_is_not_overwritten(self):
        folder = self.copied("parts-overwritten")
        for extension in ("gguf", "safetensors"):
            [first, second] = sorted(folder.glob(f"?-0000?-of-00002.{extension}"))
            before = second.read_bytes()
            result = run("convert", first, second)
            self.assertNotEqual(result.status, 0)
            self.assertEqual(len(result.lines), 1, result.err)
            self.assertIn(second.name, result.err)
            self.assertEqual(second.read_bytes(), before)

    def test_one_part_names_the_flag_that_takes_all(self):
        path = CASES / "folder-without-index" / "one" / "g-00001-of-00002.gguf"
        result = run("ls", path)
        self.assertEqual(result.status, 0)
        self.assertIn("--parts", result.out + result.err)

    def test_float8_is_quantized(self):
        source, direct, by_float = (CASES / "quantize-float8" / "fp8.safetensors", self.path("direct.gguf"),
                                    self.path("by_float.gguf"))
        self.assertEqual(run("convert", "--quantize", "q8_0", source, direct).status, 0)
        self.assertEqual(self.list_json(direct)["arrays"][0]["dtype"], "q8_0")
        # Every value of a float8 is one of float32, so encoding those must give the same blocks.
        self.assertEqual(run("convert", "--cast", "float32", source, self.path("cast.safetensors")).status, 0)
        self.assertEqual(run("convert", "--quantize", "q8_0", self.path("cast.safetensors"), by_float).status, 0)
        self.assertEqual(LIBRARY.load(direct)[0], LIBRARY.load(by_float)[0])

    def test_file_type_follows_the_weights(self):
        source, quantized, cast = CASES / "quantize-file-type" / "f16.gguf", self.path("q.gguf"), self.path("cast.gguf")
        # ggml's numbers: 0 is float32, 1 mostly float16, 7 mostly q8_0.
        self.assertEqual(run("convert", "--quantize", "q8_0", source, quantized).status, 0)
        metadata = self.metadata(quantized)
        self.assertEqual((metadata["general.file_type"], metadata["general.quantization_version"]), (7, 2))
        for path in (source, quantized):
            self.assertEqual(run("convert", "--cast", "float32", path, cast).status, 0)
            metadata = self.metadata(cast)
            self.assertEqual(metadata["general.file_type"], 0)
            self.assertNotIn("general.quantization_version", metadata)


if __name__ == "__main__":
    LIBRARY = capi.Library(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
