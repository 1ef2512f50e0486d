"""Dicts of the library as dicts of Python and the reverse."""

from __future__ import annotations

from ctypes import byref, c_char_p, c_size_t, c_void_p
from typing import Any, Mapping

import numpy

from ._arrays import view, wrap
from ._library import Handle, bytes_of, check, lib, text_of

ARRAY, STRING, STRING_LIST, DICT = 1, 2, 3, 4


def _key(handle: c_void_p, index: int) -> str:
    text, length = c_char_p(), c_size_t()
    check(lib.tf_dict_key_at(byref(text), byref(length), handle, index))
    return text_of(text, length)


def arrays_of(handle: c_void_p) -> dict[str, numpy.ndarray[Any, Any]]:
    """Returns the arrays of a dict, which is then released, so that they are writable: no other reference is left."""
    names, found = [], []
    try:
        for index in range(lib.tf_dict_size(handle)):
            array = c_void_p()
            names.append(_key(handle, index))
            check(lib.tf_dict_array_at(byref(array), handle, index))
            found.append(array)
    finally:
        lib.tf_dict_release(handle)
    return {name: view(array) for name, array in zip(names, found)}


def _strings(handle: c_void_p, index: int) -> list[str]:
    count, text, length = c_size_t(), c_char_p(), c_size_t()
    check(lib.tf_dict_string_list_size_at(byref(count), handle, index))
    items = []
    for item in range(count.value):
        check(lib.tf_dict_string_list_item_at(byref(text), byref(length), handle, index, item))
        items.append(text_of(text, length))
    return items


def _value(handle: c_void_p, index: int) -> Any:
    kind, out, length = lib.tf_dict_kind_at(handle, index), c_void_p(), c_size_t()
    if kind == STRING:
        check(lib.tf_dict_string_at(byref(out), byref(length), handle, index))
        return text_of(out, length)
    if kind == STRING_LIST:
        return _strings(handle, index)
    if kind == DICT:
        with Handle("dict") as nested:
            check(lib.tf_dict_dict_at(nested.out, handle, index))
            return values_of(nested.value)
    check(lib.tf_dict_array_at(byref(out), handle, index))
    array = view(out)
    return array[()] if array.ndim == 0 else array.copy()


def values_of(handle: c_void_p) -> dict[str, Any]:
    """Returns metadata: strings, lists of strings, scalars and arrays of NumPy, and dicts of these."""
    return {_key(handle, index): _value(handle, index) for index in range(lib.tf_dict_size(handle))}


def _is_strings(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _set(handle: c_void_p, key: str, value: Any, keep: list[Any]) -> None:
    name = bytes_of(key)
    if isinstance(value, str):
        check(lib.tf_dict_set_string(handle, name, len(name), bytes_of(value), len(bytes_of(value))))
    elif isinstance(value, Mapping):
        with dict_of(value, keep) as nested:
            check(lib.tf_dict_set_dict(handle, name, len(name), nested.value))
    elif _is_strings(value):
        check(lib.tf_dict_set_string_list(handle, name, len(name)))
        for item in value:
            check(lib.tf_dict_string_list_append(handle, name, len(name), bytes_of(item), len(bytes_of(item))))
    else:
        try:
            array = wrap(value, keep)
        except TypeError as error:
            raise TypeError(f"{key!r}: {error}") from None
        with array:
            check(lib.tf_dict_set_array(handle, name, len(name), array.value))


def dict_of(values: Mapping[str, Any], keep: list[Any]) -> Handle:
    """Returns a dict of the library. `keep` receives the arrays whose memory it uses."""
    made = Handle("dict")
    try:
        check(lib.tf_dict_new(made.out))
        for key, value in values.items():
            _set(made.value, key, value, keep)
    except BaseException:
        made.__exit__()
        raise
    return made
