"""Times calls through the Rust, Go and Java packages, and compares listing 100,000 arrays in Go and Java with C.

usage: bindings.py BIN FOLDER [--write PAGE]

BIN is the folder of load_bench and save_bench; FOLDER is the folder to build in. Prints what the benchmarks of the
packages print, and a table of the ratios; --write puts the table, with the date and the machine, into PAGE.
"""

import argparse
import datetime
import os
import re
import statistics
import subprocess
import tempfile

from bench import machine, write
from load import markdown, milliseconds
from save import write_data

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COUNT = 100_000
EACH = 16
ROUNDS = 7
LISTINGS = 10  # in each round, as in Calls.java
GO_AIM = 1.5
JAVA_AIM = 2


def output(command, **more):
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **more).stdout
    print(text, flush=True)
    return text


def rust(folder):
    print("== Rust", flush=True)
    output(["cargo", "bench", "--locked", "--quiet", "--manifest-path", f"{ROOT}/bindings/rust/Cargo.toml", "--bench",
            "calls"], env={**os.environ, "CARGO_TARGET_DIR": f"{folder}/rust"})


def go():
    """Returns the best seconds of listing a file in memory, in Go and in C."""
    print("== Go", flush=True)
    text = output(["go", "test", "-run", "^$", "-bench", ".", "-count", str(ROUNDS)], cwd=f"{ROOT}/bindings/go")

    def best(name):
        return min(float(found) for found in re.findall(rf"^{name}(?:-\d+)?\s+\d+\s+([\d.]+) ns/op", text, re.M)) * 1e-9

    return best("BenchmarkList"), best("BenchmarkListInC")


def java(folder, load_bench, path):
    """Returns the best seconds of listing a file, in Java and in C: the best mean of a round."""
    print("== Java", flush=True)
    output(["mvn", "--quiet", "--file", f"{ROOT}/bindings/java/pom.xml", f"-Dbuild.folder={folder}/java", "package",
            "-DskipTests"])
    calls = f"{ROOT}/bindings/java/bench/Calls.java"
    text = output(["java", "-cp", f"{folder}/java/tensorfile-0.9.0.jar", calls, path])
    in_java = float(re.search(r"^opening and listing the file\s+([\d.]+) ns", text, re.M).group(1)) * 1e-9
    rounds = subprocess.run([load_bench, "list", path, str(ROUNDS * LISTINGS)], check=True, stdout=subprocess.PIPE,
                            text=True).stdout.split()
    seconds = [float(each) for each in rounds]
    in_c = min(statistics.mean(seconds[i:i + LISTINGS]) for i in range(0, len(seconds), LISTINGS))
    return in_java, in_c


def row(what, seconds, in_c, aim):
    times = seconds / in_c
    return [what, milliseconds(seconds), milliseconds(in_c), f"{times:.2f}", f"at most {aim}",
            "yes" if times <= aim else "no"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("bin")
    parser.add_argument("folder")
    parser.add_argument("--write", metavar="PAGE")
    given = parser.parse_args()
    bin_, folder = os.path.abspath(given.bin), os.path.abspath(given.folder)
    rust(folder)
    with tempfile.TemporaryDirectory() as files:
        path = f"{files}/many.safetensors"
        subprocess.run([f"{bin_}/save_bench", "safetensors", path, write_data(files), str(COUNT), str(COUNT * EACH)],
                       check=True, stdout=subprocess.DEVNULL)
        listed = [("Go, a file in memory", *go(), GO_AIM),
                  ("Java, a file", *java(folder, f"{bin_}/load_bench", path), JAVA_AIM)]
    head = [f"opening and listing {COUNT:,} arrays", "time", "in C", "times C", "aim", "reached"]
    text = (f"Measured on {datetime.date.today()}, {machine()}; the best of {ROUNDS} rounds.\n\n"
            f"{markdown(head, (row(*each) for each in listed))}")
    print(text)
    if given.write:
        write(given.write, "bindings", text)


if __name__ == "__main__":
    main()
