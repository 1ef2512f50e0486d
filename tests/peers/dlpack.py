"""Converts arrays of the C ABI to objects of Python's DLPack protocol and back, through capsules made with ctypes."""

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


# For each name of a capsule: its struct, its name after it is consumed, and the functions of the ABI. Capsules keep
# pointers to their names.
KINDS = {
    b"dltensor_versioned": (Versioned, b"used_dltensor_versioned", "tf_array_to_dlpack", "tf_array_from_dlpack"),
    b"dltensor": (Unversioned, b"used_dltensor", "tf_array_to_dlpack_unversioned",
                  "tf_array_from_dlpack_unversioned"),
}

Destructor = CFUNCTYPE(None, c_void_p)
new_capsule = ctypes.PYFUNCTYPE(py_object, c_void_p, c_char_p, Destructor)(("PyCapsule_New", ctypes.pythonapi))
# A destructor receives a capsule without references, of which ctypes must not make an object.
name_of_dying = ctypes.PYFUNCTYPE(c_char_p, c_void_p)(("PyCapsule_GetName", ctypes.pythonapi))
pointer_of_dying = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
name_of = ctypes.PYFUNCTYPE(c_char_p, py_object)(("PyCapsule_GetName", ctypes.pythonapi))
pointer_of = ctypes.PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
rename = ctypes.PYFUNCTYPE(ctypes.c_int, py_object, c_char_p)(("PyCapsule_SetName", ctypes.pythonapi))


@Destructor
def drop(capsule):
    """Deletes a tensor that no consumer has taken."""
    name = name_of_dying(capsule)
    if name in KINDS:
        pointer = pointer_of_dying(capsule, name)
        KINDS[name][0].from_address(pointer).deleter(pointer)


class Exported:
    """Wraps an array handle, which the caller still owns, in an object that has __dlpack__."""

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
    """Makes an array handle over the tensor of a capsule."""
    name = name_of(capsule)
    pointer = pointer_of(capsule, name)
    rename(capsule, KINDS[name][1])
    handle = c_void_p()
    library.call(KINDS[name][3], byref(handle), c_void_p(pointer))
    return handle
