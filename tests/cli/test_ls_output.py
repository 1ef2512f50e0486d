"""Tests what `tensorfile ls` prints besides its table: trees, CSV, places in the file, and the order of arrays."""

import csv
import io
import zipfile

from support import GGML_I8, Case, floats, gguf, main, npy, npz, run, safetensors

ARRAYS = {"layers.0.attn/q": ("F32", (4,), bytes(16)), "layers.0.attn/k": ("F32", (2,), bytes(8)),
          "layers.1.w": ("F32", (8,), bytes(32)), "b": ("I8", (3,), bytes(3))}


class Output(Case):
    def lines(self, *arguments):
        result = run("ls", *arguments)
        self.assertEqual((result.status, result.err), (0, ""))
        return result.out.splitlines()

    def names(self, *arguments):
        return [array["name"] for array in self.list_json(arguments[-1], *arguments[:-1])["arrays"]]

    def setUp(self):
        super().setUp()
        self.file = self.write("m.safetensors", safetensors(ARRAYS))

    def test_sort(self):
        self.assertEqual(self.names(self.file), list(ARRAYS))
        self.assertEqual(self.names("--sort", "name", self.file), sorted(ARRAYS))
        self.assertEqual(self.names("--sort", "size", self.file),
                         ["layers.1.w", "layers.0.attn/q", "layers.0.attn/k", "b"])
        header_order = {"x": ("I8", (1,), b"x"), "a": ("I8", (1,), b"a")}
        path = self.write("o.gguf", gguf({"x": (GGML_I8, (1,), b"x"), "a": (GGML_I8, (1,), b"a")}))
        self.assertEqual(self.names("--sort", "offset", path), list(header_order))
        self.assert_usage(run("ls", "--sort", "date", self.file), "--sort: expected size, name or offset")

    def test_sort_by_offset(self):
        # The directory of an archive can list its members in another order than they are stored.
        data = npz({"a.npy": npy("|i1", (1,), b"a"), "b.npy": npy("|i1", (1,), b"b")})
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            start = archive.start_dir
        record = 46 + len("a.npy")
        swapped = data[:start] + data[start + record:start + 2 * record] + data[start:start + record] + data[start + 2 * record:]
        path = self.write("o.npz", swapped)
        self.assertEqual(self.names("--sort", "offset", path), ["a", "b"])

    def test_tree(self):
        lines = self.lines("--tree", self.file)[1:]
        self.assertEqual([" ".join(line.split()) for line in lines],
                         ["b int8 (3,) 3 B", "layers. 3 arrays 56 B", "0. 2 arrays 24 B", "attn/ 2 arrays 24 B",
                          "q float32 (4,) 16 B", "k float32 (2,) 8 B", "1. 1 array 32 B", "w float32 (8,) 32 B"])
        self.assertEqual([len(line) - len(line.lstrip()) for line in lines], [2, 2, 4, 6, 8, 8, 4, 6])

    def test_sorted_tree(self):
        lines = [line.split()[0] for line in self.lines("--tree", "--sort", "size", self.file)[1:]]
        self.assertEqual(lines, ["b", "layers.", "1.", "w", "0.", "attn/", "q", "k"])
        lines = [line.split()[0] for line in self.lines("--tree", "--sort", "name", self.file)[1:]]
        self.assertEqual(lines, ["b", "layers.", "0.", "attn/", "k", "q", "1.", "w"])

    def test_a_tree_of_odd_names(self):
        deep = "a." * 1000 + "b"
        path = self.write("o.safetensors", safetensors({name: ("I8", (1,), b"x") for name in
                                                        ("", ".", "a", "a.", "..b", "\x1b[1m.x", deep)}))
        text = run("ls", "--tree", path).out
        self.assertNotIn("\x1b", text)
        self.assertIn("\\x1b[1m.", text)
        self.assertLess(max(map(len, text.splitlines())), 2200)

    def test_long(self):
        content = floats(*range(8))
        path = self.write("m.npz", npz({"a.npy": npy("<f4", (8,), content)}))
        with open(path, "rb") as file:
            offset = file.read().index(content)
        array = self.list_json(path, "--long")["arrays"][0]
        self.assertEqual({key: array[key] for key in ("offset", "alignment", "stored_bytes", "compressed")},
                         {"offset": offset, "alignment": offset & -offset, "stored_bytes": 32, "compressed": False})
        self.assertNotIn("offset", self.list_json(path)["arrays"][0])
        lines = self.lines("--long", path)
        self.assertEqual(lines[1].split(), ["name", "type", "shape", "size", "offset", "alignment", "stored", "compressed", "to"])
        self.assertEqual(lines[2].split(), ["a", "float32", "(8,)", "32", "B", str(offset), str(offset & -offset), "32", "-"])

    def test_long_of_compressed_members(self):
        member = npy("<f4", (1000,), bytes(4000))
        path = self.write("m.npz", npz({"a.npy": member}, zipfile.ZIP_DEFLATED))
        with zipfile.ZipFile(path) as archive:
            stored = archive.infolist()[0].compress_size
        array = self.list_json(path, "--long")["arrays"][0]
        self.assertEqual((array["stored_bytes"], array["compressed"]), (stored, True))
        self.assertEqual(self.lines("--long", path)[2].split()[-1], f"{stored / 40:.1f}%")

    def test_csv(self):
        arrays = {'a,"b"': ("F32", (2, 1), bytes(8)), "line\nbreak": ("I8", (1,), b"x"), "\u00e9": ("F8_E3M4", (1,), b"x")}
        path = self.write("c.safetensors", safetensors(arrays))
        out = run("ls", "--csv", path, self.file).raw.decode()
        self.assertEqual(out.count("\n"), out.count("\r\n"))
        rows = list(csv.reader(io.StringIO(out, newline=""), strict=True))
        self.assertEqual(rows[:4], [["path", "name", "type", "shape", "nbytes"],
                                    [path, 'a,"b"', "float32", "(2, 1)", "8"],
                                    [path, "line\\nbreak", "int8", "(1,)", "1"],
                                    [path, "\u00e9", "F8_E3M4", "(1,)", "1"]])
        self.assertEqual([row[1] for row in rows[4:]], list(ARRAYS))

    def test_csv_with_all_columns(self):
        rows = list(csv.reader(io.StringIO(run("ls", "--csv", "--long", "--crc32", self.file).out, newline="")))
        self.assertEqual(rows[0][5:], ["crc32", "offset", "alignment", "stored_bytes", "compressed"])
        self.assertEqual((rows[4][1], rows[4][5], rows[4][8:]), ("b", "ff41d912", ["3", "false"]))

    def test_one_kind_of_output(self):
        for pair in (("--json", "--csv"), ("--json", "--tree"), ("--csv", "--tree")):
            self.assert_usage(run("ls", *pair, self.file), "only one of --json, --csv and --tree")


if __name__ == "__main__":
    main()
