"""Times the pipeline of examples/staging, and compares it with tf_load and other libraries.

usage: staging.py STAGING_BENCH PEERS_PYTHON [--bytes N] [--repeats N] [--folder F] [--disk F] [--write PAGE]

PEERS_PYTHON is the Python that has fastsafetensors and runai-model-streamer. Each measurement is a fresh process, and
in each round they have another order. Before each, as much memory as it needs is taken and freed, and the file is read.
The time is that from the first call to the last byte in memory, without imports. The processor time is that of all
threads in that time. --disk adds a table for a file in a folder on a real disk, which is in the page cache or has been
removed from it. Prints tables; --write puts them, with the date and the machine, into PAGE.
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
from load import MIB, free_space, markdown, prepare

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
TF_LOAD = "`tf_load`, all threads"
FASTSAFETENSORS = "fastsafetensors, CPU"
RUNAI = "runai-model-streamer, CPU"
PIPELINE = "pipeline: overlapped, reading on all threads"


def write_file(path, size):
    import numpy as np
    from safetensors.numpy import save_file

    one = np.random.default_rng(0).standard_normal((1024, size // ARRAYS // 4 // 1024), np.float32)
    save_file({f"model.layers.{i}.weight": one for i in range(ARRAYS)}, path)


def library_commands(peers, path):
    """Returns name -> command, of other libraries."""
    def python(interpreter, code):
        imports, work = code
        return [interpreter, "-c", CLOCK.format(imports=imports, work=work, count=ARRAYS), path]

    return {
        "safetensors, NumPy": python(sys.executable, SAFETENSORS),
        FASTSAFETENSORS: python(peers, FAST),
        RUNAI: python(peers, STREAMER),
    }


def commands(bench, peers, path):
    """Returns name -> command."""
    return {
        "a plain read, one thread": [bench, path, "plain"],
        TF_LOAD: [bench, path, "load"],
        "`tf_load`, one thread": [bench, path, "load", 1],
        **library_commands(peers, path),
        "pipeline: reading alone, all threads": [bench, path, "read"],
        "pipeline: reading alone, one thread": [bench, path, "read", 1],
        "pipeline: copying alone": [bench, path, "copy"],
        PIPELINE: [bench, path, "both"],
        "pipeline: overlapped, reading on one thread": [bench, path, "both", 1],
        f"pipeline: copying alone, link of {LINK} GB/s": [bench, path, "copy", 0, LINK],
        f"pipeline: overlapped, link of {LINK} GB/s": [bench, path, "both", 0, LINK],
    }


def measure(command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
    return [float(word) for word in done.stdout.splitlines()[-1].split()]


def disk_commands(bench, peers, path):
    return {
        "a plain read, one thread": [bench, path, "plain"],
        TF_LOAD: [bench, path, "load"],
        **library_commands(peers, path),
        PIPELINE: [bench, path, "both"],
    }


def forget(path):
    """Removes a file from the page cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def medians(contenders, repeats, nbytes, forgotten=None):
    """Returns name -> medians of the seconds, the processor seconds and the memory. forgotten: a file to forget()."""
    found = {name: [] for name in contenders}
    shuffled = random.Random(1)
    for _ in range(repeats):
        order = list(contenders)
        shuffled.shuffle(order)
        for name in order:
            prepare(contenders[name], nbytes)
            if forgotten:
                forget(forgotten)
            found[name].append(measure(contenders[name]))
    return {name: [statistics.median(column) for column in zip(*rounds)] for name, rounds in found.items()}


def cells(name, result, nbytes):
    seconds, cpu, memory = result
    return [name, f"{seconds * 1e3:.0f} ms", f"{nbytes / seconds / 1e9:.1f} GB/s", f"{cpu * 1e3:.0f} ms",
            f"{memory / 1e6:.0f} MB"]


def report(found, nbytes):
    table = markdown(["what", "time", "speed", "CPU", "memory"],
                     (cells(name, result, nbytes) for name, result in found.items()))
    return f"{table}\n\n{shares(found)}"


