"""Tests `tensorfile show --image`: the images are decoded here, as the specification of PNG says."""

import math
import os
import pty
import struct
import subprocess
import zlib

from support import GGML_Q8_0, PROGRAM, Case, floats, gguf, main, npy, npz, run, safetensors


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def decode(data):
    """Returns the width, the samples of a pixel, and the rows of an image of 8 bits."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, head = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8:at + 8 + length]
        assert zlib.crc32(kind + content) == struct.unpack_from(">I", data, at + 8 + length)[0]
        at += 12 + length
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", content)
        elif kind == b"IDAT":
            packed += content
    width, height, bits, color, *rest = head
    assert (bits, rest) == (8, [0, 0, 0])
    samples = {0: 1, 2: 3}[color]
    lines, previous, rows = zlib.decompress(packed), bytes(width * samples), []
    assert len(lines) == height * (1 + width * samples)
    for y in range(height):
        kind, *line = lines[y * (1 + width * samples):(y + 1) * (1 + width * samples)]
        row = bytearray()
        for x, value in enumerate(line):
            left, above = row[x - samples] if x >= samples else 0, previous[x]
            corner = previous[x - samples] if x >= samples else 0
            row.append((value + (0, left, above, (left + above) // 2, paeth(left, above, corner))[kind]) & 0xFF)
        rows.append(list(row))
        previous = bytes(row)
    return width, samples, rows


class Image(Case):
    def image(self, *arguments):
        with open(self.path("out.png"), "w+b") as file:
            result = run("show", "--image", *arguments, stdout=file)
            self.assertEqual((result.status, result.err), (0, ""))
            file.seek(0)
            return decode(file.read())

    def test_bytes_are_grey_levels(self):
        path = self.write("g.npy", npy("|u1", (2, 3), bytes([0, 1, 127, 128, 254, 255])))
        self.assertEqual(self.image(path), (3, 1, [[0, 1, 127], [128, 254, 255]]))

    def test_a_larger_image(self):
        content = bytes((x * y + x) % 256 for y in range(90) for x in range(70))
        path = self.write("g.npy", npy("|u1", (90, 70), content))
        self.assertEqual(self.image(path)[2], [list(content[y * 70:(y + 1) * 70]) for y in range(90)])

    def test_bool(self):
        path = self.write("b.npy", npy("|b1", (1, 2), b"\0\1"))
        self.assertEqual(self.image(path), (2, 1, [[0, 255]]))

    def test_floats_are_scaled(self):
        nan, inf = float("nan"), float("inf")
        path = self.write("f.npy", npy("<f4", (2, 4), floats(-1, 0, 0.5, 1, nan, inf, -inf, 0.25)))
        self.assertEqual(self.image(path)[2], [[0, 128, 191, 255], [0, 255, 0, 159]])
        self.assertEqual(self.image("--range", "0:2", path)[2], [[0, 0, 64, 128], [0, 255, 0, 32]])

    def test_integers_are_scaled(self):
        path = self.write("i.npy", npy("<i4", (1, 3), struct.pack("<3i", -1000, 0, 1000)))
        self.assertEqual(self.image(path)[2], [[0, 128, 255]])

    def test_equal_values(self):
        path = self.write("f.npy", npy("<f4", (1, 2), floats(3, 3)))
        self.assertEqual(self.image(path)[2], [[0, 0]])

    def test_colors(self):
        path = self.write("c.npy", npy("|u1", (1, 2, 3), bytes([1, 2, 3, 4, 5, 6])))
        self.assertEqual(self.image(path), (2, 3, [[1, 2, 3, 4, 5, 6]]))

    def test_slices_and_block_types(self):
        blocks = b"".join(struct.pack("<e32b", 1, *range(start, start + 32)) for start in (0, 32))
        path = self.write("q.gguf", gguf({"q": (GGML_Q8_0, (2, 32), blocks)}))
        self.assertEqual(self.image(path, "q", ":,:2")[2], [[0, 8], [247, 255]])
        cube = self.write("n.npy", npy("|u1", (2, 2, 2), bytes(range(8))))
        self.assertEqual(self.image(cube, "1")[2], [[4, 5], [6, 7]])

    def test_what_is_no_image(self):
        for shape in ((4,), (2, 2, 2), (0, 3), ()):
            path = self.write("n.npy", npy("|u1", shape, bytes(math.prod(shape))))
            self.assert_usage(run("show", "--image", path), "--image: the shape", "is not that of an image")
        path = self.write("c.npy", npy("<c8", (1, 1), bytes(8)))
        self.assertEqual(run("show", "--image", path).status, 3)

    def test_output(self):
        path, out = self.write("g.npy", npy("|u1", (1, 2), b"\1\2")), self.path("g.png")
        result = run("show", "--image", "--output", out, path)
        self.assertEqual((result.status, result.out, result.err), (0, "", ""))
        with open(out, "rb") as file:
            self.assertEqual(decode(file.read()), (2, 1, [[1, 2]]))
        self.assertEqual(run("show", "--image", "-o", self.path("no/g.png"), path).status, 3)

    def test_terminal(self):
        path = self.write("g.npy", npy("|u1", (1, 2), b"\1\2"))
        parent, child = pty.openpty()
        try:
            result = subprocess.run([PROGRAM, "show", "--image", path], stdout=child, stderr=subprocess.PIPE, check=False)
        finally:
            os.close(parent)
            os.close(child)
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"standard output is a terminal; --output", result.stderr)

    def test_invalid_options(self):
        path = self.write("g.npy", npy("|u1", (1, 2), b"\1\2"))
        for text in ("1", "1:", "a:b", "2:1", "1:1", "0:1x", "nan:1"):
            self.assert_usage(run("show", "--image", "--range", text, path), "--range", "expected MIN:MAX")
        self.assert_usage(run("show", "--range", "0:1", path), "require --image")
        self.assert_usage(run("show", "--image", "--metadata", path, "k"), "--metadata cannot be combined with --image")


class Names(Case):
    """The argument NAME can be left out."""

    def test_npy(self):
        path = self.write("v.npy", npy("|u1", (2, 2), bytes(range(4))))
        for arguments in ((), ("",), ("", ":")):
            self.assertEqual(run("show", path, *arguments).out, "[[0, 1],\n [2, 3]]\n")
        for arguments in (("1",), ("", "1")):
            self.assertEqual(run("show", path, *arguments).out, "[2, 3]\n")
        self.assert_usage(run("show", path, "x", "1"), "has no array named 'x'")
        self.assertEqual(run("stat", path).status, 0)

    def test_the_only_array(self):
        self.assertEqual(run("show", self.write("v.npz", npz({"a.npy": npy("|u1", (1,), b"\1")}))).out, "[1]\n")
        two = self.write("v.safetensors", safetensors({"a": ("U8", (1,), b"\1"), "b": ("U8", (1,), b"\1")}))
        self.assert_usage(run("show", two), "has 2 arrays: expected NAME")


if __name__ == "__main__":
    main()
