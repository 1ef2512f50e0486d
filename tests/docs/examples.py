"""Checks that the code in docs/embedding.md equals the code of the examples, which have their own tests.

usage: examples.py [--write]    --write copies the code into the page
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "embedding.md"
LANGUAGES = {".go": "go", ".java": "java", ".py": "python", ".rs": "rust"}
EXAMPLE = re.compile(r"^(<!-- (\S+): begin -->\n)```.*?^```\n(<!-- \2: end -->)$", re.DOTALL | re.MULTILINE)


def with_code(match):
    path = ROOT / match.group(2)
    return f"{match.group(1)}```{LANGUAGES[path.suffix]}\n{path.read_text(encoding='utf-8')}```\n{match.group(3)}"


def main():
    text = PAGE.read_text(encoding="utf-8")
    updated, count = EXAMPLE.subn(with_code, text)
    if count != len(LANGUAGES):
        sys.exit(f"{PAGE} has {count} examples between comments with their paths, not {len(LANGUAGES)}")
    if updated == text:
        return
    if "--write" not in sys.argv:
        sys.exit(f"{PAGE} differs from the examples; run tests/docs/examples.py --write")
    PAGE.write_text(updated, encoding="utf-8")


if __name__ == "__main__":
    main()
