"""Times the pipeline of examples/staging, and compares it with tf_load and other libraries.

usage: staging.py STAGING_BENCH PEERS_PYTHON [--bytes N] [--repeats N] [--folder F] [--write PAGE]

PEERS_PYTHON is the Python that has fastsafetensors and runai-model-streamer. Each measurement is a fresh process, and in
each round they have another order. Before each, as much memory as it needs is taken and freed, and the file is read. The
time is that from the first call to the last byte in memory, without imports. The processor time is that of all threads
in that time. Prints a table; --write puts it, with the date and the machine, into PAGE.
"""

import argparse
import datetime
import os
import random
import statistics
import subprocess
import sys
import tempfile

from bench import machine, write
from load import MIB, free_space, prepare

LINK = 4  # GB/s, the speed of PCIe 3.0 with four lanes
# As CLOCK of load.py, but with the processor time and the largest memory. getrusage() would count the memory that this
# program had when it started the process.
CLOCK = """import os, sys, time
{imports}
path = sys.argv[1]
cpu, begin = time.process_time(), time.perf_counter()
{work}
seconds, used = time.perf_counter() - begin, time.process_time() - cpu
assert len(x) == {count}
with open("/proc/self/status") as status:
  memory = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
print(seconds, used, memory, flush=True)
os._exit(0)
"""
SAFETENSORS = ("from safetensors.numpy import load_file", "x = load_file(path)")
FAST = ("import torch\nfrom fastsafetensors import SafeTensorsFileLoader",
        "loader = SafeTensorsFileLoader(None, 'cpu', nogds=True)\n"
        "loader.add_filenames({0: [path]})\n"
        "buffers = loader.copy_files_to_device()\n"
        "x = {name: buffers.get_tensor(name) for name in loader.get_keys()}")
STREAMER = ("from runai_model_streamer import SafetensorsStreamer",
            "streamer = SafetensorsStreamer()\n"
            "streamer.__enter__()\n"
            "streamer.stream_file(path)\n"
            "x = dict(streamer.get_tensors())")
ARRAYS = 64


def write_file(path, size):
    import numpy as np
    from safetensors.numpy import save_file

    one = np.random.default_rng(0).standard_normal((1024, size // ARRAYS // 4 // 1024), np.float32)
    save_file({f"model.layers.{i}.weight": one for i in range(ARRAYS)}, path)


def commands(bench, peers, path):
    """Returns name -> command."""
    def python(interpreter, code):
        imports, work = code
        return [interpreter, "-c", CLOCK.format(imports=imports, work=work, count=ARRAYS), path]

    return {
        "a plain read, one thread": [bench, path, "plain"],
        "`tf_load`, all threads": [bench, path, "load"],
        "`tf_load`, one thread": [bench, path, "load", 1],
        "safetensors, NumPy": python(sys.executable, SAFETENSORS),
        "fastsafetensors, CPU": python(peers, FAST),
        "runai-model-streamer, CPU": python(peers, STREAMER),
        "pipeline: reading alone, all threads": [bench, path, "read"],
        "pipeline: reading alone, one thread": [bench, path, "read", 1],
        "pipeline: copying alone": [bench, path, "copy"],
        "pipeline: overlapped, reading on all threads": [bench, path, "both"],
        "pipeline: overlapped, reading on one thread": [bench, path, "both", 1],
        f"pipeline: copying alone, link of {LINK} GB/s": [bench, path, "copy", 0, LINK],
        f"pipeline: overlapped, link of {LINK} GB/s": [bench, path, "both", 0, LINK],
    }


def measure(command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
    return [float(word) for word in done.stdout.splitlines()[-1].split()]


def medians(contenders, repeats, nbytes):
    found = {name: [] for name in contenders}
    shuffled = random.Random(1)
    for _ in range(repeats):
        order = list(contenders)
        shuffled.shuffle(order)
        for name in order:
            prepare(contenders[name], nbytes)
            found[name].append(measure(contenders[name]))
    return {name: [statistics.median(column) for column in zip(*rounds)] for name, rounds in found.items()}


def cells(name, result, nbytes, quiet):
    seconds, cpu, memory = result
    times = [f"{seconds * 1e3:.0f} ms", f"{nbytes / seconds / 1e9:.1f} GB/s"] if quiet else []
    return [name, *times, f"{cpu * 1e3:.0f} ms", f"{memory / 1e6:.0f} MB"]


def report(found, nbytes, repeats, load):
    """The table. If other programs kept the machine busy, wall times mean nothing, and only processor times are shown."""
    quiet = load <= 2 * len(os.sched_getaffinity(0))
    head = ["what", *(["time", "speed"] if quiet else []), "CPU", "memory"]
    lines = [head, ["---"] * len(head), *(cells(name, result, nbytes, quiet) for name, result in found.items())]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    end = shares(found) if quiet else "Other programs kept the machine busy, so only the processor times are shown."
    return (f"Measured on {datetime.date.today()}, {machine()}; medians of {repeats}; load average of up to {load:.0f}. "
            f"{nbytes / 1e9:.2f} GB of float32 in {ARRAYS} arrays.\n\n{table}\n\n{end}")


def shares(found):
    """How the time of both at once compares with the sum and with the longer one."""
    def line(what, reading, copying, both):
        parts = [found[f"pipeline: {name}"][0] for name in (reading, copying)]
        took = found[f"pipeline: {both}"][0]
        return f"{what} {took / sum(parts):.2f} of the sum, {took / max(parts):.2f} of the longer of the two"

    link = f", link of {LINK} GB/s"
    return "Overlapped takes, " + "; ".join([
        line("reading on all threads,", "reading alone, all threads", "copying alone",
             "overlapped, reading on all threads"),
        line("reading on one thread,", "reading alone, one thread", "copying alone",
             "overlapped, reading on one thread"),
        line("with the link,", "reading alone, all threads", f"copying alone{link}", f"overlapped{link}"),
    ]) + "."


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("bench")
    parser.add_argument("peers")
    parser.add_argument("--bytes", type=int, default=1024 * MIB)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", help="folder for the file (default: a RAM disk, if there is one)")
    parser.add_argument("--write", metavar="PAGE")
    given = parser.parse_args()
    parent = given.folder or ("/dev/shm" if free_space("/dev/shm") > 2 * given.bytes else None)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        path = f"{folder}/model.safetensors"
        write_file(path, given.bytes)
        nbytes = os.path.getsize(path)
        load = os.getloadavg()[0]
        found = medians(commands(given.bench, given.peers, path), given.repeats, nbytes)
        load = max(load, os.getloadavg()[0])
    text = report(found, nbytes, given.repeats, load)
    print(text)
    if given.write:
        write(given.write, "staging", text)


if __name__ == "__main__":
    main()
