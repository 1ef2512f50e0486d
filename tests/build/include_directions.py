"""Checks that each directory of src/ includes only directories below it, and that the core includes no header of the C++
library that needs the run-time library.

usage: include_directions.py SRC
"""

import re
import sys
from pathlib import Path

BELOW = {
    "base": [],
    "core": ["base"],
    "io": ["base"],
    "codec": ["base"],
    "quant": ["base", "core"],
    "format": ["base", "core", "io", "codec"],
    "transfer": ["base", "core", "io", "codec", "quant", "format"],
    "file": ["base", "core", "io", "codec", "quant", "format", "transfer"],
    "api": ["base", "core", "io", "codec", "quant", "format", "transfer", "file"],
    "http": [],
    "cli": [],
}
# Formats use sources and sinks, never files, and know of no threads.
FORBIDDEN = {"format": ["io/file.h", "io/replace.h", "base/threads.h"]}
# Headers of the C++ library that contain only templates and constants.
HEADER_ONLY = {"algorithm", "atomic", "bit", "compare", "concepts", "cstddef", "cstdint", "cstring", "limits", "new", "type_traits",
               "utility"}
C_LIBRARY = {"errno.h", "math.h", "stdio.h", "stdlib.h", "string.h", "time.h"}
CODEC_LIBRARIES = {"codec": ("zlib.h",)}
# The libraries of libtensorfile_http, and the headers of the system that it uses.
HTTP_LIBRARIES = ("curl/", "openssl/", "pthread.h")
# Headers of the compiler for instructions of a CPU.
INTRINSICS = {"base": ["cpuid.h"], "codec": ["immintrin.h", "arm_neon.h"], "quant": ["immintrin.h", "arm_neon.h"]}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def project_include(layer, include):
    """Returns what is wrong with including a file of the project, or None."""
    target = include.split("/")[0] if "/" in include else ""
    if include == "tensorfile.h" or (include == "tensorfile.hpp" and layer == "cli"):
        return None
    if include == {"http": "tensorfile_http.h", "cli": "tensorfile_http.hpp"}.get(layer):
        return None
    # Without the library the program must still know which arguments are URLs.
    if include == "http/schemes.h" and layer == "cli":
        return None
    if layer == "cli" and not target:
        return None
    if target not in BELOW:
        return "the file is in no layer of src/; write \"layer/file.h\""
    if target != layer and target not in BELOW[layer]:
        return f"{layer} may include {', '.join(BELOW[layer]) or 'nothing'}"
    return f"{layer} must not include files" if include in FORBIDDEN.get(layer, []) else None


def system_include(layer, path, include):
    """Returns what is wrong with including a system header, or None."""
    if layer == "cli" or include in HEADER_ONLY or include in C_LIBRARY:
        return None
    if layer == "http" and include.startswith(HTTP_LIBRARIES):
        return None
    if include in INTRINSICS.get(layer, []):
        return None
    if include.startswith(CODEC_LIBRARIES.get(layer, ())):
        return None
    if "." not in include:
        return "the header may need the C++ run-time library"
    # Only these files depend on the system, and io/file.h, which contains a handle.
    return None if re.search(r"_(posix|windows)\.(cpp|h)$", path.name) else "only *_posix and *_windows may include system headers"


def problems(sources):
    files = [path for path in sorted(sources.rglob("*")) if path.suffix in (".h", ".inc", ".cpp")]
    if not files:
        yield f"found no sources in {sources}"
    for path in files:
        layer = path.relative_to(sources).parts[0]
        if layer not in BELOW:
            yield f"{path}: include_directions.py does not know this layer"
            continue
        for quote, include in INCLUDE.findall(path.read_text(encoding="utf-8")):
            problem = project_include(layer, include) if quote == '"' else system_include(layer, path, include)
            if problem:
                yield f"{path} includes {include}: {problem}"


if __name__ == "__main__":
    sys.exit("\n".join(problems(Path(sys.argv[1]))) or 0)
