#!/usr/bin/env python3
"""Fails if a link in the Markdown files of the repository, or in a built site, leads nowhere.

usage: check_links.py ROOT              the Markdown files that git tracks in ROOT
       check_links.py --site FOLDER     the HTML pages in FOLDER

Links to other hosts are not followed.
"""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FENCED = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?[^)]*\)|^\s*\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.MULTILINE)


def slug(heading):
    """The anchor that GitHub makes of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.replace("`", ""))
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def is_foreign(link):
    parts = urlsplit(link)
    return bool(parts.scheme or parts.netloc)


def markdown_files(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--", "*.md"], check=True, stdout=subprocess.PIPE)
    return [root / name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file()]


def in_markdown(root):
    root = root.resolve()
    for path in markdown_files(root):
        text = CODE.sub("", FENCED.sub("", path.read_text(encoding="utf-8")))
        for match in LINK.finditer(text):
            link = match.group(1) or match.group(2)
            if is_foreign(link):
                continue
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists() or not target.is_relative_to(root):
                yield f"{path.relative_to(root)}: {link} does not exist"
            elif parts.fragment and target.suffix == ".md":
                whole = FENCED.sub("", target.read_text(encoding="utf-8"))
                if parts.fragment not in map(slug, HEADING.findall(whole)):
                    yield f"{path.relative_to(root)}: {link}: no such heading"


class Page(HTMLParser):
    """The links and the anchors of an HTML page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            # The list of the implementors of a Rust trait in other crates exists only if there are any.
            elif name in ("href", "src") and value and "/trait.impl/" not in value:
                self.links.append(value)


def has_anchor(page, fragment):
    """True if the page has the anchor. Rust's pages scroll to a range of lines, 3-5, by a script: line 3 is the anchor."""
    return not page.anchors.isdisjoint((fragment, unquote(fragment), re.sub(r"^(\d+)-\d+$", r"\1", fragment)))


def in_site(folder):
    pages = {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}
    if not pages:
        yield f"no pages in {folder}"
    for path, page in pages.items():
        for link in page.links:
            if is_foreign(link) or link.startswith("javascript:"):
                continue
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{path.name}: {link} does not exist"
            elif parts.fragment and target in pages and not has_anchor(pages[target], parts.fragment):
                yield f"{path.name}: {link}: no such anchor"


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--site":
        found = in_site(Path(arguments[1]))
    elif len(arguments) == 1:
        found = in_markdown(Path(arguments[0]))
    else:
        sys.exit(__doc__)
    sys.exit("\n".join(found) or 0)


if __name__ == "__main__":
    main(sys.argv[1:])
