"""Installs the library in folders with spaces, commas and non-ASCII letters, moves it, and builds programs with it.

usage: install_test.py STEP BUILD WORK

The step `tree` installs into WORK and moves the tree. These steps use it: pkg_config_shared, pkg_config_static,
pkg_config_archive, readme, find_package_c, find_package_cxx, program, bundle_pkg_config, bundle_find_package, dlopen_c,
dlopen_lua, dlopen_python, example_sdl2, example_staging. The steps make_install, plain_build, subdirectory and
amalgamation do not. Tools and settings are in the environment: CMAKE, CC, CXX, PKG_CONFIG, READELF, NM, LUAJIT, NUMPY_PYTHON (a Python with NumPy), SOURCE, PROGRAM (ON if the program was built),
BUNDLE (1 if the bundle was built).
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OPENING = HERE.parent / "dlopen"
BUILD, WORK = Path(sys.argv[2]), Path(sys.argv[3])
FIRST, TREE = WORK / "first plåce, here", WORK / "moved træ, there"
# CMake splits an rpath at commas, and the folders here have commas in their names. So the test projects are built with
# relative rpaths, or with none; check_consumer sets LD_LIBRARY_PATH to find the library.
NO_RPATH, RELATIVE_RPATH = "-DCMAKE_SKIP_RPATH=ON", "-DCMAKE_BUILD_RPATH_USE_ORIGIN=ON"
LANGUAGE_RUNTIME = re.compile(r"libstdc\+\+|libc\+\+|libgcc_s")


def fail(message):
    sys.exit(f"install test: {message}")


def run(*command, cwd=None, env=None):
    """Runs a command and returns its output, which is shown if the command fails."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, encoding="utf-8",
                          errors="surrogateescape", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        fail(f"{shlex.join(str(word) for word in command)}\n{done.stdout}exit status {done.returncode}")
    return done.stdout


def tool(name):
    return os.environ[name]


def fresh(name):
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def needed(program):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run(tool("READELF"), "-dW", program))


def check_consumer(program, shared, cxx=False):
    """Runs a consumer, looks at the libraries that it needs, and returns what it printed."""
    path = os.pathsep.join([str(folder) for folder in library_folders()])
    printed = run(program, cwd=program.parent, env={**os.environ, "LD_LIBRARY_PATH": path})
    libraries = needed(program)
    if ("libtensorfile.so.0" in libraries) != shared:
        fail(f"{program} needs {libraries}, though it should{'' if shared else ' not'} need libtensorfile.so.0")
    if not cxx and any(LANGUAGE_RUNTIME.match(library) for library in libraries):
        fail(f"{program} is C, and yet needs {libraries}")
    return printed


def library_folders():
    return [path.parent for path in TREE.rglob("libtensorfile.so")]


def make_tree():
    shutil.rmtree(WORK, ignore_errors=True)
    run(tool("CMAKE"), "--install", BUILD, "--prefix", FIRST)
    FIRST.rename(TREE)
    has_http = tool("HTTP") == "1"
    expected = [f"include/{path.name}" for path in (Path(tool("SOURCE")) / "include").iterdir()
                if has_http or path.stem != "tensorfile_http"]
    if tool("PROGRAM") == "ON":
        expected += ["bin/tensorfile", "share/man/man1/tensorfile.1", "share/bash-completion/completions/tensorfile",
                     "share/zsh/site-functions/_tensorfile", "share/fish/vendor_completions.d/tensorfile.fish"]
    missing = [name for name in expected if not (TREE / name).is_file()]
    names = [path.name for path in TREE.rglob("*")]
    missing += [name for name in ("libtensorfile.a", "libtensorfile.so", "libtensorfile.so.0", "tensorfile.pc", "tensorfile-static.pc",
                                  "tensorfile-config.cmake", "tensorfile-config-version.cmake") if name not in names]
    if missing:
        fail(f"not installed: {', '.join(missing)}")
    if (tool("BUNDLE") == "1") != ("libtensorfile_bundle.a" in names and "tensorfile-bundle.pc" in names):
        fail("the bundle is installed although it was not built, or was built and not installed")
    for name in ("libtensorfile_http.a", "libtensorfile_http.so", "tensorfile_http.pc", "tensorfile_http.h", "tensorfile_http.hpp"):
        if has_http != (name in names):
            fail(f"{name} is installed although it was not built, or was built and not installed")
    stray = [str(path) for path in TREE.rglob("*") if re.search(r"gtest|gmock|unit_tests", path.name)]
    if stray:
        fail(f"installed, and should not be: {', '.join(stray)}")
    for path in [*TREE.rglob("*.pc"), *TREE.rglob("*.cmake")]:
        if str(FIRST) in path.read_text(encoding="utf-8"):
            fail(f"{path} contains the folder that it was first installed to")