def shares(found):
    """How the time of both at once compares with the sum and with the longer one."""

    def share(reading, copying, both):
        parts = [found[f"pipeline: {name}"][0] for name in (reading, copying)]
        took = found[f"pipeline: {both}"][0]
        return f"{took / sum(parts):.2f} ({took / max(parts):.2f})"

    link = f", link of {LINK} GB/s"
    all_threads = share("reading alone, all threads", "copying alone", "overlapped, reading on all threads")
    one_thread = share("reading alone, one thread", "copying alone", "overlapped, reading on one thread")
    with_link = share("reading alone, all threads", f"copying alone{link}", f"overlapped{link}")
    return ("Overlapped, the pipeline takes these shares of the sum of reading and copying alone (of the longer one): "
            f"{all_threads} if all threads read, {one_thread} if one does, and {with_link} with the link.")


def ratios(places):
    """How many times as fast tf_load() and the pipeline are as the libraries that bypass the page cache of a disk."""
    body = ([f"{name}, compared with {peer}", *(f"{found[peer][0] / found[name][0]:.2f}" for found in places.values())]
            for name in (TF_LOAD, PIPELINE) for peer in (FASTSAFETENSORS, RUNAI))
    return markdown(["how many times as fast", *places], body)


def disk_report(cached, cold):
    """The times of both, and the speed compared with that of tf_load()."""
    def pair(name, found):
        seconds = found[name][0]
        return [f"{seconds * 1e3:.0f} ms", f"{found[TF_LOAD][0] / seconds:.2f}", f"{found[name][1] * 1e3:.0f} ms"]

    head = ["file on a disk", *(each for where in ("in the page cache", "not in the page cache")
                                for each in (where, "times `tf_load`", "CPU"))]
    body = ([name, *pair(name, cached), *pair(name, cold)] for name in cached)
    return f"The same file on a disk; speeds are compared with `tf_load`:\n\n{markdown(head, body)}"


def measure_disk(given, ram):
    """The table of the file on a disk, and how everything compares with what was found for the one on a RAM disk."""
    with tempfile.TemporaryDirectory(dir=given.disk) as folder:
        path = f"{folder}/model.safetensors"
        write_file(path, given.bytes)
        nbytes = os.path.getsize(path)
        contenders = disk_commands(given.bench, given.peers, path)
        cached = medians(contenders, given.repeats, nbytes)
        cold = medians(contenders, given.repeats, nbytes, path)
        places = {"RAM disk": ram, "disk, in the page cache": cached, "disk, not in the page cache": cold}
        return f"{disk_report(cached, cold)}\n\n{ratios(places)}"


def measure_all(given):
    """Returns the text for the page."""
    parent = given.folder or ("/dev/shm" if free_space("/dev/shm") > 2 * given.bytes else None)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        path = f"{folder}/model.safetensors"
        write_file(path, given.bytes)
        nbytes = os.path.getsize(path)
        found = medians(commands(given.bench, given.peers, path), given.repeats, nbytes)
        tables = [report(found, nbytes)]
    if given.disk:
        tables.append(measure_disk(given, found))
    load = max(load, os.getloadavg()[0])
    rounds = "one round" if given.repeats == 1 else f"medians of {given.repeats} rounds"
    head = (f"Measured on {datetime.date.today()}, {machine()}; {rounds}; load average of up to {load:.1f}. "
            f"{nbytes / 1e9:.2f} GB of float32 in {ARRAYS} arrays.")
    return "\n\n".join([head, *tables])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("bench")
    parser.add_argument("peers")
    parser.add_argument("--bytes", type=int, default=1024 * MIB)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", help="folder for the file (default: a RAM disk, if there is one)")
    parser.add_argument("--disk", help="folder on a real disk for another table")
    parser.add_argument("--write", metavar="PAGE")
    given = parser.parse_args()
    text = measure_all(given)
    print(text)
    if given.write:
        write(given.write, "staging", text)


if __name__ == "__main__":
    main()
