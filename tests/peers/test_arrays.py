"""Arrays in memory compared with NumPy: reshaping, copying to strided memory with a cast, setting elements.

usage: test_arrays.py LIBRARY
"""

import itertools
import random
import sys
import unittest
from ctypes import byref, c_double, c_int32, c_int64, c_size_t, c_void_p

import numpy as np

import capi
from samples import ADDRESSABLE

LIBRARY = None


def wrap(array):
    """A handle over the memory of a NumPy array, whatever its strides are."""
    handle = c_void_p()
    dtype = LIBRARY.lib.tf_dtype_from_name(str(array.dtype).encode())
    LIBRARY.call("tf_array_wrap", byref(handle), c_int32(dtype), integers(array.shape), c_size_t(array.ndim),
                 integers(array.strides), c_void_p(array.ctypes.data), c_size_t(reach(array)), c_int32(1), None, None)
    return handle


def integers(values):
    return (c_int64 * max(1, len(values)))(*values)


def reach(array):
    """Bytes from the first element of an array to the end of the last one above it."""
    return capi.extent(array.shape, array.strides, array.itemsize)


def shapes_of(size, rank):
    """All shapes of a rank with a number of elements, each size dividing it."""
    if rank == 0:
        return [()] if size == 1 else []
    divisors = [n for n in range(1, size + 1) if size % n == 0]
    return [(n, *rest) for n in divisors for rest in shapes_of(size // n, rank - 1)]


def layouts(size):
    """Arrays with a number of elements in all kinds of layouts: each order of axes, some with gaps or reversed axes."""
    for shape in {shape for rank in (1, 2, 3) for shape in shapes_of(size, rank)}:
        for order in itertools.permutations(range(len(shape))):
            for steps in itertools.product((1, -1, 2), repeat=len(shape)):
                spread = tuple(n * abs(step) for n, step in zip(shape, steps))
                base = np.arange(np.prod(spread), dtype=np.int32).reshape(spread)
                yield base[tuple(slice(None, None, step) for step in steps)].transpose(order)


class Reshape(unittest.TestCase):
    """The same values as NumPy, and a view exactly where NumPy makes one."""

    def check(self, array, shape):
        expected = array.reshape(shape)
        handle, out = wrap(array), c_void_p()
        LIBRARY.call("tf_array_reshape", byref(out), handle, integers(shape), c_size_t(len(shape)))
        address = LIBRARY.lib.tf_array_data(out)
        where = f"{array.shape} with strides {array.strides} to {shape}"
        self.assertEqual(address == array.ctypes.data, np.shares_memory(array, expected), where)
        if address == array.ctypes.data:
            strides = tuple(LIBRARY.lib.tf_array_strides(out)[i] for i in range(len(expected.shape)))
            relevant = [i for i, n in enumerate(expected.shape) if n > 1]
            self.assertEqual([strides[i] for i in relevant], [expected.strides[i] for i in relevant], where)
        found = LIBRARY.tensor(out)
        self.assertEqual((found.shape, found.data), (expected.shape, expected.tobytes()), where)
        LIBRARY.lib.tf_array_release(handle)
        return address == array.ctypes.data

    def test_every_layout(self):
        views = []
        choice = random.Random(1)
        for size in (1, 6, 8, 12):
            targets = [shape for rank in range(5) for shape in shapes_of(size, rank)]
            for array in layouts(size):
                for shape in choice.sample(targets, min(4, len(targets))):
                    views.append(self.check(array, shape))
        self.assertGreater(len(views), 3000)
        self.assertGreater(sum(views), len(views) / 10)
        self.assertGreater(len(views) - sum(views), len(views) / 10)

    def test_sizes_of_minus_one(self):
        base = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
        for shape in [(-1,), (4, -1), (-1, 2, 3), (2, -1, 2, 2), (24, -1)]:
            self.check(base, shape)
            self.check(base.transpose(2, 0, 1), shape)

    def test_refuses_what_numpy_refuses(self):
        cases = [((2, 3), (4,)), ((2, 3), (-1, -1)), ((2, 3), (4, -1)), ((2, 3), (0, -1)), ((0, 3), (0, -1)),
                 ((2, 3), ()), ((0, 3), ()), ((2, 3), (-2, -3))]
        for old, new in cases:
            array = np.zeros(old, np.int8)
            out = c_void_p()
            with self.assertRaises(ValueError):
                array.reshape(new)
            with self.assertRaises(capi.TensorfileError):
                LIBRARY.call("tf_array_reshape", byref(out), wrap(array), integers(new), c_size_t(len(new)))


class CopyTo(unittest.TestCase):
    """Copies with a cast to memory with strides, of which only the elements change."""

    def check(self, source, base, view):
        """Copies source to view(base), and compares all of base with what NumPy makes of a copy of it."""
        target, expected = view(base), base.copy()
        view(expected)[...] = source.astype(base.dtype)
        dtype = LIBRARY.lib.tf_dtype_from_name(str(base.dtype).encode())
        handle = wrap(source)
        LIBRARY.call("tf_array_copy_to", handle, c_int32(dtype), c_void_p(target.ctypes.data),
                     integers(target.strides), c_size_t(reach(target)))
        LIBRARY.lib.tf_array_release(handle)
        np.testing.assert_array_equal(base, expected, f"{source.strides} to {target.strides} of {base.dtype}")

    def test_layouts_and_dtypes(self):
        choice = random.Random(2)
        dtypes = ["int32", "int8", "uint16", "float32", "float64", "float16", "bool", "complex64"]
        cases = 0
        for source in layouts(12):
            order = choice.sample(range(source.ndim), source.ndim)
            slices = tuple(slice(None, None, choice.choice([1, 2, 3, -1, -2])) for _ in order)
            spread = [source.shape[axis] * abs(part.step) for axis, part in zip(order, slices)]
            base = np.random.default_rng(cases).integers(0, 2, spread).astype(choice.choice(dtypes))
            self.check(source, base, lambda base: base[slices].transpose(np.argsort(order)))
            cases += 1
        self.assertGreater(cases, 100)

    def test_chunks_of_large_arrays(self):
        source = np.arange(300 * 7 * 11, dtype=np.float64).reshape(300, 7, 11).transpose(1, 2, 0)
        self.check(source, np.full((11, 600, 8), -1, np.int32), lambda base: base[::-1, ::2, :7].transpose(2, 0, 1))


class SetItem(unittest.TestCase):
    """Elements set from doubles, rounded as NumPy and ml_dtypes round them."""

    def test_every_float(self):
        values = [0.0, -0.0, 1 / 3, -1e-8, 65504.0, 65520.0, 1e300, 448.0, 464.0, 465.0, float("inf"), float("nan"),
                  2.0**-149]
        names = [name for name in ADDRESSABLE if name.startswith(("float", "bfloat")) and "e8m0" not in name]
        self.assertGreater(len(names), 6)
        for name in names:
            dtype = np.dtype(ADDRESSABLE[name])
            for value in values:
                array = np.zeros(3, dtype)
                handle, index = c_void_p(), (c_int64 * 1)(1)
                LIBRARY.call("tf_array_wrap", byref(handle), c_int32(LIBRARY.lib.tf_dtype_from_name(name.encode())),
                             integers(array.shape), c_size_t(1), None, c_void_p(array.ctypes.data),
                             c_size_t(array.nbytes), c_int32(1), None, None)
                LIBRARY.call("tf_array_set_item_double", handle, index, c_size_t(1), c_double(value))
                LIBRARY.lib.tf_array_release(handle)
                expected = np.zeros(3, dtype)
                with np.errstate(over="ignore"):
                    expected[1] = np.array(value, np.float64).astype(dtype)
                if np.isnan(value):
                    self.assertTrue(np.isnan(array[1].astype(np.float64)), name)
                    continue
                self.assertEqual(array.tobytes(), expected.tobytes(), f"{name} {value}")


if __name__ == "__main__":
    LIBRARY = capi.Library(sys.argv.pop(1))
    unittest.main()
