"""The recipe for Conan 2. From a checkout: conan create tools/dist/conan"""

import re
import sys
from pathlib import Path

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

SOURCES = ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "pkgconfig/*", "src/*",
           "tools/amalgamate.py")


class Tensorfile(ConanFile):
    name = "tensorfile"
    description = "Loads and saves named n-dimensional arrays as .npy, .npz, .safetensors and .gguf"
    license = "MIT"
    url = homepage = "https://github.com/tensorfile/tensorfile"
    topics = ("npy", "npz", "safetensors", "gguf", "tensors", "arrays")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}
    implements = ["auto_shared_fpic"]

    def set_version(self):
        header = load(self, str(Path(self.recipe_folder).parents[2] / "include/tensorfile.h"))
        self.version = re.search(r'TENSORFILE_VERSION_STRING "(.*)"', header).group(1)

    def export_sources(self):
        for pattern in SOURCES:
            copy(self, pattern, str(Path(self.recipe_folder).parents[2]), self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        shared = bool(self.options.shared)
        toolchain.cache_variables.update({
            "TENSORFILE_BUILD_SHARED": shared, "TENSORFILE_BUILD_STATIC": not shared,
            "TENSORFILE_BUILD_CLI": False, "TENSORFILE_NO_ZLIB": True,
            # As one file the core compiles in half the time.
            "TENSORFILE_AMALGAMATED": True, "Python3_EXECUTABLE": sys.executable})
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder) / "licenses"))
        CMake(self).install()
        # Conan generates these for its users.
        rmdir(self, str(Path(self.package_folder) / "lib/cmake"))
        rmdir(self, str(Path(self.package_folder) / "lib/pkgconfig"))

    def package_info(self):
        is_msvc_archive = self.settings.compiler == "msvc" and not self.options.shared
        self.cpp_info.libs = ["tensorfile_static" if is_msvc_archive else "tensorfile"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
        if self.settings.os == "Windows" and self.options.shared:
            self.cpp_info.defines = ["TENSORFILE_SHARED"]
