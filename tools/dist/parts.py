"""What other projects contribute to the files of a release: their versions, licenses and texts."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import needs
from native import zig

DEBIAN = Path("/usr/share/doc")


@dataclass(frozen=True)
class Part:
    name: str
    license: str  # as SPDX writes it
    text: Path
    version: str
    use: str

    def is_in(self, platform):
        """True if the program for a platform contains the part."""
        system = {"musl": "-musl", "mingw-w64": "windows-", "emscripten": "wasm"}.get(self.name, "")
        return system in platform.name


def _debian_version(package):
    return subprocess.run(["dpkg-query", "-W", "-f", "${source:Upstream-Version}", package], check=True,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout


def _debian(name, package, license):
    return Part(name, license, DEBIAN / package / "copyright", _debian_version(package), "in the program")


def emscripten():
    """Returns the part of the WebAssembly module that is not tensorfile: the C library, which is musl."""
    return Part("emscripten", "MIT", Path("/usr/share/emscripten/system/lib/libc/musl/COPYRIGHT"),
                _debian_version("emscripten"), "its C library, in the WebAssembly module of the npm package")


def parts(sources):
    """Returns the parts of the program. Libraries contain only tensorfile, and compiler-rt where it is needed.

    `sources` is the folder of needs.fetch().
    """
    zig_library = zig().parent / "lib"
    version = subprocess.run([zig(), "version"], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()
    return [
        _debian("CLI11", "libcli11-dev", "BSD-3-Clause"),
        _debian("nlohmann_json", "nlohmann-json3-dev", "MIT"),
        Part("RE2", "BSD-3-Clause", sources / "re2/LICENSE", needs.RE2_VERSION, "in the program"),
        Part("libpng", "libpng-2.0", sources / "libpng-LICENSE", needs.libpng_version(sources), "in the program"),
        Part("zlib", "Zlib", sources / "zlib/LICENSE", needs.zlib_version(sources), "in the program, for libpng"),
        Part("compiler-rt", "MIT", zig().parent / "LICENSE", version, "zig's, in the libraries and the program"),
        Part("libc++", "Apache-2.0 WITH LLVM-exception", zig_library / "libcxx/LICENSE.TXT", version,
             "of zig, in the program"),
        Part("musl", "MIT", zig_library / "libc/musl/COPYRIGHT", version, "of zig, in the program for musl"),
        Part("mingw-w64", "ZPL-2.1", zig_library / "libc/mingw/COPYING", version,
             "of zig, in the library and the program for Windows"),
        emscripten(),
    ]


def notice(part):
    text = part.text.read_text(encoding="utf-8", errors="replace").strip()
    return f"==== {part.name} {part.version} ({part.license}), {part.use}\n\n{text}\n"


def notices(platform, sources):
    """Returns the licenses of what the archive of a platform contains."""
    return "\n".join(notice(part) for part in parts(sources) if part.is_in(platform))
