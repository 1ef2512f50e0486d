"""Tests `tensorfile edit`, which changes files without touching the data of their arrays."""

import io
import json
import os
import shutil
import stat
import struct
import zipfile

from support import (GGML_F32, GGML_I8, GOLDEN_DIR, Case, floats, gguf, main, npy, npz, run,
                     safetensors)

# Arrays out of order, with an unknown dtype and a member that only other programs know.
ODD_HEADER = {"b": {"dtype": "F32", "shape": [2], "data_offsets": [3, 11], "extra": [1]},
              "a": {"dtype": "I8", "shape": [3], "data_offsets": [0, 3]},
              "u": {"dtype": "F8_E3M4", "shape": [2], "data_offsets": [11, 13]},
              "__metadata__": {"k": "v", "n": "1"}}
ODD_DATA = b"abc" + floats(1, 2) + b"\x00\xff"


def safetensors_file(header, data, length=None):
    text = json.dumps(header, separators=(",", ":")).encode().ljust(length or 0)
    return struct.pack("<Q", len(text)) + text + data


def read_safetensors(path):
    """Returns the header and the bytes of each array."""
    with open(path, "rb") as file:
        content = file.read()
    length = struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8:8 + length])
    arrays = {name: content[8 + length:][slice(*info["data_offsets"])] for name, info in header.items()
              if name != "__metadata__"}
    return header, arrays, content


class EditCase(Case):
    def edit(self, *arguments, out="", err=""):
        result = run("edit", *arguments)
        self.assertEqual((result.status, result.out, result.err), (0, out, err))

    def assert_fails(self, status, path, *arguments, texts):
        with open(path, "rb") as file:
            before = file.read()
        result = run("edit", *arguments, path)
        self.assertEqual(result.status, status, result.err)
        for text in texts:
            self.assertIn(text, result.err)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), before)


