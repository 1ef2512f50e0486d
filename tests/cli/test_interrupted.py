"""Kills `tensorfile edit` before each of its system calls with strace, and restores the header.

Sanitizers cannot run under strace.
"""

import os
import re
import signal
import subprocess
import tempfile

from support import PROGRAM, Case, gguf, GGML_I8, main, run, safetensors

# The calls that change something, or after which something may change.
CALLS = ("openat", "pwrite64", "fsync", "rename", "renameat", "unlink", "ftruncate", "fchmod", "close", "pread64",
         "copy_file_range")
SAVED = ".tf-header"


class Interrupted(Case):
    def setUp(self):
        super().setUp()
        self.old = {"m.safetensors": safetensors({"a": ("I8", (3,), b"abc")}, {"key": "old value"}),
                    "m.gguf": gguf({"a": (GGML_I8, (3,), b"abc")}, [("general.architecture", "str", "x"), ("key", "u32", 1)])}
        self.edits = {"m.safetensors": ("--set", "key=new value"), "m.gguf": ("--set", "key=2")}
        self.new = {}
        for name, edit in self.edits.items():
            path = self.write(name, self.old[name])
            self.assertEqual(run("edit", "--in-place", *edit, path).status, 0)
            self.new[name] = self.content(name)
            self.assertNotEqual(self.new[name], self.old[name])

    def content(self, name):
        return (self.folder / name).read_bytes()

    def killed(self, call, number, *arguments):
        """Runs the program and kills it before a call. Returns False if it makes fewer calls of this kind."""
        command = ["strace", "-o", os.devnull, "-e", f"trace={call}", "-e",
                   f"inject={call}:signal=SIGKILL:when={number}", PROGRAM, "edit", *arguments]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertIn(result.returncode, (0, -signal.SIGKILL, 128 + signal.SIGKILL), result.stderr)
        return result.returncode != 0

    def first_calls(self, *arguments):
        """Runs the program to its end. Returns the number of the first call of each kind that is not the loader's."""
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as log:
            command = ["strace", "-o", log.name, "-e", f"trace={','.join(CALLS)}", PROGRAM, "edit", *arguments]
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
            lines = log.read().splitlines()
        start = next(i for i, line in enumerate(lines) if str(self.folder) in line)
        return {call: 1 + sum(line.startswith(f"{call}(") for line in lines[:start]) for call in CALLS}

    def kills(self, *arguments):
        """Yields after the program ends, and after each kill: one for each call after those of the loader."""
        first = self.first_calls(*arguments)
        yield "not killed"
        for call in CALLS:
            number = first[call]
            while self.killed(call, number, *arguments):
                yield f"killed before {call} number {number}"
                number += 1

    def recover(self, name, about):
        result = run("edit", "--recover", self.path(name))
        self.assertEqual(result.status, 0, about + ": " + result.err)
        self.assertFalse(os.path.exists(self.path(name + SAVED)), about)
        # What a killed process has not renamed remains.
        for left in os.listdir(self.folder):
            if left not in self.old:
                self.assertRegex(left, r"^\.m\.\w+(\.tf-header)?\.tf-\w{8}$", about)
                os.remove(self.path(left))

    def test_edits_in_place(self):
        for name, edit in self.edits.items():
            saved = 0
            self.write(name, self.old[name])
            for about in self.kills("--in-place", *edit, self.path(name)):
                saved += os.path.exists(self.path(name + SAVED))
                if os.path.exists(self.path(name + SAVED)):
                    refused = run("edit", "--set", "key=3", self.path(name))
                    self.assert_refused(refused, self.path(name), "corrupt", "--recover")
                self.recover(name, about)
                self.assertIn(self.content(name), (self.old[name], self.new[name]), about)
                self.write(name, self.old[name])
            self.assertGreater(saved, 3)

    def saved_header(self, name):
        """Leaves a saved header beside a file with the new one."""
        self.write(name, self.old[name])
        self.assertTrue(self.killed("unlink", 1, "--in-place", *self.edits[name], self.path(name)))
        self.assertEqual(self.content(name), self.new[name])

    def test_a_header_that_was_written_in_part(self):
        for name in self.edits:
            self.saved_header(name)
            old, new = self.old[name], self.new[name]
            first = next(i for i, pair in enumerate(zip(old, new)) if pair[0] != pair[1])
            for end in range(first, first + 4):
                self.write(name, new[:end] + b"\xff" + old[end + 1:])
                with self.subTest(name=name, end=end):
                    saved = (self.folder / (name + SAVED)).read_bytes()
                    self.recover(name, "written in part")
                    self.assertEqual(self.content(name), old)
                    self.write(name + SAVED, saved)
            os.remove(self.path(name + SAVED))

    def test_recoveries(self):
        for name in self.edits:
            self.saved_header(name)
            saved = (self.folder / (name + SAVED)).read_bytes()
            for about in self.kills("--recover", self.path(name)):
                self.recover(name, about)
                self.assertEqual(self.content(name), self.old[name], about)
                self.write(name, self.new[name])
                self.write(name + SAVED, saved)

    def test_saved_headers_of_other_files(self):
        name = "m.safetensors"
        self.saved_header(name)
        saved = (self.folder / (name + SAVED)).read_bytes()
        other = self.new[name][:-1] + b"z"
        for content, header, text in ((other, saved, "of another file"), (self.new[name] + b"x", saved, "of another file"),
                                      (self.new[name], saved[:-1], "not a saved header"),
                                      (self.new[name], saved[:30] + b"\xff" + saved[31:], "not a saved header"),
                                      (self.new[name], b"", "not a saved header")):
            self.write(name, content)
            self.write(name + SAVED, header)
            self.assert_refused(run("edit", "--recover", self.path(name)), self.path(name), "corrupt", text)
            self.assertEqual(self.content(name), content)

    def test_nothing_to_recover(self):
        path = self.path("m.safetensors")
        result = run("edit", "--recover", path)
        self.assertEqual((result.status, len(result.lines)), (0, 1))
        self.assertIn("no interrupted edit", result.err)

    def test_copies(self):
        name = "m.safetensors"
        for about in self.kills("--set", "key=new value", self.path(name)):
            self.assertIn(self.content(name), (self.old[name], self.new[name]), about)
            for left in os.listdir(self.folder):
                if left not in self.old:
                    self.assertTrue(re.fullmatch(r"\.m\.safetensors\.tf-\w{8}", left), left)
                    os.remove(self.path(left))
            self.write(name, self.old[name])


if __name__ == "__main__":
    main()
