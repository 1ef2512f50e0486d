"""Tests the options that all commands have, standard input and output, suggestions, and how hostile names are printed."""

import json
import os
import pty
import signal
import subprocess
import time

from support import GGML_F32, GGML_I8, PROGRAM, Case, floats, gguf, main, npy, npz, run, safetensors

COMMANDS = (["ls"], ["check"], ["stat"], ["ls", "--json"])


def piped(data, *arguments, **options):
    """Runs the program with data on a pipe as its standard input."""
    return subprocess.run([PROGRAM, *arguments], input=data, capture_output=True, check=False, **options)


class Limits(Case):
    def setUp(self):
        super().setUp()
        self.file = self.write("m.gguf", gguf({"abc": (GGML_F32, (1, 2), floats(1, 2)), "d": (GGML_I8, (1,), b"x")},
                                              [("key", ["str"], ["a"]), ("other", [["u8"]], [[1]])]))

    def commands(self):
        yield from ([*command] for command in COMMANDS)
        yield ["diff", self.file]
        yield ["convert", "--metadata", "drop", "--to", "npz", "--quiet", "--dry-run"]

    def test_each_limit(self):
        for option, value in (("--max-arrays", "1"), ("--max-metadata", "1"), ("--max-name-bytes", "2"), ("--max-rank", "1"),
                              ("--max-nesting", "1"), ("--max-header-bytes", "20B")):
            for command in self.commands():
                result = run(*command, option, value, self.file, *(["-"] if command[0] == "convert" else []))
                self.assertEqual(result.status, 1, (command, option))
                self.assertIn(": limit: ", result.lines[0])
        self.assertIn("(--max-arrays)", run("ls", "--max-arrays", "1", self.file).err)
        result = run("show", "--max-bytes", "4B", self.file, "abc")
        self.assertEqual(result.status, 1)
        self.assertIn("--max-bytes", result.err)

    def test_limits_that_suffice(self):
        for command in self.commands():
            result = run(*command, "--max-arrays", "2", "--max-metadata", "4", "--max-rank", "2", "--max-bytes", "1MiB",
                         "--threads", "1", self.file, *(["-"] if command[0] == "convert" else []))
            self.assertEqual(result.status, 0, result.err)

    def test_values_out_of_range(self):
        for option, value in (("--max-arrays", "0"), ("--max-rank", "65"), ("--threads", "1025")):
            self.assert_usage(run("ls", option, value, self.file), option + " takes ", value)

    def test_sizes(self):
        for text in ("1024", "1KiB", "1.0KiB", "0.5KiB", "1kB", "1KB", "0.5MB", "2GB", "2.5GiB", "7TB", "7TiB", "9223372036854775807"):
            self.assertEqual(run("ls", "--max-header-bytes", text, self.file).status, 0, text)
        for text in ("", "x", "1.5", "-1", "1 GB", "1gib", "GB", "1.GB", ".5GB", "0.3B", "0.0001kB", "9223372036854775808",
                     "10000000TB", "1e3", "0x10"):
            self.assert_usage(run("ls", "--max-bytes", text, self.file), "--max-bytes", "5GB or 512MiB")
        self.assertEqual(run("ls", "--max-header-bytes", "0.02kB", self.file).status, 1)

    def test_part_bytes(self):
        path = self.write("in.safetensors", safetensors({name: ("U8", (1000,), bytes(1000)) for name in "abc"}))
        self.assertEqual(run("convert", "--part-bytes", "2kB", path, self.path("m.safetensors")).status, 0)
        self.assertTrue(os.path.exists(self.path("m-00002-of-00002.safetensors")))
        for text in ("0", "0GB", "many"):
            self.assert_usage(run("convert", "--part-bytes", text, path, self.path("m.safetensors")), "--part-bytes: expected")


class SkipUnsupported(Case):
    def test_each_array_left_out_is_named(self):
        path = self.write("in.npz", npz({"o.npy": npy("|O", (1,), b"x"), "u.npy": npy("|u1", (1,), b"x")}))
        for command in (["ls", "--json"], ["stat", "--json"], ["convert"]):
            out = [self.path("out.safetensors")] if command[0] == "convert" else []
            result = run(*command, "--skip-unsupported", path, *out)
            self.assertEqual((result.status, len(result.lines)), (0, 1), result.err)
            self.assertTrue(result.err.startswith(f"tensorfile: {path}: note: left out array 'o' "), result.err)
            if not out:
                self.assertEqual([array["name"] for array in result.json()[0]["arrays"]], ["u"])
        result = run("diff", "--skip-unsupported", path, path)
        self.assertEqual((result.status, len(result.lines)), (0, 2), result.err)

    def test_quiet(self):
        path = self.write("in.npz", npz({"o.npy": npy("|O", (1,), b"x"), "u.npy": npy("|u1", (1,), b"x")}))
        for command in (["ls"], ["stat"], ["check"]):
            self.assertEqual(run(*command, "--skip-unsupported", "--quiet", path).err, "")
        self.assertEqual(run("check", "--quiet", path).status, 1)
        self.assertEqual(len(run("check", "--quiet", path).lines), 1)
        source = self.write("q.safetensors", safetensors({"w": ("F32", (1, 32), bytes(128))}))
        result = run("convert", "--quiet", "--quantize", "q8_0", source, self.path("q.gguf"))
        self.assertEqual((result.status, result.out, result.err), (0, "", ""))