class Safetensors(EditCase):
    def setUp(self):
        super().setUp()
        self.file = self.write("m.safetensors", safetensors_file(ODD_HEADER, ODD_DATA))

    def test_metadata(self):
        self.edit("--set", "n=2", "--set", "new=\u00e9", "--delete", "k", self.file)
        header, arrays, _ = read_safetensors(self.file)
        self.assertEqual(header.pop("__metadata__"), {"n": "2", "new": "\u00e9"})
        self.assertEqual(header, {name: info for name, info in ODD_HEADER.items() if name != "__metadata__"})
        self.assertEqual(arrays, {"a": b"abc", "b": floats(1, 2), "u": b"\x00\xff"})

    def test_a_header_that_fits_keeps_its_size(self):
        before = os.path.getsize(self.file)
        self.edit("--delete", "k", self.file)
        self.assertEqual(os.path.getsize(self.file), before)
        self.assertEqual(read_safetensors(self.file)[2][-len(ODD_DATA):], ODD_DATA)

    def test_a_header_that_grows_is_aligned(self):
        self.edit("--set", "new=" + "x" * 1000, self.file)
        content = read_safetensors(self.file)[2]
        self.assertEqual((8 + struct.unpack_from("<Q", content)[0]) % 64, 0)

    def test_a_header_that_grows_moves_data_by_blocks(self):
        path = self.write("aligned.safetensors", safetensors_file(ODD_HEADER, ODD_DATA, 504))
        self.edit("--set", "new=" + "x" * 1000, path)
        self.assertEqual(struct.unpack_from("<Q", read_safetensors(path)[2])[0], 504 + 4096)

    def test_names(self):
        self.edit("--rename", "a=x.a", "--rename-regex", "^b$=y", self.file)
        header, arrays, _ = read_safetensors(self.file)
        self.assertEqual(arrays, {"x.a": b"abc", "y": floats(1, 2), "u": b"\x00\xff"})
        self.assertEqual(header["y"]["extra"], [1])

    def test_drop(self):
        self.edit("--drop", "a", self.file)
        header, arrays, content = read_safetensors(self.file)
        self.assertEqual(arrays, {"b": floats(1, 2), "u": b"\x00\xff"})
        self.assertEqual(header["b"]["data_offsets"], [0, 8])
        self.assertEqual(content[-10:], floats(1, 2) + b"\x00\xff")

    def test_only(self):
        self.edit("--only", "u", "--metadata", "drop", self.file)
        header, arrays, _ = read_safetensors(self.file)
        self.assertEqual(arrays, {"u": b"\x00\xff"})
        self.assertNotIn("__metadata__", header)

    def test_what_cannot_be_done_changes_nothing(self):
        self.assert_fails(1, self.file, "--rename", "a=b", texts=["duplicate", "'a'", "'b'"])
        self.assert_fails(1, self.file, "--rename", "a=__metadata__", texts=["unsupported", "reserved"])
        self.assert_fails(1, self.file, "--set", "k=u32:1", texts=["unsupported", "'k' (metadata that is not a string)"])
        self.assert_fails(2, self.file, "--rename", "zz=b", texts=["--rename 'zz=b' matches no array"])
        self.assert_fails(2, self.file, "--delete", "zz", texts=["'zz'"])
        self.assert_fails(2, self.file, "--metadata", "some", "--set", "k=1", texts=["--metadata: expected keep"])
        self.assert_fails(2, self.file, texts=["expected an option that changes the file"])
        self.assert_fails(2, self.file, "--recover", "--set", "k=1", texts=["--recover cannot be combined"])
        self.assertEqual(os.listdir(self.folder), ["m.safetensors"])

    def test_several_files(self):
        missing = self.path("missing.safetensors")
        result = run("edit", "--set", "n=2", missing, self.file)
        self.assertEqual(result.status, 3)
        self.assertEqual(len(result.lines), 1, result.err)
        self.assertEqual(read_safetensors(self.file)[0]["__metadata__"], {"k": "v", "n": "2"})

    def test_holes_stay_holes(self):
        path = self.path("sparse.safetensors")
        header = json.dumps({"x": {"dtype": "U8", "shape": [1 << 28], "data_offsets": [0, 1 << 28]}}).encode()
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(header)) + header)
            file.seek(100 << 20)
            file.write(b"middle")
            file.truncate(8 + len(header) + (1 << 28))
        self.edit("--set", "a=" + "b" * 5000, path)
        self.assertLess(os.stat(path).st_blocks * 512, 1 << 20)
        shift = os.path.getsize(path) - (1 << 28)
        with open(path, "rb") as file:
            file.seek((100 << 20) - 8 - len(header) + shift)
            self.assertEqual(file.read(6), b"middle")


class HeaderSlack(EditCase):
    """convert --header-slack leaves space for an edit in place."""

    def test_slack(self):
        source = self.write("in.safetensors", safetensors({f"a{i}": ("I8", (1000,), bytes(1000)) for i in range(20)}))
        path = self.path("out.safetensors")
        for slack in (1, 100, 5000, 900000):
            result = run("convert", "--header-slack", str(slack), source, path)
            self.assertEqual((result.status, result.err), (0, ""))
            with open(path, "rb") as file:
                content = file.read()
            length = struct.unpack_from("<Q", content)[0]
            header = content[8:8 + length]
            self.assertGreaterEqual(length - len(header.rstrip(b" ")), slack)
            value = self.write("value.txt", b"x" * (slack - min(slack, 40)))
            self.edit("--in-place", "--set-file", "k=" + value, path)
            with open(path, "rb") as file:
                self.assertEqual(file.read()[8 + length:], content[8 + length:])
            self.assertEqual(run("check", "--quiet", path).status, 0)

    def test_without_arrays(self):
        source, path = self.write("in.safetensors", safetensors({})), self.path("out.safetensors")
        self.assertEqual(run("convert", "--header-slack", "500", source, path).status, 0)
        self.edit("--in-place", "--set", "k=" + "x" * 400, path)

    def test_what_cannot_be(self):
        source = self.write("in.safetensors", safetensors({"a": ("I8", (1,), b"x")}))
        out = self.path("out.safetensors")
        self.assert_usage(run("convert", "--header-slack", "9", source, self.path("out.npz")), "--header-slack requires OUT")
        self.assert_usage(run("convert", "--header-slack", "9", "--part-bytes", "9", source, out), "--part-bytes")
        self.assert_usage(run("convert", "--header-slack", "2000000", source, out), "--header-slack: at most")
        self.assertFalse(os.path.exists(out))
        self.assertEqual(run("convert", source, out).status, 0)
        self.assert_fails(1, out, "--in-place", "--set", "k=" + "x" * 100, texts=["unsupported", "convert --header-slack"])


