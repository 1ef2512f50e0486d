"""DLPack between the library and its peers: no copy, the right lifetimes, the right errors.

usage: test_dlpack.py LIBRARY PEER...    PEER is numpy, jax or torch; each must be there
"""

import ctypes
import gc
import math
import sys
import unittest
import weakref
from ctypes import CFUNCTYPE, byref, c_int32, c_int64, c_size_t, c_void_p

import capi
import dlpack

LIBRARY = None
Release = CFUNCTYPE(None, c_void_p)


class Block:
    """Memory that is lent to the library, with a count of its releases."""

    def __init__(self, nbytes):
        self.memory = ctypes.create_string_buffer(bytes(i % 251 for i in range(nbytes)), nbytes + 64)
        self.address = -ctypes.addressof(self.memory) % 64 + ctypes.addressof(self.memory)
        ctypes.memmove(self.address, self.memory, nbytes)
        self.releases = 0
        self.callback = Release(self.release)

    def release(self, _):
        self.releases += 1

    def array(self, dtype, shape, nbytes, writable=True, strides=None):
        """A handle of an array over the memory."""
        handle = c_void_p()
        steps = None if strides is None else (c_int64 * max(1, len(strides)))(*strides)
        LIBRARY.call("tf_array_wrap", byref(handle), c_int32(LIBRARY.lib.tf_dtype_from_name(dtype.encode())),
                     (c_int64 * max(1, len(shape)))(*shape), c_size_t(len(shape)), steps, c_void_p(self.address),
                     c_size_t(nbytes), c_int32(writable), self.callback, None)
        return handle

    def bytes(self, nbytes):
        return ctypes.string_at(self.address, nbytes)


def release(handle):
    LIBRARY.lib.tf_array_release(handle)


def content_of(handle):
    """Copies the array; the handle remains valid."""
    LIBRARY.lib.tf_array_retain(handle)
    return LIBRARY.tensor(handle)


def address_of(handle):
    return LIBRARY.lib.tf_array_data(handle)


def strides_of(handle):
    strides = LIBRARY.lib.tf_array_strides(handle)
    return [strides[i] for i in range(LIBRARY.lib.tf_array_ndim(handle))]


class Peer(unittest.TestCase):
    """Tests for every peer. The class of a peer has DTYPES (name: item size) and overrides the methods below."""

    DTYPES = {}

    def take(self, exported):
        raise NotImplementedError

    def address(self, array):
        raise NotImplementedError

    def bytes(self, array):
        raise NotImplementedError

    def name(self, array):
        return str(array.dtype)

    def make(self, dtype):
        """An array of two rows and three columns."""
        raise NotImplementedError

    def capsule(self, array):
        return array.__dlpack__()

    def test_takes_ours_without_a_copy(self):
        for dtype, size in self.DTYPES.items():
            with self.subTest(dtype):
                block = Block(6 * size)
                if dtype == "bool":
                    ctypes.memmove(block.address, bytes([1, 0, 0, 1, 1, 0]), 6)
                handle = block.array(dtype, (2, 3), 6 * size)
                array = self.take(dlpack.Exported(LIBRARY, handle))
                release(handle)
                gc.collect()
                self.assertEqual(block.releases, 0, "the tensor keeps the memory")
                self.assertEqual(self.address(array), block.address)
                self.assertEqual(self.name(array), dtype)
                self.assertEqual(tuple(array.shape), (2, 3))
                self.assertEqual(self.bytes(array), block.bytes(6 * size))
                del array
                gc.collect()
                self.assertEqual(block.releases, 1)

    def test_gives_theirs_without_a_copy(self):
        for dtype, size in self.DTYPES.items():
            with self.subTest(dtype):
                array = self.make(dtype)
                where, content = self.address(array), self.bytes(array)
                handle = dlpack.take(LIBRARY, self.capsule(array))
                self.assertEqual(address_of(handle), where)
                gone = self.watch(array)
                del array
                gc.collect()
                self.assertFalse(gone(), "the array keeps the memory")
                tensor = content_of(handle)
                self.assertEqual((tensor.dtype, tensor.shape, tensor.data), (dtype, (2, 3), content))
                release(handle)
                gc.collect()
                self.assertTrue(gone())

    def watch(self, array):
        """Returns a function that returns True if the owner of the array's memory is gone."""
        reference = weakref.ref(array)
        return lambda: reference() is None

    def test_nobody_takes_it(self):
        block = Block(24)
        handle = block.array("float32", (2, 3), 24)
        capsule = dlpack.Exported(LIBRARY, handle).__dlpack__(max_version=(1, 1))
        release(handle)
        self.assertEqual(block.releases, 0)
        del capsule
        self.assertEqual(block.releases, 1)

    def test_block_types_cannot_be_said(self):
        block = Block(18)
        handle = block.array("q4_0", (32,), 18)
        with self.assertRaises(capi.TensorfileError) as caught:
            self.take(dlpack.Exported(LIBRARY, handle))
        self.assertEqual((caught.exception.status, caught.exception.message),
                         ("unsupported", "DLPack has no type for q4_0"))
        release(handle)
        self.assertEqual(block.releases, 1)

    def test_strides_that_cut_elements_cannot_be_said(self):
        block = Block(64)
        handle = block.array("complex64", (2, 2), 64, strides=(12, 8))
        with self.assertRaises(capi.TensorfileError) as caught:
            self.take(dlpack.Exported(LIBRARY, handle))
        self.assertEqual(caught.exception.status, "unsupported")
        self.assertIn("the stride 12 of axis 0 is not a multiple of the 8 bytes of complex64", caught.exception.message)
        release(handle)

    def test_unversioned_cannot_say_read_only(self):
        block = Block(24)
        handle = block.array("float32", (2, 3), 24, writable=False)
        with self.assertRaises(capi.TensorfileError) as caught:
            self.take(dlpack.Exported(LIBRARY, handle, versioned=False))
        self.assertEqual(caught.exception.status, "unsupported")
        self.assertIn("read-only", caught.exception.message)
        release(handle)


