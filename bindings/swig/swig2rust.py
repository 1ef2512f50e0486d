#!/usr/bin/env python3
"""Converts SWIG's parse tree of a C header to Rust declarations, and to a C file that checks them.

usage: swig2rust.py TREE.xml HEADER bindings.rs abi_check.c

Only declarations from HEADER (its name without folders) are converted. Every declaration that cannot be converted is an
error, so that nothing is missing from the result except what the interface file marks with %ignore. abi_check.c
redeclares every function and type as SWIG understood it and asserts the value of every constant: a C compiler that
accepts it together with the header confirms that SWIG parsed the header correctly.
"""

import ast
import operator
import re
import sys
import xml.etree.ElementTree as ElementTree

SCALARS = {
    "void": "c_void", "char": "c_char", "signed char": "c_schar", "unsigned char": "c_uchar",
    "short": "c_short", "unsigned short": "c_ushort", "int": "c_int", "unsigned int": "c_uint",
    "long": "c_long", "unsigned long": "c_ulong", "long long": "c_longlong",
    "unsigned long long": "c_ulonglong", "float": "f32", "double": "f64",
    "size_t": "usize", "ptrdiff_t": "isize", "int8_t": "i8", "uint8_t": "u8", "int16_t": "i16",
    "uint16_t": "u16", "int32_t": "i32", "uint32_t": "u32", "int64_t": "i64", "uint64_t": "u64",
}
KEYWORDS = {"type", "ref", "mut", "in", "fn", "let", "use", "move", "box", "match", "self", "impl", "where", "loop"}
OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.LShift: operator.lshift,
    ast.RShift: operator.rshift, ast.BitOr: operator.or_, ast.BitAnd: operator.and_, ast.BitXor: operator.xor,
}
# Enums of the header without a typedef of their own.
UNTYPED_ENUMS = ("tf_dtype_kind", "tf_metadata", "tf_load_mode", "tf_deflate", "tf_decode", "tf_listing")
WIDTH = 120


class Unsupported(Exception):
    pass


def attributes(node):
    found = node.find("attributelist")
    return {} if found is None else {item.get("name"): item.get("value") for item in found.findall("attribute")}


def parameters(node):
    found = node.find("attributelist/parmlist")
    every = [] if found is None else [attributes(item) for item in found.findall("parm")]
    return [item for item in every if item["type"] != "void"]


def split_arguments(text):
    """Returns the list of arguments in SWIG's "f(...)" type, without "void"."""
    out, depth, current = [], 0, ""
    for letter in text:
        depth += (letter in "(<") - (letter in ")>")
        if letter == "," and depth == 0:
            out.append(current)
            current = ""
        else:
            current += letter
    return [item for item in [*out, current] if item not in ("", "void")]


def take_call(text):
    """Returns ARGUMENTS and RESULT of the type "f(ARGUMENTS).RESULT"."""
    depth = 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter == ")":
            return text[2:index], text[index + 2:]
    raise Unsupported(text)


def from_header(node, header, inside=False):
    """Yields the declarations of the tree that come from the header."""
    for child in node:
        if child.tag == "include":
            name = attributes(child).get("name", "")
            yield from from_header(child, header, name.split("/")[-1] == header)
        elif child.tag in ("cdecl", "enum", "constant", "class", "classforward"):
            if inside:
                yield child
        elif child.tag not in ("attributelist", "typescope", "typetab", "typemap"):
            yield from from_header(child, header, inside)


def enum_of(constant, enums):
    """Returns the enum that a constant belongs to, by its prefix: TF_STATUS_OK is of tf_status; None if it is of none."""
    return max((enum for enum in enums if constant.startswith(enum.upper() + "_")), key=len, default=None)


def strip_stars(comment):
    """Returns the text of a doxygen comment without the stars at the start of its lines."""
    text = re.sub(r"\n[ \t]*\*?[ \t]?", "\n", "\n" + comment.strip()).strip("<\n ")
    return re.sub(r"@\}\s*", "", text)  # the end of a group, which SWIG adds to the next comment


def comment_text(comment):
    """Returns the text of a doxygen comment as one line."""
    return " ".join(strip_stars(comment).split())


def doc(found, indent=""):
    """Converts a doxygen comment to rustdoc."""
    text = strip_stars(found.get("doxygen", ""))
    if not text:
        return ""
    text = re.sub(r"@file\s+\S+\s*", "", text)
    # Indented paragraphs are code of C. Elsewhere, brackets that are not in backticks would be links.
    blocks = re.split(r"\n\n((?: {4}[^\n]*(?:\n|$))+)", text)
    return "".join(prose(block, indent) if i % 2 == 0 else code(block, indent) for i, block in enumerate(blocks))


