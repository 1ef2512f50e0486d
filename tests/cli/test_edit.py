"""Tests the options that choose, rename, merge and cast arrays, and those that change metadata."""

import os
import struct

from support import GGML_I8, GOLDEN_DIR, Case, floats, gguf, main, npy, npz, run, safetensors

CASES = GOLDEN_DIR / "cases"
MODEL = CASES / "drop-rename-merge" / "model.safetensors"
VAE = CASES / "drop-rename-merge" / "vae.safetensors"
METADATA = CASES / "metadata-edit" / "m.gguf"
TEMPLATE = CASES / "metadata-edit" / "template.jinja"


def gguf_entry(key, number, content):
    """The bytes of a key with a value of a type."""
    return struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", number) + content


class EditCase(Case):
    def convert(self, *arguments):
        result = run("convert", *arguments)
        self.assertEqual((result.status, result.out, result.err), (0, "", ""))
        return self.list_json(arguments[-1], "--crc32")

    def names(self, *arguments):
        return [array["name"] for array in self.convert(*arguments)["arrays"]]

    def dtypes(self, *arguments):
        return {array["name"]: array["dtype"] for array in self.convert(*arguments)["arrays"]}

    def assert_fails(self, status, *arguments, texts):
        out = self.path("failed.safetensors")
        result = run("convert", *arguments, out)
        self.assertEqual(result.status, status, result.err)
        self.assertEqual(len(result.lines), 2 if status == 2 else 1, result.err)
        for text in texts:
            self.assertIn(text, result.err)
        self.assertFalse(os.path.exists(out))


class Selecting(EditCase):
    def setUp(self):
        super().setUp()
        self.out = self.path("out.safetensors")

    def test_drop(self):
        self.assertEqual(self.names("--drop", "model_ema.*", MODEL, self.out),
                         ["_orig_mod.x", "first_stage_model.v", "model.w"])
        self.assertEqual(self.names("--drop", "model*", "--drop", "?orig*", MODEL, self.out), ["first_stage_model.v"])

    def test_only(self):
        self.assertEqual(self.names("--only", "model.*", "--only", "first*", MODEL, self.out),
                         ["first_stage_model.v", "model.w"])
        self.assertEqual(self.names("--only", "model*", "--drop", "*ema*", MODEL, self.out), ["model.w"])

    def test_rename(self):
        self.assertEqual(self.names("--only", "model.w", "--rename", "model.w=w", MODEL, self.out), ["w"])

    def test_rename_of_a_name_with_an_equals_sign(self):
        path = self.write("in.safetensors", safetensors({"a=b": ("I8", (1,), b"x")}))
        self.assertEqual(self.names("--rename", "a=b=c", path, self.out), ["c"])

    def test_rename_regex(self):
        self.assertEqual(self.names("--rename-regex", "^_orig_mod\\.(.*)=\\1", MODEL, self.out),
                         ["first_stage_model.v", "model.w", "model_ema.w", "x"])
        self.assertEqual(self.names("--only", "model.w", "--rename", "model.w=a.b.c", "--rename-regex", "\\.=/", MODEL,
                                    self.out), ["a/b/c"])

    def test_what_matches_nothing_is_an_error(self):
        for option in ("--only", "--drop"):
            self.assert_fails(2, option, "nothing*", MODEL, texts=[option, "'nothing*' matches no array"])
        self.assert_fails(2, "--rename", "no=x", MODEL, texts=["--rename 'no=x' matches no array"])
        self.assert_fails(2, "--rename-regex", "^no=x", MODEL, texts=["--rename-regex '^no=x' matches no array"])

    def test_invalid_renames(self):
        self.assert_fails(2, "--rename", "model.w", MODEL, texts=["--rename 'model.w': expected OLD=NEW"])
        self.assert_fails(2, "--rename-regex", "model", MODEL, texts=["expected REGEX=NEW"])
        self.assert_fails(2, "--rename-regex", "(=x", MODEL, texts=["--rename-regex '(=x': missing )"])
        self.assert_fails(2, "--rename-regex", "a=\\1", MODEL, texts=["--rename-regex"])

    def test_a_clash_in_one_file(self):
        self.assert_fails(1, "--rename", "model_ema.w=model.w", MODEL,
                          texts=["duplicate", "'model.w'", "'model_ema.w' of " + str(MODEL)])


