import json
import math
import os
import struct
import unittest

from support import GGML_Q8_0, GOLDEN_DIR, Case, crc32, floats, gguf, main, npy, npz, run, safetensors


class Json(Case):
    def test_npy(self):
        path = self.write("a.npy", npy("<f4", (2, 3), floats(0, 1, 2, 3, 4, 5)))
        self.assertEqual(self.list_json(path), {
            "path": path, "format": "npy", "metadata": {},
            "arrays": [{"name": "", "dtype": "float32", "shape": [2, 3], "nbytes": 24}]})

    def test_one_line_per_file_in_order(self):
        a = self.write("a.npy", npy("<i2", (), b"\1\0"))
        b = self.write("b.npz", npz({"x.npy": npy("|u1", (0, 2), b"")}))
        result = run("ls", "--json", b, a)
        self.assertEqual([listing["path"] for listing in result.json()], [b, a])
        self.assertEqual(result.out.count("\n"), 2)

    def test_crc32_of_every_length(self):
        data = bytes(value * 151 % 256 for value in range(1000))
        lengths = [*range(40), 999, 1000]
        path = self.write("lengths.npz", npz({str(length): npy("|u1", (length,), data[:length]) for length in lengths}))
        found = {array["name"]: array["crc32"] for array in self.list_json(path, "--crc32")["arrays"]}
        self.assertEqual(found, {str(length): crc32(data[:length]) for length in lengths})

    def test_crc32_of_fortran_order_is_of_c_order(self):
        path = self.write("f.npy", npy(">i2", (2, 3), struct.pack(">6h", 1, 4, 2, 5, 3, 6), fortran=True))
        array = self.list_json(path, "--crc32")["arrays"][0]
        self.assertEqual(array["crc32"], crc32(struct.pack("<6h", 1, 2, 3, 4, 5, 6)))

    def test_metadata_of_every_kind(self):
        metadata = [("u", "u64", 2**64 - 1), ("i", "i64", -2**63), ("f", "f32", 0.1), ("d", "f64", 1e300),
                    ("t", "bool", True), ("one", "f32", 1.0), ("s", "str", "h\u00e9 \"\\\n\x01\x7f"),
                    ("l", ["i32"], [1, -2]), ("b", ["bool"], [True, False]), ("w", ["str"], ["a", ""]),
                    ("empty", ["u8"], []), ("none", ["str"], []), ("n", [["u8"]], [[1, 2], [], [3]]),
                    ("nothing", [["u8"]], [])]
        path = self.write("m.gguf", gguf({}, metadata))
        expected = {key: value for key, _, value in metadata}
        self.assertEqual(self.list_json(path)["metadata"], expected)
        self.assertIn('"f":0.1,', run("ls", "--json", path).out)
        self.assertIn('"one":1.0,', run("ls", "--json", path).out)

    def test_numbers_that_json_cannot_express_are_null(self):
        nan, inf = float("nan"), float("inf")
        path = self.write("m.gguf", gguf({}, [("n", "f64", nan), ("l", ["f32"], [inf, -inf, 2.5])]))
        self.assertEqual(self.list_json(path)["metadata"], {"n": None, "l": [None, None, 2.5]})

    def test_bytes_that_are_not_utf8(self):
        bad = b"a\xffb\xe2\x82|\xed\xa0\x80|\xf0\x9f\x98"
        path = self.write("m.gguf", gguf({}, [("t", ["str"], [bad, b"\xf0\x9f\x98\x80"]), ("s", "str", bad)]))
        text = bad.decode("utf-8", errors="replace")
        self.assertEqual(self.list_json(path)["metadata"], {"t": [text, "\U0001f600"], "s": text})

    def test_path_that_is_not_utf8(self):
        path = self.folder / b"\xff.npy".decode("utf-8", "surrogateescape")
        path.write_bytes(npy("|b1", (1,), b"\1"))
        self.assertEqual(run("ls", "--json", path).json()[0]["path"], f"{self.folder}/\ufffd.npy")

    def test_names(self):
        names = ["", "a\"b\\c", "tab\tnew\nline", "\u202eright", "d/e.f", "../up"]
        path = self.write("n.safetensors", safetensors({name: ("U8", (1,), b"x") for name in names}))
        self.assertEqual([array["name"] for array in self.list_json(path)["arrays"]], names)


class Unsupported(Case):
    def setUp(self):
        super().setUp()
        self.file = self.write("u.npz", npz({
            "x.npy": npy("<i4", (2,), struct.pack("<2i", 1, 2)), "readme.txt": b"hello",
            "t.npy": npy("<M8[s]", (1,), bytes(8)), "y.npy": npy("|i1", (1,), b"\5")}))

    def test_is_listed_and_the_others_are_read(self):
        arrays = {array["name"]: array for array in self.list_json(self.file, "--crc32")["arrays"]}
        self.assertEqual([(name, array["dtype"], array["crc32"]) for name, array in arrays.items()], [
            ("x", "int32", crc32(struct.pack("<2i", 1, 2))), ("t", "unsupported", None),
            ("y", "int8", crc32(b"\5"))])

    def test_without_reading(self):
        result = run("ls", self.file)
        self.assertEqual((result.status, result.err), (0, ""))
        self.assertIn("<M8[s]", result.out)
        self.assertIn("3 arrays, 1 other member", result.out)


