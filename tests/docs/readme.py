"""Checks that the README is short, and that it shows the one program in each language that the tests of that language run."""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
MAX_LINES, MAX_BYTES = 200, 12000
# language -> the maximum number of lines of its program that are not empty
PROGRAMS = {"c": 15, "cpp": 8, "rust": 7, "go": 22, "java": 12}


def problems(text):
    lines, nbytes = len(text.splitlines()), len(text.encode())
    if lines > MAX_LINES or nbytes > MAX_BYTES:
        yield f"it has {lines} lines and {nbytes} bytes; at most {MAX_LINES} and {MAX_BYTES} are allowed"
    for language, most in PROGRAMS.items():
        programs = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        if len(programs) != 1:
            yield f"it has {len(programs)} programs in {language}, not one"
            continue
        count = len(programs[0].replace("\n\n", "\n").splitlines())
        if count > most:
            yield f"its program in {language} has {count} lines; at most {most} are allowed"


if __name__ == "__main__":
    sys.exit("\n".join(f"README.md: {problem}" for problem in problems(README.read_text(encoding="utf-8"))) or 0)
