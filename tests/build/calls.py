"""Checks that the library does not read the environment, change the locale, start programs or load libraries.

usage: calls.py LIBRARY NM
"""

import re
import subprocess
import sys

UNWANTED = re.compile(r"(secure_)?getenv|environ|setlocale|newlocale|uselocale|exec\w+|v?fork|posix_spawn\w*|popen|system|"
                      r"dlm?open|connect|socket|abort|exit|_exit|printf|puts|f?write|signal|sigaction|atexit")


def main(library, nm):
    lines = subprocess.run([nm, "-D", "--undefined-only", library], check=True, capture_output=True, text=True).stdout
    names = [line.split()[-1].split("@")[0] for line in lines.splitlines()]
    if "openat64" not in names and "openat" not in names:
        return f"{library}: nm does not list the functions that it calls"
    return "\n".join(f"{library} calls {name}" for name in names if UNWANTED.fullmatch(name))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
