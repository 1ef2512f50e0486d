"""Tests of `convert --preset`. tests/peers/test_presets.py compares the types and bytes with llama-quantize."""

from support import GGML_F32, GGML_Q8_0, floats, gguf, main, run
from test_convert import ConvertCase

MODEL = [("general.architecture", "str", "llama"), ("llama.block_count", "u32", 2)]
# Every K type that a rule can choose has a name here.
SHAPES = {"blk.0.attn_q.weight": (2, 256), "blk.0.attn_v.weight": (2, 256), "blk.1.attn_v.weight": (2, 64),
          "blk.0.attn_norm.weight": (256,), "output.weight": (2, 256)}


def model(metadata, **types):
    tensors = {name: (GGML_F32, shape, bytes(4 * shape[0] * (*shape, 1)[1])) for name, shape in SHAPES.items()}
    return gguf({**tensors, **types}, metadata)


class Preset(ConvertCase):
    def convert(self, *options, metadata=MODEL, out="out.gguf"):
        result = run("convert", *options, self.write("in.gguf", model(metadata)), self.path(out))
        self.assertEqual((result.status, result.err), (0, ""))
        listing = self.list_json(self.path(out))
        return result.out.splitlines(), {array["name"]: array["dtype"] for array in listing["arrays"]}, listing["metadata"]

    def test_prints_a_decision_for_each_array_and_sets_the_file_type(self):
        lines, dtypes, metadata = self.convert("--preset", "q4_k_m")
        self.assertEqual(lines, [
            "blk.0.attn_q.weight: float32 -> q4_k",
            "blk.0.attn_v.weight: float32 -> q4_k",
            "blk.1.attn_v.weight: float32 -> q8_0",
            "blk.0.attn_norm.weight: float32, kept: presets do not encode it",
            "output.weight: float32 -> q6_k",
        ])
        self.assertEqual(dtypes["blk.1.attn_v.weight"], "q8_0")
        # llama.cpp's number of Q4_K_M, and the version of ggml's block types.
        self.assertEqual((metadata["general.file_type"], metadata["general.quantization_version"]), (15, 2))

    def test_metadata_that_the_user_sets(self):
        lines, _, metadata = self.convert("--preset", "Q8_0", "--set", "general.architecture=x", "--set",
                                          "x.block_count=u32:2", "--set", "general.file_type=u32:99", metadata=[])
        self.assertIn("output.weight: float32 -> q8_0", lines)
        self.assertEqual(metadata["general.file_type"], 99)
        # Also metadata that OUT does not get describe the model.
        result = run("convert", "--preset", "Q8_0", "--metadata", "drop", self.write("in.gguf", model(MODEL)),
                     self.path("dropped.gguf"))
        self.assertEqual(result.status, 0, result.err)
        self.assertIn("output.weight: float32 -> q8_0", result.out)

    def test_types_that_the_user_chooses(self):
        lines, dtypes, _ = self.convert(
            "--preset", "Q4_K_S", "--tensor-type", "*.attn_v.weight=BF16", "--tensor-type", "*.0.attn_?.weight=q5_k",
            "--tensor-type", "output.weight=q4_0", "--tensor-type", "*norm*=q4_0")
        # The first pattern that matches counts, and norms are never encoded.
        self.assertEqual(list(dtypes.values()), ["q5_k", "bfloat16", "bfloat16", "float32", "q4_0"])
        self.assertIn("blk.0.attn_norm.weight: float32, kept: presets do not encode it", lines)

    def test_include_exclude_and_cast(self):
        lines, dtypes, _ = self.convert("--preset", "Q6_K", "--include", "blk.*", "--exclude", "*attn_q*", "--cast",
                                        "float16:*norm*")
        self.assertEqual(lines[0], "blk.0.attn_q.weight: float32, kept: excluded")
        self.assertEqual(lines[3], "blk.0.attn_norm.weight: float32 -> float16, not encoded: presets do not encode it")
        self.assertEqual(lines[4], "output.weight: float32, kept: not included")
        self.assertEqual(list(dtypes.values()), ["float32", "q6_k", "q8_0", "float16", "float32"])

    def test_a_model_without_the_metadata_that_the_rules_need(self):
        path = self.write("in.gguf", model([("general.architecture", "str", "x")]))
        result = run("convert", "--preset", "Q4_K_M", path, self.path("out.gguf"))
        self.assert_refused(result, path, "unsupported", "x.block_count", "--set llama.block_count=u32:32")

    def test_blocks_are_not_encoded_again(self):
        path = self.write("in.gguf", model(MODEL, **{"done.weight": (GGML_Q8_0, (2, 32), bytes(68))}))
        result = run("convert", "--preset", "Q4_K_M", path, self.path("out.gguf"))
        self.assert_refused(result, path, "unsupported", "array 'done.weight'", "is q8_0 already")
        result = run("convert", "--preset", "Q8_0", path, self.path("out.gguf"))
        self.assertIn("done.weight: q8_0, kept: already encoded", result.out)

    def imatrix(self, counts=(2,), metadata=(("general.type", "str", "imatrix"),), **sums):
        tensors = {}
        for name, values in (sums or {"blk.0.attn_q.weight": range(256)}).items():
            tensors[name + ".in_sum2"] = (GGML_F32, (len(values),), floats(*values))
            tensors[name + ".counts"] = (GGML_F32, (len(counts),), floats(*counts))
        return self.write("imatrix.gguf", gguf(tensors, metadata))

    def test_an_importance_matrix_is_described_in_the_metadata(self):
        path = self.imatrix(metadata=[("general.type", "str", "imatrix"), ("imatrix.datasets", ["str"], ["a", "b"]),
                                      ("imatrix.chunk_count", "u32", 7)])
        _, dtypes, metadata = self.convert("--preset", "IQ4_XS", "--imatrix", path)
        self.assertEqual(dtypes["blk.0.attn_q.weight"], "iq4_xs")
        self.assertEqual({key: metadata[key] for key in metadata if key.startswith("quantize.")}, {
            "quantize.imatrix.file": path, "quantize.imatrix.dataset": "a", "quantize.imatrix.entries_count": 1,
            "quantize.imatrix.chunks_count": 7})
        _, dtypes, _ = self.convert("--quantize", "q4_k", "--imatrix", path)
        self.assertEqual(dtypes["blk.0.attn_q.weight"], "q4_k")

    def test_importance_matrices_that_cannot_be_used(self):
        path = self.write("in.gguf", model(MODEL))
        for options, subject, status, text in (
                ({"metadata": ()}, "imatrix.gguf", "format", "general.type is not imatrix"),
                ({"blk.0.attn_q.weight": [float("nan")] * 256}, "imatrix.gguf", "corrupt", "element 0 is not finite"),
                ({"counts": (1, 2, 3)}, "imatrix.gguf", "corrupt", "256 elements, which are not a multiple of its 3"),
                ({"blk.0.attn_q.weight": [1] * 128}, "in.gguf", "unsupported", "128 weights for array 'blk.0.attn_q.weight'")):
            imatrix = self.imatrix(**options)
            result = run("convert", "--preset", "Q4_K_M", "--imatrix", imatrix, path, self.path("out.gguf"))
            self.assert_refused(result, self.path(subject), status, text)
        # Q2_K_S refuses what it would encode in q2_k without weights.
        result = run("convert", "--preset", "Q2_K_S", "--imatrix", self.imatrix(**{"blk.9.x.weight": [1] * 256}), path,
                     self.path("out.gguf"))
        self.assert_refused(result, path, "unsupported", "no weights for array 'blk.0.attn_", "encodes in q2_k")
        legacy = self.write("imatrix.dat", bytes(100))
        result = run("convert", "--preset", "Q4_0", "--imatrix", legacy, path, self.path("out.gguf"))
        self.assert_refused(result, legacy, "format", "llama-imatrix --in-file OLD -o NEW.gguf converts")

    def test_usage(self):
        path = self.write("in.gguf", model(MODEL))
        for options, text in ((["--preset", "Q9"], "expected Q4_0, Q4_1, "),
                              (["--preset", "Q4_0", "--quantize", "q4_0"], "--preset and --quantize"),
                              (["--imatrix", "x.gguf"], "--imatrix requires --preset or --quantize"),
                              (["--tensor-type", "x=q4_0"], "--tensor-type requires --preset"),
                              (["--preset", "Q4_0", "--tensor-type", "q4_0"], "expected PATTERN=TYPE"),
                              (["--preset", "Q4_0", "--tensor-type", "x=iq1_s"], "is not a type to encode in"),
                              (["--preset", "Q4_0", "--tensor-type", "x=q4"], "is not a type to encode in"),
                              (["--preset", "Q4_0", "--tensor-type", "x=q4_0"], "the pattern matches no array")):
            self.assert_usage(run("convert", *options, path, self.path("out.gguf")), text)


if __name__ == "__main__":
    main()
