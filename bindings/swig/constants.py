#!/usr/bin/env python3
"""Writes the constants of the header into the C++ header and the sources of the Rust, Go, Java, JavaScript and Unity
packages.

usage: constants.py TREE.xml HEADER ROOT OUT

TREE.xml is SWIG's parse tree of HEADER. Each source in REGIONS has a region for each of its enums, between the comments
"BEGIN tf_dtype: ..." and "END tf_dtype". A copy of the source with the regions replaced is written below OUT;
everything else in the source is written by hand. Names, numbers and documentation come from the header.
"""

import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from swig2rust import UNTYPED_ENUMS, Printer, Unsupported, comment_text, enum_of

WIDTH = 120
GGML = 64  # block types have ggml's number plus this
JAVA = "bindings/java/src/main/java/org/tensorfile"
EVERY_ENUM = ["tf_status", "tf_dtype", "tf_preset", "tf_format", "tf_kind", "tf_option", "tf_dtype_kind", "tf_ability",
              "tf_metadata", "tf_deflate", "tf_decode", "tf_load_mode"]

# The regions of each source, and its language.
REGIONS = [
    ("include/tensorfile.hpp", "cxx", EVERY_ENUM),
    ("bindings/rust/tensorfile/src/error.rs", "rust", ["tf_status"]),
    ("bindings/rust/tensorfile/src/dtype.rs", "rust", ["tf_dtype", "tf_format"]),
    ("bindings/rust/tensorfile/src/preset.rs", "rust", ["tf_preset"]),
    ("bindings/go/errors.go", "go", ["tf_status"]),
    ("bindings/go/dtype.go", "go", ["tf_dtype", "tf_dtype_kind", "tf_format", "tf_metadata", "tf_ability"]),
    ("bindings/go/file.go", "go", ["tf_listing"]),
    ("bindings/go/dict.go", "go", ["tf_kind"]),
    ("bindings/go/preset.go", "go", ["tf_preset"]),
    ("bindings/go/options.go", "go", ["tf_option", "tf_load_mode", "tf_deflate", "tf_decode"]),
    (f"{JAVA}/Status.java", "java", ["tf_status"]),
    (f"{JAVA}/Dtype.java", "java", ["tf_dtype"]),
    (f"{JAVA}/Format.java", "java", ["tf_format"]),
    (f"{JAVA}/Preset.java", "java", ["tf_preset"]),
    (f"{JAVA}/LoadMode.java", "java", ["tf_load_mode"]),
    (f"{JAVA}/Option.java", "java", ["tf_option"]),
    ("bindings/js/src/index.d.ts", "typescript", ["tf_dtype", "tf_format", "tf_status"]),
    ("bindings/unity/Runtime/Constants.cs", "csharp",
     ["tf_status", "tf_dtype", "tf_format", "tf_option", "tf_load_mode", "tf_kind"]),
]
# Rust, Go and JavaScript have no error for success. In JavaScript, a format is that of a file, and "unsupported" is no
# dtype.
OMITTED = {("rust", "TF_STATUS_OK"), ("go", "TF_STATUS_OK"), ("typescript", "TF_STATUS_OK"),
           ("typescript", "TF_FORMAT_AUTO"), ("typescript", "TF_FORMAT_BY_CONTENT"),
           ("typescript", "TF_DTYPE_UNSUPPORTED")}
CXX_KEYWORDS = {"auto", "bool", "float", "signed", "unsigned"}
# Go names for the C names in the documentation.
GO_LINKS = {"tf_file_type()": "Entry.TypeName", "tf_file_read_raw()": "Entry.ReadRaw", "tf_save_gguf()": "SaveGGUF"}
# Java classes and methods for the C names in the documentation.
JAVA_LINKS = {
    "tf_dict": "Metadata", "tf_file": "ArrayFile", "tf_format": "Format", "tf_options": "Options",
    "tf_writer": "ArrayWriter",
    "tf_file_read_into": "ArrayFile.Entry#readInto", "tf_load": "Tensorfile#load", "tf_load_weights": "Tensorfile#loadWeights",
    "tf_file_type": "ArrayFile.Entry#typeName", "tf_file_read_raw": "ArrayFile.Entry#readRaw",
    "tf_save_file": "Tensorfile#save", "tf_save_memory": "Tensorfile#toBytes", "tf_save_sink": "Tensorfile#saveTo",
    "tf_save_weights": "Tensorfile#saveWeights", "tf_savez": "Tensorfile#saveNpz",
    "tf_savez_compressed": "Tensorfile#saveNpzCompressed", "tf_options_set_string": "Options.Builder#set(Option, String)",
}


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


