"""One interface to all peers: what each can write and read, as dtype name, shape and C-contiguous bytes."""

import ctypes

import gguf
import ml_dtypes
import numpy as np
import safetensors

from capi import Tensor
from samples import BLOCKS, dense

try:
    import mlx.core as mx
except ImportError:  # no wheel for this machine
    mx = None

NUMPY_DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16",
    "float32", "float64", "complex64", "complex128",
]
MLX_DTYPES = [dtype for dtype in NUMPY_DTYPES if dtype != "complex128"]
GGUF_PLAIN = ["int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]


def from_numpy(array):
    """NumPy has no bfloat16: it loads arrays of ml_dtypes' bfloat16 as two raw bytes for each element."""
    name = "bfloat16" if array.dtype in (np.dtype("V2"), ml_dtypes.bfloat16) else array.dtype.name
    return Tensor(name, tuple(array.shape), dense(array))


class NumPy:
    name = "numpy"
    reads = writes = {"npy": NUMPY_DTYPES, "npz": NUMPY_DTYPES}

    @staticmethod
    def read(path):
        loaded = np.load(path)
        if isinstance(loaded, np.ndarray):
            return {"": from_numpy(loaded)}
        return {name: from_numpy(loaded[name]) for name in loaded.files}

    @staticmethod
    def write(path, arrays, compress=False):
        if path.endswith(".npy"):
            np.save(path, arrays[""])
        else:
            (np.savez_compressed if compress else np.savez)(path, **arrays)


class Mlx:
    name = "mlx"
    reads = {
        "npy": MLX_DTYPES,
        "npz": MLX_DTYPES,
        "safetensors": [dtype for dtype in MLX_DTYPES if dtype != "float64"],
        "gguf": ["int8", "int16", "int32", "float16", "float32"],
    }
    writes = reads

    @staticmethod
    def to_mlx(array):
        # mlx does not accept negative strides; ascontiguousarray would make a scalar one-dimensional.
        array = np.ascontiguousarray(array).reshape(array.shape)
        if array.dtype == ml_dtypes.bfloat16:
            return mx.array(array.view(np.uint16)).view(mx.bfloat16)
        if array.dtype == np.float64:
            return mx.array(array, dtype=mx.float64)
        return mx.array(array)

    @staticmethod
    def from_mlx(array):
        name = str(array.dtype).removeprefix("mlx.core.").removesuffix("_")
        values = array.view(mx.uint16) if array.dtype == mx.bfloat16 else array
        return Tensor(name, tuple(array.shape), np.array(values).tobytes())

    @classmethod
    def read(cls, path):
        loaded = mx.load(path)
        if isinstance(loaded, mx.array):
            return {"": cls.from_mlx(loaded)}
        return {name: cls.from_mlx(array) for name, array in loaded.items()}

    @classmethod
    def write(cls, path, arrays, compress=False):
        with mx.stream(mx.cpu):
            values = {name: cls.to_mlx(array) for name, array in arrays.items()}
            mx.eval(values)
        if path.endswith(".npy"):
            mx.save(path, values[""])
        elif path.endswith(".npz"):
            (mx.savez_compressed if compress else mx.savez)(path, **values)
        elif path.endswith(".safetensors"):
            mx.save_safetensors(path, values)
        else:
            mx.save_gguf(path, values)


class Safetensors:
    name = "safetensors"
    # File string -> our name, as the format's specification lists them.
    STRINGS = {
        "BOOL": "bool", "F4": "float4_e2m1fn", "F6_E2M3": "float6_e2m3fn", "F6_E3M2": "float6_e3m2fn",
        "U8": "uint8", "I8": "int8", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn",
        "F8_E8M0": "float8_e8m0fnu", "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
        "I16": "int16", "U16": "uint16", "F16": "float16", "BF16": "bfloat16", "I32": "int32", "U32": "uint32",
        "F32": "float32", "C64": "complex64", "F64": "float64", "I64": "int64", "U64": "uint64",
    }
    reads = {"safetensors": list(STRINGS.values())}
    # Its writer does not support float6.
    writes = {"safetensors": [dtype for dtype in STRINGS.values() if dtype not in ("float6_e2m3fn", "float6_e3m2fn")]}

    @classmethod
    def read(cls, path):
        with open(path, "rb") as file:
            loaded = safetensors.deserialize(file.read())
        return {name: Tensor(cls.STRINGS[info["dtype"]], tuple(info["shape"]), bytes(info["data"]))
                for name, info in loaded}

    @staticmethod
    def write(path, arrays, compress=False):
        """Arrays are NumPy's, or Tensors of a packed type."""
        del compress
        kept, specs = [], {}
        for name, array in arrays.items():
            if isinstance(array, Tensor):
                data, shape, dtype = array.data, [*array.shape[:-1], array.shape[-1] // 2], array.dtype + "_x2"
            else:
                data, shape, dtype = dense(array), list(array.shape), array.dtype.name
            buffer = ctypes.create_string_buffer(data, max(1, len(data)))
            kept.append(buffer)
            specs[name] = safetensors.TensorSpec(dtype=dtype, shape=shape, data_ptr=ctypes.addressof(buffer),
                                                 data_len=len(data))
        with open(path, "wb") as file:
            file.write(safetensors.serialize(specs))


class GgufPy:
    name = "gguf-py"
    # 0.19 has a wrong size for q8_1 and does not know q2_0.
    reads = {"gguf": [*GGUF_PLAIN, *(dtype for dtype in BLOCKS if dtype not in ("q8_1", "q2_0"))]}
    writes = reads
    TYPES = {"int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "float16": "F16", "bfloat16": "BF16",
             "float32": "F32", "float64": "F64"}

    @classmethod
    def ggml_type(cls, dtype):
        if dtype in BLOCKS:
            return gguf.GGMLQuantizationType(BLOCKS[dtype][0])
        return gguf.GGMLQuantizationType[cls.TYPES[dtype]]

    @classmethod
    def read(cls, path):
        names = {cls.ggml_type(dtype): dtype for dtype in cls.reads["gguf"]}
        return {tensor.name: Tensor(names[tensor.tensor_type], tuple(int(n) for n in reversed(tensor.shape)),
                                    tensor.data.tobytes())
                for tensor in gguf.GGUFReader(path).tensors}

    @classmethod
    def write(cls, path, arrays, compress=False):
        """Arrays are NumPy's, or Tensors of a block type."""
        del compress
        writer = gguf.GGUFWriter(path, "llama")
        for name, array in arrays.items():
            if isinstance(array, Tensor):
                _, block, size = BLOCKS[array.dtype]
                row = array.shape[-1] // block * size
                raw = np.frombuffer(array.data, np.uint8).reshape(*array.shape[:-1], row)
                writer.add_tensor(name, raw, raw_dtype=cls.ggml_type(array.dtype))
            elif array.dtype == ml_dtypes.bfloat16:
                raw = np.frombuffer(dense(array), np.uint8).reshape(*array.shape[:-1], 2 * array.shape[-1])
                writer.add_tensor(name, raw, raw_dtype=gguf.GGMLQuantizationType.BF16)
            else:
                writer.add_tensor(name, np.ascontiguousarray(array))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


PEERS = [NumPy, *([Mlx] if mx is not None else []), Safetensors, GgufPy]
