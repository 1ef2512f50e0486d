import os
import struct
import zipfile

from support import GGML_F32, GGML_I8, GGML_Q8_0, Case, crc32, floats, gguf, main, npy, npz, run, safetensors

ARCHITECTURE = ("general.architecture", "str", "llama")


class ConvertCase(Case):
    def convert(self, *arguments):
        result = run("convert", *arguments)
        self.assertEqual((result.status, result.out, result.err), (0, "", ""))
        return self.list_json(arguments[-1], "--crc32")

    def arrays(self, listing):
        return {array["name"]: (array["dtype"], array["shape"], array["crc32"]) for array in listing["arrays"]}


class Formats(ConvertCase):
    DATA = floats(1.5, -2, 3)

    def source(self, extension):
        if extension == "npy":
            return self.write("in.npy", npy("<f4", (3,), self.DATA))
        if extension == "npz":
            return self.write("in.npz", npz({"arr_0.npy": npy("<f4", (3,), self.DATA)}))
        if extension == "safetensors":
            return self.write("in.safetensors", safetensors({"arr_0": ("F32", (3,), self.DATA)}))
        return self.write("in.gguf", gguf({"arr_0": (GGML_F32, (3,), self.DATA)}))

    def test_each_into_each(self):
        formats = ("npy", "npz", "safetensors", "gguf")
        for source in formats:
            for target in formats:
                with self.subTest(source=source, target=target):
                    arguments = ["--set", "general.architecture=test"] if target == "gguf" else []
                    listing = self.convert(*arguments, self.source(source), self.path("out." + target))
                    self.assertEqual(listing["format"], target)
                    self.assertEqual(self.arrays(listing), {
                        "" if target == "npy" else "arr_0": ("float32", [3], crc32(self.DATA))})

    def test_extension_in_capitals(self):
        out = self.path("OUT.NPY")
        self.convert(self.source("npy"), out)
        self.assertEqual(sorted(os.listdir(self.folder)), ["OUT.NPY", "in.npy"])

    def test_format_is_detected_from_the_content(self):
        source = self.write("weights.bin", safetensors({"x": ("U8", (1,), b"x")}))
        self.assertEqual(self.arrays(self.convert(source, self.path("out.npz"))), {"x": ("uint8", [1], crc32(b"x"))})

    def test_onto_a_file_of_the_set(self):
        path = self.write("in.safetensors", safetensors({"a": ("F32", (3,), self.DATA), "b": ("F32", (3,), self.DATA)}))
        self.assertEqual(run("convert", "--part-bytes", "12", path, self.path("m.safetensors")).status, 0)
        part, index = self.path("m-00002-of-00002.safetensors"), self.path("m.safetensors.index.json")
        with open(part, "rb") as file:
            before = file.read()
        for source in ([index], ["--parts", part], [self.path("m-00001-of-00002.safetensors")]):
            self.assert_refused(run("convert", *source, part), part, "invalid_argument", "would be overwritten",
                                exit_status=3)
            with open(part, "rb") as file:
                self.assertEqual(file.read(), before)
        # Nor through a link to either of them.
        link = self.path("link.safetensors")
        os.symlink(part, link)
        self.assert_refused(run("convert", self.path("m-00001-of-00002.safetensors"), link), link, "invalid_argument",
                            "is another part of the set that", exit_status=3)
        os.remove(link)
        os.symlink(self.path("m-00001-of-00002.safetensors"), link)
        self.assert_refused(run("convert", link, part), part, "invalid_argument", "is another part of the set that", exit_status=3)
        with open(part, "rb") as file:
            self.assertEqual(file.read(), before)
        self.assert_refused(run("convert", part, part), part, "invalid_argument", "is a file that is read", exit_status=3)

    def test_one_part_does_not_replace_its_set(self):
        path = self.write("in.safetensors", safetensors({"a": ("F32", (3,), self.DATA), "b": ("F32", (3,), self.DATA)}))
        for extension in ("safetensors", "gguf"):
            out = self.path("m." + extension)
            options = ["--set", "general.architecture=x"] if extension == "gguf" else []
            self.assertEqual(run("convert", *options, "--part-bytes", "12", path, out).status, 0)
            part = self.path("m-00002-of-00002." + extension)
            before = sorted(os.listdir(self.folder))
            for bytes_of_part in ("12", "1000"):
                self.assert_refused(run("convert", "--part-bytes", bytes_of_part, part, out), out, "invalid_argument",
                                    "would ", "; write to another path", exit_status=3)
                self.assertEqual(sorted(os.listdir(self.folder)), before)
            # The whole set is cut anew next to the old one.
            other = self.path("new." + extension)
            self.assertEqual(run("convert", "--parts", "--part-bytes", "1000", part, other).status, 0)
            self.assertEqual([array["name"] for array in self.list_json(other)["arrays"]], ["a", "b"])

    def test_a_set_of_other_names_is_not_replaced_by_one_of_its_files(self):
        for name in "ab":
            self.write(name + ".safetensors", safetensors({name: ("F32", (3,), self.DATA)}))
        self.write("m.safetensors.index.json", b'{"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}')
        out = self.path("m.safetensors")
        self.assert_refused(run("convert", "--part-bytes", "12", self.path("a.safetensors"), out), out,
                            "invalid_argument", "would replace the set that", exit_status=3)

    def test_fortran_order_becomes_c_order(self):
        path = self.write("f.npy", npy("<i2", (2, 3), struct.pack("<6h", 1, 4, 2, 5, 3, 6), fortran=True))
        for option in ([], ["--map"]):
            listing = self.convert(*option, path, self.path("f.safetensors"))
            self.assertEqual(self.arrays(listing)["arr_0"], ("int16", [2, 3], crc32(struct.pack("<6h", 1, 2, 3, 4, 5, 6))))

    def test_blocks_stay_blocks(self):
        blocks = bytes(range(68))
        path = self.write("q.gguf", gguf({"q": (GGML_Q8_0, (2, 32), blocks)}, [ARCHITECTURE]))
        self.assertEqual(self.arrays(self.convert(path, self.path("out.gguf")))["q"], ("q8_0", [2, 32], crc32(blocks)))

    def test_compress(self):
        path = self.write("z.npy", npy("|u1", (100000,), bytes(100000)))
        self.convert(path, self.path("stored.npz"))
        self.convert("--compress", path, self.path("deflated.npz"))
        for name, method in (("stored.npz", zipfile.ZIP_STORED), ("deflated.npz", zipfile.ZIP_DEFLATED)):
            with zipfile.ZipFile(self.path(name)) as archive:
                self.assertEqual([info.compress_type for info in archive.infolist()], [method])
                self.assertIsNone(archive.testzip())


