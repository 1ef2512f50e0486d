"""Loads and saves dicts of NumPy arrays as .npy (under the name ""), .npz, .safetensors and .gguf."""
import ctypes, ctypes.util, os, sys, weakref
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint64, c_void_p
import numpy

try:
    import ml_dtypes  # gives NumPy bfloat16 and the small floats; without it they are loaded as float32
except ImportError:
    pass

NAMES = {"win32": "tensorfile.dll", "darwin": "libtensorfile.0.dylib"}
lib = ctypes.CDLL(os.environ.get("TENSORFILE_LIBRARY") or ctypes.util.find_library("tensorfile")
                  or NAMES.get(sys.platform, "libtensorfile.so.0"))
for name, result, *arguments in (
        ("tf_error_message", c_char_p), ("tf_error_system", c_int32), ("tf_status_name", c_char_p, c_int32),
        ("tf_dtype_name", c_char_p, c_int32), ("tf_dtype_from_name", c_int32, c_char_p), ("tf_dtype_bits", c_int32, c_int32),
        ("tf_load", c_int32, c_void_p, c_void_p, c_void_p, c_char_p, c_void_p),
        ("tf_save_file", c_int32, c_char_p, c_void_p, c_void_p, c_void_p),
        ("tf_dict_new", c_int32, c_void_p), ("tf_dict_release", None, c_void_p), ("tf_dict_size", c_size_t, c_void_p),
        ("tf_dict_key_at", c_int32, c_void_p, c_void_p, c_void_p, c_size_t),
        ("tf_dict_array_at", c_int32, c_void_p, c_void_p, c_size_t),
        ("tf_dict_set_array", c_int32, c_void_p, c_char_p, c_size_t, c_void_p),
        ("tf_array_copy_from", c_int32, c_void_p, c_int32, c_void_p, c_size_t, c_void_p, c_size_t),
        ("tf_array_cast", c_int32, c_void_p, c_void_p, c_int32, c_void_p),
        ("tf_array_dtype", c_int32, c_void_p), ("tf_array_ndim", c_size_t, c_void_p),
        ("tf_array_shape", POINTER(c_int64), c_void_p), ("tf_array_nbytes", c_uint64, c_void_p),
        ("tf_array_data", c_void_p, c_void_p), ("tf_array_release", None, c_void_p)):
    getattr(lib, name).restype, getattr(lib, name).argtypes = result, arguments


def check(status, path=None):
    """Raises the exception of Python that fits, such as FileNotFoundError, or else ValueError."""
    if status == 0:
        return
    message, system = lib.tf_error_message().decode(), lib.tf_error_system()
    if system:
        raise OSError(system, message, path)
    if lib.tf_status_name(status) == b"not_found" and path is not None:
        raise FileNotFoundError(2, message, path)
    raise ValueError(message)


def dtype_of(handle):
    """Returns the dtype of NumPy, or None for a block type and for what NumPy does not have."""
    dtype = lib.tf_array_dtype(handle)
    try:
        found = numpy.dtype(lib.tf_dtype_name(dtype).decode())
    except TypeError:
        return None
    return found if found.itemsize * 8 == lib.tf_dtype_bits(dtype) else None


def view(handle):
    """Returns a NumPy array over the memory, which is released with the last array that uses it."""
    dtype = dtype_of(handle)
    if dtype is None:
        decoded, stored = c_void_p(), handle
        status = lib.tf_array_cast(byref(decoded), stored, lib.tf_dtype_from_name(b"float32"), None)
        lib.tf_array_release(stored)
        check(status)
        handle, dtype = decoded, numpy.dtype("float32")
    memory = (ctypes.c_char * lib.tf_array_nbytes(handle)).from_address(lib.tf_array_data(handle))
    weakref.finalize(memory, lib.tf_array_release, handle)
    return numpy.ndarray(lib.tf_array_shape(handle)[:lib.tf_array_ndim(handle)], dtype, memory)


def load(path):
    """Returns a dict of arrays. Quantized arrays are decoded to float32."""
    arrays, key, length = c_void_p(), c_char_p(), c_size_t()
    check(lib.tf_load(None, byref(arrays), None, os.fsencode(path), None), os.fspath(path))
    try:
        loaded = {}
        for index in range(lib.tf_dict_size(arrays)):
            handle = c_void_p()
            check(lib.tf_dict_key_at(byref(key), byref(length), arrays, index))
            check(lib.tf_dict_array_at(byref(handle), arrays, index))
            loaded[key.value.decode()] = view(handle)
        return loaded
    finally:
        lib.tf_dict_release(arrays)


def save(path, arrays):
    """Saves a dict of arrays in the format that the extension of the path names."""
    saved, handle = c_void_p(), c_void_p()
    check(lib.tf_dict_new(byref(saved)))
    try:
        for key, array in arrays.items():
            array = numpy.asarray(array)
            dtype = lib.tf_dtype_from_name(array.dtype.name.encode())
            if dtype == 0:
                raise TypeError(f"array {key!r}: no format holds {array.dtype}")
            data = numpy.ascontiguousarray(array, array.dtype.newbyteorder("="))
            check(lib.tf_array_copy_from(byref(handle), dtype, (c_int64 * array.ndim)(*array.shape), array.ndim,
                                         data.ctypes.data, data.nbytes))
            status = lib.tf_dict_set_array(saved, key.encode(), len(key.encode()), handle)
            lib.tf_array_release(handle)
            check(status)
        check(lib.tf_save_file(os.fsencode(path), saved, None, None), os.fspath(path))
    finally:
        lib.tf_dict_release(saved)