def pkg_config(*options, package="tensorfile"):
    """The flags that pkg-config prints, unescaped: it escapes each byte of non-ASCII letters."""
    folder = next(TREE.rglob("tensorfile.pc")).parent
    flags = run(tool("PKG_CONFIG"), *options, "--cflags", "--libs", package,
                env={**os.environ, "PKG_CONFIG_PATH": str(folder)})
    return shlex.split(flags)


def pkg_config_shared():
    folder = fresh("pkg-config, shared")
    flags = pkg_config()
    if "-lz" in flags or "-lpthread" in flags:
        fail(f"pkg-config should not pass {flags} to users of the shared library")
    run(tool("CC"), "-std=c99", HERE / "consumer.c", "-o", folder / "consumer", *flags)
    check_consumer(folder / "consumer", shared=True)


def http():
    """Builds a program that reads from URLs with pkg-config and with CMake, and runs it without the folder of libtensorfile."""
    folder = fresh("http")
    flags = pkg_config(package="tensorfile_http")
    if "-lcurl" in flags or "-lcrypto" in flags:
        fail(f"pkg-config should not pass {flags} to users of the shared library")
    run(tool("CC"), "-std=c99", HERE / "http_consumer.c", "-o", folder / "consumer", *flags)
    check_consumer(folder / "consumer", shared=True)
    run(tool("CMAKE"), "-S", HERE / "http", "-B", folder / "build", "-G", "Ninja", f"-DCMAKE_C_COMPILER={tool('CC')}",
        f"-DCMAKE_PREFIX_PATH={TREE}", NO_RPATH)
    run(tool("CMAKE"), "--build", folder / "build")
    check_consumer(folder / "build/http_shared", shared=True)
    check_consumer(folder / "build/http_static", shared=False)
    run(tool("CMAKE"), "-S", HERE / "http_cxx", "-B", folder / "cxx", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={tool('CXX')}",
        f"-DCMAKE_PREFIX_PATH={TREE}", NO_RPATH)
    run(tool("CMAKE"), "--build", folder / "cxx")
    check_consumer(folder / "cxx/http_cxx", shared=True, cxx=True)


def pkg_config_static():
    folder = fresh("pkg-config, static")
    run(tool("CC"), "-std=c99", HERE / "consumer.c", "-o", folder / "consumer", "-static", *pkg_config("--static"))
    check_consumer(folder / "consumer", shared=False)


def pkg_config_archive():
    """Links the archive although the shared library is next to it. The program then runs without LD_LIBRARY_PATH."""
    folder = fresh("pkg-config, archive")
    run(tool("CC"), "-std=c99", HERE / "consumer.c", "-o", folder / "consumer", *pkg_config(package="tensorfile-static"))
    check_consumer(folder / "consumer", shared=False)


def sources(folder):
    """Copies what `make install` needs, since it builds in a folder of the source tree."""
    for name in ("CMakeLists.txt", "CMakePresets.json", "Makefile", "LICENSE"):
        shutil.copy(Path(tool("SOURCE")) / name, folder)
    for name in ("cmake", "include", "pkgconfig", "src"):
        shutil.copytree(Path(tool("SOURCE")) / name, folder / name)


