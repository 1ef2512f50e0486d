"""Tests the module of examples/python: it opens the library by its soname, uses it and closes it.

usage: dlopen.py FOLDER-OF-THE-MODULE
"""

import _ctypes
import gc
import sys
import tempfile
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import tensorfile  # noqa: E402  (found in the folder named)

ARRAYS = {"layers.0.w": numpy.arange(6, dtype=numpy.float32).reshape(2, 3).T, "layers.0.b": numpy.float16(0.5),
          "steps": numpy.array([-1, 2], numpy.int32), "none": numpy.zeros((0, 4), numpy.float64)}


def mapped():
    return "libtensorfile" in Path("/proc/self/maps").read_text(encoding="utf-8")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.npz", "a.safetensors", "a.gguf", "a.npy"):
            saved = ARRAYS if name != "a.npy" else {"": ARRAYS["layers.0.w"]}
            path = Path(folder) / name
            tensorfile.save(path, saved)
            loaded = tensorfile.load(path)
            assert sorted(loaded) == sorted(saved), (name, list(loaded))
            for key, array in saved.items():
                assert loaded[key].dtype == array.dtype and loaded[key].shape == array.shape, (name, key)
                assert loaded[key].tobytes() == numpy.asarray(array).tobytes(), (name, key)
                loaded[key].setflags(write=True)
        # An array outlives the dict that it was loaded in.
        last = loaded[""]
        del loaded
        gc.collect()
        assert last.sum() == 15
        del last
        bad = Path(folder) / "bad.npz"
        bad.write_bytes(b"PK\x03\x04 and no more")
        for path, text in ((bad, "bad.npz: "), (Path(folder) / "none.npy", "none.npy: no such file")):
            try:
                tensorfile.load(path)
            except ValueError as error:
                assert text in str(error), error
            else:
                raise AssertionError(f"{path} was loaded")
        try:
            tensorfile.save(Path(folder) / "no", {"": numpy.array(["text"])})
        except ValueError as error:
            assert "is not a dtype that has elements" in str(error), error
        else:
            raise AssertionError("text was saved")
    assert mapped()
    handle = tensorfile.lib._handle
    gc.collect()
    _ctypes.dlclose(handle)
    assert not mapped(), "the library stayed"


main()