class Targets(EditCase):
    """Which file is changed."""

    def setUp(self):
        super().setUp()
        self.content = safetensors({"a": ("I8", (1,), b"x")}, {"k": "v"})
        self.file = self.write("m.safetensors", self.content)

    def value(self, path):
        return read_safetensors(path)[0]["__metadata__"]["k"]

    def test_mode_is_kept(self):
        os.chmod(self.file, 0o640)
        self.edit("--set", "k=w", self.file)
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o640)
        self.assertEqual(os.listdir(self.folder), ["m.safetensors"])

    def test_links_are_refused(self):
        link = self.path("link.safetensors")
        os.symlink("m.safetensors", link)
        self.assert_fails(3, link, "--set", "k=w", texts=["is a link", "--follow"])
        self.edit("--follow", "--set", "k=w", link)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(self.value(self.file), "w")

    def test_standard_input_is_refused(self):
        self.assert_refused(run("edit", "--set", "k=w", "-"), "-", "unsupported", "convert --to FORMAT - -")

    def test_files_with_several_names_are_refused(self):
        other = self.path("other.safetensors")
        os.link(self.file, other)
        for options in ((), ("--in-place",)):
            self.assert_fails(3, other, *options, "--set", "k=w", texts=["has 2 names", "--follow"])
        self.edit("--follow", "--set", "k=w", other)
        self.assertEqual((self.value(self.file), self.value(other)), ("v", "w"))

    def test_in_place_under_all_names(self):
        other = self.path("other.safetensors")
        os.link(self.file, other)
        self.edit("--follow", "--in-place", "--set", "k=w", other)
        self.assertEqual((self.value(self.file), self.value(other)), ("w", "w"))

    def test_not_a_file(self):
        fifo = self.path("fifo.safetensors")
        os.mkfifo(fifo)
        result = run("edit", "--set", "k=w", fifo)
        self.assert_refused(result, fifo, "io", "not a regular file", exit_status=3)

    def test_npy_has_nothing_to_edit(self):
        path = self.write("x.npy", npy("|i1", (1,), b"x"))
        self.assert_fails(1, path, "--set", "k=v", texts=["unsupported", "npy files have neither names nor metadata"])


def gguf_fields(path):
    """Divides a .gguf whose metadata are strings and numbers into metadata, tensor records and data."""
    with open(path, "rb") as file:
        content = file.read()
    _, tensors, values = struct.unpack_from("<IQQ", content, 4)
    at = 24

    def text():
        nonlocal at
        length = struct.unpack_from("<Q", content, at)[0]
        at += 8 + length
        return content[at - length:at].decode()

    metadata = {}
    for _ in range(values):
        key = text()
        kind = struct.unpack_from("<I", content, at)[0]
        at += 4
        if kind == 8:
            metadata[key] = text()
        else:
            metadata[key] = (kind, struct.unpack_from("<I", content, at)[0])
            at += 4
    records = {}
    for _ in range(tensors):
        name = text()
        rank = struct.unpack_from("<I", content, at)[0]
        shape = struct.unpack_from(f"<{rank}Q", content, at + 4)
        kind, offset = struct.unpack_from("<IQ", content, at + 4 + 8 * rank)
        at += 16 + 8 * rank
        records[name] = (kind, shape, offset)
    return metadata, records, at, content


