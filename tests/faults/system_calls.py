"""Checks with strace which system calls the library makes: how it opens files, and the order of a durable save.

usage: system_calls.py DURABLE_SAVE
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def member(name):
    text = "{'descr': '<i4', 'fortran_order': False, 'shape': (4,), }"
    header = text.encode().ljust(117) + b"\n"
    return name, b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(16)


def calls(program, source, target, trace):
    """Returns the calls from the one by which the library opens the file on."""
    subprocess.run(["strace", "-f", "-y", "-o", trace, program, source, target], check=True)
    lines = [line.split(maxsplit=1)[1] for line in Path(trace).read_text().splitlines()]
    first = next(i for i, line in enumerate(lines) if f'"{source}"' in line and line.startswith("openat"))
    return lines[first:]


def check(condition, message, lines):
    if not condition:
        sys.exit(message + "\n" + "\n".join(lines))


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/in.npz", f"{folder}/out.npz"
        with zipfile.ZipFile(source, "w") as archive:
            for name in ("../../escape.npy", "/absolute.npy", "plain.npy", "$(touch executed).npy"):
                archive.writestr(*member(name))
        Path(target).write_bytes(b"old")
        lines = calls(program, source, target, f"{folder}/trace")

        opens = [line for line in lines if line.startswith(("openat", "open(", "creat"))]
        # Only the file, the target's folder and the temporary file, whatever the names in the archive are.
        seen = [re.search(r'"([^"]*)"', line).group(1) for line in opens]
        check(seen[:2] == [source, folder] and len(seen) == 3 and re.fullmatch(r"\.out\.npz\.tf-\w{8}", seen[2]),
              f"opens {seen}", lines)
        check(all("O_CLOEXEC" in line for line in opens), "child processes would inherit a file descriptor", opens)
        check("O_RDONLY" in opens[0], "the file is opened for writing", opens)
        started = [line for line in lines if re.match(r"(execve|fork|vfork|socket|connect|chdir|unlink|mkdir|link|symlink)", line)]
        check(not started, "does more than read and write files", started)

        temporary = f"{folder}/{seen[2]}"
        order = []
        for line in lines:
            if line.startswith(("pwrite", "write")) and temporary in line:
                if order[-1:] != ["write"]:
                    order.append("write")
            elif line.startswith("fsync") and f"<{temporary}>" in line:
                order.append("fsync")
            elif line.startswith("renameat"):
                order.append("rename")
            elif line.startswith("fsync") and f"<{folder}>" in line:
                order.append("fsync of the folder")
        check(order == ["write", "fsync", "rename", "fsync of the folder"], f"order {order}", lines)
        check(sorted(os.listdir(folder)) == ["in.npz", "out.npz", "trace"], "another file remains in the folder", os.listdir(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
