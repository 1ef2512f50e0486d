"""Tests the completions in bash, zsh and fish, and the hidden command that they call. Names of arrays are data: no shell may
evaluate them."""

import os
import pty
import select
import shlex
import subprocess
import time

from support import GGML_F32, PROGRAM, SOURCE_DIR, Case, floats, gguf, main, run, safetensors

COMPLETIONS = SOURCE_DIR / "src" / "cli" / "completions"
HOSTILE = ["$(touch pwned)", "`touch pwned`", "a b  c", "new\nline", "'; touch pwned; '", "\"$(touch pwned)\"", "x;touch pwned",
           "tab\there", "<(touch pwned)", "back\\slash", "*", "~", "!!", "&touch pwned", "ünï", "a:b=c"]


# The key ^X prints the line that is being edited.
ZSHRC = """
PS1=
unsetopt beep
fpath=({folder} $fpath)
autoload -Uz compinit
compinit -u -D
show() {{ print -r -- "@@$BUFFER@@"; BUFFER=; }}
zle -N show
bindkey '^X' show
bindkey '^I' complete-word
print ready
"""


def complete(*words):
    result = run("__complete", *words)
    assert (result.status, result.err) == (0, ""), result.err
    assert result.out == "" or result.out.endswith("\0")
    return result.out.split("\0")[:-1]


class CompletionCase(Case):
    def setUp(self):
        super().setUp()
        self.file = self.write("m.safetensors", safetensors(
            {name: ("U8", (1,), b"x") for name in ("layers.0.w", "layers.1.w", "norm")}, {"format": "pt"}))
        self.hostile = self.write("h.safetensors", safetensors({name: ("U8", (1,), b"x") for name in HOSTILE}))

    def assert_nothing_was_run(self):
        self.assertNotIn("pwned", os.listdir(self.folder))

    def environment(self):
        return {"PATH": os.path.dirname(PROGRAM) + ":" + os.environ["PATH"], "HOME": str(self.folder), "TERM": "dumb",
                "LC_ALL": "C.UTF-8"}


class HiddenCommand(CompletionCase):
    def test_commands_and_options(self):
        self.assertEqual(complete("c"), ["convert", "check"])
        self.assertIn("--version", complete("-"))
        self.assertEqual(complete("ls", "--js"), ["--json"])
        self.assertEqual(complete("convert", "--rename-"), ["--rename-regex"])
        self.assertIn("--max-arrays", complete("diff", "--"))
        self.assertEqual(complete("nonsense", "--"), [])
        self.assertEqual(complete(), [])
        self.assertNotIn("__complete", run("--help").out + "".join(complete("")))

    def test_values(self):
        self.assertEqual(complete("convert", "--cast", "float1"), ["float16"])
        self.assertEqual(complete("convert", "--cast=float1"), ["--cast=float16"])
        self.assertEqual(complete("convert", "--quantize", "q4_"), ["q4_0", "q4_1", "q4_k"])
        self.assertEqual(complete("convert", "--quantize", "iq"), ["iq4_nl", "iq4_xs"], "no type that is only decoded")
        self.assertEqual(complete("convert", "--preset", "Q5_"), ["Q5_0", "Q5_1", "Q5_K_S", "Q5_K_M"])
        self.assertEqual(complete("convert", "--preset=TQ"), ["--preset=TQ1_0", "--preset=TQ2_0"])
        self.assertEqual(complete("convert", self.file, "--tensor-type", "n"), ["norm="])
        self.assertEqual(complete("convert", self.file, "--tensor-type", "norm=q4_"), ["norm=q4_0", "norm=q4_1", "norm=q4_k"])
        self.assertEqual(complete("convert", self.file, "--tensor-type=a=b=bf"), ["--tensor-type=a=b=bfloat16"])
        self.assertEqual(complete("ls", "--format", "c"), ["content"])
        self.assertEqual(complete("convert", "--to", "")[:4], ["npy", "npz", "safetensors", "gguf"])
        self.assertEqual(complete("convert", "--metadata", ""), ["keep", "drop", "strings"])
        self.assertEqual(complete("ls", "--threads", ""), [])

    def test_names_and_keys(self):
        self.assertEqual(complete("show", self.file, "lay"), ["layers.0.w", "layers.1.w"])
        self.assertEqual(complete("show", "--metadata", self.file, ""), ["format"])
        self.assertEqual(complete("ls", self.file, "--only", "n"), ["norm"])
        self.assertEqual(complete("ls", self.file, "--only=n"), ["--only=norm"])
        self.assertEqual(complete("ls", self.file, "--rename", "n"), ["norm="])
        self.assertEqual(complete("convert", self.file, "--set", ""), ["format="])
        self.assertEqual(complete("ls", "--", self.file, "--only"), [])
        self.assertEqual(complete("show", self.hostile, ""), HOSTILE)

    def test_paths(self):
        for words in (["ls", ""], ["show", ""], ["show", self.file, "norm", ""], ["show", self.path("missing.npz"), ""],
                      ["show", "-", ""]):
            self.assertEqual(complete(*words), [])

    def test_control_characters_pass_between_nuls(self):
        path = self.write("c.gguf", gguf({"a\nb\tc": (GGML_F32, (1,), floats(1))}))
        self.assertEqual(complete("show", path, "a"), ["a\nb\tc"])