class Constant:
    def __init__(self, enum, name, value, text):
        self.enum, self.c_name, self.value = enum, name, value
        self.name = name.removeprefix(enum.upper() + "_")
        self.is_block = enum == "tf_dtype" and value > GGML
        self.is_small_float = enum == "tf_dtype" and re.search(r"_E\dM\d", name) is not None
        self.short = text if ". " in text else text.removesuffix(".")  # for the end of a line
        if self.is_block:
            self.short, text = "", f"The block type {self.name.lower()} of ggml."
        elif not text and enum == "tf_format":
            text = f"The .{self.name.lower()} format."
        elif not text and enum == "tf_preset":
            text = f"The preset {self.name}."
        elif not text:
            noun = self.name.lower().replace("_", " ")
            text = f"{'An' if noun[0] in 'aeio' else 'A'} {noun}."
        text = text[0].upper() + text[1:]
        self.text = text if text.endswith(".") else text + "."

    def cxx_name(self):
        name = self.name.lower()
        return name + "_" if name in CXX_KEYWORDS else name

    def rust_name(self):
        if self.is_block or self.enum == "tf_preset":
            # A digit at both sides needs a separator: Q4_0, but Q4K.
            return re.sub(r"(?<!\d)_|_(?!\d)", "", "_".join(part.capitalize() for part in self.name.split("_")))
        name = camel(self.name)
        name = re.sub(r"(E\dm\d)(fn)?(uz|u)?$", lambda m: m[1].upper() + (m[2] or "").capitalize()
                      + ((m[3] or "").capitalize() if m[3] == "uz" else m[3] or ""), name)
        return name.replace("Uint", "UInt").replace("Bfloat", "BFloat")

    def go_name(self):
        if self.enum == "tf_status":
            return "Err" + {"IO": "IO"}.get(self.name, camel(self.name))
        if self.enum == "tf_preset":
            return "Preset" + {"NONE": "None"}.get(self.name, self.name)
        if self.enum == "tf_kind":
            return "Kind" + {"STRING_LIST": "List"}.get(self.name, camel(self.name))
        if self.enum == "tf_format":
            return self.name if len(self.name) < 5 and self.name != "AUTO" else camel(self.name)
        if self.enum == "tf_dtype_kind":
            return ("No" if self.name == "NONE" else camel(self.name)) + "Kind"
        if self.enum == "tf_metadata":
            names = {"NONE": "No", "STRINGS": "String", "STRING_LISTS": "Strings"}
            return names.get(self.name, camel(self.name)) + "Metadata"
        if self.enum == "tf_dtype":
            if self.is_block:
                return self.name
            return re.sub(r"E\dm\d\w*", lambda m: m[0].upper(), camel(self.name)).replace("Bfloat", "BFloat")
        prefix = camel(self.enum.removeprefix("tf_"))
        return prefix[0].lower() + prefix[1:] + camel(self.name)

    def csharp_name(self):
        return self.name if self.is_block or self.name == "IO" else camel(self.name)


def cxx_region(constants, indent):
    return [f"{indent}{constant.cxx_name()} = {constant.c_name}," for constant in constants]


def rust_region(constants, indent):
    out = []
    for constant in constants:
        text = constant.text.replace("NULL", "null")
        out += textwrap.wrap(text, WIDTH, initial_indent=f"{indent}/// ", subsequent_indent=f"{indent}/// ")
        out.append(f"{indent}{constant.rust_name()} = {constant.c_name},")
    return out


