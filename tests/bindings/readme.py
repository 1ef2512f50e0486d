#!/usr/bin/env python3
"""The README's code in Rust, Go and Java is that of the packages' own READMEs and of examples, which their tests run."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What the chapter of engines shows, whole.
EXAMPLES = {
    "rust": "examples/bevy/src/weights.rs",
    "go": "examples/go/assets.go",
    "java": "examples/libgdx/src/main/java/org/tensorfile/gdx/WeightsLoader.java",
}


def programs(path, language):
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def main():
    wrong = []
    for language, example in EXAMPLES.items():
        shown = programs(ROOT / "README.md", language)
        run = programs(ROOT / "bindings" / language / "README.md", language)[:1]
        if shown != [*run, (ROOT / example).read_text(encoding="utf-8")]:
            wrong.append(f"README.md has other code in {language} than bindings/{language}/README.md and {example}")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