class Names(ConvertCase):
    def setUp(self):
        super().setUp()
        self.three = self.write("in.safetensors", safetensors(
            {"a": ("U8", (1,), b"a"), "b": ("U8", (1,), b"b"), "c": ("U8", (1,), b"c")}))

    def test_names_the_array_of_an_npy(self):
        path = self.write("in.npy", npy("|u1", (1,), b"x"))
        for name in ("layers.0.weight", ""):
            listing = self.convert("--name", name, path, self.path("out.safetensors"))
            self.assertEqual([array["name"] for array in listing["arrays"]], [name])

    def test_chooses_one_of_several(self):
        self.assertEqual(self.arrays(self.convert("--name", "b", self.three, self.path("out.npy")))[""][2], crc32(b"b"))
        self.assertEqual(list(self.arrays(self.convert("--name=c", self.three, self.path("out.npz")))), ["c"])

    def test_several_into_an_npy(self):
        out = self.path("out.npy")
        self.assert_refused(run("convert", self.three, out), out, "unsupported", "'a', 'b', 'c'", "--name")
        self.assertFalse(os.path.exists(out))

    def test_none_into_an_npy(self):
        out = self.path("out.npy")
        self.assert_refused(run("convert", self.write("e.safetensors", safetensors({})), out), out, "unsupported")

    def test_unknown_name(self):
        self.assert_usage(run("convert", "--name", "d", self.three, self.path("out.npy")), "'d'", self.three)


