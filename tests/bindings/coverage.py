#!/usr/bin/env python3
"""Compares the ABI's functions with those that each binding's hand-written layer reaches.

usage: coverage.py [ROOT]

A function of src/api/symbols.txt that the layer of a language does not use is a hole, unless a line of
bindings/LANGUAGE/not-covered.txt, "tf_x: reason", says why the language does without. Lines without a reason, and
those of functions that are used or that do not exist, fail, too. Languages without a package are passed over.

First it checks itself, on a made-up tree with every such defect.
"""

import re
import sys
import tempfile
from pathlib import Path

C_COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
C_CALL = r"\b{name}\s*\("


def camel(name):
    """tf_array_copy_from: ArrayCopyFrom."""
    return "".join(part.capitalize() for part in name.split("_")[1:])


class Layer:
    """The sources of a language's hand-written layer, and how a function looks in them."""

    def __init__(self, folder, sources, native, patterns, cut=None):
        self.folder = folder
        self.sources = sources  # globs in folder: the layer in its own language
        self.native = native  # globs in the root: C written by hand, which calls functions by their own names
        self.patterns = patterns  # of a use in sources; {name}, {Camel} and {camel} stand for the function
        self.cut = cut  # from where on a source is tests

    def uses(self, root):
        """The text to look in: of the layer, and of its C."""
        def read(base, globs):
            texts = []
            for glob in globs:
                for path in sorted(base.glob(glob)):
                    if path.name.endswith("_test.go") or path.name == "tensorfile.cpp":
                        continue
                    text = C_COMMENTS.sub("", path.read_text(encoding="utf-8"))
                    texts.append(self.cut.split(text)[0] if self.cut else text)
            return "\n".join(texts)
        return read(root / self.folder, self.sources), read(root, self.native)

    def reached(self, root, names):
        layer, native = self.uses(root)
        found = set()
        for name in names:
            forms = {"name": name, "Camel": camel(name), "camel": camel(name)[0].lower() + camel(name)[1:]}
            if any(re.search(pattern.format(**forms), layer) for pattern in self.patterns) or re.search(
                    C_CALL.format(**forms), native):
                found.add(name)
        return found


LAYERS = {
    "rust": Layer("bindings/rust/tensorfile/src", ["**/*.rs"], [], [r"\b{name}\b"],
                  re.compile(r"#\[cfg\((?:test|doctest)\)\]\s*(?:pub )?(?:mod|struct)")),
    "go": Layer("bindings/go", ["*.go"], ["bindings/go/internal/capi/call.c"], [r"\bcapi\.{Camel}\b"]),
    "java": Layer("bindings/java/src/main/java", ["**/*.java"],
                  ["bindings/swig/java.i"], [r"\bTensorfileNative(?:\.|::){name}\b"]),
}


def excused(path):
    """The functions of a not-covered.txt, each with its reason."""
    if not path.exists():
        return {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {name.strip(): reason.strip() for name, _, reason in (line.partition(":") for line in lines)}


def defects(root):
    names = (root / "src/api/symbols.txt").read_text(encoding="utf-8").split()
    for language, layer in LAYERS.items():
        package = root / "bindings" / language
        if not package.is_dir():
            continue
        reached = layer.reached(root, names)
        excuses = excused(package / "not-covered.txt")
        for name in names:
            if name not in reached and name not in excuses:
                yield f"{language}: {name} is not reached: use it, or say why not in bindings/{language}/not-covered.txt"
        for name, reason in excuses.items():
            if name not in names:
                yield f"{language}: not-covered.txt names {name}, which is no function"
            elif name in reached:
                yield f"{language}: not-covered.txt names {name}, which is reached"
            elif not reason:
                yield f"{language}: not-covered.txt gives no reason for {name}"


def check_itself():
    files = {
        "src/api/symbols.txt": "tf_array_new\ntf_array_wrap\ntf_error_message\ntf_load\ntf_x_y\ntf_z\n",
        "bindings/rust/tensorfile/src/lib.rs":
            "use sys::tf_array_new; // tf_load\nhandle!(tf_array_wrap);\n#[cfg(test)]\nmod tests { sys::tf_z(); }\n",
        "bindings/rust/not-covered.txt":
            "tf_load: a reason\ntf_error_message: a reason\ntf_x_y:\ntf_array_wrap: a reason\ntf_gone: a reason\n",
        "bindings/go/load.go": "capi.Load(capi.ArrayNew)\n/* capi.XY() */ capi.ArrayWrapped(); capi.Z()\n",
        "bindings/go/load_test.go": "capi.XY()\n",
        "bindings/go/internal/capi/call.c": "tf_error_message();\n",
        "bindings/java/src/main/java/org/Load.java":
            "TensorfileNative.tf_load(); f(TensorfileNative::tf_array_new); TensorfileNative.tf_x_y(); Other.tf_z();\n",
        "bindings/java/src/main/native/tensorfile.h": "tf_z();\n",
        "bindings/swig/java.i": "%{ tf_error_message (); %} tf_array_wrap\n",
    }
    expected = [("rust", "tf_z", "is not reached"), ("rust", "tf_x_y", "no reason"),
                ("rust", "tf_array_wrap", "which is reached"), ("rust", "tf_gone", "no function"),
                ("go", "tf_array_wrap", "is not reached"), ("go", "tf_x_y", "is not reached"),
                ("java", "tf_array_wrap", "is not reached"), ("java", "tf_z", "is not reached")]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        found = list(defects(root))
    for language, name, what in expected:
        hits = [line for line in found if line.startswith(language + ":") and re.search(rf"\b{name}\b", line) and what in line]
        assert len(hits) == 1, f"{language}: {name} {what}: {hits}, of {found}"
    assert len(found) == len(expected), found


def main():
    check_itself()
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent.parent
    found = list(defects(root))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
