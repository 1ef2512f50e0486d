"""Arrays of the library as arrays of NumPy and the reverse, without copies."""

from __future__ import annotations

import ctypes
import weakref
from ctypes import byref, c_int64, c_void_p
from typing import Any

import numpy

from ._library import Handle, check, lib

try:
    import ml_dtypes  # noqa: F401  (gives NumPy bfloat16 and the small floats)
except ImportError:
    pass

FLOAT32 = lib.tf_dtype_from_name(b"float32")


def numpy_dtype(dtype: int) -> numpy.dtype[Any] | None:
    """Returns NumPy's dtype for a number of the library; None for block types, packed floats and what NumPy lacks."""
    try:
        found = numpy.dtype(lib.tf_dtype_name(dtype).decode())
    except TypeError:
        return None
    return found if found.itemsize * 8 == lib.tf_dtype_bits(dtype) else None


def dtype_number(dtype: numpy.dtype[Any]) -> int:
    number: int = lib.tf_dtype_from_name(dtype.name.encode())
    if number == 0:
        raise TypeError(f"no format can hold the dtype {dtype}")
    return number


def view(handle: c_void_p) -> numpy.ndarray[Any, Any]:
    """Returns an array over the memory of the handle, which is released with the last array that uses the memory."""
    dtype = numpy_dtype(lib.tf_array_dtype(handle))
    if dtype is None:
        decoded = c_void_p()
        status = lib.tf_array_cast(byref(decoded), handle, FLOAT32, None)
        lib.tf_array_release(handle)
        check(status)
        handle, dtype = decoded, numpy.dtype("float32")
    ndim, data = lib.tf_array_ndim(handle), c_void_p()
    writable = lib.tf_array_data_mut(byref(data), handle) == 0
    memory = (ctypes.c_char * lib.tf_array_nbytes(handle)).from_address(lib.tf_array_data(handle) or 0)
    weakref.finalize(memory, lib.tf_array_release, handle)
    strides = lib.tf_array_strides(handle)[:ndim] if lib.tf_array_nbytes(handle) else None
    array: numpy.ndarray[Any, Any] = numpy.ndarray(lib.tf_array_shape(handle)[:ndim], dtype, memory, strides=strides)
    array.flags.writeable = writable
    return array


def wrap(values: Any, keep: list[Any]) -> Handle:
    """Returns an array of the library over the memory of an array of NumPy, and appends to `keep` what must outlive it.

    Only elements that are not aligned or not in the byte order of this machine are copied.
    """
    array = numpy.asarray(values)
    number = dtype_number(array.dtype)
    if not array.dtype.isnative or not array.flags.aligned:
        array = array.astype(array.dtype.newbyteorder("="), order="C", copy=True)
    keep.append(array)
    # The bytes from the first element to the end of the last one that follows it.
    reach = array.itemsize + sum(max(0, stride) * (size - 1) for size, stride in zip(array.shape, array.strides))
    made = Handle("array")
    check(lib.tf_array_wrap(made.out, number, (c_int64 * array.ndim)(*array.shape), array.ndim,
                            (c_int64 * array.ndim)(*array.strides), array.ctypes.data, reach if array.size else 0,
                            0, None, None))
    return made
