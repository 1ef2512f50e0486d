#!/usr/bin/env python3
"""The README's programs in Rust, Go and Java are those of the packages' own READMEs, which the packages' tests run."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def programs(path, language):
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def main():
    wrong = []
    for language in ("rust", "go", "java"):
        shown = programs(ROOT / "README.md", language)
        run = programs(ROOT / "bindings" / language / "README.md", language)[:1]
        if shown != run:
            wrong.append(f"README.md has not the one program in {language} of bindings/{language}/README.md")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
