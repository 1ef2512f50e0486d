"""Checks that one command compiles the amalgamation, that the C compiler links it, and that it has the expected formats
and, unless it is left out, zlib.

usage: amalgamation_test.py WORK [TENSORFILE_NO_...]...

The environment contains CC, CXX and NM.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = Path(sys.argv[1])
OMITTED = sys.argv[2:]
FORMATS = ["npy", "npz", "safetensors", "gguf"]
# Without zlib nothing may need it, so it is not linked.
WITH_ZLIB = "TENSORFILE_NO_ZLIB" not in OMITTED
LIBRARIES = ["-lz", "-lpthread"] if WITH_ZLIB else ["-lpthread"]
# What zlib.c prints then.
WITHOUT_ZLIB = 'unsupported: this library was built without zlib; deflate "auto" needs none'


def run(*command):
    done = subprocess.run([str(word) for word in command], cwd=WORK, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{shlex.join(str(word) for word in command)}\n{done.stdout}exit status {done.returncode}")
    return done.stdout


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    run(sys.executable, ROOT / "tools" / "amalgamate.py", ".")
    files = sorted(path.name for path in WORK.iterdir())
    if files != ["tensorfile.cpp", "tensorfile.h"]:
        sys.exit(f"expected tensorfile.cpp and tensorfile.h in the amalgamation, found {files}")

    run(os.environ["CXX"], "-std=c++20", "-fno-exceptions", "-fno-rtti", *[f"-D{name}" for name in OMITTED], "-c",
        "tensorfile.cpp")
    runtime = re.findall(r" U ((?:_Z|__cxa|__gxx|_Unwind)\S*)", run(os.environ["NM"], "tensorfile.o"))
    if runtime:
        sys.exit(f"tensorfile.o needs the C++ run-time library: {', '.join(runtime)}")

    for program in (HERE / "formats.c", HERE / "zlib.c", ROOT / "tests" / "install" / "consumer.c"):
        run(os.environ["CC"], "-std=c99", "-I.", program, "tensorfile.o", "-o", program.stem, *LIBRARIES)
    expected = [name for name in FORMATS if f"TENSORFILE_NO_{name.upper()}" not in OMITTED]
    found = run("./formats").split()
    if found != expected:
        sys.exit(f"built with {OMITTED}, expected the formats {expected}, found {found}")
    if "npy" in expected:
        run("./consumer")
    if "npz" in expected:
        result = run("./zlib").strip()
        wanted = "saved" if WITH_ZLIB else WITHOUT_ZLIB
        if result != wanted:
            sys.exit(f"built with {OMITTED}, expected of TF_DEFLATE_ZLIB: {wanted}, found: {result}")
    if "safetensors" in expected:
        run(os.environ["CXX"], "-std=c++20", "-I.", ROOT / "tests" / "install" / "consumer.cpp", "tensorfile.o", "-o",
            "consumer_cxx", *LIBRARIES)
        run("./consumer_cxx")


if __name__ == "__main__":
    main()
