"""Loads and saves named NumPy arrays as .npy, .npz, .safetensors and .gguf.

    arrays = tensorfile.load("model.safetensors")               # {"w": array, ...}
    tensorfile.save("model.gguf", arrays, {"general.architecture": "demo"})

    with tensorfile.open("model.gguf") as file:                 # reads the header only
        part = file["w"][:100]                                  # reads these rows
        metadata = file.metadata

Files may also be bytes, binary file objects (io.BytesIO, members of archives, files of fsspec), or a Source, which is a
function that reads at any offset.

Quantized arrays are decoded to float32. With ml_dtypes installed, bfloat16 and the small floats are its dtypes; without
it they are decoded to float32 too.
"""

from ._file import Entry, File, open
from ._library import Error, __version__
from ._load_save import load, load_bytes, load_metadata, save, save_bytes, save_metadata
from ._sources import Source

__all__ = ["Entry", "Error", "File", "Source", "load", "load_bytes", "load_metadata", "open", "save", "save_bytes",
           "save_metadata", "__version__"]