def make_install():
    """Runs the commands of the README for a folder of the user's own, without Ninja and CLI11."""
    folder, home, tools = fresh("source"), fresh("home"), fresh("tools")
    sources(folder)
    # The README may promise only what also works when this file, which CMake reads first, hides CLI11. Without
    # optimization, and with the core as one file, which tools/amalgamate.py writes, the build is shorter.
    (folder / "tools").mkdir()
    shutil.copy(Path(tool("SOURCE")) / "tools/amalgamate.py", folder / "tools")
    (folder / "first.cmake").write_text("set(CMAKE_DISABLE_FIND_PACKAGE_CLI11 ON)\n"
                                        'set(CMAKE_CXX_FLAGS_RELEASE "-O0" CACHE STRING "")\n'
                                        "set(TENSORFILE_AMALGAMATED ON CACHE BOOL \"\")\n", encoding="utf-8")
    for name in ("sh", "make", "pkg-config", "nproc", "ld", "as", "ar", "ranlib", "ccache", "uname", "rm"):
        if shutil.which(name):
            (tools / name).symlink_to(shutil.which(name))
    for name, path in (("cmake", "CMAKE"), ("cc", "CC"), ("c++", "CXX")):
        (tools / name).symlink_to(shutil.which(tool(path)))
    # CMake hides launchers and generators of the environment from nobody, and Make passes its own jobs to builds.
    kept = {name: value for name, value in os.environ.items() if not re.match(r"MAKE|MFLAGS|CMAKE_GENERATOR$|C(XX)?$|CXX$|CC$", name)}
    environment = {**kept, "PATH": str(tools), "HOME": str(home), "CMAKE_TOOLCHAIN_FILE": str(folder / "first.cmake"),
                   "CMAKE_EXPORT_COMPILE_COMMANDS": "ON"}
    readme = (Path(tool("SOURCE")) / "README.md").read_text(encoding="utf-8")
    install = re.search(r"^make install .*$", readme, re.M).group()
    search = re.search(r"^export PKG_CONFIG_PATH=.*$", readme, re.M).group()
    compile_demo = re.search(r"^cc demo\.c .*$", readme, re.M).group()
    printed = run("sh", "-ec", install, cwd=folder, env=environment)
    if "so the program is not built" not in printed or (home / ".local/bin/tensorfile").exists():
        fail(f"without CLI11, make install does not say that it leaves out the program:\n{printed}")
    if "ninja" in (folder / "build/library/CMakeCache.txt").read_text(encoding="utf-8") or "ninja" in printed:
        fail("make install uses ninja")
    check_no_werror(folder / "build/library")
    (home / "demo.c").write_text(re.search(r"```c\n(.*?)```", readme, re.S).group(1), encoding="utf-8")
    printed = run("sh", "-ec", f"{search}\n{compile_demo}", cwd=home, env=environment)
    if printed != "6\n":
        fail(f"the program of the README printed {printed!r}, not 6")