class Gguf(EditCase):
    def setUp(self):
        super().setUp()
        tensors = {"a": (GGML_I8, (3,), b"abc"), "b": (GGML_F32, (2, 1), floats(1, 2)), "u": (144, (32,), b"z" * 17)}
        self.metadata = [("general.architecture", "str", "llama"), ("n", "u32", 7)]
        self.file = self.write("m.gguf", gguf(tensors, self.metadata))

    def tensors(self):
        metadata, records, end, content = gguf_fields(self.file)
        start = -(-end // 32) * 32
        sizes = {GGML_I8: 3, GGML_F32: 8, 144: 17}
        return metadata, {name: (kind, shape, content[start + offset:start + offset + sizes[kind]])
                          for name, (kind, shape, offset) in records.items()}

    def test_metadata(self):
        self.edit("--set", "n=8", "--set", "general.name=" + "long" * 50, self.file)
        metadata, tensors = self.tensors()
        self.assertEqual(metadata, {"general.architecture": "llama", "n": (4, 8), "general.name": "long" * 50})
        self.assertEqual(tensors, {"a": (GGML_I8, (3,), b"abc"), "b": (GGML_F32, (1, 2), floats(1, 2)),
                                   "u": (144, (32,), b"z" * 17)})

    def test_names_and_drop(self):
        self.edit("--drop", "a", "--rename", "u=unknown", self.file)
        self.assertEqual(self.tensors()[1], {"b": (GGML_F32, (1, 2), floats(1, 2)), "unknown": (144, (32,), b"z" * 17)})

    def test_alignment(self):
        self.edit("--set", "general.alignment=u32:128", self.file)
        _, records, end, content = gguf_fields(self.file)
        start = -(-end // 128) * 128
        self.assertEqual([offset for _, _, offset in records.values()], [0, 128, 256])
        self.assertEqual(content[start + 256:start + 256 + 17], b"z" * 17)

    def test_typed_lists_survive(self):
        kinds = [("general.architecture", "str", "x"), ("l", ["str"], ["a", "b"]), ("f", ["f32"], [0.5]),
                 ("nested", [["u32"]], [[1], [2, 3]]), ("flag", "bool", True), ("i", "i64", -5)]
        path = self.write("typed.gguf", gguf({"a": (GGML_I8, (3,), b"abc")}, kinds))
        with open(path, "rb") as file:
            before = file.read()
        self.edit("--set", "i=-6", path)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), before.replace(struct.pack("<q", -5), struct.pack("<q", -6)))

    def test_in_place_of_the_same_padded_size(self):
        before = os.stat(self.file)
        self.edit("--in-place", "--set", "n=9", "--rename", "a=b2", self.file)
        metadata, tensors = self.tensors()
        self.assertEqual((metadata["n"], list(tensors)), ((4, 9), ["b2", "b", "u"]))
        self.assertEqual(os.stat(self.file).st_ino, before.st_ino)

    def test_in_place_that_does_not_fit(self):
        self.assert_fails(1, self.file, "--in-place", "--set", "n=str:" + "x" * 100, texts=["unsupported", "--in-place"])
        self.assert_fails(1, self.file, "--in-place", "--drop", "a", texts=["unsupported", "--in-place"])

    def test_big_endian_stays_big_endian(self):
        path = self.path("big.gguf")
        shutil.copyfile(GOLDEN_DIR / "gguf" / "py_bigendian.gguf", path)
        before = self.list_json(path, "--crc32")
        self.edit("--set", "k=v", path)
        after = self.list_json(path, "--crc32")
        for array in before["arrays"] + after["arrays"]:
            array.pop("offset", None)
        self.assertEqual(after["arrays"], before["arrays"])
        self.assertEqual(after["metadata"], {**before["metadata"], "k": "v"})
        with open(path, "rb") as file:
            content = file.read()
        self.assertEqual(struct.unpack_from(">I", content, 4), (3,))
        self.assertIn(struct.pack(">Q1sIQ1s", 1, b"k", 8, 1, b"v"), content)


