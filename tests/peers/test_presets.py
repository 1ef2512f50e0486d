"""Compares `tensorfile convert --preset`, `--imatrix` and `--tensor-type` with llama-quantize, by the types and checksums
in llama/expected.json.

usage: test_presets.py PROGRAM

llama/llama_quantize.py makes the checksums with llama-quantize itself.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent / "llama"
sys.path.insert(0, str(FOLDER))

from models import digest, models, overrides, read_tensors  # noqa: E402

PROGRAM = None
FILE = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


def imatrix_options(_model, work):
    return ["--imatrix", work / "imatrix.gguf"]


def type_options(model, _work):
    return [word for _, pattern, kind in overrides(model) for word in ("--tensor-type", f"{pattern}={kind}")]


def expected_types(model, expected, preset):
    known = {**expected["types"], **preset["others"]}
    return {name: known.get(name, preset["usual"]) for name in model.tensors}


class Presets(unittest.TestCase):
    def convert(self, work, *options):
        out = work / "out.gguf"
        subprocess.run([PROGRAM, "convert", *options, work / "in.gguf", out], check=True, stdout=subprocess.PIPE)
        return read_tensors(out)

    def compare(self, model, preset, expected, tensors, keys):
        self.assertEqual(keys, {"general.file_type": preset["file_type"], "general.quantization_version": 2})
        self.assertEqual({name: kind for name, (kind, _) in tensors.items()}, expected_types(model, expected, preset))
        for name, (kind, data) in tensors.items():
            self.assertEqual(digest(data), expected["checksums"][model.key(name)][kind], (name, kind))

    def compare_all(self, part, options_of):
        """Compares all presets of a part of the file. options_of(model, work) makes the options besides --preset."""
        self.assertEqual([model.name for model in models()], list(FILE[part]))
        for model in models():
            expected = FILE[part][model.name]
            with tempfile.TemporaryDirectory() as folder:
                work = pathlib.Path(folder)
                model.write(work / "in.gguf")
                model.write_imatrix(work / "imatrix.gguf")
                options = options_of(model, work)
                for name, preset in expected["presets"].items():
                    with self.subTest(model.name, preset=name):
                        self.compare(model, preset, expected, *self.convert(work, "--preset", name, *options))

    def test_the_models_are_the_same(self):
        for model in models():
            self.assertEqual(model.digest(), FILE["models"][model.name]["input"],
                             "another version of NumPy makes other models")

    def test_equal_llama_quantize(self):
        self.compare_all("models", lambda model, work: [])

    def test_with_an_importance_matrix(self):
        self.compare_all("weighted", imatrix_options)

    def test_with_types_of_tensors(self):
        self.compare_all("overridden", type_options)

    def test_with_types_of_tensors_and_an_importance_matrix(self):
        self.compare_all("overridden_weighted",
                         lambda model, work: imatrix_options(model, work) + type_options(model, work))


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[1])
    unittest.main(argv=[sys.argv[0]])