def check_no_werror(build):
    """Checks that no warning of a user's compiler ends a build."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    strict = [entry["file"] for entry in commands if "-Werror" in shlex.split(entry["command"])]
    if not commands or strict:
        fail(f"of {len(commands)} files, make install compiles these with -Werror: {strict}")


def plain_build():
    """A build without options contains no tests, and is optimized."""
    folder = fresh("plain")
    run(tool("CMAKE"), "-S", tool("SOURCE"), "-B", folder, "-G", "Ninja", f"-DCMAKE_C_COMPILER={tool('CC')}",
        f"-DCMAKE_CXX_COMPILER={tool('CXX')}")
    # The folder of this test may have a word in its name.
    rules = (folder / "build.ninja").read_text(encoding="utf-8").replace(str(folder), "")
    for word in ("gtest", "tests/", "-Werror"):
        if word in rules:
            fail(f"a build without options contains {word}")
    check_optimized(rules)


def check_optimized(rules):
    flags = re.search(r"^build [^\n]*/(?:tf_array|tensorfile)\.cpp\.o: .*?^  FLAGS = ([^\n]*)", rules, re.M | re.S).group(1)
    if not re.search(r"-O[23]", flags):
        fail(f"the core is compiled without optimization: {flags}")


def readme():
    """Builds the C and C++ programs of the README and of docs/embedding.md, and the CMake project of the latter, unchanged."""
    folder = fresh("readme")
    texts = [(Path(tool("SOURCE")) / name).read_text(encoding="utf-8") for name in ("README.md", "docs/embedding.md")]
    # The first program writes the file that the later ones read.
    programs = [found for text in texts for found in re.findall(r"```(c|cpp)\n(.*?)```", text, re.S)]
    if [language for language, _ in programs] != ["c", "cpp", "cpp", "c"]:
        fail(f"expected programs in C, C++, C++ and C, found {[language for language, _ in programs]}")
    for number, (language, code) in enumerate(programs):
        source, built = folder / f"demo{number}.{language}", folder / f"demo{number}"
        source.write_text(code, encoding="utf-8")
        run(tool("CC" if language == "c" else "CXX"), "-Wall", "-Wextra", "-Werror", source, "-o", built, *pkg_config())
        printed = check_consumer(built, shared=True, cxx=language == "cpp")
        if printed != "6\n":
            fail(f"program {number} printed {printed!r}, not 6")
    project = fresh("readme, CMake")
    (project / "CMakeLists.txt").write_text(re.search(r"```cmake\n(.*?)```", texts[1], re.S).group(1), encoding="utf-8")
    (project / "game.c").write_text(programs[0][1], encoding="utf-8")
    run(tool("CMAKE"), "-S", project, "-B", project / "build", "-G", "Ninja", f"-DCMAKE_C_COMPILER={tool('CC')}",
        f"-DCMAKE_PREFIX_PATH={TREE}", NO_RPATH)
    run(tool("CMAKE"), "--build", project / "build")
    check_consumer(project / "build" / "game", shared=True)


def configure_and_build(name, *options, source=None, cxx=None):
    folder = fresh(f"{name}, bygget på nytt")
    run(tool("CMAKE"), "-S", source or HERE / name, "-B", folder, "-G", "Ninja", f"-DCMAKE_C_COMPILER={tool('CC')}",
        f"-DCMAKE_CXX_COMPILER={cxx or tool('CXX')}", *options)
    return folder, run(tool("CMAKE"), "--build", folder)


def find_package(name):
    folder, _ = configure_and_build(name, f"-DCMAKE_PREFIX_PATH={TREE}", NO_RPATH)
    check_consumer(folder / "consumer_shared", shared=True, cxx=name == "cxx")
    check_consumer(folder / "consumer_static", shared=False, cxx=name == "cxx")


def subdirectory():
    folder, _ = configure_and_build("subdirectory", f"-DTENSORFILE_SOURCE={tool('SOURCE')}", "-DTENSORFILE_AMALGAMATED=ON",
                                    f"-DTENSORFILE_BUILD_BUNDLE={tool('BUNDLE')}",
                                    f"-DCMAKE_INSTALL_PREFIX={WORK / 'subdirectory, tree'}", RELATIVE_RPATH,
                                    cxx=HERE.parent / "unoptimized_cxx.sh")
    check_consumer(folder / "consumer_shared", shared=True)
    check_consumer(folder / "consumer_static", shared=False)
    if tool("BUNDLE") == "1":
        check_bundle(folder / "consumer_bundle")
    rules = (folder / "build.ninja").read_text(encoding="utf-8")
    for word in ("-Werror", "unit_tests", "tensorfile_program"):
        if word in rules:
            fail(f"in another project, the build of tensorfile contains {word}")
    check_optimized(rules)
    run(tool("CMAKE"), "--install", folder)
    installed = [path.name for path in (WORK / "subdirectory, tree").rglob("*") if path.is_file()]
    if installed != ["consumer_shared"]:
        fail(f"in another project, tensorfile installs {installed}")


def check_bundle(program):
    """Checks that the bundle uses its own zlib, even if the program has another one."""
    run(program, cwd=program.parent)
    libraries = needed(program)
    if any(re.match(r"libz|libtensorfile", library) or LANGUAGE_RUNTIME.match(library) for library in libraries):
        fail(f"{program} needs {libraries}")


def bundle_pkg_config():
    """Checks that the archive defines only the listed symbols, and works in a program that has another zlib."""
    archive = next(TREE.rglob("libtensorfile_bundle.a"))
    lines = run(tool("NM"), "--extern-only", archive).splitlines()
    defined = sorted(line.split()[-1] for line in lines if re.search(r" [A-TV-Z] ", line))
    listed = (Path(tool("SOURCE")) / "src" / "api" / "symbols.txt").read_text(encoding="utf-8").split()
    if defined != listed:
        fail(f"{archive} and src/api/symbols.txt differ in {sorted(set(defined) ^ set(listed))}")
    undefined = [line.split()[-1] for line in lines if " U " in line]
    foreign = [name for name in undefined if re.match(r"_Z|__cxa|__gxx|_Unwind|deflate|inflate|crc32|adler|compress", name)]
    if foreign:
        fail(f"{archive} needs {foreign}")
    folder = fresh("bundle pkg-config")
    run(tool("CC"), "-std=c99", HERE / "other_zlib.c", "-o", folder / "program",
        *pkg_config(package="tensorfile-bundle"))
    check_bundle(folder / "program")


def bundle_find_package():
    folder, _ = configure_and_build("bundle", f"-DCMAKE_PREFIX_PATH={TREE}")
    check_bundle(folder / "program")


def amalgamation():
    """Compiles the two files of the amalgamation in the folder of a game, with the game's own commands."""
    folder = fresh("amalgamåtion, of a game")
    run(sys.executable, Path(tool("SOURCE")) / "tools" / "amalgamate.py", folder / "third party")
    compile_core = ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-fPIC", "-c", "third party/tensorfile.cpp", "-o",
                    "tensorfile.o"]
    run(tool("CXX"), *compile_core, cwd=folder)
    for source, compiler in ((HERE / "consumer.c", "CC"), (HERE / "consumer.cpp", "CXX")):
        name = source.suffix[1:]
        run(tool(compiler), "-Ithird party", source, "tensorfile.o", "-o", f"static_{name}", "-lz", "-lpthread",
            cwd=folder)
        check_consumer(folder / f"static_{name}", shared=False, cxx=name == "cpp")
    # In a plug-in, a shared library that the C compiler links.
    run(tool("CC"), "-shared", "tensorfile.o", "-o", "libplugin.so", "-lz", "-lpthread", cwd=folder)
    run(tool("CC"), "-Ithird party", HERE / "consumer.c", "-o", "with_plugin", "-L.", "-lplugin", "-Wl,-rpath,$ORIGIN",
        cwd=folder)
    check_consumer(folder / "with_plugin", shared=False)