class Npz(EditCase):
    def check(self, path):
        """Returns the content of each member; zipfile verifies the CRC-32 of each."""
        with zipfile.ZipFile(path) as archive:
            self.assertIsNone(archive.testzip())
            return {info.filename: (archive.read(info), info.compress_type) for info in archive.infolist()}

    def test_members_are_copied(self):
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            arrays = {"a.npy": npy("<f4", (2,), floats(1, 2)), "b.npy": npy(">f8", (100,), bytes(800)),
                      "readme.txt": b"hello", "t.npy": npy("<U2", (), "hi".encode("utf-32-le"))}
            path = self.write("m.npz", npz(arrays, method))
            self.edit("--rename", "a=\u00e9/a", "--set", "new=text", path)
            members = self.check(path)
            self.assertEqual(members.pop("new.npy")[0][-16:], "text".encode("utf-32-le"))
            self.assertEqual(members, {"\u00e9/a.npy": (arrays["a.npy"], method), "b.npy": (arrays["b.npy"], method),
                                       "readme.txt": (b"hello", method), "t.npy": (arrays["t.npy"], method)})

    def test_drop_and_change(self):
        arrays = {"a.npy": npy("|i1", (1,), b"x"), "b.npy": npy("|i1", (1,), b"y"),
                  "t.npy": npy("<U2", (), "hi".encode("utf-32-le"))}
        path = self.write("m.npz", npz(arrays))
        self.edit("--drop", "a", "--set", "t=ho", path)
        members = self.check(path)
        self.assertEqual(sorted(members), ["b.npy", "t.npy"])
        self.assertEqual(members["t.npy"][0][-8:], "ho".encode("utf-32-le"))
        self.edit("--metadata", "drop", path)
        self.assertEqual(list(self.check(path)), ["b.npy"])

    def test_stored_data_is_aligned(self):
        path = self.write("m.npz", npz({"a.npy": npy("|i1", (1,), b"x"), "b.npy": npy("<f4", (2,), floats(1, 2))}))
        self.edit("--rename", "a=long name", path)
        with open(path, "rb") as file:
            content = file.read()
        self.assertEqual(content.index(floats(1, 2)) % 64, 0)

    def test_streamed_members(self):
        out = io.BytesIO()

        class Stream(io.RawIOBase):
            def writable(self):
                return True

            def write(self, data):
                return out.write(data)

        with zipfile.ZipFile(Stream(), "w") as archive:
            for name in ("a.npy", "b.npy"):
                archive.writestr(name, npy("|i1", (1,), name[:1].encode()))
        path = self.write("m.npz", out.getvalue())
        self.edit("--rename", "a=c", path)
        self.assertEqual(self.check(path), {"c.npy": (npy("|i1", (1,), b"a"), 0), "b.npy": (npy("|i1", (1,), b"b"), 0)})
        self.assertEqual(run("check", path).out, path + ": ok\n")

    def test_chunks_of_compressed_members_survive(self):
        source = self.write("in.npy", npy("<f4", (1 << 20,), bytes(4 << 20)))
        path = self.path("m.npz")
        self.assertEqual(run("convert", "--compress", source, path).status, 0)
        before = self.list_json(path, "--crc32")["arrays"][0]["crc32"]
        self.edit("--rename", "arr_0=x", path)
        after = self.list_json(path, "--crc32")["arrays"][0]
        self.assertEqual((after["name"], after["crc32"]), ("x", before))

    def test_a_name_that_text_has(self):
        path = self.write("m.npz", npz({"a.npy": npy("|i1", (1,), b"x"), "t.npy": npy("<U1", (), "h".encode("utf-32-le"))}))
        self.assert_fails(1, path, "--rename", "a=t", texts=["duplicate", "'t'", "metadata value"])
        self.assert_fails(1, path, "--in-place", "--set", "k=v", texts=["unsupported", "--in-place"])

    def test_comment_of_the_archive(self):
        path = self.path("m.npz")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", npy("|i1", (1,), b"x"))
            archive.comment = b"a comment"
        self.edit("--rename", "a=b", path)
        with zipfile.ZipFile(path) as archive:
            self.assertEqual((archive.comment, archive.namelist()), (b"a comment", ["b.npy"]))


if __name__ == "__main__":
    main()
