"""Files whose arrays are read when they are asked for."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from ctypes import byref, c_char_p, c_int64, c_size_t, c_void_p
from typing import Any

import numpy

from ._arrays import dtype_number, numpy_dtype, view
from ._callbacks import Calls
from ._dicts import values_of
from ._library import check, lib, text_of
from ._load_save import open_file
from ._sources import Readable


def _resolve(key: Any, shape: tuple[int, ...]) -> tuple[list[slice], tuple[Any, ...]]:
    """Returns a slice with a positive step for each axis, and the index that turns the result into what was asked."""
    given = key if isinstance(key, tuple) else (key,)
    dots = [index for index, item in enumerate(given) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have one ellipsis ('...')")
    if len(given) - len(dots) > len(shape):
        count = len(given) - len(dots)
        raise IndexError(f"too many indices: the array has {len(shape)} dimensions, but {count} were given")
    at = dots[0] if dots else len(given)
    fill = (slice(None),) * (len(shape) - len(given) + len(dots))
    slices: list[slice] = []
    rest: list[Any] = []
    for axis, (item, size) in enumerate(zip((*given[:at], *fill, *given[at + 1:]), shape)):
        if isinstance(item, slice):
            wanted = range(size)[item]
            rest.append(slice(None, None, -1 if wanted.step < 0 else 1))
            wanted = wanted[::-1] if wanted.step < 0 else wanted
            slices.append(slice(wanted.start, max(wanted.start, wanted.stop), wanted.step))
        elif hasattr(item, "__index__") and not isinstance(item, (bool, numpy.bool_)):
            number = item.__index__()
            if not -size <= number < size:
                raise IndexError(f"index {number} is out of bounds for axis {axis} with size {size}")
            slices.append(slice(number % size, number % size + 1, 1))
            rest.append(0)
        else:
            raise TypeError(f"expected integers, slices and '...', got {item!r}; "
                            "read() returns an array for other indices")
    return slices, tuple(rest)


class Entry:
    """An array in a file. entry[1:3, ..., ::2] reads only what it needs."""

    def __init__(self, file: File, index: int):
        text, length = c_char_p(), c_size_t()
        handle = file._open_handle()
        check(lib.tf_file_name(byref(text), byref(length), handle, index))
        self.name = text_of(text, length)
        check(lib.tf_file_type(byref(text), byref(length), handle, index))
        #: The type as the file has it, such as "float32" or "q4_k".
        self.type = text_of(text, length)
        self.shape: tuple[int, ...] = tuple(lib.tf_file_shape(handle, index)[:lib.tf_file_ndim(handle, index)])
        #: Bytes of the array as it is stored.
        self.nbytes: int = lib.tf_file_nbytes(handle, index)
        stored = lib.tf_file_dtype(handle, index)
        #: The dtype that read() returns; None if the library does not know the type, which only read_bytes() can read.
        self.dtype = None if stored == 0 else numpy_dtype(stored) or numpy.dtype("float32")
        self._file, self._index = file, index

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<Entry {self.name!r}: {self.type} {self.shape}>"

    def read(self, dtype: Any = None) -> numpy.ndarray[Any, Any]:
        """Returns the whole array, with another dtype if one is given."""
        return self._read([slice(0, size, 1) for size in self.shape], dtype)

    def read_bytes(self) -> numpy.ndarray[Any, Any]:
        """Returns the bytes as they are stored, such as the blocks of a quantized array."""
        array = c_void_p()
        with self._file._calls as calls:
            calls.check(lib.tf_file_read_raw(byref(array), self._file._open_handle(), self._index))
        return view(array)

    def __getitem__(self, key: Any) -> Any:
        slices, rest = _resolve(key, self.shape)
        return self._read(slices, None)[rest]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray[Any, Any]:
        if copy is False:
            raise ValueError("an array in a file cannot be used without a copy; load it with mmap=True instead")
        return self.read(dtype)

    def _read(self, slices: list[slice], dtype: Any) -> numpy.ndarray[Any, Any]:
        if self.dtype is None:
            raise TypeError(f"{self.name!r} has the unknown type {self.type!r}; read_bytes() returns its bytes")
        wanted = numpy.dtype(self.dtype if dtype is None else dtype)
        shape = [len(range(part.start, part.stop, part.step)) for part in slices]
        out: numpy.ndarray[Any, Any] = numpy.empty(shape, wanted.newbyteorder("="))
        axes = [(c_int64 * len(slices))(*column) for column in
                ([part.start for part in slices], [part.stop for part in slices], [part.step for part in slices])]
        with self._file._calls as calls:
            calls.check(lib.tf_file_read_slice_into(self._file._open_handle(), self._index, *axes, len(slices),
                                                    dtype_number(out.dtype), out.ctypes.data, out.nbytes))
        return out


class File(Mapping[str, Entry]):
    """An open file: a mapping from names to entries, in the order of the file. Opening it reads only the header."""

    def __init__(self, file: Readable, **settings: Any):
        handle, text, length = c_void_p(), c_char_p(), c_size_t()
        self._calls = Calls()
        open_file(file, byref(handle), self._calls, settings)
        self._handle: c_void_p | None = handle
        self._release = weakref.finalize(self, lib.tf_file_release, handle)
        self._indices: dict[str, int] = {}
        for index in range(lib.tf_file_count(handle)):
            check(lib.tf_file_name(byref(text), byref(length), handle, index))
            self._indices[text_of(text, length)] = index
        #: "npy", "npz", "safetensors" or "gguf".
        self.format: str = lib.tf_format_name(lib.tf_file_format(handle)).decode()

    @property
    def metadata(self) -> dict[str, Any]:
        """Strings, lists of strings, numbers and arrays of numbers, by key."""
        return values_of(c_void_p(lib.tf_file_metadata(self._open_handle())))

    def __getitem__(self, name: str) -> Entry:
        return Entry(self, self._indices[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file. Arrays that were read stay valid."""
        self._handle = None
        self._release()

    def _open_handle(self) -> c_void_p:
        if self._handle is None:
            raise ValueError("the file is closed")
        return self._handle


def open(file: Readable, **settings: Any) -> File:
    """Opens a file, which is what load() takes, and reads its header. Settings are options of the library.

    A buffer, file object or Source is kept until the file is closed or collected. Close a file object, and change a
    buffer, only after that. Several threads may read from the file at the same time; they take turns with a file object
    that has one position, but not with a regular file, a file of fsspec whose system is asynchronous (s3, http and the
    like), or a Source.
    """
    return File(file, **settings)