class Bash(CompletionCase):
    def replies(self, line):
        """The words that bash offers, after it has removed the quotes that it would have inserted."""
        words = line.split(" ")
        script = f"""
            source {shlex.quote(str(COMPLETIONS / "tensorfile.bash"))}
            compopt() {{ :; }}
            COMP_WORDS=({" ".join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}
            _tensorfile
            for reply in "${{COMPREPLY[@]}}"; do eval "reply=$reply"; printf '%s\\0' "$reply"; done"""
        result = subprocess.run(["bash", "--norc", "-c", script], cwd=self.folder, env=self.environment(), capture_output=True,
                                check=True)
        self.assertEqual(result.stderr, b"")
        return result.stdout.decode().split("\0")[:-1]

    def test_words(self):
        self.assertEqual(self.replies("tensorfile c"), ["convert", "check"])
        self.assertEqual(self.replies("tensorfile show m.safetensors n"), ["norm"])
        self.assertEqual(self.replies("tensorfile show ~/m.safetensors n"), ["norm"])
        self.assertEqual(self.replies("tensorfile show 'm.safetensors' \"nor"), ["norm"])
        self.assertEqual(self.replies("tensorfile ls m.safetensors --only = n"), ["norm"])
        self.assertEqual(self.replies("tensorfile convert --preset TQ"), ["TQ1_0", "TQ2_0"])
        self.assertEqual(self.replies("tensorfile convert --quantize q4_k"), ["q4_k"])
        self.assertEqual(self.replies("tensorfile convert m.safetensors --tensor-type norm = q4_k"), ["q4_k"])

    def test_hostile_names(self):
        """A quoted word evaluates to itself, so it is inserted as one word without effect."""
        self.assertEqual(self.replies("tensorfile show h.safetensors "), HOSTILE)
        self.assertEqual(self.replies("tensorfile ls h.safetensors --only $(to"), ["$(touch pwned)"])
        self.assertEqual(self.replies("tensorfile show h.safetensors a : b = "), ["c"])
        self.assert_nothing_was_run()


class Fish(CompletionCase):
    def replies(self, line):
        script = f'source {shlex.quote(str(COMPLETIONS / "tensorfile.fish"))}; complete -C (cat)'
        result = subprocess.run(["fish", "--no-config", "-c", script], input=line.encode(), cwd=self.folder,
                                env=self.environment(), capture_output=True, check=True)
        self.assertEqual(result.stderr, b"")
        return result.stdout.decode().splitlines()

    def test_words(self):
        self.assertEqual(self.replies("tensorfile c"), ["check", "convert"])
        self.assertEqual(self.replies("tensorfile show m.safetensors n"), ["norm"])
        self.assertIn("--only=norm", self.replies("tensorfile ls m.safetensors --only=n"))
        self.assertIn("m.safetensors", self.replies("tensorfile show m"))
        self.assertEqual(self.replies("tensorfile convert --preset TQ"), ["TQ1_0", "TQ2_0"])
        self.assertEqual(self.replies("tensorfile convert m.safetensors --tensor-type norm=q4_k"), ["norm=q4_k"])

    def test_hostile_names(self):
        expected = [name for name in HOSTILE if "\n" not in name and "\t" not in name]
        self.assertEqual(sorted(self.replies("tensorfile show h.safetensors ")), sorted(expected))
        self.assertEqual(self.replies("tensorfile show h.safetensors '$(t"), ["$(touch pwned)"])
        self.assert_nothing_was_run()


class Zsh(CompletionCase):
    """Types on a terminal in which zsh completes, and reads what it has inserted from a widget that prints the line."""

    def completed(self, line):
        leader, follower = pty.openpty()
        self.write(".zshrc", ZSHRC.format(folder=shlex.quote(str(COMPLETIONS))).encode())
        with subprocess.Popen(["zsh", "-d", "-i"], stdin=follower, stdout=follower, stderr=follower, cwd=self.folder,
                              env=self.environment() | {"ZDOTDIR": str(self.folder)}, start_new_session=True) as process:
            os.close(follower)
            try:
                self.read_until(leader, "ready")
                os.write(leader, line.encode() + b"\t\x18")
                text = self.read_until(leader, "@@\n")
            finally:
                process.kill()
                os.close(leader)
        return text.rpartition("@@")[0].rpartition("@@")[2]

    def read_until(self, leader, end):
        text, until = "", time.monotonic() + 20
        while end not in text.replace("\r", ""):
            self.assertLess(time.monotonic(), until, text)
            if select.select([leader], [], [], 1)[0]:
                text += os.read(leader, 65536).decode("utf-8", "replace")
        return text

    def test_words(self):
        self.assertEqual(self.completed("tensorfile conv").rstrip(), "tensorfile convert")
        self.assertEqual(self.completed("tensorfile show m.safetensors no").rstrip(), "tensorfile show m.safetensors norm")
        self.assertEqual(self.completed("tensorfile ls m.safetensors --only=no").rstrip(),
                         "tensorfile ls m.safetensors --only=norm")

    def test_hostile_names(self):
        for start, name in (("\\$", "$(touch pwned)"), ("\\`", "`touch pwned`"), ("a\\ ", "a b  c"), ("x", "x;touch pwned"),
                            ("\\<", "<(touch pwned)"), ("\\&", "&touch pwned")):
            line = self.completed("tensorfile show h.safetensors " + start)
            # The quoted word is the name again when a shell reads it.
            printed = subprocess.run(["zsh", "-f", "-c", "print -r -- " + line.removeprefix("tensorfile show h.safetensors ")],
                                     cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=True).stdout
            self.assertEqual(printed, name + "\n")
        self.assert_nothing_was_run()


if __name__ == "__main__":
    main()