class NumPy(Peer):
    DTYPES = {"bool": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "uint8": 1, "uint16": 2, "uint32": 4,
              "uint64": 8, "float16": 2, "float32": 4, "float64": 8, "complex64": 8, "complex128": 16}

    def take(self, exported):
        return numpy.from_dlpack(exported)

    def address(self, array):
        return array.ctypes.data

    def bytes(self, array):
        return array.tobytes()

    def make(self, dtype):
        class Owner(numpy.ndarray):
            pass
        return numpy.arange(6).reshape(2, 3).astype(dtype).view(Owner)

    def capsule(self, array):
        return array.__dlpack__(max_version=(1, 1))

    def test_strides_and_order(self):
        block = Block(4 * 60)
        handle = block.array("int32", (3, 4), 4 * 60, strides=(80, 8))
        array = self.take(dlpack.Exported(LIBRARY, handle))
        self.assertEqual(array.strides, (80, 8))
        back = dlpack.take(LIBRARY, self.capsule(array.T[::-1]))
        self.assertEqual(strides_of(back), [-8, 80])
        self.assertEqual(address_of(back), block.address + 24)
        self.assertEqual(LIBRARY.tensor(back).data, array.T[::-1].tobytes())
        release(handle)
        for empty in (numpy.zeros((3, 0, 2)), numpy.array(7.0), numpy.zeros((1,) * 64)):
            tensor = LIBRARY.tensor(dlpack.take(LIBRARY, self.capsule(empty)))
            self.assertEqual((tensor.shape, tensor.data), (empty.shape, empty.tobytes()))

    def test_writes_are_seen_and_read_only_is_reported(self):
        block = Block(24)
        handle = block.array("float32", (2, 3), 24)
        array = self.take(dlpack.Exported(LIBRARY, handle))
        array[1, 2] = 42
        self.assertEqual(numpy.frombuffer(block.bytes(24), numpy.float32)[5], 42)
        release(handle)
        handle = block.array("float32", (2, 3), 24, writable=False)
        self.assertFalse(self.take(dlpack.Exported(LIBRARY, handle)).flags.writeable)
        release(handle)
        array.flags.writeable = False
        handle = dlpack.take(LIBRARY, self.capsule(array))
        data = c_void_p()
        with self.assertRaises(capi.TensorfileError) as caught:
            LIBRARY.call("tf_array_data_mut", byref(data), handle)
        self.assertEqual(caught.exception.message, "the memory of the array is read-only")
        release(handle)

    def test_unversioned_both_ways(self):
        block = Block(24)
        handle = block.array("float32", (2, 3), 24)
        array = self.take(dlpack.Exported(LIBRARY, handle, versioned=False))
        release(handle)
        self.assertEqual(self.address(array), block.address)
        del array
        gc.collect()
        self.assertEqual(block.releases, 1)
        array = self.make("float32")
        gone = self.watch(array)
        back = dlpack.take(LIBRARY, array.__dlpack__())
        self.assertEqual(address_of(back), self.address(array))
        del array
        gc.collect()
        self.assertFalse(gone())
        release(back)
        self.assertTrue(gone())

    def test_misaligned_arrays_are_refused(self):
        raw = numpy.zeros(32, numpy.uint8)
        array = raw[1:25].view(numpy.float64)
        with self.assertRaises(capi.TensorfileError) as caught:
            dlpack.take(LIBRARY, self.capsule(array))
        self.assertEqual((caught.exception.status, caught.exception.message),
                         ("invalid_argument", "data of float64 must be aligned to 8 bytes"))


