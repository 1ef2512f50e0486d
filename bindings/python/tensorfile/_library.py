"""The shared library: its functions, and its failures as exceptions."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

NAMES = {"win32": "tensorfile.dll", "darwin": "libtensorfile.0.dylib"}
NAME = NAMES.get(sys.platform, "libtensorfile.so.0")
# name: the type of the result, and the types of the arguments. Handles and out-parameters are c_void_p.
P, S, N = c_void_p, c_char_p, c_size_t
FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "tf_version_string": (S,), "tf_error_message": (S,), "tf_error_system": (c_int64,), "tf_status_name": (S, c_int32),
    "tf_dtype_name": (S, c_int32), "tf_dtype_from_name": (c_int32, S), "tf_dtype_bits": (c_uint32, c_int32),
    "tf_format_at": (c_int32, N), "tf_format_name": (S, c_int32), "tf_format_from_path": (c_int32, S),
    "tf_options_new": (c_int32, P), "tf_options_release": (None, P), "tf_option_from_name": (c_int32, S),
    "tf_options_set": (c_int32, P, c_int32, c_int64), "tf_options_set_string": (c_int32, P, c_int32, S, N),
    "tf_options_get": (c_int32, P, P, c_int32),
    "tf_array_wrap": (c_int32, P, c_int32, P, N, P, P, N, c_int32, P, P), "tf_array_release": (None, P),
    "tf_array_cast": (c_int32, P, P, c_int32, P), "tf_array_dtype": (c_int32, P), "tf_array_ndim": (N, P),
    "tf_array_shape": (POINTER(c_int64), P), "tf_array_strides": (POINTER(c_int64), P),
    "tf_array_nbytes": (c_uint64, P), "tf_array_data": (P, P), "tf_array_data_mut": (c_int32, P, P),
    "tf_dict_new": (c_int32, P), "tf_dict_release": (None, P), "tf_dict_size": (N, P),
    "tf_dict_key_at": (c_int32, P, P, P, N), "tf_dict_kind_at": (c_int32, P, N), "tf_dict_array_at": (c_int32, P, P, N),
    "tf_dict_string_at": (c_int32, P, P, P, N), "tf_dict_dict_at": (c_int32, P, P, N),
    "tf_dict_string_list_size_at": (c_int32, P, P, N), "tf_dict_string_list_item_at": (c_int32, P, P, P, N, N),
    "tf_dict_set_array": (c_int32, P, S, N, P), "tf_dict_set_string": (c_int32, P, S, N, S, N),
    "tf_dict_set_string_list": (c_int32, P, S, N), "tf_dict_string_list_append": (c_int32, P, S, N, S, N),
    "tf_dict_set_dict": (c_int32, P, S, N, P),
    "tf_error_set": (c_int32, c_int32, S, N),
    "tf_source_new": (c_int32, P, c_uint64, c_int32, P, P, P, P), "tf_source_from_path": (c_int32, P, S),
    "tf_source_from_memory": (c_int32, P, P, N, P, P), "tf_source_from_fd": (c_int32, P, c_int32, c_uint64, c_uint64),
    "tf_source_set_name": (c_int32, P, S, N), "tf_source_set_hints": (c_int32, P, c_uint64, c_uint64, c_uint32),
    "tf_source_set_resolver": (c_int32, P, P, P, P), "tf_source_release": (None, P),
    "tf_sink_new": (c_int32, P, P, P, P), "tf_sink_release": (None, P),
    "tf_load": (c_int32, P, P, P, S, P), "tf_load_source": (c_int32, P, P, P, P, c_int32, P),
    "tf_save_file": (c_int32, S, P, P, P), "tf_save_metadata": (c_int32, S, P, P),
    "tf_save_memory": (c_int32, P, c_int32, P, P, P, P), "tf_save_sink": (c_int32, P, c_int32, P, P, P, P),
    "tf_buffer_data": (P, P), "tf_buffer_size": (N, P), "tf_buffer_release": (None, P),
    "tf_file_open": (c_int32, P, S, P), "tf_file_open_source": (c_int32, P, P, c_int32, P),
    "tf_file_release": (None, P), "tf_file_format": (c_int32, P),
    "tf_file_count": (N, P), "tf_file_name": (c_int32, P, P, P, N), "tf_file_dtype": (c_int32, P, N),
    "tf_file_type": (c_int32, P, P, P, N), "tf_file_ndim": (N, P, N), "tf_file_shape": (POINTER(c_int64), P, N),
    "tf_file_nbytes": (c_uint64, P, N), "tf_file_metadata": (P, P), "tf_file_read_raw": (c_int32, P, P, N),
    "tf_file_read_slice_into": (c_int32, P, N, P, P, P, N, c_int32, P, N),
}


def _open() -> ctypes.CDLL:
    path = os.environ.get("TENSORFILE_LIBRARY") or str(Path(__file__).with_name(NAME))
    library = ctypes.CDLL(path)
    for name, (result, *arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _open()
__version__: str = lib.tf_version_string().decode()


class Error(ValueError):
    """A file that cannot be read, or arrays that cannot be saved. `status` names the reason, such as "corrupt"."""

    def __init__(self, message: str, status: str):
        super().__init__(message)
        self.status = status


def check(status: int, path: object = None) -> None:
    """Raises the exception that a status stands for: OSError for the system's errors, MemoryError, or Error."""
    if status == 0:
        return
    message, system, name = lib.tf_error_message().decode(), lib.tf_error_system(), lib.tf_status_name(status).decode()
    if name == "out_of_memory":
        raise MemoryError(message)
    if system:
        raise OSError(system, message, path)
    if name == "not_found" and path is not None:
        raise FileNotFoundError(2, message, path)
    raise Error(message, name)


def text_of(data: c_char_p | c_void_p, length: c_size_t) -> str:
    """Returns text of the library. What is not UTF-8 becomes surrogates, which bytes_of() turns into the same bytes."""
    return ctypes.string_at(ctypes.cast(data, c_void_p), length.value).decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


class Handle:
    """An object of the library, which is released at the end of a `with` block."""

    def __init__(self, kind: str):
        self.kind = kind
        self.value = c_void_p()

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        if self.value:
            getattr(lib, f"tf_{self.kind}_release")(self.value)

    @property
    def out(self) -> Any:
        """The argument for a function that makes the object."""
        return byref(self.value)


def options(values: dict[str, Any]) -> Handle:
    """Returns the options of a call by the names that the library has for them: threads=1, compress=True."""
    made = Handle("options")
    check(lib.tf_options_new(made.out))
    for name, value in values.items():
        number = lib.tf_option_from_name(name.encode())
        if number == 0:
            made.__exit__()
            raise TypeError(f"there is no option {name!r}")
        if isinstance(value, str):
            status = lib.tf_options_set_string(made.value, number, bytes_of(value), len(bytes_of(value)))
        else:
            status = lib.tf_options_set(made.value, number, int(value))
        if status:
            made.__exit__()
            check(status)
    return made