class Human(Case):
    def test_long_name_does_not_widen_other_rows(self):
        names = ["a", "bc", "x" * 60000]
        path = self.write("w.safetensors", safetensors({name: ("I8", (1,), b"x") for name in names}))
        lines = run("ls", path).out.splitlines()[1:]
        self.assertEqual([line.split() for line in lines], [[name, "int8", "(1,)", "1", "B"] for name in names])
        self.assertEqual([len(line) < 100 for line in lines], [True, True, False])
        self.assertEqual(lines[0].index("int8"), lines[1].index("int8"))

    def test_table(self):
        path = self.write("t.safetensors", safetensors(
            {"weight": ("F32", (2, 3), bytes(24)), "b": ("BOOL", (), b"\1")}, {"k": "v"}))
        self.assertEqual(run("ls", path).out, f"{path}: safetensors, 2 arrays, 25 B\n"
                         "  weight  float32  (2, 3)  24 B\n"
                         "  b       bool     ()      1 B\n"
                         '  k = "v"\n')
        self.assertIn("24 B  " + crc32(bytes(24)) + "\n", run("ls", "--crc32", path).out)

    def test_no_arrays(self):
        path = self.write("e.gguf", gguf({}))
        self.assertEqual(run("ls", path).out, f"{path}: gguf, 0 arrays, 0 B\n")

    def test_long_values_are_cut(self):
        path = self.write("m.gguf", gguf({}, [("s", "str", "x" * 1000), ("l", ["u16"], list(range(100)))]))
        lines = run("ls", path).out.splitlines()
        self.assertEqual(lines[1], '  s = "' + "x" * 76 + "...")
        self.assertEqual(lines[2], '  l = [0,1,2,3,4,5,"... 94 more"]')

    def test_control_characters_are_escaped(self):
        path = self.write("c.safetensors", safetensors({"a\x1b[31mb\u202e\u009b\n": ("U8", (1,), b"x")},
                                                       {"k\x1b": "\x1b[2J"}))
        out = run("ls", path).out
        self.assertIn("a\\x1b[31mb\\xe2\\x80\\xae\\xc2\\x9b\\n", out)
        self.assertIn('k\\x1b = "\\u001b[2J"', out)
        self.assertNotIn("\x1b", out)

    def test_sizes(self):
        for count, text in ((1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (2**20 - 1, "1023 KiB"),
                            (2**21, "2.0 MiB")):
            path = self.write("s.npy", npy("|u1", (count,), bytes(count)))
            self.assertIn(f"({count},)  {text}\n", run("ls", path).out)


class Failures(Case):
    def test_the_others_are_listed_and_the_worst_status_counts(self):
        good = self.write("g.npy", npy("|u1", (1,), b"x"))
        bad = self.write("b.npy", npy("<f4", (2,), bytes(7)))
        missing = self.path("missing.npy")
        result = run("ls", "--json", bad, good, missing)
        self.assertEqual(result.status, 3)
        self.assertEqual([listing["path"] for listing in result.json()], [good])
        self.assertEqual(len(result.lines), 2)
        self.assertTrue(result.lines[0].startswith(f"tensorfile: {bad}: truncated: "))
        self.assertTrue(result.lines[1].startswith(f"tensorfile: {missing}: io: "))
        self.assertEqual(run("ls", bad, good).status, 1)

    def test_the_path_is_printed_once(self):
        for name in ("m" * 100 + ".npy", "tab\t.npy", "missing.npy"):
            path = self.path(name)
            self.assertEqual(run("ls", path).err.count(name.replace("\t", "\\t")), 1)

    def test_damage_found_only_by_reading(self):
        data = bytearray(npz({"x.npy": npy("|u1", (4,), b"abcd"), "y.npy": npy("|u1", (1,), b"z")}))
        data[data.index(b"abcd")] ^= 1
        path = self.write("d.npz", data)
        self.assertEqual(run("ls", path).status, 0)
        result = run("ls", "--json", "--crc32", path)
        self.assert_refused(result, path, "corrupt", "'x'")
        self.assertEqual([array["crc32"] for array in result.json()[0]["arrays"]], [None, crc32(b"z")])


class Large(Case):
    """Arrays that are read in pieces."""

    def sparse(self, name, head, nbytes, marks):
        path = self.folder / name
        with path.open("wb") as file:
            file.write(head)
            file.truncate(len(head) + nbytes)
            for offset, byte in marks.items():
                file.seek(len(head) + offset)
                file.write(bytes([byte]))
        with path.open("rb") as file:
            file.seek(len(head))
            return str(path), crc32(file.read(nbytes))

    def test_one_dimension(self):
        nbytes = (17 << 20) + 5
        path, expected = self.sparse("a.npy", npy("|u1", (nbytes,), b""), nbytes, {0: 1, 8 << 20: 2, nbytes - 1: 3})
        self.assertEqual(self.list_json(path, "--crc32")["arrays"][0]["crc32"], expected)

    def test_rows_and_planes(self):
        for shape in ((3, 5 << 20), (2, 3, 1 << 20, 2), (1, 1, 9 << 20, 1), (9 << 20, 2), (2, 9 << 20)):
            nbytes = math.prod(shape)
            marks = {at * nbytes // 7: at + 1 for at in range(7)}
            path, expected = self.sparse("a.npy", npy("|i1", shape, b""), nbytes, marks)
            self.assertEqual(self.list_json(path, "--crc32")["arrays"][0]["crc32"], expected, shape)

    def test_blocks(self):
        rows, columns = 3, 4 << 20
        nbytes = rows * columns // 32 * 34
        head = gguf({"q": (GGML_Q8_0, (rows, columns), b"")})
        path, expected = self.sparse("q.gguf", head, nbytes, {5: 1, nbytes // 2: 2, nbytes - 1: 3})
        self.assertEqual(self.list_json(path, "--crc32")["arrays"][0]["crc32"], expected)


class Golden(unittest.TestCase):
    def test_agrees_with_the_writers(self):
        checked = 0
        for entry in json.loads((GOLDEN_DIR / "manifest.json").read_text())["files"]:
            if entry["expect"] != "ok":
                continue
            with self.subTest(entry["file"]):
                result = run("ls", "--json", "--crc32", GOLDEN_DIR / entry["file"])
                self.assertEqual((result.status, result.err), (0, ""))
                listing = result.json()[0]
                self.assertEqual(listing["format"], entry["format"].removesuffix("-index"))
                listed = {array.pop("name"): array for array in listing["arrays"]}
                self.assertEqual(listed, {array["name"]: {
                    "dtype": array["dtype"], "shape": array["shape"], "nbytes": array["nbytes"],
                    "crc32": array.get("crc32", array.get("raw_crc32"))} for array in entry["arrays"]})
                if "metadata" in entry:
                    self.assertEqual(listing["metadata"], entry["metadata"])
                if "kv" in entry:
                    self.check_values(listing["metadata"], entry["kv"])
                checked += 1
        self.assertGreater(checked, 130)

    def test_parts(self):
        parts = [GOLDEN_DIR / "gguf" / f"split-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
        alone = [run("ls", "--json", "--crc32", part).json()[0]["arrays"] for part in parts]
        for part in parts:
            result = run("ls", "--json", "--crc32", "--parts", part)
            self.assertEqual((result.status, result.err), (0, ""))
            self.assertEqual(result.json()[0]["arrays"], alone[0] + alone[1] + alone[2])

    def check_values(self, metadata, expected):
        self.assertEqual(sorted(metadata), sorted(key for key, _, _ in expected))
        for key, kind, value in expected:
            if kind in ("FLOAT32", "ARRAY[FLOAT32]"):
                shown = metadata[key] if isinstance(value, list) else [metadata[key]]
                wanted = value if isinstance(value, list) else [value]
                self.assertEqual(floats(*shown), floats(*wanted))
            else:
                self.assertEqual(metadata[key], value)
                self.assertEqual(type(metadata[key]), type(value))


class Notes(Case):
    def test_one_file_of_a_set_without_a_number(self):
        note = "this is one file of a set; --parts opens all of them"
        [x, y] = [self.write(name + ".safetensors", safetensors({name: ("I8", (1,), b"x")})) for name in "xy"]
        self.assertEqual(run("ls", x).err, "")
        index = self.write("m.safetensors.index.json", b'{"weight_map": {"x": "x.safetensors", "y": "y.safetensors"}}')
        for command in (["ls", x], ["stat", x], ["check", x], ["convert", x, self.path("out.npz")]):
            result = run(*command)
            self.assertEqual((result.status, result.err), (0, f"tensorfile: {x}: note: {note}\n"), command)
        self.assertEqual(run("ls", "--json", x).json()[0]["notes"], [note.replace("--parts", "TF_OPTION_PARTS")])
        for command in (["ls", "--parts", x], ["ls", index], ["ls", self.folder]):
            self.assertEqual(run(*command).err, "", command)
        # The note does not depend on the other files.
        os.remove(y)
        self.assertEqual(run("ls", x).err, f"tensorfile: {x}: note: {note}\n")

    def test_a_renamed_part_of_a_gguf(self):
        part = (GOLDEN_DIR / "gguf" / "split-00002-of-00003.gguf").read_bytes()
        path = self.write("renamed.gguf", part)
        for command in ("ls", "check"):
            result = run(command, path)
            self.assertEqual((result.status, result.err), (0, (
                f"tensorfile: {path}: note: this is part 2 of 3, as its metadata say; its name would have to end in "
                "-00002-of-00003.gguf for --parts to find the others\n")))


if __name__ == "__main__":
    main()
