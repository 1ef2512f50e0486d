#!/usr/bin/env python3
"""Checks that tensorfile.hpp covers tensorfile.h.

usage: cxx_header.py [ROOT]

Every constant of the enumerations of the C header must be an enumerator of tensorfile.hpp, with the C name in lower
case (and a trailing underscore if that is a keyword of C++), defined by the C constant itself. Every function of
src/api/symbols.txt must be used, except those of NOT_USED.

The script first tests itself on headers that have every such error.
"""

import re
import sys
from pathlib import Path

# None: the constants are indices, which are used as they are.
ENUMERATIONS = {"TF_STATUS": "Status", "TF_DTYPE": "Dtype", "TF_FORMAT": "Format", "TF_KIND": "Kind",
                "TF_OPTION": "Option", "TF_DEFLATE": "Deflate", "TF_DECODE": "Decode", "TF_LOAD_MODE": "LoadMode",
                "TF_DTYPE_KIND": "DtypeKind", "TF_ABILITY": "Ability", "TF_METADATA": "MetadataAbility",
                "TF_PRESET": "Preset", "TF_LISTING": None}
KEYWORDS = {"auto", "bool", "float", "signed", "unsigned"}
NOT_USED = {
    "tf_array_new": "tf_array_new_with() does the same with options",
    "tf_array_item_int64": "Array::item() reads the element itself, and keeps its type",
    "tf_array_from_dlpack_unversioned": "a program of C++ has the struct of DLPack 1.0",
    "tf_array_to_dlpack_unversioned": "a program of C++ has the struct of DLPack 1.0",
    "tf_dict_get_double": "Dict::scalar() keeps the type",
    "tf_dict_get_int64": "Dict::scalar() keeps the type",
    "tf_dict_set_double": "Dict::set() keeps the type of a number",
    "tf_dict_set_int64": "Dict::set() keeps the type of a number",
}
COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def enumeration_of(constant):
    """Returns the prefix of a constant that is an enumeration, the longest one if there are several."""
    prefixes = [prefix for prefix in ENUMERATIONS if constant.startswith(prefix + "_")]
    return max(prefixes, key=len) if prefixes else None


def defects(c_header, cxx_header, functions):
    c_header = COMMENTS.sub("", c_header)
    cxx_header = COMMENTS.sub("", cxx_header)
    bodies = dict(re.findall(r"enum class (\w+) : [\w:]+ \{(.*?)\};", cxx_header, re.S))
    for body in re.findall(r"\benum \{(.*?)\}", c_header, re.S):
        for constant in re.findall(r"\b(TF_\w+) =", body):
            prefix = enumeration_of(constant)
            if prefix is None:
                yield f"{constant} belongs to no enumeration: add its prefix to ENUMERATIONS"
            elif ENUMERATIONS[prefix] is not None:
                name = constant[len(prefix) + 1:].lower()
                name += "_" if name in KEYWORDS else ""
                if not re.search(rf"\b{name} = {constant},", bodies.get(ENUMERATIONS[prefix], "")):
                    yield f"{constant} is not {ENUMERATIONS[prefix]}::{name} in tensorfile.hpp"
    for function in functions:
        used = re.search(rf"\b{function}\b", cxx_header)
        if used and function in NOT_USED:
            yield f"{function} is used: remove it from NOT_USED"
        elif not used and function not in NOT_USED:
            yield f"{function} is not used in tensorfile.hpp"


def check_itself():
    c_header = "enum {\n TF_KIND_NONE = 0, /**< TF_X = */\n TF_KIND_BOOL = 1,\n TF_KIND_Z = 2 };\nenum { TF_NEW_X = 1 };"
    cxx_header = ("enum class Kind : tf_kind { none = TF_KIND_NONE, bool_ = TF_KIND_BOOL, z = TF_KIND_NONE, };"
                  "/** tf_commented() */ tf_called(); tf_array_new();")
    assert list(defects(c_header, cxx_header, ["tf_called", "tf_commented", "tf_dict_get_int64", "tf_array_new"])) == [
        "TF_KIND_Z is not Kind::z in tensorfile.hpp",
        "TF_NEW_X belongs to no enumeration: add its prefix to ENUMERATIONS",
        "tf_commented is not used in tensorfile.hpp",
        "tf_array_new is used: remove it from NOT_USED"]


def main():
    check_itself()
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent.parent
    headers = [(root / "include" / name).read_text(encoding="utf-8") for name in ("tensorfile.h", "tensorfile.hpp")]
    functions = (root / "src/api/symbols.txt").read_text(encoding="utf-8").split()
    found = list(defects(*headers, functions))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