class Cast(ConvertCase):
    def test_floats(self):
        path = self.write("in.npz", npz({"x.npy": npy("<f4", (2,), floats(1.0, 3.14159)),
                                         "i.npy": npy("<i4", (1,), struct.pack("<i", 7))}))
        arrays = self.arrays(self.convert("--cast", "float16", path, self.path("out.npz")))
        self.assertEqual(arrays, {"x": ("float16", [2], crc32(struct.pack("<2e", 1.0, 3.14159))),
                                  "i": ("float16", [1], crc32(struct.pack("<e", 7)))})

    def test_same_dtype(self):
        path = self.write("in.npy", npy("<f4", (1,), floats(0.1)))
        self.assertEqual(self.arrays(self.convert("--cast", "float32", path, self.path("o.npy")))[""][2],
                         crc32(floats(0.1)))

    def test_lists_every_array_that_cannot_be_cast(self):
        path = self.write("in.npz", npz({"c.npy": npy("<c8", (1,), bytes(8)), "f.npy": npy("<f4", (1,), bytes(4)),
                                         "z.npy": npy("<c16", (1,), bytes(16))}))
        out = self.path("out.npz")
        result = run("convert", "--cast", "float32", path, out)
        self.assert_refused(result, out, "unsupported", "array 'c' (", "array 'z' (")
        self.assertNotIn("'f'", result.err)
        self.assertFalse(os.path.exists(out))

    def test_odd_count_of_packed_elements(self):
        path = self.write("in.npy", npy("<f4", (3,), floats(0, 1, 2)))
        out = self.path("out.safetensors")
        self.assert_refused(run("convert", "--cast", "float4_e2m1fn", path, out), out, "unsupported", "'arr_0'", "2")

    def test_packed(self):
        path = self.write("in.npy", npy("<f4", (2, 2), floats(0, 1, -6, 0.5)))
        listing = self.convert("--cast", "float4_e2m1fn", path, self.path("out.safetensors"))
        self.assertEqual(self.arrays(listing)["arr_0"], ("float4_e2m1fn", [2, 2], crc32(b"\x20\x1f")))