def code(text, indent):
    lines = ["", "```c", *(line[4:] for line in text.rstrip().split("\n")), "```", ""]
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in lines)


def prose(text, indent):
    text = text.strip("\n")
    spans = text.split("`")
    spans[::2] = (re.sub(r"([\[\]])", r"\\\1", span) for span in spans[::2])
    text = "`".join(spans)
    # Each parameter becomes a list item. Its continuation lines are indented by two: with four they would be code.
    text = re.sub(r"\n {2,}", "\n  ", text)
    text = re.sub(r"\n?@param\s+(\w+(?:, \w+)*)\s+", r"\n@param \1 ", text)
    text = text.replace("\n@param", "\n\n@param", 1)
    text = re.sub(r"@param (\w+(?:, \w+)*) ", lambda m: "* " + ", ".join(f"`{p}`" for p in m[1].split(", ")) + ": ", text)
    text = re.sub(r"\s*@return\s+", "\n\nReturns ", text)
    text = re.sub(r"`?\b(tf_[a-z0-9_]+)\(\)`?", r"[`\1`]", text)
    text = re.sub(r"::(tf_\w+|TF_\w+|TENSORFILE_\w+)", r"[`\1`]", text)
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in text.split("\n"))


class Printer:
    def __init__(self, root, header):
        self.header = header
        self.nodes = [(node, attributes(node)) for node in from_header(root, header)]
        if not self.nodes:
            raise Unsupported(f"nothing from {header}")
        self.nodes = [(node, found) for node, found in self.nodes if found.get("feature_ignore") != "1"]
        # Types may be used before they are declared.
        self.types = {found["name"]: found for node, found in self.nodes
                      if node.tag == "cdecl" and found.get("storage", "").startswith("typedef")}
        # Structs that are declared in this header and defined elsewhere.
        self.structs = {"struct " + found["name"]: found["name"] for node, found in self.nodes
                        if node.tag == "classforward"}
        self.values, self.comments, self.items, self.functions, self.checks = {}, {}, [], [], []

    def rust(self, kind):
        """Converts a SWIG type to Rust."""
        if kind.startswith("p.f("):
            arguments, result = take_call(kind[2:])
            inner = ", ".join(self.rust(item) for item in split_arguments(arguments))
            return f'Option<unsafe extern "C" fn({inner}){self.result(result)}>'
        if kind.startswith("p.q(const)."):
            return "*const " + self.rust(kind[len("p.q(const)."):])
        if kind.startswith("p."):
            return "*mut " + self.rust(kind[2:])
        if kind.startswith("q(const)."):
            return self.rust(kind[len("q(const)."):])
        if kind in SCALARS:
            return SCALARS[kind]
        if kind in self.types:
            return kind
        if kind in self.structs:
            return self.structs[kind]
        raise Unsupported(f"type {kind}")

    def result(self, kind):
        return "" if kind == "void" else f" -> {self.rust(kind)}"

    def c(self, kind, inner):
        """Returns the C declaration of `inner` with a SWIG type."""
        if kind.startswith("p.f("):
            arguments, result = take_call(kind[2:])
            return self.c(result, f"(*{inner})({', '.join(self.c(item, '') for item in split_arguments(arguments))})")
        if kind.startswith("p."):
            return self.c(kind[2:], "*" + inner)
        if kind.startswith("q(const).p."):
            return self.c(kind[len("q(const)."):], "const " + inner)
        if kind.startswith("q(const)."):
            return "const " + self.c(kind[len("q(const)."):], inner)
        return f"{kind} {inner}".strip()

    def value(self, text):
        """Evaluates an integer constant expression."""
        plain = re.sub(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", text).strip()

        def evaluate(node):
            if isinstance(node, ast.Constant) and isinstance(node.value, int):
                return node.value
            if isinstance(node, ast.Name) and node.id in self.values:
                return self.values[node.id]
            if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
                return OPERATORS[type(node.op)](evaluate(node.left), evaluate(node.right))
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                return -evaluate(node.operand)
            raise Unsupported(f"constant {text}")

        return evaluate(ast.parse(plain, mode="eval").body)

    def constant_item(self, name, kind, value, comment):
        self.values[name] = value
        written = "i64::MIN" if value == -(1 << 63) else "u64::MAX" if value == (1 << 64) - 1 else str(value)
        self.items.append(f"{comment}pub const {name}: {kind} = {written};\n")
        expected = "INT64_MIN" if written == "i64::MIN" else "UINT64_MAX" if written == "u64::MAX" else written
        self.checks.append(f'_Static_assert({name} == {expected}, "{name}");')

    def opaque_item(self, found):
        self.items.append(f"\n{doc(found)}#[repr(C)]\npub struct {found['name']} {{\n    _data: [u8; 0],\n"
                          "    _marker: PhantomData<(*mut u8, PhantomPinned)>,\n}\n")

    def run(self):
        for node, found in self.nodes:
            method = getattr(self, f"print_{node.tag}", None)
            if method is None:
                raise Unsupported(f"a {node.tag} with members: {found.get('name')}")
            method(node, found)

    def print_cdecl(self, node, found):
        name, declarator, base = found["name"], found.get("decl", ""), found["type"]
        if name in self.types:
            self.print_typedef(found, declarator, base)
            return
        if not declarator.startswith("f("):
            raise Unsupported(f"variable {name}")
        every = parameters(node)
        if any(item["type"].startswith("v(") for item in every) or "..." in declarator:
            raise Unsupported(f"variable arguments of {name}")
        result = take_call(declarator)[1] + base
        self.checks.append(self.c(result, f"{name}({', '.join(self.c(item['type'], '') for item in every) or 'void'})")
                           + ";")
        named = [(item.get("name") or f"arg{index}") for index, item in enumerate(every)]
        named = [word + "_" if word in KEYWORDS else word for word in named]
        written = [f"{word}: {self.rust(item['type'])}" for word, item in zip(named, every)]
        must = "    #[must_use]\n" if "feature_rust_must_use" in self.types.get(result, {}) else ""
        line = f"    pub fn {name}({', '.join(written)}){self.result(result)};\n"
        if len(line) > WIDTH:
            inner = "".join(f"        {item},\n" for item in written)
            line = f"    pub fn {name}(\n{inner}    ){self.result(result)};\n"
        self.functions.append(doc(found, "    ") + must + line)

    def print_classforward(self, node, found):
        del node
        self.opaque_item(found)
        self.checks.append(f"struct {found['name']};")

    def print_typedef(self, found, declarator, base):
        name = found["name"]
        if base == f"struct {name}" and not declarator:
            self.opaque_item(found)
            self.checks.append(f"typedef struct {name} {name};")
            return
        self.items.append(f"\n{doc(found)}pub type {name} = {self.rust(declarator + base)};\n")
        self.checks.append(f"typedef {self.c(declarator + base, name)};")

    def print_enum(self, node, found):
        if found.get("name"):
            raise Unsupported(f"enum {found['name']}: expected an int32_t typedef and an unnamed enum")
        if comment := doc(found):
            self.items.append("\n" + comment.replace("///", "//"))
        following = 0
        for item in (attributes(item) for item in node.findall("enumitem")):
            text = item.get("enumnumval") or item.get("enumvalue")
            value = self.value(text) if text else following
            following = value + 1
            self.comments[item["name"]] = item.get("doxygen", "")
            kind = enum_of(item["name"], [*self.types, *UNTYPED_ENUMS])
            self.constant_item(item["name"], kind if kind in self.types else "c_int", value, doc(item))

    def print_constant(self, node, found):
        del node
        name = found["name"]
        if found["type"] in ("p.q(const).char", "p.char"):
            text = found["value"].strip('"')
            if not re.fullmatch(r"[\w. -]*", text):
                raise Unsupported(f"string constant {name}")
            self.items.append(f'\n{doc(found)}pub const {name}: &CStr = c"{text}";\n')
            # C cannot compare string literals at compile time, only their sizes.
            self.checks.append(f'_Static_assert(sizeof({name}) == {len(text) + 1}, "{name}");')
            return
        self.items.append("\n")
        self.constant_item(name, SCALARS[found["type"]], self.value(found["value"]), doc(found))

    def rust_file(self):
        return ("// Code generated from tensorfile.h by SWIG and bindings/swig/swig2rust.py. DO NOT EDIT.\n\n"
                "use core::ffi::*;\nuse core::marker::{PhantomData, PhantomPinned};\n"
                + "".join(self.items) + '\nunsafe extern "C" {\n' + "\n".join(self.functions) + "}\n")

    def check_file(self):
        return ("/* Code generated by swig2rust.py. DO NOT EDIT. It compiles only if SWIG parsed the header correctly. */\n"
                f'#include "{self.header}"\n\n' + "\n".join(self.checks) + "\n")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    tree, header, rust_path, check_path = sys.argv[1:]
    try:
        printer = Printer(ElementTree.parse(tree).getroot(), header)
        printer.run()
    except Unsupported as error:
        sys.exit(f"swig2rust.py: cannot translate: {error}")
    for path, text in ((rust_path, printer.rust_file()), (check_path, printer.check_file())):
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)


if __name__ == "__main__":
    main()
