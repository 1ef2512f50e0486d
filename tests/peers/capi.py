"""The part of the C ABI that the comparison with the peers needs, through ctypes."""

import ctypes
import math
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from dataclasses import dataclass

FORMATS = {"npy": 1, "npz": 2, "safetensors": 3, "gguf": 4}
OPTION_FORMAT, OPTION_LENIENT, OPTION_PARTS, OPTION_DECODE, OPTION_SKIP_UNSUPPORTED = 2, 5, 7, 22, 23
FORMAT_BY_CONTENT = 5
KIND_ARRAY, KIND_STRING, KIND_STRING_LIST, KIND_DICT = 1, 2, 3, 4


class TensorfileError(Exception):
    """A failed call: the status's name, the message, and the array concerned."""

    def __init__(self, status, message, name):
        super().__init__(f"{status}: {message}")
        self.status, self.message, self.name = status, message, name


@dataclass
class Tensor:
    """An array's dtype name, shape, and C-contiguous bytes."""

    dtype: str
    shape: tuple
    data: bytes


@dataclass
class Listed:
    """An array as tf_file lists it, and its stored bytes."""

    type: str
    shape: tuple
    raw: bytes


class Library:
    """A loaded libtensorfile."""

    def __init__(self, path):
        lib = self.lib = ctypes.CDLL(path)
        for name in ("tf_status_name", "tf_error_message", "tf_error_name", "tf_dtype_name"):
            getattr(lib, name).restype = c_char_p
        for name in ("tf_array_data", "tf_buffer_data"):
            getattr(lib, name).restype = c_void_p
        for name in ("tf_array_ndim", "tf_buffer_size", "tf_dict_size", "tf_file_count", "tf_file_ndim",
                     "tf_file_note_count", "tf_file_other_count"):
            getattr(lib, name).restype = c_size_t
        for name in ("tf_array_shape", "tf_array_strides", "tf_file_shape"):
            getattr(lib, name).restype = POINTER(c_int64)
        lib.tf_array_nbytes.restype = c_uint64
        for name in ("tf_array_release", "tf_dict_release", "tf_buffer_release", "tf_options_release",
                     "tf_file_release"):
            getattr(lib, name).restype = None

    def check(self, status):
        if status != 0:
            lib = self.lib
            raise TensorfileError(lib.tf_status_name(status).decode(), lib.tf_error_message().decode(),
                                  lib.tf_error_name().decode())

    def call(self, name, *arguments):
        self.check(getattr(self.lib, name)(*arguments))

    # Values to handles

    def wrap(self, dtype, array, shape=None, strides=None):
        """A handle over the memory of a NumPy array, which the caller keeps alive; strided if strides are given."""
        number = self.lib.tf_dtype_from_name(dtype.encode())
        shape = array.shape if shape is None else shape
        out = c_void_p()
        shape_array = (c_int64 * max(1, len(shape)))(*shape)
        stride_array = None if strides is None else (c_int64 * max(1, len(strides)))(*strides)
        reach = array.nbytes if strides is None else extent(shape, strides, array.itemsize)
        self.call("tf_array_wrap", byref(out), c_int32(number), shape_array, c_size_t(len(shape)), stride_array,
                  c_void_p(array.ctypes.data), c_size_t(reach), c_int32(0), None, None)
        return out

    def dict(self, values):
        """A dict handle with values from array handles, str, lists of str, and dicts."""
        out = c_void_p()
        self.call("tf_dict_new", byref(out))
        for key, value in values.items():
            name = key.encode()
            where = (out, c_char_p(name), c_size_t(len(name)))
            if isinstance(value, c_void_p):
                self.call("tf_dict_set_array", *where, value)
            elif isinstance(value, str):
                text = value.encode()
                self.call("tf_dict_set_string", *where, c_char_p(text), c_size_t(len(text)))
            elif isinstance(value, list):
                self.call("tf_dict_set_string_list", *where)
                for item in value:
                    text = item.encode()
                    self.call("tf_dict_string_list_append", *where, c_char_p(text), c_size_t(len(text)))
            else:
                inner = self.dict(value)
                self.call("tf_dict_set_dict", *where, inner)
                self.lib.tf_dict_release(inner)
        return out

    # Handles to values

    def tensor(self, handle):
        """Copies the array of a handle and releases the handle."""
        lib = self.lib
        dense = c_void_p()
        self.call("tf_array_contiguous", byref(dense), handle)
        ndim = lib.tf_array_ndim(dense)
        shape = tuple(lib.tf_array_shape(dense)[i] for i in range(ndim))
        data = ctypes.string_at(lib.tf_array_data(dense), lib.tf_array_nbytes(dense))
        result = Tensor(lib.tf_dtype_name(lib.tf_array_dtype(dense)).decode(), shape, data)
        lib.tf_array_release(dense)
        lib.tf_array_release(handle)
        return result

    def values(self, handle):
        """Copies the dict of a handle and releases the handle."""
        lib = self.lib
        result = {}
        for index in range(lib.tf_dict_size(handle)):
            text, length = c_char_p(), c_size_t()
            self.call("tf_dict_key_at", byref(text), byref(length), handle, c_size_t(index))
            name = ctypes.string_at(text, length.value)
            where = (handle, c_char_p(name), c_size_t(len(name)))
            kind = lib.tf_dict_kind_at(handle, c_size_t(index))
            if kind == KIND_ARRAY:
                array = c_void_p()
                self.call("tf_dict_get_array", byref(array), *where)
                value = self.tensor(array)
            elif kind == KIND_STRING:
                self.call("tf_dict_get_string", byref(text), byref(length), *where)
                value = ctypes.string_at(text, length.value).decode(errors="surrogateescape")
            elif kind == KIND_STRING_LIST:
                count = c_size_t()
                self.call("tf_dict_string_list_size", byref(count), *where)
                value = []
                for i in range(count.value):
                    self.call("tf_dict_string_list_at", byref(text), byref(length), *where, c_size_t(i))
                    value.append(ctypes.string_at(text, length.value).decode(errors="surrogateescape"))
            else:
                inner = c_void_p()
                self.call("tf_dict_get_dict", byref(inner), *where)
                value = self.values(inner)
            result[name.decode()] = value
        lib.tf_dict_release(handle)
        return result

    # Files

    def options(self, values, decode=None):
        """An options handle with values by number; decode is a name for TF_OPTION_DECODE."""
        options = c_void_p()
        self.call("tf_options_new", byref(options))
        for option, value in values.items():
            self.call("tf_options_set", options, c_int32(option), c_int64(value))
        if decode is not None:
            self.call("tf_options_set_string", options, c_int32(OPTION_DECODE), c_char_p(decode.encode()),
                      c_size_t(len(decode)))
        return options

    def load(self, path, decode=None, options=None):
        """The arrays (a .npy under "") and the metadata of a file; options maps numbers to values."""
        arrays, metadata, handle = c_void_p(), c_void_p(), self.options(options or {}, decode)
        try:
            self.call("tf_load", None, byref(arrays), byref(metadata), c_char_p(str(path).encode()), handle)
        finally:
            self.lib.tf_options_release(handle)
        return self.values(arrays), self.values(metadata)

    def listing(self, path, options=None):
        """The arrays of a file by name, each with its type and stored bytes; the notes; the names of other members."""
        lib, file, handle = self.lib, c_void_p(), self.options(options or {})
        try:
            self.call("tf_file_open", byref(file), c_char_p(str(path).encode()), handle)
        finally:
            lib.tf_options_release(handle)
        try:
            arrays = {self.text("tf_file_name", file, index): self.listed(file, index)
                      for index in range(lib.tf_file_count(file))}
            notes = [self.text("tf_file_note", file, index) for index in range(lib.tf_file_note_count(file))]
            others = [self.text("tf_file_other_name", file, index) for index in range(lib.tf_file_other_count(file))]
        finally:
            lib.tf_file_release(file)
        return arrays, notes, others

    def listed(self, file, index):
        index = c_size_t(index)
        raw = c_void_p()
        self.call("tf_file_read_raw", byref(raw), file, index)
        shape = tuple(self.lib.tf_file_shape(file, index)[:self.lib.tf_file_ndim(file, index)])
        return Listed(self.text("tf_file_type", file, index.value), shape, self.tensor(raw).data)

    def text(self, function, file, index):
        """The string that a function of a file returns for an index."""
        text, length = c_char_p(), c_size_t()
        self.call(function, byref(text), byref(length), file, c_size_t(index))
        return ctypes.string_at(text, length.value).decode(errors="surrogateescape")

    def save(self, path, arrays, metadata=None, compress=False):
        """Saves handles by name in the format that path's extension names."""
        target = c_char_p(str(path).encode())
        extension = str(path).rsplit(".", 1)[1]
        if extension == "npy":
            self.call("tf_save", target, arrays[""], None)
            return
        handle = self.dict(arrays)
        extra = None if metadata is None else self.dict(metadata)
        try:
            if extension == "npz":
                name = "tf_savez_compressed" if compress else "tf_savez"
                self.call(name, target, None, c_size_t(0), handle, None)
            else:
                self.call(f"tf_save_{extension}", target, handle, extra, None)
        finally:
            self.lib.tf_dict_release(handle)
            self.lib.tf_dict_release(extra)

    def load_weights(self, path):
        """The nested tree of a weights file."""
        tree = c_void_p()
        self.call("tf_load_weights", byref(tree), c_char_p(str(path).encode()), None, None)
        return self.values(tree)

    def save_weights(self, path, tree):
        """Saves a nested dict of handles."""
        handle = self.dict(tree)
        try:
            self.call("tf_save_weights", c_char_p(str(path).encode()), handle, None)
        finally:
            self.lib.tf_dict_release(handle)


def extent(shape, strides, itemsize):
    """Bytes from the first element to the end of the last one, for positive strides."""
    if 0 in shape:
        return 0
    return itemsize + sum((size - 1) * max(0, stride) for size, stride in zip(shape, strides))


def count(shape):
    return math.prod(shape)