class Refusals(ConvertCase):
    def test_dtypes_ranks_and_names(self):
        path = self.write("in.npz", npz({
            "b.npy": npy("|b1", (1,), b"\1"), "c.npy": npy("<c16", (1,), bytes(16)), "f.npy": npy("<f4", (1,), bytes(4)),
            "five.npy": npy("|i1", (1,) * 5, b"x"), "n" * 64 + ".npy": npy("|i1", (1,), b"x")}))
        out = self.path("out.gguf")
        result = run("convert", path, out)
        self.assert_refused(result, out, "unsupported", "array 'b' (", "array 'c' (", "array 'five' (",
                            "array '" + "n" * 64 + "' (")
        self.assertNotIn("'f'", result.err)
        self.assertEqual(os.listdir(self.folder), ["in.npz"])

    def test_long_lists_are_complete(self):
        arrays = {f"array_{i:04}.npy": npy("<c16", (1,), bytes(16)) for i in range(500)}
        path = self.write("in.npz", npz(arrays))
        out = self.path("out.safetensors")
        result = run("convert", path, out)
        self.assert_refused(result, out, "unsupported")
        for name in arrays:
            self.assertIn("'" + name[:-4] + "'", result.err)

    def test_existing_target_is_kept(self):
        path = self.write("in.npy", npy("<c16", (1,), bytes(16)))
        out = self.write("out.safetensors", b"old")
        self.assertEqual(run("convert", path, out).status, 1)
        with open(out, "rb") as file:
            self.assertEqual(file.read(), b"old")

    def test_metadata_and_arrays_together(self):
        path = self.write("in.gguf", gguf({"q": (GGML_Q8_0, (32,), bytes(34)), "x": (GGML_F32, (1,), bytes(4))},
                                          [ARCHITECTURE, ("n", "u32", 7), ("l", ["str"], ["a"]),
                                           ("bad", "str", b"\xff"), ("deep", [["i8"]], [[1]])]))
        out = self.path("out.safetensors")
        result = run("convert", path, out)
        self.assert_refused(result, out, "unsupported", "array 'q' (", "metadata 'n' (", "metadata 'l' (",
                            "metadata 'bad' (", "metadata 'deep' (")
        self.assertNotIn("'x'", result.err)
        self.assertNotIn("'general.architecture'", result.err)
        result = run("convert", "--metadata", "drop", path, out)
        self.assert_refused(result, out, "unsupported", "array 'q' (")
        self.assertNotIn("metadata", result.err)

    def test_array_of_an_unknown_type(self):
        path = self.write("in.npy", npy("<U3", (1,), bytes(12)))
        self.assert_refused(run("convert", path, self.path("out.npz")), path, "unsupported")
        self.assertEqual(os.listdir(self.folder), ["in.npy"])

    def test_an_array_of_an_unknown_type_can_be_left_out(self):
        path = self.write("in.npz", npz({"o.npy": npy("|O", (1,), b"x"), "u.npy": npy("|u1", (1,), b"x")}))
        out = self.path("out.safetensors")
        self.assert_refused(run("convert", path, out), path, "unsupported", "'o'", "; --skip-unsupported leaves it out")
        result = run("convert", "--skip-unsupported", path, out)
        self.assertEqual((result.status, len(result.lines)), (0, 1), result.err)
        self.assertTrue(result.lines[0].startswith(f"tensorfile: {path}: note: left out array 'o' "), result.err)
        self.assertEqual([array["name"] for array in self.list_json(out)["arrays"]], ["u"])

    def test_bad_in(self):
        path = self.write("in.npz", b"PK\3\4")
        self.assert_refused(run("convert", path, self.path("out.npy")), path, "truncated")
        missing = self.path("missing.npy")
        self.assert_refused(run("convert", missing, self.path("out.npy")), missing, "io", exit_status=3)

    def test_out_in_a_missing_folder(self):
        path = self.write("in.npy", npy("|u1", (1,), b"x"))
        out = self.path("nowhere/out.npy")
        self.assert_refused(run("convert", path, out), out, "io", exit_status=3)

    def test_out_that_is_a_folder(self):
        path = self.write("in.npy", npy("|u1", (1,), b"x"))
        out = self.folder / "out.npy"
        out.mkdir()
        self.assert_refused(run("convert", path, out), out, "io", exit_status=3)


