"""Runs the host program with a copy of the library and a German locale.

usage: host.py HOST LIBRARY
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def main(host, library):
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy-of-tensorfile.so"
        shutil.copy(library, copy)
        subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", f"{folder}/de_DE.UTF-8"], check=True)
        subprocess.run([host, library, copy, f"{folder}/a.npz"], check=True, env=os.environ | {"LOCPATH": folder})


if __name__ == "__main__":
    main(*sys.argv[1:])
