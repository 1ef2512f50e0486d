"""Runs every example of the manual page, the README and docs/ in a folder with the files that the examples name.

In the manual page an example is a line `.B tensorfile ...` of EXAMPLES; the text after it describes it, and a block
between .nf and .fi states its output. In Markdown it is a line of a block of sh, whose comment describes it, or a line
`$ tensorfile ...` of a block of console, which states the output. An example succeeds, unless its description says that it
"exits with" another status.
"""

import os
import random
import re
import struct
import subprocess
from typing import NamedTuple

from support import GGML_F16, GGML_F32, GGML_Q8_0, PROGRAM, SOURCE_DIR, Case, floats, gguf, main, npy, npz, run, safetensors

MANUAL = SOURCE_DIR / "src" / "cli" / "tensorfile.1"
PAGES = [SOURCE_DIR / "README.md", *sorted((SOURCE_DIR / "docs").glob("*.md"))]
COLUMNS = 256  # the elements of a row: one block of the K types

MATRICES = ("layers.0.weight", "blk.0.weight", "model_ema.weight", "_orig_mod.out.weight")


def values(seed, rows=2):
    source = random.Random(seed)
    return [source.uniform(-1, 1) for _ in range(rows * COLUMNS)]


def q8_0(numbers):
    """Encodes numbers as ggml does: blocks of 32 with a float16 scale."""
    out = b""
    for start in range(0, len(numbers), 32):
        block = numbers[start:start + 32]
        scale = max(map(abs, block)) / 127
        out += struct.pack("<e32b", scale, *(round(number / scale) for number in block))
    return out


BIAS = [i / 4 for i in range(COLUMNS)]


def model(names=MATRICES):
    arrays = {name: ("F32", (2, COLUMNS), floats(*values(name))) for name in names}
    arrays["layers.0.bias"] = ("F32", (COLUMNS,), floats(*BIAS))
    return arrays


def quantized(metadata=()):
    tensors = {name: (GGML_Q8_0, (2, COLUMNS), q8_0(values(name))) for name in MATRICES}
    tensors["layers.0.bias"] = (GGML_F32, (COLUMNS,), floats(*BIAS))
    return gguf(tensors, metadata)


def members(*names, last=5):
    return {name + ".npy": npy("<f4", (2, 3), floats(0, 1, 2, 3, 4, last)) for name in names}


LLAMA = [("general.architecture", "str", "llama"), ("llama.context_length", "u32", 4096),
         ("llama.block_count", "u32", 1), ("tokenizer.chat_template", "str", "{{ messages }}")]


def part(number, name):
    keys = [("split.no", "u16", number), ("split.count", "u16", 2), ("split.tensors.count", "i32", 2)]
    return gguf({name: (GGML_F32, (2, COLUMNS), floats(*values(name)))}, keys)


# The files that the examples may name.
FILES = {
    "model.safetensors": safetensors(model()),
    "vae.safetensors": safetensors({"encoder.weight": ("F32", (2, COLUMNS), floats(*values("encoder")))}),
    "w.safetensors": safetensors(model()),
    "a.safetensors": safetensors({"model.w": ("I8", (1,), b"a")}),
    "b.safetensors": safetensors({"w": ("I8", (1,), b"a")}),
    "mlx.safetensors": safetensors({"w.weight": ("U32", (1, 2), bytes(8)), "w.scales": ("F16", (1, 1), bytes(2)),
                                    "w.biases": ("F16", (1, 1), bytes(2))}),
    "model.gguf": quantized(),
    "m.gguf": quantized(LLAMA),
    "imatrix.gguf": gguf({"output.weight.in_sum2": (GGML_F32, (1, COLUMNS), floats(*range(COLUMNS))),
                          "output.weight.counts": (GGML_F32, (1, 1), floats(2))},
                         [("general.type", "str", "imatrix"), ("imatrix.chunk_count", "u32", 3)]),
    "model-f16.gguf": gguf({name: (GGML_F16, (2, COLUMNS), bytes(4 * COLUMNS))
                            for name in ("output.weight", "blk.0.attn_v.weight")}, LLAMA),
    "big.gguf": quantized(LLAMA),
    "w.npz": npz(members("a")),
    "a.npz": npz(members("w", "b")),
    "b.npz": npz(members("w", last=7) | members("b")),
    "b.gguf": gguf({"w": (GGML_F32, (2, 3), floats(0, 1, 2, 3, 4, 7))}),
    "weights.npz": npz(members("w", "b")),
    "checkpoint.npz": npz(members("w", "optimizer.w")),
    "model-00001-of-00002.gguf": part(0, "blk.0.weight"),
    "model-00002-of-00002.gguf": part(1, "blk.1.weight"),
    "checkpoint.bin": safetensors(model()),
    "longer.safetensors": safetensors(model()) + b"more",
    "newer.gguf": gguf({"known": (GGML_F32, (2,), floats(1, 2)), "new": (144, (32,), bytes(32))}, LLAMA),
    "chat.jinja": b"{{ messages }}\n",
}


