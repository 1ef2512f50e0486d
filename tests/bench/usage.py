"""Runs a command, and prints the seconds and the processor seconds that it took, its largest memory in bytes, and its status.

usage: python -S usage.py COMMAND...

The kernel counts the memory of a process from before it executes the command, so that a large process must not be the one
that starts it. This one imports nothing.
"""

import os
import sys
import time


def main():
    begin = time.perf_counter()
    pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ,
                          file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