class Metadata(ConvertCase):
    def test_kept(self):
        metadata = [ARCHITECTURE, ("n", "u32", 7), ("f", "f64", 0.1), ("l", ["str"], ["a", "b"]), ("e", ["str"], []),
                    ("a", ["i16"], [1, -2]), ("deep", [["i8"]], [[1], [2, 3]]), ("bytes", "str", b"\xff")]
        path = self.write("in.gguf", gguf({"x": (GGML_I8, (1,), b"x")}, metadata))
        out = self.path("out.gguf")
        self.assertEqual(self.convert(path, out)["metadata"], self.list_json(path)["metadata"])
        self.assertEqual(run("diff", path, out).status, 0)

    def test_text_of_npz(self):
        text = npy("<U7", (), "neutral".encode("utf-32-le"))
        words = npy("|S2", (2,), b"a\0bc")
        path = self.write("in.npz", npz({"gender.npy": text, "x.npy": npy("|i1", (1,), b"x"), "words.npy": words}))
        metadata = {"gender": "neutral", "words": ["a", "bc"]}
        self.assertEqual(self.list_json(path)["metadata"], metadata)
        for options in ([], ["--compress"]):
            listing = self.convert(*options, path, self.path("out.npz"))
            self.assertEqual(listing["metadata"], metadata)
            self.assertEqual([array["name"] for array in listing["arrays"]], ["x"])
        self.assertEqual(self.convert("--set", "general.architecture=x", path, self.path("out.gguf"))["metadata"],
                         {**metadata, "general.architecture": "x"})
        self.assertEqual(self.convert("--metadata", "drop", path, self.path("out.npz"))["metadata"], {})

    def test_npz_gets_strings_of_other_formats_when_asked(self):
        metadata = [ARCHITECTURE, ("n", "u32", 7), ("l", ["str"], ["a", "b"])]
        path = self.write("in.gguf", gguf({"x": (GGML_I8, (1,), b"x")}, metadata))
        out = self.path("out.npz")
        self.assert_refused(run("convert", path, out), out, "unsupported", "metadata 'n' (",
                            "metadata 'l' (only with --metadata strings)", "; --metadata drop leaves it out")
        listing = self.convert("--metadata", "strings", path, out)
        self.assertEqual(listing["metadata"], {ARCHITECTURE[0]: ARCHITECTURE[2], "n": "7", "l": ["a", "b"]})

    def test_typed_metadata_become_text_when_asked(self):
        metadata = [ARCHITECTURE, ("n", "u32", 7), ("flag", "bool", True), ("f", "f32", 0.1), ("l", ["str"], ["a", "\u00e9"]),
                    ("i", ["i32"], [1, -2]), ("nested", [["u8"]], [[1], []])]
        path = self.write("in.gguf", gguf({"x": (GGML_I8, (1,), b"x")}, metadata))
        expected = {ARCHITECTURE[0]: ARCHITECTURE[2], "n": "7", "flag": "true", "f": "0.1", "l": '["a","\u00e9"]',
                    "i": "[1,-2]", "nested": "[[1],[]]"}
        out = self.path("out.safetensors")
        self.assert_refused(run("convert", path, out), out, "unsupported", "--metadata strings writes it as text")
        self.assertEqual(self.convert("--metadata", "strings", path, out)["metadata"], expected)
        listing = self.convert("--metadata", "strings", path, self.path("out.npz"))
        self.assertEqual(listing["metadata"], {**expected, "l": ["a", "\u00e9"]})
        # A format that holds every value keeps their types.
        listing = self.convert("--metadata", "strings", path, self.path("out.gguf"))
        self.assertEqual((listing["metadata"]["n"], listing["metadata"]["l"]), (7, ["a", "\u00e9"]))

    def test_metadata_of_an_npz_with_the_name_of_an_array(self):
        path = self.write("in.safetensors", safetensors({"x": ("I8", (1,), b"x"), "y": ("I8", (1,), b"y")}, {"y": "v"}))
        out = self.path("out.npz")
        self.assert_refused(run("convert", "--metadata", "strings", path, out), out, "duplicate",
                            f"array 'y' of {path} and metadata 'y' of {path} would be the same member; "
                            "--rename gives the array another name, --drop leaves it out, --delete removes the value")
        # The two can come from different files, or from an option.
        one = self.write("one.npz", npz({"a.npy": npy("|i1", (1,), b"x")}))
        two = self.write("two.npz", npz({"a.npy": npy("<U1", (), "v".encode("utf-32-le")), "b.npy": npy("|i1", (1,), b"x")}))
        self.assert_refused(run("convert", one, two, out), out, "duplicate",
                            f"array 'a' of {one} and metadata 'a' of {two} would be the same member")
        self.assert_refused(run("convert", "--set", "a=v", one, out), out, "duplicate",
                            f"array 'a' of {one} and metadata 'a' of --set would be the same member")
        self.assertFalse(os.path.exists(out))
        self.assertEqual(self.convert("--rename", "a=c", one, two, out)["metadata"], {"a": "v"})
        self.assertEqual(self.convert("--delete", "a", one, two, out)["metadata"], {})

    def metadata_of(self, *arguments):
        """Returns the metadata of the file to which inputs are converted, of which there may be notes."""
        *options, out = arguments
        result = run("convert", *options, self.path(out))
        self.assertEqual(result.status, 0, result.err)
        return run("ls", "--json", self.path(out)).json()[0]["metadata"]

    def test_a_part_of_a_gguf_becomes_a_whole_file(self):
        source = self.write("in.gguf", gguf({"a": (GGML_I8, (4,), b"abcd"), "b": (GGML_I8, (4,), b"efgh")}, [ARCHITECTURE]))
        self.assertEqual(run("convert", "--part-bytes", "4", source, self.path("m.gguf")).status, 0)
        first, second = self.path("m-00001-of-00002.gguf"), self.path("m-00002-of-00002.gguf")
        keys = {"split.no": 1, "split.count": 2, "split.tensors.count": 2}
        self.assertEqual(run("ls", "--json", second).json()[0]["metadata"], keys)
        # llama.cpp refuses a file whose keys name parts that are not there.
        for out in ("out.gguf", "out.safetensors", "out-00001-of-00002.gguf", "out-00002-of-00003.gguf"):
            self.assertEqual(self.metadata_of(second, out), {}, out)
        self.assertEqual(self.metadata_of(first, second, "both.gguf"), {ARCHITECTURE[0]: ARCHITECTURE[2]})
        self.assertEqual(self.metadata_of("--set", "split.count=u16:0", second, "out.gguf"), {"split.count": 0})
        # The same part of another set remains a part of it.
        other = self.path("q-00002-of-00002.gguf")
        self.assertEqual(self.metadata_of(second, "q-00002-of-00002.gguf"), keys)
        self.assertEqual(run("convert", first, self.path("q-00001-of-00002.gguf")).status, 0)
        self.assertEqual(run("diff", "--parts", other, source).status, 0)

    def test_strings_fit_all_formats_but_numpy(self):
        path = self.write("in.safetensors", safetensors({"x": ("I8", (1,), b"x")}, {"format": "pt", "k": "\u00e9"}))
        for out in ("out.safetensors", "out.gguf"):
            result = run("convert", path, self.path(out))
            self.assertEqual(result.status, 0)
            self.assertEqual(self.list_json(self.path(out))["metadata"], {"format": "pt", "k": "\u00e9"})
        for out in (self.path("out.npz"), self.path("out.npy")):
            self.assert_refused(run("convert", path, out), out, "unsupported", "metadata 'format' (", "metadata 'k' (")
            self.assertEqual(self.convert("--metadata", "drop", path, out)["metadata"], {})

    def test_set(self):
        path = self.write("in.npy", npy("|i1", (1,), b"x"))
        out = self.path("out.gguf")
        values = {"general.architecture": ("x", "x"), "s": ("str:u32:7", "u32:7"), "url": ("http://x", "http://x"),
                  "e": ("", ""), "eq": ("a=b", "a=b"), "t": ("bool:true", True), "n": ("bool:false", False),
                  "i8": ("i8:-128", -128), "u8": ("u8:255", 255), "i16": ("i16:-5", -5), "u16": ("u16:65535", 65535),
                  "i32": ("i32:-7", -7), "u32": ("u32:4294967295", 2**32 - 1), "i64": ("i64:-9223372036854775808", -2**63),
                  "u64": ("u64:18446744073709551615", 2**64 - 1), "f32": ("f32:0.1", 0.1), "f64": ("f64:1e300", 1e300)}
        settings = [part for key, (text, _) in values.items() for part in ("--set", f"{key}={text}")]
        listing = self.convert(*settings, path, out)
        self.assertEqual(listing["metadata"], {key: value for key, (_, value) in values.items()})
        # The bytes of the file have the requested types.
        with open(out, "rb") as file:
            data = file.read()
        for key, number, code, value in (("u16", 2, "H", 65535), ("i64", 11, "q", -2**63), ("f32", 6, "f", 0.1)):
            entry = struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I" + code, number, value)
            self.assertIn(entry, data)

    def test_set_replaces_and_survives_drop(self):
        path = self.write("in.safetensors", safetensors({}, {"a": "1", "b": "2"}))
        listing = self.convert("--set", "a=new", "--set", "c=3", path, self.path("out.safetensors"))
        self.assertEqual(listing["metadata"], {"a": "new", "b": "2", "c": "3"})
        listing = self.convert("--metadata=drop", "--set=c=3", path, self.path("out.safetensors"))
        self.assertEqual(listing["metadata"], {"c": "3"})

    def test_set_what_the_target_cannot_hold(self):
        path = self.write("in.npy", npy("|i1", (1,), b"x"))
        out = self.path("out.safetensors")
        self.assert_refused(run("convert", "--set", "n=u32:7", path, out), out, "unsupported", "metadata 'n' (")
        out = self.path("out.npz")
        self.assert_refused(run("convert", "--set", "n=u32:7", path, out), out, "unsupported", "metadata 'n' (")
        self.assertEqual(self.convert("--set", "n=x", path, out)["metadata"], {"n": "x"})

    def test_invalid_settings(self):
        path = self.write("in.npy", npy("|i1", (1,), b"x"))
        for setting in ("key", "=x", "k=u8:256", "k=u8:-1", "k=i32:1.5", "k=f32:", "k=f32:x", "k=bool:1", "k=u64: 1"):
            self.assert_usage(run("convert", "--set", setting, path, self.path("out.gguf")), "--set " + setting)

    def test_names_that_are_not_utf8(self):
        path = self.write("in.npy", npy("|i1", (1,), b"x"))
        bad = b"k\xff".decode("utf-8", "surrogateescape")
        self.assert_usage(run("convert", "--set", bad + "=x", path, self.path("out.gguf")), "k\\xff", "UTF-8")
        self.assert_usage(run("convert", "--name", bad, path, self.path("out.gguf")), "k\\xff", "UTF-8")
        listing = self.convert("--set", "k=" + bad, "--set", "general.architecture=x", path, self.path("out.gguf"))
        self.assertEqual(listing["metadata"]["k"], "k\ufffd")

    def test_alignment(self):
        path = self.write("in.npy", npy("|i1", (1,), b"x"))
        out = self.path("out.gguf")
        self.convert("--set", "general.alignment=u32:256", "--set", "general.architecture=x", path, out)
        self.assertEqual(os.path.getsize(out) % 256, 0)
        for bad in ("u32:24", "u64:64", "64"):
            result = run("convert", "--set", "general.alignment=" + bad, path, self.path("bad.gguf"))
            self.assert_refused(result, self.path("bad.gguf"), "unsupported", "metadata 'general.alignment' (")
            self.assertFalse(os.path.exists(self.path("bad.gguf")))

    def test_note_about_the_architecture(self):
        path = self.write("in.npy", npy("|i1", (1,), b"x"))
        out = self.path("out.gguf")
        result = run("convert", path, out)
        self.assertEqual((result.status, len(result.lines)), (0, 1))
        self.assertTrue(result.err.startswith(f"tensorfile: {out}: note: the metadata has no general.architecture"))
        self.assertEqual(run("convert", path, self.path("out.npz")).err, "")


class Usage(ConvertCase):
    def test_wrong_options(self):
        path = self.write("in.npy", npy("|i1", (1,), b"x"))
        out = self.path("out.npy")
        for arguments in (["--cast", "float31", path, out], ["--cast", "unsupported", path, out],
                          ["--metadata", "some", path, out], ["--compress", path, out], [path], [],
                          [path, self.path("out.txt")], [path, self.path("out")], ["--set", path, out]):
            self.assert_usage(run("convert", *arguments))
        self.assertEqual(os.listdir(self.folder), ["in.npy"])


if __name__ == "__main__":
    main()
