"""Prints a Markdown file for Doxygen, with its links to files of the repository turned into links that work in the site.

usage: markdown_filter.py FILE

Links to other pages of the site are unchanged, because Doxygen resolves them. Links to the public headers lead to their
reference pages, and links to all other files to GitHub.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ON_GITHUB = "https://github.com/tensorfile/tensorfile/blob/main/"
REFERENCE = {"include/tensorfile.h": "tensorfile_8h.html", "include/tensorfile.hpp": "tensorfile_8hpp.html",
             "include/tensorfile_http.h": "tensorfile__http_8h.html",
             "include/tensorfile_http.hpp": "tensorfile__http_8hpp.html"}
LINK = re.compile(r"\]\(([^)\s]+)\)")
TITLE = re.compile(r"\A(# .*)$", re.MULTILINE)
# Names of pages whose files are all called README.md.
NAMES = {"README.md": "mainpage", "bindings/rust/README.md": "rust", "bindings/go/README.md": "go",
         "bindings/java/README.md": "java", "bindings/js/README.md": "js", "bindings/unity/README.md": "unity",
         "bindings/spark/README.md": "spark"}
FENCE = re.compile(r"^(```.*?^```$)", re.DOTALL | re.MULTILINE)


def in_site(path):
    """True if docs/Doxyfile has the file among its pages."""
    parts = path.parts
    return path.suffix == ".md" and (len(parts) == 1 or parts[0] == "docs" or (parts[0] == "bindings" and len(parts) == 3))


def main(file):
    folder = Path(file).resolve().parent

    def rewritten(match):
        link = match.group(1)
        if ":" in link or link.startswith("#"):
            return match.group(0)
        path = (folder / link).resolve().relative_to(ROOT)
        if in_site(path):
            return match.group(0)
        return f"]({REFERENCE.get(path.as_posix()) or ON_GITHUB + path.as_posix()})"

    text = Path(file).read_text(encoding="utf-8")
    name = NAMES.get(Path(file).resolve().relative_to(ROOT).as_posix())
    if name is not None:
        text = TITLE.sub(rf"\1 {{#{name}}}", text)
    blocks = FENCE.split(text)
    sys.stdout.write("".join(block if block.startswith("```") else LINK.sub(rewritten, block) for block in blocks))


if __name__ == "__main__":
    main(sys.argv[1])
