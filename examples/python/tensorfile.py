"""Loads and saves dicts of NumPy arrays as .npy (under the name ""), .npz, .safetensors and .gguf."""
import ctypes, os, weakref
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint64, c_void_p
import numpy

lib = ctypes.CDLL("libtensorfile.so.0")
for name, result, *arguments in (
        ("tf_error_message", c_char_p), ("tf_dtype_name", c_char_p, c_int32), ("tf_dtype_from_name", c_int32, c_char_p),
        ("tf_load", c_int32, c_void_p, c_void_p, c_void_p, c_char_p, c_void_p),
        ("tf_save", c_int32, c_char_p, c_void_p, c_void_p), ("tf_save_weights", c_int32, c_char_p, c_void_p, c_void_p),
        ("tf_dict_new", c_int32, c_void_p), ("tf_dict_release", None, c_void_p), ("tf_dict_size", c_size_t, c_void_p),
        ("tf_dict_key_at", c_int32, c_void_p, c_void_p, c_void_p, c_size_t),
        ("tf_dict_get_array", c_int32, c_void_p, c_void_p, c_char_p, c_size_t),
        ("tf_dict_set_array", c_int32, c_void_p, c_char_p, c_size_t, c_void_p),
        ("tf_array_copy_from", c_int32, c_void_p, c_int32, c_void_p, c_size_t, c_void_p, c_size_t),
        ("tf_array_dtype", c_int32, c_void_p), ("tf_array_ndim", c_size_t, c_void_p),
        ("tf_array_shape", POINTER(c_int64), c_void_p), ("tf_array_nbytes", c_uint64, c_void_p),
        ("tf_array_data", c_void_p, c_void_p), ("tf_array_release", None, c_void_p)):
    getattr(lib, name).restype, getattr(lib, name).argtypes = result, arguments


def check(status):
    if status != 0:
        raise ValueError(lib.tf_error_message().decode())


def view(handle):
    """Returns a NumPy array over the memory, which is released with the last array that uses it."""
    memory = (ctypes.c_char * lib.tf_array_nbytes(handle)).from_address(lib.tf_array_data(handle))
    weakref.finalize(memory, lib.tf_array_release, handle)
    shape = lib.tf_array_shape(handle)[:lib.tf_array_ndim(handle)]
    return numpy.ndarray(shape, lib.tf_dtype_name(lib.tf_array_dtype(handle)).decode(), memory)


def load(path):
    arrays, key, length = c_void_p(), c_char_p(), c_size_t()
    check(lib.tf_load(None, byref(arrays), None, os.fsencode(path), None))
    loaded = {}
    for index in range(lib.tf_dict_size(arrays)):
        handle = c_void_p()
        check(lib.tf_dict_key_at(byref(key), byref(length), arrays, index))
        check(lib.tf_dict_get_array(byref(handle), arrays, key.value, length.value))
        loaded[key.value.decode()] = view(handle)
    lib.tf_dict_release(arrays)
    return loaded


def save(path, arrays):
    saved, handle = c_void_p(), c_void_p()
    check(lib.tf_dict_new(byref(saved)))
    try:
        for key, array in arrays.items():
            array = numpy.ascontiguousarray(array).reshape(numpy.shape(array))
            check(lib.tf_array_copy_from(byref(handle), lib.tf_dtype_from_name(array.dtype.name.encode()),
                                         (c_int64 * array.ndim)(*array.shape), array.ndim, array.ctypes.data, array.nbytes))
            check(lib.tf_dict_set_array(saved, key.encode(), len(key.encode()), handle))
            if os.fspath(path).endswith(".npy"):
                check(lib.tf_save(os.fsencode(path), handle, None))
            lib.tf_array_release(handle)
        if not os.fspath(path).endswith(".npy"):
            check(lib.tf_save_weights(os.fsencode(path), saved, None))
    finally:
        lib.tf_dict_release(saved)
