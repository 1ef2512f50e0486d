"""Arrays of the C ABI as objects of Python's DLPack protocol, and the other way round: through capsules made by ctypes."""

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint32, \
    c_uint64, c_void_p, py_object

CPU = 1


class DLTensor(Structure):
    _fields_ = [("data", c_void_p), ("device_type", c_int32), ("device_id", c_int32), ("ndim", c_int32),
                ("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16), ("shape", POINTER(c_int64)),
                ("strides", POINTER(c_int64)), ("byte_offset", c_uint64)]


class Versioned(Structure):
    _fields_ = [("major", c_uint32), ("minor", c_uint32), ("context", c_void_p), ("deleter", CFUNCTYPE(None, c_void_p)),
                ("flags", c_uint64), ("tensor", DLTensor)]


class Unversioned(Structure):
    _fields_ = [("tensor", DLTensor), ("context", c_void_p), ("deleter", CFUNCTYPE(None, c_void_p))]


# By the name of a capsule: its struct, its name when it has been taken, and the ABI's functions. Capsules keep pointers
# to their names.
KINDS = {
    b"dltensor_versioned": (Versioned, b"used_dltensor_versioned", "tf_array_to_dlpack", "tf_array_from_dlpack"),
    b"dltensor": (Unversioned, b"used_dltensor", "tf_array_to_dlpack_unversioned",
                  "tf_array_from_dlpack_unversioned"),
}

Destructor = CFUNCTYPE(None, c_void_p)
new_capsule = ctypes.PYFUNCTYPE(py_object, c_void_p, c_char_p, Destructor)(("PyCapsule_New", ctypes.pythonapi))
# A destructor is given a capsule that nobody holds any more, which ctypes must not make an object of.
name_of_dying = ctypes.PYFUNCTYPE(c_char_p, c_void_p)(("PyCapsule_GetName", ctypes.pythonapi))
pointer_of_dying = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
name_of = ctypes.PYFUNCTYPE(c_char_p, py_object)(("PyCapsule_GetName", ctypes.pythonapi))
pointer_of = ctypes.PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
rename = ctypes.PYFUNCTYPE(ctypes.c_int, py_object, c_char_p)(("PyCapsule_SetName", ctypes.pythonapi))


@Destructor
def drop(capsule):
    """Gives a tensor back that nobody took."""
    name = name_of_dying(capsule)
    if name in KINDS:
        pointer = pointer_of_dying(capsule, name)
        KINDS[name][0].from_address(pointer).deleter(pointer)


class Exported:
    """An array handle, as something that has __dlpack__; the handle stays the caller's."""

    def __init__(self, library, handle, versioned=True):
        self.library, self.handle, self.versioned = library, handle, versioned

    def __dlpack__(self, stream=None, max_version=None, dl_device=None, copy=None):
        name = b"dltensor_versioned" if self.versioned and max_version and max_version[0] >= 1 else b"dltensor"
        tensor = c_void_p()
        self.library.call(KINDS[name][2], byref(tensor), self.handle)
        return new_capsule(tensor, name, drop)

    def __dlpack_device__(self):
        return CPU, 0


def take(library, capsule):
    """An array handle over the tensor of a capsule."""
    name = name_of(capsule)
    pointer = pointer_of(capsule, name)
    rename(capsule, KINDS[name][1])
    handle = c_void_p()
    library.call(KINDS[name][3], byref(handle), c_void_p(pointer))
    return handle
