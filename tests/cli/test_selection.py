"""Tests the options that choose and rename arrays, for the commands besides convert."""

import struct

from support import GGML_I8, Case, floats, gguf, main, npy, npz, run, safetensors


class SelectionCase(Case):
    def setUp(self):
        super().setUp()
        self.model = self.write("model.safetensors", safetensors({
            "model.a": ("U8", (1,), b"a"), "model.b": ("U8", (2,), b"bb"), "ema.a": ("U8", (1,), b"e")}))


class Unmatched(SelectionCase):
    def test_an_option_that_matches_nothing_is_an_error(self):
        for command in (["ls"], ["ls", "--json"], ["check"], ["stat"]):
            for option in (["--only", "no*"], ["--drop", "x"], ["--rename", "x=y"], ["--rename-regex", "^x=y"]):
                result = run(*command, *option, self.model)
                self.assert_usage(result, f"{option[0]} '{option[1]}' matches no array")
        self.assert_usage(run("diff", "--only", "no*", self.model, self.model), "--only 'no*' matches no array")

    def test_one_file_of_several_is_enough(self):
        other = self.write("other.npz", npz({"x.npy": npy("|u1", (1,), b"x")}))
        for command in ("ls", "check", "stat"):
            self.assertEqual(run(command, "--only", "x", self.model, other).status, 0)
        self.assertEqual(run("diff", "--drop", "*.*", "--drop", "x", self.model, other).status, 0)

    def test_a_file_that_cannot_be_opened_is_reported_instead(self):
        missing = self.path("missing.npy")
        for command in ("ls", "check", "stat"):
            self.assert_refused(run(command, "--only", "no", missing), missing, "io", exit_status=3)


class Clashes(SelectionCase):
    def test_two_arrays_of_one_name(self):
        for command in ("ls", "check", "stat"):
            result = run(command, "--rename", "ema.a=model.a", self.model)
            self.assert_refused(result, self.model, "duplicate", "'ema.a'", "'model.a'", "--drop")
        self.assertEqual(run("diff", "--rename", "ema.a=model.a", self.model, self.model).status, 1)


class Ls(SelectionCase):
    def names(self, *options):
        return [array["name"] for array in self.list_json(self.model, *options)["arrays"]]

    def test_json(self):
        self.assertEqual(self.names("--only", "model.*"), ["model.a", "model.b"])
        self.assertEqual(self.names("--drop", "model.*", "--rename", "ema.a=x"), ["x"])
        self.assertEqual(self.names("--rename-regex", r"^(\w+)[.](\w)=\2/\1"), ["a/model", "b/model", "a/ema"])
        self.assertEqual(self.list_json(self.model, "--crc32", "--only", "model.b")["arrays"][0]["shape"], [2])

    def test_text_counts_what_is_listed(self):
        first, *rows = run("ls", "--only", "model.*", self.model).out.splitlines()
        self.assertEqual(first, f"{self.model}: safetensors, 2 of 3 arrays, 3 B")
        self.assertEqual(len(rows), 2)
        self.assertIn(" 3 arrays, 4 B", run("ls", self.model).out)


class Check(SelectionCase):
    def setUp(self):
        super().setUp()
        data = bytearray(npz({"good.npy": npy("|u1", (4,), b"good"), "bad.npy": npy("|u1", (4,), b"daMG")}))
        data[data.index(b"daMG")] ^= 1
        self.damaged = self.write("damaged.npz", data)

    def test_only_the_chosen_arrays_are_read(self):
        self.assert_refused(run("check", "--only", "bad", self.damaged), self.damaged, "corrupt", "bad")
        for option in (["--only", "good"], ["--drop", "bad"]):
            result = run("check", *option, self.damaged)
            self.assertEqual((result.status, result.out, result.err), (0, f"{self.damaged}: ok\n", ""))

    def test_arrays_of_unknown_types(self):
        path = self.write("o.npz", npz({"o.npy": npy("|O", (1,), b"x"), "u.npy": npy("|u1", (1,), b"x")}))
        self.assert_refused(run("check", "--only", "o", path), path, "unsupported", "'o'")
        result = run("check", "--only", "o", "--skip-unsupported", path)
        self.assertEqual(result.status, 0)
        self.assertTrue(result.err.startswith(f"tensorfile: {path}: note: excused: unsupported: "), result.err)
        self.assertEqual(run("check", "--drop", "o", path).err, "")

    def test_a_file_that_cannot_be_opened(self):
        path = self.write("bad.npz", b"PK\3\4")
        self.assert_refused(run("check", "--only", "x", path), path, "truncated")


class Diff(SelectionCase):
    def test_arrays_are_matched_after_renaming(self):
        other = self.write("other.gguf", gguf({"a": (GGML_I8, (1,), b"a"), "b": (GGML_I8, (2,), b"bc")}))
        self.write("a.safetensors", safetensors({"model.a": ("I8", (1,), b"a"), "model.b": ("I8", (2,), b"bb")}))
        path = self.path("a.safetensors")
        result = run("diff", "--rename-regex", "^model[.]=", path, other)
        self.assertEqual(result.status, 1)
        first, summary = result.out.splitlines()
        self.assertIn("array 'b': 1 of 2 elements differs, first at [1]", first)
        self.assertIn("1 of 2 arrays differs; ", summary)
        self.assertEqual(run("diff", "--rename-regex", "^model[.]=", "--drop", "*b", path, other).status, 0)

    def test_only_and_drop_concern_both_files(self):
        other = self.write("o.safetensors", safetensors({"model.a": ("U8", (1,), b"a"), "new": ("U8", (1,), b"n")}))
        result = run("diff", "--only", "model.a", self.model, other)
        self.assertEqual((result.status, result.out, result.err), (0, "", ""))
        result = run("diff", "--drop", "ema*", "--drop", "new", self.model, other)
        self.assertEqual(result.out.splitlines()[0], "only in A: array 'model.b' uint8 (2,)")


class Stat(SelectionCase):
    def test_rename(self):
        path = self.write("f.npz", npz({"x.npy": npy("<f4", (2,), floats(1, 3)), "y.npy": npy("<i2", (1,),
                                                                                         struct.pack("<h", 5))}))
        result = run("stat", "--json", "--only", "x", "--rename", "x=z", path)
        self.assertEqual([(array["name"], array["mean"]) for array in result.json()[0]["arrays"]], [("z", 2)])


class Merge(SelectionCase):
    def test_a_name_that_both_inputs_have(self):
        out = self.path("out.safetensors")
        for option in ([], ["--rename", "model.a=x"]):
            result = run("convert", *option, "--only", "model.a", self.model, self.model, out)
            self.assert_refused(result, self.model, "duplicate", self.model, "convert one of the files by itself first")


if __name__ == "__main__":
    main()
