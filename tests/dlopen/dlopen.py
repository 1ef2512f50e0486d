"""Tests the module of examples/python: it opens the library by its soname, uses it and closes it.

usage: dlopen.py FOLDER-OF-THE-MODULE
"""

import _ctypes
import errno
import gc
import struct
import sys
import tempfile
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import tensorfile  # noqa: E402  (found in the folder named)

ARRAYS = {"layers.0.w": numpy.arange(6, dtype=numpy.float32).reshape(2, 3).T, "layers.0.b": numpy.float16(0.5),
          "steps": numpy.array([-1, 2], numpy.int32), "big": numpy.array([1, 258], ">i4"), "none": numpy.zeros((0, 4), numpy.float64)}


def mapped():
    return "libtensorfile" in Path("/proc/self/maps").read_text(encoding="utf-8")


def types_without_numpy(folder):
    """bfloat16 is a dtype of ml_dtypes, if that is installed; a quantized array is decoded."""
    header = b'{"h":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    path = folder / "h.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + struct.pack("<2H", 0x3FC0, 0xC000))
    loaded = tensorfile.load(path)["h"]
    assert loaded.dtype.name in ("bfloat16", "float32") and loaded.astype(numpy.float32).tolist() == [1.5, -2.0], loaded
    text = b"q"
    path = folder / "q.gguf"
    info = struct.pack("<Q", len(text)) + text + struct.pack("<IQIQ", 1, 32, 8, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + info
    path.write_bytes(head + bytes(-len(head) % 32) + struct.pack("<e32b", 0.5, *range(32)) + bytes(-34 % 32))
    loaded = tensorfile.load(path)["q"]
    assert loaded.dtype == numpy.float32 and loaded.tolist() == [i / 2 for i in range(32)], loaded


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.npz", "a.safetensors", "a.gguf", "a.npy"):
            saved = ARRAYS if name != "a.npy" else {"": ARRAYS["layers.0.w"]}
            path = Path(folder) / name
            tensorfile.save(path, saved)
            loaded = tensorfile.load(path)
            assert sorted(loaded) == sorted(saved), (name, list(loaded))
            for key, array in saved.items():
                native = numpy.asarray(array, array.dtype.newbyteorder("="))
                assert loaded[key].dtype == native.dtype and loaded[key].shape == array.shape, (name, key)
                assert loaded[key].tobytes() == native.tobytes(), (name, key)
                loaded[key].setflags(write=True)
        # An array outlives the dict that it was loaded in.
        last = loaded[""]
        del loaded
        gc.collect()
        assert last.sum() == 15
        del last
        bad = Path(folder) / "bad.npz"
        bad.write_bytes(b"PK\x03\x04 and no more")
        try:
            tensorfile.load(bad)
        except ValueError as error:
            assert "bad.npz: " in str(error), error
        else:
            raise AssertionError(f"{bad} was loaded")
        for path in (Path(folder) / "none.npy", Path(folder) / "none" / "x.npz"):
            for call in (lambda: tensorfile.load(path), lambda: tensorfile.save(path, {"": numpy.ones(1)})):
                try:
                    call()
                except FileNotFoundError as error:
                    assert error.errno == errno.ENOENT and error.filename == str(path), error
                else:
                    assert path.exists(), path
                    path.unlink()
        types_without_numpy(Path(folder))
        for value, dtype in ((["text"], "<U4"), ([None], "object")):
            try:
                tensorfile.save(Path(folder) / "no.npz", {"x": numpy.array(value)})
            except TypeError as error:
                assert str(error) == f"array 'x': no format holds {dtype}", error
            else:
                raise AssertionError(f"{value} was saved")
    assert mapped()
    handle = tensorfile.lib._handle
    gc.collect()
    _ctypes.dlclose(handle)
    assert not mapped(), "the library stayed"


main()
