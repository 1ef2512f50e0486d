"""Checks that interpose.cpp stands between the library and every function of the system that can fail.

usage: every_call.py ARCHIVE NM WRAPPED...
"""

import re
import subprocess
import sys

# Functions without a system call, and system calls that cannot fail with the arguments that the library passes.
HARMLESS = re.compile(r"mem(chr|cmp|cpy|move|set)|str(chr|len|rchr)|deflate\w*|pthread_(attr_\w+|join)|clock_gettime|sysconf|"
                      r"_Z\w+|_GLOBAL_OFFSET_TABLE_|__(errno_location|popcount\w+|sched_cpucount|stack_chk_fail|tls_get_addr)")


def symbols(nm, archive, which):
    lines = subprocess.run([nm, which, archive], check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[-1] for line in lines if len(line.split()) > 1}


def main(archive, nm, *wrapped):
    called = symbols(nm, archive, "--undefined-only") - symbols(nm, archive, "--defined-only")
    problems = [f"{name} is wrapped, but the library does not call it" for name in sorted(set(wrapped) - called)]
    problems += [f"the library calls {name}, which the tests cannot make fail: wrap it" for name in sorted(called - set(wrapped))
                 if not HARMLESS.fullmatch(name)]
    return "\n".join(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
