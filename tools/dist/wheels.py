"""The Python package: a wheel for each platform, with the shared library in it."""

import base64
import hashlib

import pack
from native import ROOT

PACKAGE = ROOT / "bindings/python"
METADATA = """\
Metadata-Version: 2.4
Name: tensorfile
Version: {version}
Summary: Loads and saves named NumPy arrays as .npy, .npz, .safetensors and .gguf
License-Expression: MIT
License-File: LICENSE
Project-URL: Source, https://github.com/tensorfile/tensorfile
Classifier: Programming Language :: Python :: 3
Classifier: Typing :: Typed
Requires-Python: >=3.9
Requires-Dist: numpy>=1.25
Provides-Extra: ml-dtypes
Requires-Dist: ml_dtypes; extra == "ml-dtypes"
Description-Content-Type: text/markdown

{readme}"""
WHEEL = """\
Wheel-Version: 1.0
Generator: tensorfile
Root-Is-Purelib: false
Tag: py3-none-{tag}
"""


def _record(files, name):
    rows = []
    for path, data, _ in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(data)}")
    return "\n".join([*rows, f"{name},,"]) + "\n"


def write(out, platform, tree, release):
    """Writes the wheel of a platform, with the library of its tree."""
    info = f"tensorfile-{release.version}.dist-info"
    library = (tree / platform.shared).resolve()
    texts = {f"tensorfile/{path.name}": path.read_bytes()
             for path in sorted((PACKAGE / "tensorfile").iterdir()) if path.suffix == ".py" or path.name == "py.typed"}
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    texts[f"{info}/METADATA"] = METADATA.format(version=release.version, readme=readme).encode()
    texts[f"{info}/WHEEL"] = WHEEL.format(tag=platform.wheel).encode()
    texts[f"{info}/licenses/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files = [(name, data, 0o644) for name, data in texts.items()]
    files.append((f"tensorfile/{platform.shared.rsplit('/', 1)[1]}", library.read_bytes(), 0o755))
    files.append((f"{info}/RECORD", _record(files, f"{info}/RECORD").encode(), 0o644))
    pack.zip_files(out / f"tensorfile-{release.version}-py3-none-{platform.wheel}.whl", files, release.when)
