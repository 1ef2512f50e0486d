"""Checks that the libraries do not need the C++ run-time library, and run no code before main.

usage: no_runtime.py ARCHIVE LIBRARY NM READELF
"""

import re
import subprocess
import sys

# _Z: C++ functions that are not defined in the library (_ZSt, _Znwm, ...). The others belong to the run-time library.
RUNTIME = re.compile(r"_Z|__cxa|__gxx|_Unwind|__dynamic_cast")
# A weak reference in GCC's start-up files, which are part of every shared library.
ALLOWED = {("w", "__cxa_finalize")}
# GCC's start-up files register one function in every shared library (frame_dummy).
POINTER_BYTES = {"ELF32": 4, "ELF64": 8}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def undefined(path, nm, *options):
    """Returns (kind, name) of the undefined symbols of a library."""
    defined, referenced = set(), set()
    for line in run(nm, *options, path).splitlines():
        words = line.split()
        if len(words) == 3:
            defined.add(words[2])
        elif len(words) == 2:
            referenced.add((words[0], words[1].split("@")[0]))
    return sorted((kind, name) for kind, name in referenced if name not in defined)


def runtime_problems(path, nm, *options):
    return [f"{path}: undefined symbol {name} of the C++ run-time library" for kind, name in undefined(path, nm, *options)
            if RUNTIME.match(name) and (kind, name) not in ALLOWED]


def needed_problems(library, readelf):
    return [f"{library} needs {name}" for name in re.findall(r"\(NEEDED\).*\[(.*)\]", run(readelf, "-dW", library))
            if re.match(r"libstdc\+\+|libc\+\+|libgcc_s|libunwind", name)]


def sections(path, readelf):
    """Returns (name, size) of the sections with functions that run before or after main."""
    found = re.findall(r"\] (\.(?:preinit_array|init_array|fini_array|ctors|dtors)\S*)\s+\S+\s+\S+\s+\S+ (\S+)",
                       run(readelf, "-SW", path))
    return [(name, int(size, 16)) for name, size in found]


def initialiser_problems(archive, library, readelf):
    problems = [f"{archive}: an object has {name} of {size} bytes: a static initializer"
                for name, size in sections(archive, readelf) if size]
    pointer = POINTER_BYTES[re.search(r"Class:\s*(\S+)", run(readelf, "-h", library)).group(1)]
    return problems + [f"{library}: {name} has {size} bytes: more than those of GCC's start-up files"
                       for name, size in sections(library, readelf) if size > pointer]


def main(archive, library, nm, readelf):
    return "\n".join(runtime_problems(archive, nm) + runtime_problems(library, nm, "-D") +
                     needed_problems(library, readelf) + initialiser_problems(archive, library, readelf))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
