#!/usr/bin/env python3
"""Checks that the hand-written layer of each binding uses every function of the ABI.

usage: coverage.py [ROOT]

The layer of each language must use all functions of src/api/symbols.txt, except those for which a line
"tf_x: reason" in bindings/LANGUAGE/not-covered.txt gives a reason. Lines without a reason, and lines for functions that
are used or that do not exist, are errors. Languages without a package are skipped.

The script first tests itself on a tree that has every such error.
"""

import re
import sys
import tempfile
from pathlib import Path

C_COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
C_CALL = r"\b{name}\s*\("


def camel(name):
    """Returns ArrayCopyFrom for tf_array_copy_from."""
    return "".join(part.capitalize() for part in name.split("_")[1:])


class Layer:
    """The sources of the hand-written layer of a language, and how they refer to a function."""

    def __init__(self, folder, sources, native, patterns, cut=None):
        self.folder = folder
        self.sources = sources  # globs in folder: the sources in the language itself
        self.native = native  # globs in the root: hand-written C, which uses the names of C
        self.patterns = patterns  # references to a function, as {name}, {Camel} or {camel}
        self.cut = cut  # where the tests in a source start

    def uses(self, root):
        """Returns the text of the sources, and that of the C sources, without comments."""
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

    def used(self, root, names):
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
    "unity": Layer("bindings/unity/Runtime", ["*.cs"], [], [r"\bNative\.{name}\b"]),
}


def read_reasons(path):
    """Returns the functions in a not-covered.txt and their reasons."""
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
        used = layer.used(root, names)
        reasons = read_reasons(package / "not-covered.txt")
        for name in names:
            if name not in used and name not in reasons:
                yield f"{language}: {name} is not used: use it, or give a reason in bindings/{language}/not-covered.txt"
        for name, reason in reasons.items():
            if name not in names:
                yield f"{language}: not-covered.txt lists {name}, which does not exist"
            elif name in used:
                yield f"{language}: not-covered.txt lists {name}, which is used"
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
        "bindings/java/src/generated/c/tensorfile_jni.c": "tf_z();\n",
        "bindings/swig/java.i": "%{ tf_error_message (); %} tf_array_wrap\n",
    }
    expected = [("rust", "tf_z", "is not used"), ("rust", "tf_x_y", "no reason"),
                ("rust", "tf_array_wrap", "which is used"), ("rust", "tf_gone", "does not exist"),
                ("go", "tf_array_wrap", "is not used"), ("go", "tf_x_y", "is not used"),
                ("java", "tf_array_wrap", "is not used"), ("java", "tf_z", "is not used")]
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
