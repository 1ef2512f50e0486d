"""Compares `tensorfile convert --preset` and `--imatrix` with llama-quantize, by the types and checksums in llama/expected.json.

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

from models import digest, models, read_tensors  # noqa: E402

PROGRAM = None
FILE = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
EXPECTED = FILE["models"]
WEIGHTED = FILE["weighted"]


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

    def test_equal_llama_quantize(self):
        self.assertEqual([model.name for model in models()], list(EXPECTED))
        for model in models():
            expected = EXPECTED[model.name]
            self.assertEqual(model.digest(), expected["input"], "another version of NumPy makes other models")
            with tempfile.TemporaryDirectory() as folder:
                work = pathlib.Path(folder)
                model.write(work / "in.gguf")
                for name, preset in expected["presets"].items():
                    with self.subTest(model.name, preset=name):
                        self.compare(model, preset, expected, *self.convert(work, "--preset", name))

    def test_equal_llama_quantize_with_an_importance_matrix(self):
        for model in models():
            expected = WEIGHTED[model.name]
            with tempfile.TemporaryDirectory() as folder:
                work = pathlib.Path(folder)
                model.write(work / "in.gguf")
                model.write_imatrix(work / "imatrix.gguf")
                for name, preset in expected["presets"].items():
                    with self.subTest(model.name, preset=name):
                        options = "--preset", name, "--imatrix", work / "imatrix.gguf"
                        self.compare(model, preset, expected, *self.convert(work, *options))


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[1])
    unittest.main(argv=[sys.argv[0]])
