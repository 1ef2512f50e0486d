"""Runs the program, and builds files byte by byte from the descriptions of their formats."""

import io
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest
import zipfile
import zlib

PROGRAM = os.environ["TENSORFILE_PROGRAM"]
SOURCE_DIR = pathlib.Path(os.environ["TENSORFILE_SOURCE_DIR"])
GOLDEN_DIR = SOURCE_DIR / "tests" / "golden"

GGUF_SCALARS = {"u8": (0, "B"), "i8": (1, "b"), "u16": (2, "H"), "i16": (3, "h"), "u32": (4, "I"), "i32": (5, "i"),
                "f32": (6, "f"), "bool": (7, "?"), "u64": (10, "Q"), "i64": (11, "q"), "f64": (12, "d")}
GGUF_STRING, GGUF_ARRAY = 8, 9
GGML_F32, GGML_F16, GGML_Q8_0, GGML_I8 = 0, 1, 8, 24


class Result:
    def __init__(self, process):
        self.status = process.returncode
        self.raw = process.stdout
        self.out = process.stdout.decode() if process.stdout is not None else ""
        self.err = process.stderr.decode()
        self.lines = self.err.splitlines()

    def json(self):
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments, **options):
    options.setdefault("stdout", subprocess.PIPE)
    command = [PROGRAM, *(os.fsencode(argument) for argument in arguments)]
    return Result(subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, **options))


def crc32(data):
    return f"{zlib.crc32(data):08x}"


def npy(descr, shape, data, fortran=False):
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {tuple(shape)!r}, }}".encode()
    text += b" " * (-(11 + len(text)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def npz(members, method=zipfile.ZIP_STORED):
    """members maps names to the bytes of an .npy."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def safetensors(arrays, metadata=None):
    """arrays maps names to (dtype, shape, bytes)."""
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, content) in arrays.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, ensure_ascii=False).encode()
    return struct.pack("<Q", len(text)) + text + data


def gguf_string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_value(kind, value):
    """Returns the type id and bytes of a value. kind is "u32", "str", ["u32"] for an array, [["u32"]] for an array of arrays."""
    if isinstance(kind, list):
        values = [gguf_value(kind[0], item) for item in value]
        element = gguf_value(kind[0], [] if isinstance(kind[0], list) else "" if kind[0] == "str" else 0)[0]
        return GGUF_ARRAY, struct.pack("<IQ", element, len(values)) + b"".join(data for _, data in values)
    if kind == "str":
        return GGUF_STRING, gguf_string(value)
    number, code = GGUF_SCALARS[kind]
    return number, struct.pack("<" + code, value)


def gguf(tensors, metadata=(), alignment=32):
    """tensors maps names to (ggml type id, shape, bytes); metadata is a sequence of (key, kind, value)."""
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, kind, value in metadata:
        number, data = gguf_value(kind, value)
        out += gguf_string(key) + struct.pack("<I", number) + data
    data = b""
    for name, (number, shape, content) in tensors.items():
        out += gguf_string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
        out += struct.pack("<IQ", number, len(data))
        data += content + bytes(-len(content) % alignment)
    return out + bytes(-len(out) % alignment) + data


class Case(unittest.TestCase):
    """A test with a temporary folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return str(path)

    def path(self, name):
        return str(self.folder / name)

    def assert_usage(self, result, *texts):
        self.assertEqual(result.status, 2, result.err)
        self.assertEqual(result.out, "")
        for text in texts:
            self.assertIn(text, result.err)

    def assert_refused(self, result, path, status, *texts, exit_status=1):
        self.assertEqual(result.status, exit_status, result.err)
        self.assertEqual(len(result.lines), 1, result.err)
        self.assertTrue(result.lines[0].startswith(f"tensorfile: {path}: {status}: "), result.err)
        for text in texts:
            self.assertIn(text, result.lines[0])

    def list_json(self, path, *options):
        result = run("ls", "--json", *options, path)
        self.assertEqual((result.status, result.err), (0, ""))
        return result.json()[0]


def main():
    unittest.main(verbosity=1)