def go_type(enum):
    return {"tf_status": "Status", "tf_dtype": "Dtype", "tf_format": "Format", "tf_kind": "Kind",
            "tf_preset": "Preset", "tf_dtype_kind": "DtypeKind", "tf_metadata": "MetadataKind"}.get(enum, "")


def go_text(text):
    for c_name, go_name in GO_LINKS.items():
        text = text.replace(c_name, go_name)
    if re.search(r"\b(?:tf|TF)_", text):
        sys.exit(f"constants.py: GO_LINKS has no Go name for one of C in: {text}")
    return text.replace("NULL", "nil")


def go_lines(constants, kind, indent):
    """Constants as gofmt aligns them, with the comments of the header at the ends of the lines."""
    width = max(len(constant.go_name()) for constant in constants)
    digits = max(len(str(constant.value)) for constant in constants)
    lines = [f"{indent}{constant.go_name():{width}} {kind + ' ' if kind else ''}= {constant.value:<{digits}}"
             + (f" // {go_text(constant.short)}" if kind and constant.short else "") for constant in constants]
    return [line.rstrip() for line in lines]


def go_region(constants, indent):
    enum = constants[0].enum
    kind = go_type(enum)
    if not kind or enum in ("tf_dtype_kind", "tf_metadata"):
        return go_lines(constants, kind, indent)
    out = []
    if enum == "tf_dtype":
        blocks = [constant for constant in constants if constant.is_block]
        return [*go_lines([constant for constant in constants if not constant.is_block], kind, indent),
                f"{indent}// The block types of ggml. Their data are whole blocks, little-endian on every machine.",
                *go_lines(blocks, kind, indent)]
    for constant in constants:
        text = go_text(constant.text)
        out += textwrap.wrap(text, WIDTH, initial_indent=f"{indent}// ", subsequent_indent=f"{indent}// ")
        out.append(f"{indent}{constant.go_name()} {kind} = {constant.value}")
    return out


def java_text(text):
    enums = {"TF_STATUS_": "Status", "TF_DTYPE_": "Dtype", "TF_FORMAT_": "Format", "TF_OPTION_": "Option",
             "TF_LOAD_MODE_": "LoadMode"}
    text = text.replace("NULL", "null").replace("INT64_MAX", "{@link Long#MAX_VALUE}").replace("int64_t", "long")
    text = re.sub(r"&", "&amp;", text)
    # Java sets these values by name, or by a method.
    text = re.sub(r"(?:::)?TF_(?:DEFLATE|DECODE)_\w+ \((\"\w+\"), the default\)", r"\1 (the default)", text)
    text = re.sub(r"(?:::)?TF_(?:DEFLATE|DECODE)_\w+ \((\"\w+\")\)", r"\1", text)
    text = re.sub(r"(?:::)?TF_DEFLATE_ZLIB", "{@link Options.Builder#zlib}", text)
    text = re.sub(r"(?<!\w)(?:::)?(TF_(?:STATUS|DTYPE|FORMAT|OPTION|LOAD_MODE)_)(\w+)",
                  lambda m: f"{{@link {enums[m[1]]}#{m[2]}}}", text)
    text = re.sub(r"(?<!\w)(?:::)?(TF_\w+)", r"{@code \1}", text)
    return re.sub(r"(?<!\w)(?:::)?(tf_\w+)(?:\(\))?",
                  lambda m: f"{{@link {JAVA_LINKS[m[1]]}}}" if m[1] in JAVA_LINKS else f"{{@code {m[1]}}}", text)