def size_of_open_file(link):
    """The size of the file that a link in /proc leads to, or None if it has been closed."""
    try:
        return os.stat(link).st_size
    except FileNotFoundError:
        return None


class StandardInput(Case):
    DATA = npz({"x.npy": npy("<f4", (2,), floats(1, 2))})

    def test_commands(self):
        listing = piped(self.DATA, "ls", "--json", "-")
        self.assertEqual((listing.returncode, listing.stderr), (0, b""))
        found = json.loads(listing.stdout)
        self.assertEqual((found["path"], found["format"], found["arrays"][0]["name"]), ("-", "npz", "x"))
        self.assertEqual(piped(self.DATA, "check", "-").stdout, b"-: ok\n")
        self.assertEqual(piped(self.DATA, "check", "--only", "x", "-").stdout, b"-: ok\n")
        self.assertEqual(piped(self.DATA, "show", "-", "x").stdout, b"[1.0, 2.0]\n")
        self.assertEqual(json.loads(piped(self.DATA, "stat", "--json", "-").stdout)["arrays"][0]["mean"], 1.5)
        path = self.write("same.npz", self.DATA)
        for arguments in (["-", path], [path, "-"], ["-", "-"]):
            self.assertEqual(piped(self.DATA, "diff", *arguments).returncode, 0)
        self.assertEqual(piped(self.DATA, "convert", "-", self.path("out.safetensors")).returncode, 0)
        self.assertEqual(self.list_json(self.path("out.safetensors"))["arrays"][0]["name"], "x")

    def test_it_is_not_part_of_a_set(self):
        data = safetensors({"x": ("U8", (1,), b"x")})
        for command in (["ls"], ["stat"], ["check"]):
            self.assertEqual(piped(data, *command, "-").stderr, b"")

    def test_a_file_as_standard_input(self):
        path = self.write("x.bin", b"skip" + self.DATA)
        with open(path, "rb") as file:
            file.seek(4)
            os.lseek(file.fileno(), 4, os.SEEK_SET)
            self.assertEqual(run_with(file, "check", "-").stdout, b"-: ok\n")
        path = self.write("x.npz", self.DATA)
        with open(path, "rb") as file:
            self.assertEqual(run_with(file, "check", "-").stdout, b"-: ok\n")

    def test_errors(self):
        for data, status in ((b"", "format"), (b"<!doctype html>", "format"), (self.DATA[:40], "truncated")):
            result = piped(data, "check", "-")
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr.decode(), rf"^tensorfile: -: {status}: [^/]*\n$")
        self.assertEqual(subprocess.run([PROGRAM, "check", "-"], stdin=subprocess.DEVNULL, capture_output=True,
                                        check=False).returncode, 1)
        closed = subprocess.run(["sh", "-c", 'exec "$0" check - <&-', PROGRAM], capture_output=True, check=False)
        self.assertEqual(closed.returncode, 3)
        self.assertTrue(closed.stderr.startswith(b"tensorfile: -: io: cannot read standard input"), closed.stderr)

    def test_the_copy_has_no_name(self):
        """While the program waits for more bytes, its copy of what it has read is an open file that cannot be found."""
        with subprocess.Popen([PROGRAM, "check", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write(self.DATA)
            process.stdin.flush()
            copies = []
            until = time.monotonic() + 60
            # The linker opens libraries first.
            while not copies and time.monotonic() < until:
                copies = [link for link in map(os.path.join, [f"/proc/{process.pid}/fd"] * 9, map(str, range(3, 12)))
                          if size_of_open_file(link) == len(self.DATA)]
            self.assertEqual(len(copies), 1)
            self.assertTrue(os.readlink(copies[0]).endswith(" (deleted)"))
            self.assertEqual((os.stat(copies[0]).st_mode & 0o777, os.stat(copies[0]).st_nlink), (0o600, 0))
            out, _ = process.communicate()
            self.assertEqual(out, b"-: ok\n")

    def test_interrupt_while_waiting(self):
        with subprocess.Popen([PROGRAM, "check", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write(b"x")
            process.stdin.flush()
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 143)
            self.assertEqual(process.stderr.read(), b"")


def run_with(stdin, *arguments):
    return subprocess.run([PROGRAM, *arguments], stdin=stdin, capture_output=True, check=False)


class StandardOutput(Case):
    def setUp(self):
        super().setUp()
        self.source = self.write("in.safetensors", safetensors({"w": ("F32", (1, 32), bytes(128))}))

    def test_each_format(self):
        for form in ("npy", "npz", "safetensors", "gguf"):
            path = self.path("direct." + form)
            options = ["--set", "general.architecture=x"] if form == "gguf" else []
            self.assertEqual(run("convert", *options, self.source, path).status, 0)
            result = piped(b"", "convert", *options, "--to", form, self.source, "-")
            self.assertEqual((result.returncode, result.stderr), (0, b""))
            if form == "npz":  # a pipe gets the sizes of a member after its bytes
                piped_path = self.write("piped.npz", result.stdout)
                self.assertEqual(run("check", piped_path).status, 0)
                self.assertEqual(run("diff", path, piped_path).status, 0)
                continue
            with open(path, "rb") as file:
                self.assertEqual(result.stdout, file.read())

    def test_what_was_done_is_printed_elsewhere(self):
        result = piped(b"", "convert", "--quantize", "q8_0", "--set", "general.architecture=x", "--to", "gguf", self.source, "-")
        self.assertTrue(result.stdout.startswith(b"GGUF"))
        self.assertEqual(result.stderr, b"tensorfile: -: note: w: float32 -> q8_0\n")

    def test_failures(self):
        self.assert_usage(run("convert", self.source, "-"), "standard output has no extension", "--to FORMAT")
        self.assert_usage(run("convert", "--to", "gguff", self.source, "-"), "--to: unknown format 'gguff'", "'gguf'")
        self.assert_usage(run("convert", "--to", "gguf", "--part-bytes", "1", self.source, "-"), "--part-bytes")
        with open("/dev/full", "wb") as full:
            self.assertEqual(run("convert", "--to", "npz", self.source, "-", stdout=full).status, 3)

    def test_terminal(self):
        leader, follower = pty.openpty()
        result = subprocess.run([PROGRAM, "convert", "--to", "npz", self.source, "-"], stdout=follower,
                                stderr=subprocess.PIPE, check=False)
        os.close(follower)
        os.close(leader)
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"standard output is a terminal", result.stderr)

    def test_to_names_the_format_of_a_path(self):
        out = self.path("weights.bin")
        self.assertEqual(run("convert", "--to", "npz", self.source, out).status, 0)
        self.assertEqual(self.list_json(out)["format"], "npz")


class Folders(Case):
    def test_a_folder_and_an_index(self):
        path = self.write("in.safetensors", safetensors({name: ("F32", (1,), floats(1)) for name in "ab"}))
        self.folder.joinpath("set").mkdir()
        self.assertEqual(run("convert", "--part-bytes", "4", path, self.path("set/m.safetensors")).status, 0)
        for opened in (self.path("set"), self.path("set/m.safetensors.index.json")):
            for command in COMMANDS:
                self.assertEqual(run(*command, opened).status, 0)
            self.assertEqual(run("diff", opened, path).status, 0)
            self.assertEqual(run("show", opened, "b").out, "[1.0]\n")
            self.assertEqual(run("convert", opened, self.path("out.npz")).status, 0)


class Colours(Case):
    def on_terminal(self, *arguments, stream="stdout", environment=None):
        leader, follower = pty.openpty()
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: follower}
        result = subprocess.run([PROGRAM, *arguments], env=environment or {}, check=False, **streams)
        os.close(follower)
        text = b""
        try:
            while part := os.read(leader, 65536):
                text += part
        except OSError:  # on Linux, when the other end is closed
            pass
        os.close(leader)
        self.assertIsNotNone(result)
        return text.decode().replace("\r\n", "\n")

    def test_on_a_terminal(self):
        path = self.write("x.npy", npy("|u1", (1,), b"x"))
        other = self.write("y.npz", npz({"y.npy": npy("|u1", (1,), b"x")}))
        self.assertEqual(self.on_terminal("check", path), f"{path}: \x1b[32mok\x1b[0m\n")
        self.assertTrue(self.on_terminal("ls", path).startswith(f"\x1b[1m{path}:\x1b[0m npy, "))
        first, second, _ = self.on_terminal("diff", path, other).splitlines()
        self.assertTrue(first.startswith("\x1b[31monly in A: ") and second.startswith("\x1b[32monly in B: "))
        missing = self.path("missing.npy")
        self.assertTrue(self.on_terminal("ls", missing, stream="stderr").startswith(f"tensorfile: {missing}: \x1b[31mio:\x1b[0m "))

    def test_not_elsewhere(self):
        path = self.write("x.npy", npy("|u1", (1,), b"x"))
        self.assertEqual(run("check", path).out, f"{path}: ok\n")
        self.assertEqual(self.on_terminal("check", path, environment={"NO_COLOR": "1"}), f"{path}: ok\n")
        self.assertIn("\x1b", self.on_terminal("check", path, environment={"NO_COLOR": ""}))
        self.assertEqual(self.on_terminal("check", path, stream="stderr"), "")


class Suggestions(Case):
    def setUp(self):
        super().setUp()
        self.file = self.write("m.safetensors", safetensors(
            {"layers.0.weight": ("F32", (1,), floats(1)), "layers.1.bias": ("F32", (1,), floats(1))}, {"format": "pt"}))

    def test_suggestions(self):
        out = self.path("out.gguf")
        for arguments, word in ((["lst"], "ls"), (["chekc", self.file], "check"), (["convrt"], "convert"),
                                (["ls", "--jsn", self.file], "--json"), (["ls", "--onyl=x", self.file], "--only"),
                                (["convert", "--cast", "flaot16", self.file, out], "float16"),
                                (["convert", "--cast", "bf16", self.file, out], None),
                                (["convert", "--quantize", "q4k", self.file, out], "q4_k"),
                                (["convert", "--quantize", "float32", self.file, out], None),
                                (["show", self.file, "layers.0.wieght"], "layers.0.weight"),
                                (["show", self.file, "x"], None),
                                (["convert", "--name", "layers.1.bais", self.file, out], "layers.1.bias"),
                                (["ls", "--only", "layer.1.bias", self.file], "layers.1.bias"),
                                (["ls", "--rename", "layers.0.weigth=w", self.file], "layers.0.weight"),
                                (["convert", "--delete", "fromat", self.file, out], "format"),
                                (["edit", "--delete", "formt", self.file], "format"),
                                (["edit", "--delete", "x", self.file], None),
                                (["show", "--metadata", self.file, "fromat"], "format"), (["zzzzzz"], None)):
            result = run(*arguments)
            self.assert_usage(result)
            found = result.lines[0].partition("; did you mean ")[2]
            self.assertEqual(found, f"'{word}'?" if word else "", result.err)


class HostileNames(Case):
    """No output contains a control character of a name, or one that changes the direction of text."""

    NAME = "a\x1b[2J\x07\n\r\u202ex\x9b\x7f"

    def assert_clean(self, result):
        for text in (result.out, result.err):
            bad = [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e")]
            self.assertEqual(bad, [], text)

    def test_every_command(self):
        path = self.write("m.safetensors", safetensors(
            {self.NAME: ("F32", (1, 32), floats(*[1] * 32)), "c" + self.NAME: ("C64", (1,), bytes(8))}, {self.NAME: self.NAME}))
        other = self.write("o.safetensors", safetensors({self.NAME: ("F32", (1, 32), bytes(128))}))
        out = self.path("o.gguf")
        results = []
        for arguments in (["ls", path], ["ls", "--json", path], ["ls", "--crc32", path], ["check", path], ["stat", path],
                          ["stat", "--json", path], ["diff", path, other], ["show", path, self.NAME],
                          ["show", "--metadata", path, self.NAME], ["show", path, "x" + self.NAME],
                          ["ls", "--only", "x" + self.NAME, path], ["ls", "--rename", "c" + self.NAME + "=" + self.NAME, path],
                          ["convert", path, out], ["convert", "--dry-run", "--metadata", "drop", path, self.path("o.npz")],
                          ["convert", "--quantize", "q8_0", "--drop", "c*", "--metadata", "drop", path, out],
                          ["convert", path, other, out], ["ls", path + self.NAME], [self.NAME], ["ls", "--" + self.NAME, path],
                          ["convert", "--cast", self.NAME, path, out]):
            results.append(run(*arguments))
            self.assert_clean(results[-1])
        self.assertEqual(sum(result.status == 0 for result in results), 10)

    def test_unknown_types(self):
        path = self.write("m.npz", npz({self.NAME.replace("\n", "") + ".npy": npy("|O", (1,), b"x")}))
        for arguments in (["ls", path], ["check", path], ["ls", "--skip-unsupported", path], ["check", "--skip-unsupported", path]):
            self.assert_clean(run(*arguments))


if __name__ == "__main__":
    main()