class Jax(Peer):
    DTYPES = {**NumPy.DTYPES, "bfloat16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1,
              "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1}

    def take(self, exported):
        return jax.dlpack.from_dlpack(exported)

    def address(self, array):
        return array.unsafe_buffer_pointer()

    def bytes(self, array):
        return numpy.asarray(array).tobytes()

    def make(self, dtype):
        return jax.numpy.arange(6).reshape(2, 3).astype(dtype).block_until_ready()

    def watch(self, array):
        # The buffer outlives its Python object, and jax.live_arrays() lists objects only.
        return lambda: True

    def test_gives_theirs_without_a_copy(self):
        for dtype, size in self.DTYPES.items():
            with self.subTest(dtype):
                array = self.make(dtype)
                where, content = self.address(array), self.bytes(array)
                handle = dlpack.take(LIBRARY, self.capsule(array))
                self.assertEqual(address_of(handle), where)
                del array
                gc.collect()
                # If the memory had been freed, one of these would probably get it.
                others = [self.make(dtype) for _ in range(50)]
                self.assertNotIn(where, [self.address(other) for other in others])
                tensor = content_of(handle)
                self.assertEqual((tensor.dtype, tensor.shape, tensor.data), (dtype, (2, 3), content))
                release(handle)

    def test_types_that_are_no_dtype_are_refused(self):
        with self.assertRaises(capi.TensorfileError) as caught:
            dlpack.take(LIBRARY, self.capsule(jax.numpy.zeros(6, "float8_e4m3")))
        self.assertEqual((caught.exception.status, caught.exception.message),
                         ("unsupported", "there is no dtype for DLPack's type code 8 of 8 bits and 1 lanes"))


class Torch(Peer):
    # PyTorch 1.13 does not support bool in DLPack.
    DTYPES = {"int8": 1, "int16": 2, "int32": 4, "int64": 8, "uint8": 1, "float16": 2, "bfloat16": 2,
              "float32": 4, "float64": 8, "complex64": 8, "complex128": 16}

    def take(self, exported):
        return torch.utils.dlpack.from_dlpack(exported)

    def address(self, array):
        return array.data_ptr()

    def bytes(self, array):
        return ctypes.string_at(array.data_ptr(), array.element_size() * math.prod(array.shape))

    def name(self, array):
        return str(array.dtype).split(".")[1]

    def make(self, dtype):
        return torch.arange(6).reshape(2, 3).to(getattr(torch, dtype))

    def capsule(self, array):
        return torch.utils.dlpack.to_dlpack(array)

    def watch(self, array):
        # The storage owns the memory, and the capsule does not keep the storage's Python object.
        return lambda: True

    def test_gives_theirs_without_a_copy(self):
        for dtype in self.DTYPES:
            with self.subTest(dtype):
                array = self.make(dtype)
                content = self.bytes(array)
                handle = dlpack.take(LIBRARY, self.capsule(array))
                self.assertEqual(address_of(handle), array.data_ptr())
                array.fill_(1)
                content, where = self.bytes(array), array.data_ptr()
                del array
                gc.collect()
                # If the memory had been freed, one of these would probably get it.
                others = [self.make(dtype) for _ in range(50)]
                self.assertNotIn(where, [other.data_ptr() for other in others])
                tensor = content_of(handle)
                self.assertEqual((tensor.dtype, tensor.shape, tensor.data), (dtype, (2, 3), content))
                release(handle)

    def test_strides_and_writes(self):
        block = Block(4 * 60)
        handle = block.array("int32", (3, 4), 4 * 60, strides=(80, 8))
        array = self.take(dlpack.Exported(LIBRARY, handle))
        self.assertEqual(array.stride(), (20, 2))
        array[2, 3] = -5
        self.assertEqual(block.bytes(240)[4 * 46:4 * 47], (-5).to_bytes(4, "little", signed=True))
        back = dlpack.take(LIBRARY, self.capsule(array.t()))
        self.assertEqual(strides_of(back), [8, 80])
        release(back)
        release(handle)


PEERS = {"numpy": NumPy, "jax": Jax, "torch": Torch}

if __name__ == "__main__":
    LIBRARY = capi.Library(sys.argv[1])
    LIBRARY.lib.tf_array_retain.restype = c_void_p
    LIBRARY.lib.tf_array_strides.restype = ctypes.POINTER(c_int64)
    wanted = sys.argv[2:]
    if "numpy" in wanted or "jax" in wanted:
        import numpy
    if "jax" in wanted:
        import jax
        import jax.dlpack
        import jax.numpy
        jax.config.update("jax_enable_x64", True)
    if "torch" in wanted:
        import torch
        import torch.utils.dlpack
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(PEERS[name]) for name in wanted)
    sys.exit(not unittest.TextTestRunner().run(suite).wasSuccessful())
