"""Counts the instructions of opening, listing and saving fixed inputs, and compares them with the committed counts.

usage: instructions.py BIN [--write]

BIN is the folder of load_bench and save_bench. callgrind counts the instructions of the library's calls on one thread,
so the counts are the same in every run, except for the random keys of hash tables. instructions.json has the committed
counts and the compiler that they are for; --write updates it. Without --write, more than 3 % above a committed count is
a failure.
"""

import json
import os
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(HERE, "instructions.json")
COUNTS = (10, 1000)
MOST_ABOVE = 0.03


def small_arrays(save_bench, folder, kind, count):
    path = os.path.join(folder, f"{count}.{'npz' if kind == 'deflated' else kind}")
    subprocess.run([save_bench, kind, path, os.path.join(folder, "data"), str(count), str(count * 64), "1"], check=True,
                   stdout=subprocess.DEVNULL)
    return path


def count(command, calls, folder):
    """Instructions of the named functions and of what they call."""
    out = os.path.join(folder, "callgrind.out")
    toggles = [f"--toggle-collect={call}" for call in calls]
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no", *toggles,
                    *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(out, encoding="utf-8") as file:
        return int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.M).group(1))


def measure(folder_of_programs):
    load_bench = os.path.join(folder_of_programs, "load_bench")
    save_bench = os.path.join(folder_of_programs, "save_bench")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        with open(data, "wb") as file:
            file.write(struct.pack("<1024f", *(i / 7 for i in range(1024))))
        for kind in ("safetensors", "gguf", "npz"):
            for arrays in COUNTS:
                path = small_arrays(save_bench, folder, kind, arrays)
                found[f"open {kind}, {arrays} arrays"] = count([load_bench, "open", path, "1"], ["tf_file_open"], folder)
                found[f"list {kind}, {arrays} arrays"] = count([load_bench, "list", path], ["tf_file_*"], folder)
                save = [save_bench, kind, path, data, str(arrays), str(arrays * 64), "1"]
                found[f"save {kind}, {arrays} arrays"] = count(save, ["tf_save*"], folder)
        path = small_arrays(save_bench, folder, "npy", 1)
        found["open npy"] = count([load_bench, "open", path, "1"], ["tf_file_open"], folder)
        found["save npy"] = count([save_bench, "npy", path, data, "1", "4096", "1"], ["tf_save*"], folder)
    return found


def compiler(folder_of_programs):
    text = subprocess.run(["readelf", "-p", ".comment", os.path.join(folder_of_programs, "load_bench")], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return re.search(r"\] +(.*)", text).group(1).strip()


def main(folder_of_programs):
    found = measure(folder_of_programs)
    made_by = compiler(folder_of_programs)
    old = {"compiler": "", "instructions": {}}
    if os.path.exists(FILE):
        with open(FILE, encoding="utf-8") as file:
            old = json.load(file)
    if old["compiler"] not in ("", made_by):
        print(f"the file's counts are of another compiler, {old['compiler']}; this is {made_by}")
    above = []
    print(f"{'what':36}{'before':>14}{'now':>14}{'change':>10}")
    for name, now in found.items():
        before = old["instructions"].get(name)
        change = "new" if before is None else f"{100 * (now - before) / before:+.2f} %"
        print(f"{name:36}{'' if before is None else format(before, ','):>14}{now:>14,}{change:>10}")
        if before is not None and now > before * (1 + MOST_ABOVE):
            above.append(name)
    if "--write" in sys.argv:
        with open(FILE, "w", encoding="utf-8") as file:
            json.dump({"compiler": made_by, "instructions": found}, file, indent=1)
            file.write("\n")
        return None
    if above:
        return (f"more than {100 * MOST_ABOVE:.0f} % above the committed counts: {'; '.join(above)}\n"
                "--write accepts the new counts")
    return None


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
