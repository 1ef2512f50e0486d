"""The library and each peer that supports a format and dtype read each other's files, bit for bit.

usage: test_peers.py LIBRARY PAGE [--write]

The results make the table of dtypes and formats in PAGE, docs/formats.md. The test fails if the table differs;
--write updates it.
"""

import os
import re
import sys
import tempfile
import unittest
from ctypes import byref, c_char_p, c_int32, c_size_t, c_void_p

import numpy as np

import capi
from capi import Tensor
from peers import PEERS
from samples import ADDRESSABLE, ALL, BLOCKS, PACKED, dense, layouts, random_bytes

FORMATS = ["npy", "npz", "safetensors", "gguf"]
LIBRARY = None
PAGE = None
# (dtype, format) -> {peer: {"reads", "writes"}}, filled by the tests.
RESULTS = {}

SAFETENSORS_LACKS = ["complex128", *BLOCKS]
GGUF_HAS = ["int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", *BLOCKS]


def format_holds(dtype, format_name):
    """True if the specification of the format has the dtype."""
    if format_name in ("npy", "npz"):
        return dtype in list(ADDRESSABLE)[:15]
    if format_name == "safetensors":
        return dtype not in SAFETENSORS_LACKS
    return dtype in GGUF_HAS


def unit_tensors(dtype):
    """Tensors of a packed or block type, by layout name."""
    block, size = PACKED[dtype] if dtype in PACKED else BLOCKS[dtype][1:]
    shapes = {"vector": (block * 3,), "matrix": (4, block * 2), "rank4": (2, 3, 2, block), "empty": (0, block)}
    return {name: Tensor(dtype, shape, random_bytes(capi.count(shape) // block * size, 7).tobytes())
            for name, shape in shapes.items()}


def gguf_fits(array):
    return len(array.shape) <= 4


class Case:
    """The layouts of one dtype: as handles, as expected results, and as input for the peer's writer."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.kept = layouts(dtype) if dtype in ADDRESSABLE else unit_tensors(dtype)

    def expected(self):
        return {name: value if isinstance(value, Tensor) else Tensor(self.dtype, value.shape, dense(value))
                for name, value in self.kept.items()}

    def handle(self, name):
        value = self.kept[name]
        if isinstance(value, Tensor):
            raw = np.frombuffer(value.data, np.uint8)
            return LIBRARY.wrap(self.dtype, raw, shape=value.shape)
        return LIBRARY.wrap(self.dtype, value, strides=value.strides)


class Matrix(unittest.TestCase):
    """Every dtype in every format that can hold it, in every layout, with every peer."""

    maxDiff = 600

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def groups(self, case, format_name):
        """The layouts grouped by file: each alone for .npy; a scalar alone for .gguf."""
        if format_name == "npy":
            return [{"": name} for name in case.kept]
        if format_name == "gguf" and "scalar" in case.kept:
            return [{"scalar": "scalar"}, {name: name for name in case.kept if name != "scalar"}]
        return [{name: name for name in case.kept}]

    def check_format(self, dtype, format_name):
        case = Case(dtype)
        result = RESULTS.setdefault((dtype, format_name), {})
        for peer in PEERS:
            result[peer.name] = {way for way in ("reads", "writes") if dtype in getattr(peer, way).get(format_name, [])}
        for group in self.groups(case, format_name):
            for compress in (False, True) if format_name == "npz" else (False,):
                self.check_group(case, format_name, group, compress)

    def check_group(self, case, format_name, group, compress):
        expected = {key: case.expected()[layout] for key, layout in group.items()}
        path = self.path(f"ours.{format_name}")
        handles = {key: case.handle(layout) for key, layout in group.items()}
        LIBRARY.save(path, handles, compress=compress)
        for handle in handles.values():
            LIBRARY.lib.tf_array_release(handle)
        self.assertEqual(LIBRARY.load(path)[0], expected, f"{case.dtype} in {format_name}, read by ourselves")
        for peer in PEERS:
            # gguf-py fails on a bfloat16 scalar.
            lost = peer.name == "gguf-py" and case.dtype == "bfloat16" and "scalar" in group
            if case.dtype in peer.reads.get(format_name, []) and not lost:
                readable = peer.read(path)
                self.assertEqual(readable, expected, f"{case.dtype} in {format_name}, read by {peer.name}")
            if case.dtype in peer.writes.get(format_name, []):
                self.check_peer_writes(peer, case, format_name, group, compress)

    def check_peer_writes(self, peer, case, format_name, group, compress):
        path = self.path(f"theirs.{format_name}")
        values = {key: case.kept[layout] for key, layout in group.items()}
        if format_name == "gguf":
            # gguf-py writes a scalar as one dimension of 1, and mlx writes no strides.
            values = {key: value for key, value in values.items() if value.shape != ()}
        expected = {key: case.expected()[layout] for key, layout in group.items() if key in values}
        values = {key: value if isinstance(value, Tensor) else np.ascontiguousarray(value).reshape(value.shape)
                  if format_name in ("gguf", "safetensors") else value for key, value in values.items()}
        peer.write(path, values, compress)
        self.assertEqual(LIBRARY.load(path)[0], expected, f"{case.dtype} in {format_name}, written by {peer.name}")

    def check_refused(self, dtype, format_name):
        case = Case(dtype)
        path = self.path(f"refused.{format_name}")
        handle = case.handle("vector")
        with self.assertRaises(capi.TensorfileError) as caught:
            LIBRARY.save(path, {"" if format_name == "npy" else "w": handle})
        LIBRARY.lib.tf_array_release(handle)
        self.assertEqual(caught.exception.status, "unsupported")
        self.assertIn(dtype, caught.exception.message)
        self.assertFalse(os.path.exists(path))


def add_matrix_tests():
    for dtype in ALL:
        for format_name in FORMATS:
            def test(self, dtype=dtype, format_name=format_name):
                check = self.check_format if format_holds(dtype, format_name) else self.check_refused
                check(dtype, format_name)
            setattr(Matrix, f"test_{format_name}_{dtype}", test)


class Names(unittest.TestCase):
    """The bytes of np.save, positional names, trees and metadata, compared with the peers that have them."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def test_npy_is_byte_identical_to_np_save(self):
        for dtype in list(ADDRESSABLE)[:15]:
            for layout, array in layouts(dtype).items():
                np.save(self.path("theirs.npy"), array)
                handle = LIBRARY.wrap(dtype, array, strides=array.strides)
                LIBRARY.save(self.path("ours.npy"), {"": handle})
                LIBRARY.lib.tf_array_release(handle)
                with open(self.path("theirs.npy"), "rb") as theirs, open(self.path("ours.npy"), "rb") as ours:
                    self.assertEqual(ours.read(), theirs.read(), f"{dtype} {layout}")

    def test_positional_arrays_come_after_named_ones(self):
        values = [np.arange(3, dtype=np.int32), np.ones(2, np.float32)]
        handles = [LIBRARY.wrap(value.dtype.name, value) for value in values]
        pointers = (capi.c_void_p * 2)(*handles)
        named = LIBRARY.dict({"w": handles[1]})
        LIBRARY.call("tf_savez", self.path("a").encode(), pointers, capi.c_size_t(2), named, None)
        loaded = np.load(self.path("a.npz"))
        np.savez(self.path("b.npz"), *values, w=values[1])
        self.assertEqual(loaded.files, np.load(self.path("b.npz")).files)
        self.assertEqual(loaded.files, ["w", "arr_0", "arr_1"])

    def test_safetensors_metadata(self):
        import safetensors.numpy
        metadata = {"format": "np", "note": "hé \"quoted\"\n", "empty": ""}
        array = np.arange(4, dtype=np.uint8)
        LIBRARY.save(self.path("m.safetensors"), {"x": LIBRARY.wrap("uint8", array)}, metadata)
        with safetensors.safe_open(self.path("m.safetensors"), framework="np") as file:
            self.assertEqual(file.metadata(), metadata)
        safetensors.numpy.save_file({"x": array}, self.path("t.safetensors"), metadata)
        self.assertEqual(LIBRARY.load(self.path("t.safetensors"))[1], metadata)

    def test_safetensors_is_byte_identical_to_the_reference_but_for_alignment(self):
        import json
        import struct
        import safetensors.numpy
        arrays = {f"{dtype}.{i}": layouts(dtype)["matrix"] for dtype in ADDRESSABLE
                  if dtype not in SAFETENSORS_LACKS for i in (2, 1)}
        dense_arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        from peers import Safetensors
        Safetensors.write(self.path("theirs.safetensors"), dense_arrays)
        handles = {name: LIBRARY.wrap(name.rsplit(".", 1)[0], array) for name, array in dense_arrays.items()}
        LIBRARY.save(self.path("ours.safetensors"), handles)

        def parts(path):
            with open(path, "rb") as file:
                data = file.read()
            size = struct.unpack("<Q", data[:8])[0]
            self.assertEqual(json.loads(data[8:8 + size]).keys() - dense_arrays.keys(), set())
            return data[8:8 + size].rstrip(b" "), data[8 + size:], (8 + size) % 64

        ours, theirs = parts(self.path("ours.safetensors")), parts(self.path("theirs.safetensors"))
        self.assertEqual(ours[0], theirs[0])
        self.assertEqual(ours[1], theirs[1])
        self.assertEqual(ours[2], 0)


GGUF_SCALARS = {
    "bool": ("BOOL", True), "uint8": ("UINT8", 200), "int8": ("INT8", -7), "uint16": ("UINT16", 60000),
    "int16": ("INT16", -300), "uint32": ("UINT32", 4000000000), "int32": ("INT32", -70000),
    "float32": ("FLOAT32", 0.1), "uint64": ("UINT64", 2**63 + 5), "int64": ("INT64", -2**40),
    "float64": ("FLOAT64", 0.1),
}


class GgufMetadata(unittest.TestCase):
    """Scalars, 1-d arrays, strings and lists of strings, in the GGUF type of their dtype."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "m.gguf")
        self.values = {f"s.{dtype}": np.array(value, ADDRESSABLE[dtype]) for dtype, (_, value) in GGUF_SCALARS.items()}
        self.values |= {f"a.{dtype}": np.array([value, value], ADDRESSABLE[dtype])
                        for dtype, (_, value) in GGUF_SCALARS.items()}
        self.texts = {"general.architecture": "llama", "t.text": "hé", "t.list": ["a", "", "日本"]}

    def save(self):
        weight = np.ones((2, 3), np.float32)
        metadata = {name: LIBRARY.wrap(name.split(".")[1], value) for name, value in self.values.items()}
        LIBRARY.save(self.path, {"w": LIBRARY.wrap("float32", weight)}, metadata | self.texts)

    def test_gguf_py_reads_ours(self):
        import gguf
        self.save()
        fields = gguf.GGUFReader(self.path).fields
        for name, value in self.values.items():
            kind = gguf.GGUFValueType[GGUF_SCALARS[name.split(".")[1]][0]]
            field = fields[name]
            self.assertEqual(field.types, [kind] if value.ndim == 0 else [gguf.GGUFValueType.ARRAY, kind], name)
            parts = b"".join(field.parts[i].tobytes() for i in field.data)
            self.assertEqual(parts, value.tobytes(), name)
        for name, text in self.texts.items():
            self.assertEqual(fields[name].contents(), text)

    def write_with_gguf_py(self):
        import gguf
        writer = gguf.GGUFWriter(self.path, "llama")
        for name, value in self.values.items():
            kind = gguf.GGUFValueType[GGUF_SCALARS[name.split(".")[1]][0]]
            if value.ndim == 0:
                writer.add_key_value(name, value.item(), kind)
            else:
                writer.add_key_value(name, value.tolist(), gguf.GGUFValueType.ARRAY, kind)
        writer.add_string("t.text", "hé")
        writer.add_array("t.list", ["a", "", "日本"])
        writer.add_tensor("w", np.ones((2, 3), np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def test_we_read_gguf_py(self):
        self.write_with_gguf_py()
        metadata = LIBRARY.load(self.path)[1]
        expected = {name: Tensor(name.split(".")[1], value.shape, value.tobytes())
                    for name, value in self.values.items()}
        self.assertEqual(metadata, expected | self.texts)

    def fields(self, path):
        """The types and bytes of the values of a file, as gguf-py reads them."""
        import gguf
        return {name: (field.types, [field.parts[i].tobytes() for i in field.data])
                for name, field in gguf.GGUFReader(path).fields.items() if not name.startswith("GGUF.")}

    def test_scalars_are_set_with_their_dtype(self):
        import gguf
        lib, metadata = LIBRARY.lib, LIBRARY.dict({"general.architecture": "llama"})
        scalars = {name: value for name, value in self.values.items() if value.ndim == 0}
        for name, value in scalars.items():
            key = name.encode()
            dtype = lib.tf_dtype_from_name(name.split(".")[1].encode())
            LIBRARY.call("tf_dict_set_scalar", metadata, key, c_size_t(len(key)), c_int32(dtype),
                         c_char_p(value.tobytes()))
        LIBRARY.call("tf_save_gguf", c_char_p(self.path.encode()), LIBRARY.dict({}), metadata, None)
        fields = self.fields(self.path)
        self.assertEqual(len(scalars), 11)
        for name, value in scalars.items():
            kind = gguf.GGUFValueType[GGUF_SCALARS[name.split(".")[1]][0]]
            self.assertEqual(fields[name], ([kind], [value.tobytes()]), name)

    def test_values_keep_their_types_from_gguf_to_gguf(self):
        self.write_with_gguf_py()
        again = os.path.join(self.folder.name, "again.gguf")
        arrays, metadata = c_void_p(), c_void_p()
        LIBRARY.call("tf_load", None, byref(arrays), byref(metadata), c_char_p(self.path.encode()), None)
        LIBRARY.call("tf_save_gguf", c_char_p(again.encode()), arrays, metadata, None)
        fields = self.fields(self.path)
        self.assertGreater(len(fields), 2 * len(GGUF_SCALARS))
        self.assertEqual(self.fields(again), fields)

    @unittest.skipIf(len(PEERS) < 4, "this machine has no mlx")
    def test_mlx_reads_ours_and_we_read_mlx(self):
        import mlx.core as mx
        # MLX misreads a float64 and everything after it. It returns arrays of bool as they are.
        self.values = {name: value for name, value in self.values.items() if "float64" not in name}
        self.save()
        _, metadata = mx.load(self.path, return_metadata=True)
        for name, value in self.values.items():
            self.assertEqual(np.array(metadata[name]).tobytes(), value.tobytes(), name)
        self.assertEqual({name: metadata[name] for name in self.texts}, self.texts)
        mx.save_gguf(self.path, {"w": mx.ones((2, 3))},
                     {name: mx.array(value) for name, value in self.values.items()} | self.texts)
        expected = {name: Tensor(name.split(".")[1], value.shape, value.tobytes())
                    for name, value in self.values.items()}
        self.assertEqual(LIBRARY.load(self.path)[1], expected | self.texts)


@unittest.skipIf(len(PEERS) < 4, "this machine has no mlx")
class MlxModules(unittest.TestCase):
    """Module.save_weights and load_weights: each side reads the files of the other."""

    def setUp(self):
        import mlx.nn as nn
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.model = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Sequential(nn.Linear(3, 2, bias=False)))

    def parameters(self):
        from mlx.utils import tree_flatten
        return {name: Tensor("float32", tuple(array.shape), np.array(array).tobytes())
                for name, array in tree_flatten(self.model.parameters())}

    def nested(self):
        tree = {}
        for name, tensor in self.parameters().items():
            *path, leaf = name.split(".")
            place = tree
            for part in path:
                place = place.setdefault(part, {})
            place[leaf] = tensor
        return tree

    def test_both_ways(self):
        for extension in ("npz", "safetensors"):
            path = os.path.join(self.folder.name, f"weights.{extension}")
            self.model.save_weights(path)
            self.assertEqual(LIBRARY.load_weights(path), self.nested())

            def to_handles(tree):
                return {name: to_handles(value) if isinstance(value, dict) else
                        LIBRARY.wrap("float32", keep(value), shape=value.shape) for name, value in tree.items()}

            kept = []

            def keep(tensor):
                kept.append(np.frombuffer(tensor.data, np.float32) + 1)
                return kept[-1]

            LIBRARY.save_weights(path, to_handles(self.nested()))
            before = self.parameters()
            self.model.load_weights(path, strict=True)
            for name, tensor in self.parameters().items():
                self.assertEqual(np.frombuffer(tensor.data, np.float32).tobytes(),
                                 (np.frombuffer(before[name].data, np.float32) + 1).tobytes())
            self.model.load_weights([(name, self.model_array(tensor)) for name, tensor in before.items()])

    @staticmethod
    def model_array(tensor):
        import mlx.core as mx
        return mx.array(np.frombuffer(tensor.data, np.float32).reshape(tensor.shape))


@unittest.skipIf(len(PEERS) < 4, "this machine has no mlx")
class MlxQuantised(unittest.TestCase):
    """TF_OPTION_DECODE "mlx" converts ggml's blocks to the same arrays as mx.load."""

    def test_golden_files(self):
        from peers import Mlx
        golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "gguf")
        for name in ("py_Q4_0", "py_Q4_1", "py_Q8_0"):
            path = os.path.join(golden, name + ".gguf")
            self.assertEqual(LIBRARY.load(path, decode="mlx")[0], Mlx.read(path), name)


def cell(dtype, format_name):
    """One cell of the page's table, from the results of the tests."""
    if not format_holds(dtype, format_name):
        return "–"
    both, one = [], []
    for peer, ways in RESULTS[(dtype, format_name)].items():
        if ways == {"reads", "writes"}:
            both.append(peer)
        elif ways:
            one.append(f"{peer} ({next(iter(ways))})")
    return "✓ " + (", ".join(both + one) or "itself")


def table():
    lines = ["| dtype | .npy | .npz | .safetensors | .gguf | .gguf metadata |", "| --- | --- | --- | --- | --- | --- |"]
    for dtype in ALL:
        metadata = "–" if dtype not in GGUF_SCALARS else "✓ gguf-py" + ("" if dtype == "float64" else ", mlx")
        lines.append(f"| {dtype} | " + " | ".join(cell(dtype, name) for name in FORMATS) + f" | {metadata} |")
    return "\n".join(lines)


class ZTable(unittest.TestCase):
    """Runs last: the page's table must agree with the results of the tests above."""

    BEGIN, END = "<!-- dtype table: begin -->\n", "\n<!-- dtype table: end -->"

    @unittest.skipIf(len(PEERS) < 4, "the table names mlx, which this machine does not have")
    def test_page_has_this_table(self):
        with open(PAGE, encoding="utf-8") as file:
            text = file.read()
        found = re.search(re.escape(self.BEGIN) + "(.*?)" + re.escape(self.END), text, re.S)
        self.assertIsNotNone(found, f"{PAGE} has no comments that mark the table")
        if "--write" in sys.argv:
            with open(PAGE, "w", encoding="utf-8") as file:
                file.write(text[:found.start(1)] + table() + text[found.end(1):])
        else:
            self.assertEqual(found.group(1), table(), "run this test with --write")


if __name__ == "__main__":
    LIBRARY, PAGE = capi.Library(sys.argv[1]), sys.argv[2]
    add_matrix_tests()
    unittest.main(argv=[sys.argv[0]], verbosity=1)
