"""The platforms that a release has files for."""

from dataclasses import dataclass

GLIBC = "2.17"
MACOS = "11.0"


@dataclass(frozen=True)
class Platform:
    name: str
    zig: str  # what zig calls it
    system: str  # what CMake calls its system
    processor: str
    wheel: str  # what pip calls it
    shared: str  # the file of the shared library in an archive
    program: str = "bin/tensorfile"
    java: str = "libtensorfile_jni.so"  # the file of the library in the jar, below META-INF/native/NAME
    link: str = "-s"  # options for programs

    @property
    def is_windows(self):
        return self.system == "Windows"

    @property
    def archive(self):
        """The extension of an archive that every machine of the platform can unpack."""
        return "zip" if self.is_windows else "tar.gz"


def _linux(processor):
    version = GLIBC.replace(".", "_")
    yield Platform(f"linux-{processor}", f"{processor}-linux-gnu.{GLIBC}", "Linux", processor,
                   f"manylinux_{version}_{processor}", "lib/libtensorfile.so.0", link="-s -pie")
    yield Platform(f"linux-{processor}-musl", f"{processor}-linux-musl", "Linux", processor,
                   f"musllinux_1_2_{processor}", "lib/libtensorfile.so.0")


def _macos(processor, zig):
    return Platform(f"macos-{processor}", f"{zig}-macos.{MACOS}", "Darwin", processor,
                    f"macosx_{MACOS.replace('.', '_')}_{processor}", "lib/libtensorfile.0.dylib",
                    java="libtensorfile_jni.dylib")


def _windows(processor, zig, wheel):
    return Platform(f"windows-{processor}", f"{zig}-windows-gnu", "Windows", processor, wheel, "bin/tensorfile.dll",
                    "bin/tensorfile.exe", "tensorfile_jni.dll")


PLATFORMS = {platform.name: platform for platform in (
    *_linux("x86_64"), *_linux("aarch64"),
    _macos("x86_64", "x86_64"), _macos("arm64", "aarch64"),
    _windows("x86_64", "x86_64", "win_amd64"), _windows("arm64", "aarch64", "win_arm64"))}