class Merging(EditCase):
    def test_merge(self):
        self.assertEqual(self.names("--rename-regex", "^v=vae.v", MODEL, VAE, self.path("out.safetensors")),
                         ["_orig_mod.x", "first_stage_model.v", "model.w", "model_ema.w", "vae.v2"])

    def test_a_clash_names_both_files(self):
        other = self.write("other.safetensors", safetensors({"v2": ("I8", (1,), b"x")}))
        self.assert_fails(1, VAE, other, texts=["duplicate", "'v2'", str(VAE), other, "--rename", "--drop"])

    def test_other_formats(self):
        first = self.write("first.npz", npz({"a.npy": npy("|i1", (1,), b"x")}))
        second = self.write("second.gguf", gguf({"b": (GGML_I8, (1,), b"y")}))
        third = self.write("third.npy", npy("|i1", (1,), b"z"))
        self.assertEqual(self.names(first, second, third, self.path("out.npz")), ["a", "b", "third"])

    def test_metadata(self):
        one = self.write("one.safetensors", safetensors({"a": ("I8", (1,), b"x")}, {"format": "pt", "n": "1"}))
        two = self.write("two.safetensors", safetensors({"b": ("I8", (1,), b"x")}, {"format": "pt", "n": "2", "m": "3"}))
        out = self.path("out.safetensors")
        self.assert_fails(1, one, two, texts=["duplicate", "metadata 'n'", one, two, "--set", "--delete"])
        self.assertEqual(self.convert("--set", "n=4", one, two, out)["metadata"], {"format": "pt", "n": "4", "m": "3"})
        self.assertEqual(self.convert("--delete", "n", one, two, out)["metadata"], {"format": "pt", "m": "3"})
        self.assertEqual(self.convert("--metadata", "drop", one, two, out)["metadata"], {})

    def test_name_needs_one_input(self):
        self.assert_fails(2, "--name", "x", MODEL, VAE, texts=["--name"])


class Casting(EditCase):
    def test_casts_of_patterns(self):
        out = self.path("out.safetensors")
        self.assertEqual(self.dtypes("--cast", "float16", "--cast", "float64:model*", MODEL, out),
                         {"_orig_mod.x": "float16", "first_stage_model.v": "float16", "model.w": "float64",
                          "model_ema.w": "float64"})
        self.assertEqual(self.dtypes("--cast", "float16", "--exclude", "model*", "--include", "*w", "--include", "*x",
                                     MODEL, out),
                         {"_orig_mod.x": "float16", "first_stage_model.v": "float32", "model.w": "float32",
                          "model_ema.w": "float32"})

    def test_with_quantize(self):
        path = self.write("in.safetensors", safetensors({"m": ("F32", (2, 32), floats(*range(64))),
                                                         "v": ("F32", (2,), floats(1, 2))}))
        out = self.path("out.gguf")
        result = run("convert", "--quantize", "q8_0", "--cast", "float16", "--set", "general.architecture=x", path, out)
        self.assertEqual((result.status, result.err), (0, ""))
        self.assertEqual(result.out, "m: float32 -> q8_0\nv: float32 -> float16, not encoded: fewer than 2 dimensions\n")
        self.assertEqual({array["name"]: array["dtype"] for array in self.list_json(out)["arrays"]},
                         {"m": "q8_0", "v": "float16"})

    def test_unknown_dtype(self):
        self.assert_fails(2, "--cast", "float31:x", MODEL, texts=["--cast: unknown dtype 'float31'"])