def java_region(constants, indent):
    out = []
    for constant in constants:
        text = java_text(constant.text)
        line = f"{indent}/** {text} */"
        if len(line) <= WIDTH:
            out.append(line)
        else:
            # A link must not be broken, since its parts would be joined with the asterisk.
            whole = re.sub(r"\{@[^}]*\}", lambda m: m[0].replace(" ", "\0"), text)
            lines = textwrap.wrap(whole, WIDTH, initial_indent=f"{indent} * ", subsequent_indent=f"{indent} * ",
                                  break_long_words=False, break_on_hyphens=False)
            out += [f"{indent}/**", *(line.replace("\0", " ") for line in lines), f"{indent} */"]
        out.append(f"{indent}{constant.name}(TensorfileNativeConstants.{constant.c_name}),")
    if constants[0].enum in ("tf_dtype", "tf_option"):
        # No UNKNOWN follows.
        out[-1] = out[-1][:-1] + ";"
    return out


def csharp_text(text):
    """XML, whose names of C are those of the header: the package has no equivalent for some of them."""
    text = re.sub(r"(?:::)?(\btf_\w+(?:\(\))?|\bTF_\w+)", r"\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("NULL", "null")


def csharp_region(constants, indent):
    out = []
    for constant in constants:
        text = f"<summary>{csharp_text(constant.text)}</summary>"
        out += textwrap.wrap(text, WIDTH, initial_indent=f"{indent}/// ", subsequent_indent=f"{indent}/// ")
        out.append(f"{indent}{constant.csharp_name()} = {constant.value},")
    return out


def typescript_union(name, constants, about=None):
    comment = [f"/** {about} */"] if about else []
    return [*comment, f"export type {name} =", *(f"  | '{constant.name.lower()}'" for constant in constants[:-1]),
            f"  | '{constants[-1].name.lower()}';"]


def typescript_region(constants, indent):
    del indent
    if constants[0].enum != "tf_dtype":
        return typescript_union(camel(constants[0].enum.removeprefix("tf_")), constants)
    plain = [constant for constant in constants if not constant.is_block and not constant.is_small_float]
    return [*typescript_union("PlainDtype", plain, "Types whose elements a typed array holds."), "",
            *typescript_union("SmallFloatDtype", [constant for constant in constants if constant.is_small_float],
                              "Small floats, whose bytes are in a Uint8Array: float6 has 4 elements in 3 bytes, float4 "
                              "2 in a byte."), "",
            *typescript_union("BlockDtype", [constant for constant in constants if constant.is_block],
                              "The block types of ggml, whose bytes are in a Uint8Array.")]


def replace_region(source, path, language, constants):
    enum = constants[0].enum
    constants = [constant for constant in constants if (language, constant.c_name) not in OMITTED]
    pattern = rf"(?ms)^([ \t]*)// BEGIN {enum}:.*?^[ \t]*// END {enum}$"
    if len(re.findall(pattern, source)) != 1:
        sys.exit(f"constants.py: {path} needs one region with 'BEGIN {enum}:' and 'END {enum}'")

    def region(match):
        indent = match[1]
        lines = globals()[f"{language}_region"](constants, indent)
        begin = f"{indent}// BEGIN {enum}: generated from tensorfile.h by bindings/swig/generate.sh"
        return "\n".join([begin, *lines, f"{indent}// END {enum}"])

    return re.sub(pattern, region, source)


def without_second_names(constants):
    """Leaves out a second name for a number, such as TF_DTYPE_AS_STORED, which is for a parameter of the C functions: the
    packages have optional parameters, and their enums cannot have two names for one number."""
    first = {}
    for constant in constants:
        first.setdefault(constant.value, constant)
    return list(first.values())


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    tree, header, root, out = sys.argv[1:]
    try:
        printer = Printer(ElementTree.parse(tree).getroot(), header)
        printer.run()
    except Unsupported as error:
        sys.exit(f"constants.py: cannot translate: {error}")
    for path, language, enums in REGIONS:
        source = (Path(root) / path).read_text(encoding="utf-8")
        for enum in enums:
            constants = [Constant(enum, name, value, comment_text(printer.comments.get(name, "")))
                         for name, value in printer.values.items() if enum_of(name, [enum, *UNTYPED_ENUMS]) == enum]
            if language != "cxx":
                constants = without_second_names(constants)
                constants.sort(key=lambda constant: constant.value)  # the header groups options by topic
            source = replace_region(source, path, language, constants)
        target = Path(out) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
