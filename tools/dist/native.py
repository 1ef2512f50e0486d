"""Builds the library and the program for a platform with zig."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*command, cwd=None, env=None):
    """Runs a command quietly. Ends the process with what it printed if it fails."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    if done.returncode:
        sys.exit(f"{' '.join(str(word) for word in command)}\n{done.stdout}exit status {done.returncode}")
    return done.stdout


def sign(command, platform, *files):
    """Runs the command on each file, if the system of the platform knows signatures."""
    if command and platform.system != "Linux":
        for file in files:
            run(command, file.resolve())


def zig():
    """Returns zig's program in the Python package ziglang."""
    import ziglang
    return Path(ziglang.__file__).parent / "zig"


def zig_environment(work):
    """Returns an environment in which zig keeps its caches in `work`."""
    cache = str(work / "zig-cache")
    return {**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}


def write_tools(folder, target):
    """Writes the commands that zig.cmake names, since CMake expects a program for each."""
    folder.mkdir(parents=True, exist_ok=True)
    commands = {"cc": f"cc -target {target}", "cxx": f"c++ -target {target}", "ar": "ar", "ranlib": "ranlib",
                "rc_compiler": "rc"}
    scripts = {name: f'exec "{zig()}" {command} "$@"' for name, command in commands.items()}
    for name, script in {**scripts, "nothing": "exit 0"}.items():
        path, text = folder / name, f"#!/bin/sh\n{script}\n"
        # A new time would make ccache compile everything again.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)


def copy_headers(folder):
    """Copies the headers that the program needs, because /usr/include also has the C library of this machine."""
    for name in ("CLI", "nlohmann"):
        shutil.copytree(f"/usr/include/{name}", folder / "include" / name, dirs_exist_ok=True)
    for name in ("CLI11", "nlohmann_json"):
        shutil.copytree(f"/usr/share/cmake/{name}", folder / "share" / "cmake" / name, dirs_exist_ok=True)


def toolchain(platform, work):
    """Writes the tools of a platform, and returns the settings with which CMake uses them."""
    tools = work / platform.name / "tools"
    write_tools(tools, platform.zig)
    # Without the folders of this machine in their strings, the files are the same wherever they are built.
    flags = f"-g0 -ffile-prefix-map={ROOT}=. -ffile-prefix-map={work}=."
    return ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'tools/dist/zig.cmake'}",
            f"-DZIG_TOOLS={tools}", f"-DZIG_SYSTEM={platform.system}", f"-DZIG_PROCESSOR={platform.processor}",
            f"-DCMAKE_C_FLAGS={flags}", f"-DCMAKE_CXX_FLAGS={flags}", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG",
            f"-DCMAKE_EXE_LINKER_FLAGS={platform.link}", *(f"-DCMAKE_{kind}_LINKER_FLAGS=-s" for kind in ("SHARED", "MODULE"))]


def configure(platform, work, sources):
    """Configures the build of a platform. `sources` are those of needs.py."""
    headers = work / "headers"
    copy_headers(headers)
    run("cmake", "-S", ROOT, "-B", work / platform.name / "build", *toolchain(platform, work),
        f"-DCMAKE_PREFIX_PATH={headers}", "-DCMAKE_POSITION_INDEPENDENT_CODE=ON", "-DTENSORFILE_NO_ZLIB=ON",
        "-DTENSORFILE_STATIC_CLI=ON", "-DTENSORFILE_AMALGAMATED=ON", "-DTENSORFILE_UNITY_PROGRAM=ON",
        f"-DNEEDS_SOURCES={sources}", env=zig_environment(work))


def install(platform, work, tree, libdir):
    """Installs what was built into an empty folder, with the libraries in `libdir`."""
    folder = work / platform.name
    run("cmake", f"-DCMAKE_INSTALL_LIBDIR={libdir}", folder / "build", env=zig_environment(work))
    shutil.rmtree(tree, ignore_errors=True)
    run("cmake", "--install", folder / "build", "--prefix", tree)


def build(platform, work, jobs, sources):
    """Builds and installs what the archive of a platform contains. Returns the folder."""
    folder = work / platform.name
    tree = folder / "tree"
    configure(platform, work, sources)
    run("cmake", "--build", folder / "build", "--parallel", jobs, env=zig_environment(work))
    install(platform, work, tree, "lib")
    missing = [name for name in (platform.shared, platform.program) if not (tree / name).is_file()]
    if missing:
        sys.exit(f"{platform.name}: not built: {', '.join(missing)}")
    return tree