def by_soname():
    """An environment in which dlopen finds libtensorfile.so.0."""
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(str(folder) for folder in library_folders())}


def dlopen_c():
    folder = fresh("dlopen från C")
    run(tool("CC"), "-std=gnu99", "-Wall", "-Wextra", "-Werror", f"-I{TREE / 'include'}", OPENING / "dlopen.c", "-o",
        folder / "program", "-ldl", "-lpthread")
    run(folder / "program", cwd=folder, env=by_soname())


def dlopen_lua():
    run(tool("LUAJIT"), OPENING / "dlopen.lua", cwd=fresh("dlopen from Lua"), env=by_soname())


def dlopen_python():
    example = Path(tool("SOURCE")) / "examples" / "python"
    run(tool("NUMPY_PYTHON"), "-B", OPENING / "dlopen.py", example, cwd=fresh("dlopen from Python"), env=by_soname())


def example_sdl2():
    """The game of examples/sdl2, built as a separate project with the installed package and run without a screen."""
    examples = Path(tool("SOURCE")) / "examples"
    folder, _ = configure_and_build("sdl2", f"-DCMAKE_PREFIX_PATH={TREE}", NO_RPATH, source=examples / "sdl2")
    run(sys.executable, "-B", HERE.parent / "examples" / "sdl2.py", folder / "game", folder / "work", env=by_soname())


def example_staging():
    """The program of examples/staging, built without a warning as a separate project: its output, a cast, and errors."""
    examples, golden = Path(tool("SOURCE")) / "examples", Path(tool("SOURCE")) / "tests" / "golden"
    warnings = "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
    folder, _ = configure_and_build("staging", f"-DCMAKE_PREFIX_PATH={TREE}", NO_RPATH, warnings,
                                    source=examples / "staging")

    def stream(*words):
        done = subprocess.run([folder / "staging", *words], env=by_soname(), text=True, capture_output=True)
        return done.returncode, done.stdout, done.stderr

    status, said, _ = stream(golden / "gguf" / "py_Q6_K.gguf", "--cast", "float16", "--piece", "0.002", "--buffers", "3",
                             "--link", "1", "--threads", "2")
    expected = (r"1 arrays, .* on the device, in \d+ pieces; 3 buffers of 2097 bytes\nreading alone .*\ncopying alone .*\n"
                r"sum .*\noverlapped .*\noverlapped takes [\d.]+ of the sum\n")
    if status != 0 or not re.fullmatch(expected, said):
        fail(f"staging exited with {status} and printed {said!r}")
    for words, wanted, part in ((["none.npy"], 1, "none.npy"), (["a.npy", "--cast", "float99"], 2, "float99"),
                                ([golden / "npz" / "reject_bad_crc.npz"], 1, "CRC-32")):
        status, _, said = stream(*words)
        if status != wanted or part not in said:
            fail(f"staging {words} exited with {status}, not {wanted}, and said {said!r}")


def program():
    """The installed program finds its library without help from the environment."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    said = run(TREE / "bin" / "tensorfile", "--version", env=environment)
    header = (TREE / "include" / "tensorfile.h").read_text(encoding="utf-8")
    version = re.search(r'TENSORFILE_VERSION_STRING "(.*)"', header).group(1)
    if version not in said:
        fail(f"tensorfile --version says {said!r}, not {version}")


STEPS = {
    "tree": make_tree,
    "pkg_config_shared": pkg_config_shared,
    "http": http,
    "pkg_config_static": pkg_config_static,
    "pkg_config_archive": pkg_config_archive,
    "make_install": make_install,
    "plain_build": plain_build,
    "readme": readme,
    "find_package_c": lambda: find_package("c"),
    "find_package_cxx": lambda: find_package("cxx"),
    "program": program,
    "subdirectory": subdirectory,
    "bundle_pkg_config": bundle_pkg_config,
    "bundle_find_package": bundle_find_package,
    "amalgamation": amalgamation,
    "dlopen_c": dlopen_c,
    "example_sdl2": example_sdl2,
    "example_staging": example_staging,
    "dlopen_lua": dlopen_lua,
    "dlopen_python": dlopen_python,
}

if __name__ == "__main__":
    STEPS[sys.argv[1]]()