class EditingMetadata(EditCase):
    def edited(self, *options):
        out = self.path("out.gguf")
        metadata = self.convert(*options, METADATA, out)["metadata"]
        with open(out, "rb") as file:
            return metadata, file.read()

    def test_set_keeps_the_type_of_a_key(self):
        metadata, data = self.edited("--set", "llama.context_length=8192", "--set", "tokenizer.ggml.add_bos_token=false",
                                     "--set", "general.name=u-model")
        self.assertEqual((metadata["llama.context_length"], metadata["tokenizer.ggml.add_bos_token"],
                          metadata["general.name"]), (8192, False, "u-model"))
        self.assertIn(gguf_entry("llama.context_length", 4, struct.pack("<I", 8192)), data)
        self.assertIn(gguf_entry("tokenizer.ggml.add_bos_token", 7, b"\0"), data)

    def test_an_explicit_type_wins(self):
        _, data = self.edited("--set", "llama.context_length=u64:8192")
        self.assertIn(gguf_entry("llama.context_length", 10, struct.pack("<Q", 8192)), data)

    def test_a_value_that_the_type_cannot_hold(self):
        for value in ("-1", "4294967296", "many", "1.5"):
            self.assert_fails(2, "--set", "llama.context_length=" + value, METADATA,
                              texts=["--set llama.context_length=" + value, "uint32"])
        self.assert_fails(2, "--set", "general.tags=b", METADATA, texts=["--set general.tags=b", "list of JSON"])
        self.assert_fails(2, "--set", "general.tags=[1]", METADATA, texts=["'1' is not a string"])

    def test_lists(self):
        metadata, data = self.edited("--set", 'general.tags=["b", "c\\u00e9"]', "--set", "i=list:[1, -2]",
                                     "--set", "f=list:[1, 0.1]", "--set", "w=list:[1, 4294967296]", "--set", "e=list:[]",
                                     "--set", "t=list:[true, false]", "--set", "b=u8:[1, 255]", "--set", "s=str:[1]")
        self.assertEqual({key: metadata[key] for key in ("general.tags", "i", "w", "e", "t", "b", "s")},
                         {"general.tags": ["b", "c\u00e9"], "i": [1, -2], "w": [1, 2**32], "e": [], "t": [True, False],
                          "b": [1, 255], "s": "[1]"})
        for key, number, code, values in (("i", 5, "i", [1, -2]), ("f", 6, "f", [1, 0.1]), ("w", 11, "q", [1, 2**32]),
                                          ("t", 7, "?", [True, False]), ("b", 0, "B", [1, 255])):
            content = struct.pack(f"<IQ{len(values)}{code}", number, len(values), *values)
            self.assertIn(gguf_entry(key, 9, content), data)

    def test_lists_that_are_not_valid(self):
        for value in ("list:1", "list:[1", 'list:[1, "a"]', "list:[null]", "list:[[1]]", "u8:[256]", "i8:[1.5]"):
            self.assert_fails(2, "--set", "k=" + value, METADATA, texts=["--set k=" + value.replace("\\", "")[:6]])

    def test_set_file(self):
        metadata, data = self.edited("--set-file", f"tokenizer.chat_template={TEMPLATE}")
        content = TEMPLATE.read_bytes()
        self.assertEqual(metadata["tokenizer.chat_template"], content.decode())
        self.assertIn(gguf_entry("tokenizer.chat_template", 8, struct.pack("<Q", len(content)) + content), data)
        self.assert_fails(2, "--set-file", "k=" + self.path("missing"), METADATA, texts=["--set-file", "missing"])
        self.assert_fails(2, "--set-file", "k", METADATA, texts=["--set-file k: expected KEY=PATH"])

    def test_delete(self):
        metadata, _ = self.edited("--delete", "general.name", "--delete", "general.tags")
        self.assertEqual(list(metadata), ["general.architecture", "tokenizer.chat_template", "llama.context_length",
                                          "tokenizer.ggml.add_bos_token"])
        self.assert_fails(2, "--delete", "nothing", METADATA, texts=["--delete", "'nothing'"])

    def test_set_after_drop_keeps_the_type(self):
        metadata, data = self.edited("--metadata", "drop", "--set", "general.architecture=llama",
                                     "--set", "llama.context_length=1")
        self.assertEqual(metadata, {"general.architecture": "llama", "llama.context_length": 1})
        self.assertIn(gguf_entry("llama.context_length", 4, struct.pack("<I", 1)), data)


if __name__ == "__main__":
    main()
