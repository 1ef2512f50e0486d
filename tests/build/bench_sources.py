"""Checks that the benchmarks compile, which no tier of the tests builds, except the one that needs Google Benchmark.

usage: bench_sources.py ROOT CC CXX
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT, CC, CXX = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
INCLUDES = [f"-I{ROOT / folder}" for folder in ("include", "src", "tests", "examples/staging")]


def errors(source):
    compiler = [CC, "-std=gnu11"] if source.suffix == ".c" else [CXX, "-std=c++20"]
    options = ["-fsyntax-only", "-Wall", "-Werror=implicit-function-declaration", *INCLUDES]
    done = subprocess.run([*compiler, *options, source], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout if done.returncode else ""


def main():
    sources = sorted([*(ROOT / "tests/bench").glob("*.c"), *(ROOT / "tests/bench").glob("*.cpp")])
    sources = [source for source in sources if "<benchmark/benchmark.h>" not in source.read_text(encoding="utf-8")]
    if len(sources) < 9:
        return f"only {len(sources)} benchmarks were found"
    with ThreadPoolExecutor() as pool:
        return "".join(pool.map(errors, sources))


if __name__ == "__main__":
    sys.exit(main() or 0)