class Example(NamedTuple):
    where: str
    command: str
    about: str
    output: str  # "" if it is not stated

    @property
    def status(self):
        stated = re.search(r"\bexits? with (?:status )?(\d)", self.about)
        return int(stated[1]) if stated else 0


def unescaped(roff):
    for escape, text in ((r"\-", "-"), (r"\(aq", "'"), (r"\&", ""), (r"\e", "\\")):
        roff = roff.replace(escape, text)
    return roff


def examples_of_manual():
    section = re.search(r"^\.SH EXAMPLES\n(.*?)(?=^\.SH )", MANUAL.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]
    for part in re.split(r"^\.B (?=tensorfile )", section, flags=re.MULTILINE)[1:]:
        command, _, rest = part.partition("\n")
        output = re.search(r"^\.nf\n(.*?)^\.fi$", rest, re.DOTALL | re.MULTILINE)
        yield Example(MANUAL.name, unescaped(command), " ".join(rest.split()), unescaped(output[1]) if output else "")


def examples_of_shell(where, block):
    """A comment ends a command; a backslash at the end of a line continues it."""
    for line in block.replace("\\\n", "").splitlines():
        if line.startswith("tensorfile "):
            command, _, about = line.partition(" #")
            yield Example(where, command.strip(), about, "")


def examples_of_console(where, block):
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        command, _, about = command.partition(" #")
        yield Example(where, command.strip(), about, output)


def examples_of_page(page):
    text = page.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(sh|console)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield from (examples_of_shell if language == "sh" else examples_of_console)(page.name, block)


class Examples(Case):
    def run_example(self, example):
        """Runs an example in a new folder."""
        folder = self.folder / str(len(os.listdir(self.folder)))
        folder.mkdir()
        for name, data in FILES.items():
            (folder / name).write_bytes(data)
        path = f"{os.path.dirname(PROGRAM)}{os.pathsep}{os.environ['PATH']}"
        result = subprocess.run(["sh", "-c", example.command], cwd=folder, env=os.environ | {"PATH": path}, text=True,
                                capture_output=True, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(result.returncode, example.status, result.stdout + result.stderr)
        if example.output:
            self.assertEqual(result.stdout, example.output)

    def run_all(self, examples):
        for example in examples:
            with self.subTest(f"{example.where}: {example.command}"):
                self.run_example(example)

    def assert_complete(self, words, examples):
        """Every command and option that a help text has is in one of the examples."""
        used = {word.split("=")[0] for example in examples for word in example.command.split()}
        self.assertEqual(set(words) - used, set(), "these have no example")

    def test_manual(self):
        examples = list(examples_of_manual())
        self.run_all(examples)
        usage = run("--help").out
        self.assert_complete(re.findall(r"^  tensorfile ([a-z]+)", usage, re.MULTILINE), examples)
        self.assert_complete(set(re.findall(r"--[a-z][a-z0-9-]+", usage)) - {"--help", "--version"}, examples)

    def test_pages(self):
        examples = [example for page in PAGES for example in examples_of_page(page)]
        self.run_all(examples)
        self.assert_complete(re.findall(r"^  tensorfile ([a-z]+)", run("--help").out, re.MULTILINE), examples)


if __name__ == "__main__":
    main()
