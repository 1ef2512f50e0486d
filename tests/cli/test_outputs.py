"""Tests that convert never destroys what it reads, and what it does before and instead of writing."""

import os
import signal
import subprocess
import time

from support import PROGRAM, Case, floats, main, npy, npz, run, safetensors

TWO = {"a": ("F32", (3,), floats(1, 2, 3)), "b": ("F32", (3,), floats(4, 5, 6))}


class OutputCase(Case):
    def contents(self):
        found = {}
        for name in sorted(os.listdir(self.folder)):
            with open(self.path(name), "rb") as file:
                found[name] = file.read()
        return found

    def assert_unchanged(self, result, out, *texts, status="invalid_argument"):
        self.assert_refused(result, out, status, *texts, exit_status=3)
        self.assertEqual(self.contents(), self.before)

    def begin(self):
        self.before = self.contents()


class Inputs(OutputCase):
    def setUp(self):
        super().setUp()
        self.a = self.write("a.npz", npz({"x.npy": npy("|u1", (1,), b"x")}))
        self.b = self.write("b.npz", npz({"y.npy": npy("|u1", (1,), b"y")}))

    def test_out_is_an_input(self):
        self.begin()
        for arguments in (["convert", self.a, self.a], ["convert", "--map", self.a, self.a],
                          ["convert", self.a, self.b, self.b], ["convert", self.b, self.a, self.b],
                          ["convert", self.a, str(self.folder / "." / "a.npz")]):
            self.assert_unchanged(run(*arguments), arguments[-1], "is a file that is read, and would be overwritten; write to another path")

    def test_out_is_an_input_through_links(self):
        soft, hard = self.path("soft.npz"), self.path("hard.npz")
        os.symlink(self.a, soft)
        os.link(self.a, hard)
        self.begin()
        for source, out in ((self.a, soft), (soft, self.a), (self.a, hard), (hard, self.a), (soft, hard)):
            self.assert_unchanged(run("convert", source, out), out, "is a file that is read")

    def test_a_part_that_is_an_input(self):
        part = self.write("m-00001-of-00002.safetensors", safetensors(TWO))
        out = self.path("m.safetensors")
        self.begin()
        self.assert_unchanged(run("convert", "--part-bytes", "12", part, out), out, ": is a file that is read")

    def test_an_old_index_that_lists_an_input(self):
        """Saving one part instead of several would remove the files of the old set."""
        for name in "ab":
            self.write(name + ".safetensors", safetensors({name: TWO[name]}))
        index = self.write("m.safetensors.index.json", b'{"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}')
        out = self.path("m.safetensors")
        self.begin()
        for source in (index, self.path("a.safetensors")):
            for size in ("12", "1000"):
                result = run("convert", "--part-bytes", size, source, out)
                self.assert_unchanged(result, out, "would ", "write to another path")


class Resplitting(OutputCase):
    def test_old_parts_are_removed(self):
        path = self.write("in.safetensors", safetensors({f"x{i}": ("U8", (10,), bytes(10)) for i in range(4)}))
        for extension, options in (("safetensors", []), ("gguf", ["--cast", "int8", "--set", "general.architecture=x"])):
            out = self.path("m." + extension)
            for size, parts in (("10", 4), ("20", 2), ("40", 1), ("10", 4)):
                result = run("convert", *options, "--part-bytes", size, path, out)
                self.assertEqual(result.status, 0, result.err)
                names = [f"m-{i:05}-of-{parts:05}.{extension}" for i in range(1, parts + 1)]
                if parts == 1:
                    names = ["m." + extension]
                elif extension == "safetensors":
                    names.append("m.safetensors.index.json")
                found = [name for name in os.listdir(self.folder) if name.startswith("m") and extension in name]
                self.assertEqual(sorted(found), sorted(names))


class NoClobber(OutputCase):
    def setUp(self):
        super().setUp()
        self.source = self.write("in.safetensors", safetensors(TWO))

    def test_an_existing_file(self):
        out = self.write("out.npz", b"old")
        os.symlink("nowhere", self.path("dangling.npz"))
        for path in (out, self.path("dangling.npz")):
            result = run("convert", "--no-clobber", self.source, path)
            self.assert_refused(result, path, "io", "exists", "--no-clobber", exit_status=3)
        with open(out, "rb") as file:
            self.assertEqual(file.read(), b"old")
        self.assertTrue(os.path.islink(self.path("dangling.npz")))

    def test_an_existing_part(self):
        for name in ("m-00002-of-00002.safetensors", "m.safetensors.index.json"):
            path = self.write(name, b"{}")
            out = self.path("m.safetensors")
            result = run("convert", "--no-clobber", "--part-bytes", "12", self.source, out)
            self.assert_refused(result, out, "io", f"{path}: exists", exit_status=3)
            os.remove(path)

    def test_a_new_file(self):
        for options, out in ((["--part-bytes", "12"], "m.safetensors"), ([], "m.npz")):
            result = run("convert", "--no-clobber", *options, self.source, self.path(out))
            self.assertEqual((result.status, result.err), (0, ""))


class DryRun(OutputCase):
    def setUp(self):
        super().setUp()
        self.source = self.write("in.safetensors", safetensors({**TWO, "c\x1b": ("F16", (2, 32), bytes(128))}))

    def lines(self, *arguments):
        self.begin()
        result = run("convert", "--dry-run", *arguments)
        self.assertEqual((result.status, result.err), (0, ""))
        self.assertEqual(self.contents(), self.before)
        return [" ".join(line.split()) for line in result.out.splitlines()]

    def test_arrays_and_file(self):
        out = self.path("out.npz")
        self.assertEqual(self.lines("--cast", "float16:a", "--rename", "b=z", self.source, out),
                         [f"would write {out}: npz, 3 arrays, 146 B", "a float16 (3,) 6 B", "z float32 (3,) 12 B",
                          "c\\x1b float16 (2, 32) 128 B", f"file {out}: 3 arrays, 146 B of array data"])

    def test_parts(self):
        out = self.path("m.safetensors")
        files = [line for line in self.lines("--part-bytes", "24", self.source, out) if line.startswith("file ")]
        self.assertEqual(files, [f"file {self.path('m-00001-of-00002.safetensors')}: 2 arrays, 24 B of array data",
                                 f"file {self.path('m-00002-of-00002.safetensors')}: 1 array, 128 B of array data",
                                 f"file {out}.index.json: the index"])

    def test_blocks(self):
        out = self.path("m.gguf")
        lines = self.lines("--quantize", "q8_0", "--drop", "?", self.source, out)
        self.assertEqual(lines[1], "c\\x1b q8_0 (2, 32) 68 B")

    def test_what_would_fail_fails(self):
        out = self.write("out.npz", b"old")
        self.assert_refused(run("convert", "--dry-run", "--no-clobber", self.source, out), out, "io", "exists",
                            exit_status=3)
        out = self.path("x.npy")
        self.assert_refused(run("convert", "--dry-run", self.source, out), out, "unsupported", "exactly one array")


class Interrupts(OutputCase):
    SIZE = 4 << 30

    def setUp(self):
        super().setUp()
        head = npy("<f4", (self.SIZE // 4,), b"")
        self.source = self.path("large.npy")
        with open(self.source, "wb") as file:
            file.write(head)
            file.truncate(len(head) + self.SIZE)

    def interrupted(self, number, *arguments, ignored=False, when=lambda: True):
        """Sends a signal as soon as when() is true."""
        def prepare():
            signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)

        with subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=prepare) as process:
            while not when():
                self.assertIsNone(process.poll(), "the program ended before it was interrupted")
                time.sleep(0.001)
            process.send_signal(number)
            out, err = process.communicate()
        return process.returncode, out, err

    def test_convert_removes_its_temporary_files(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            for options, extension in (([], "npy"), (["--cast", "float16"], "npz"), (["--part-bytes", "1000"], "safetensors")):
                out = self.path("out." + extension)
                found = self.interrupted(number, "convert", *options, self.source, out,
                                         when=lambda: len(os.listdir(self.folder)) > 1)
                self.assertEqual(found, (status, b"", b""))
                self.assertEqual(os.listdir(self.folder), ["large.npy"])

    def test_report_removes_its_temporary_file(self):
        found = self.interrupted(signal.SIGINT, "report", self.source, "-o", self.path("out.html"),
                                 when=lambda: len(os.listdir(self.folder)) > 1)
        self.assertEqual(found, (130, b"", b""))
        self.assertEqual(os.listdir(self.folder), ["large.npy"])

    def test_an_existing_out_is_kept(self):
        out = self.write("out.npy", b"old")
        found = self.interrupted(signal.SIGTERM, "convert", self.source, out, when=lambda: len(os.listdir(self.folder)) > 2)
        self.assertEqual(found, (143, b"", b""))
        self.assertEqual(sorted(os.listdir(self.folder)), ["large.npy", "out.npy"])
        with open(out, "rb") as file:
            self.assertEqual(file.read(), b"old")

    def test_commands_that_read(self):
        started = time.monotonic()
        for arguments in (["check", self.source], ["check", "--only", "", self.source], ["ls", "--crc32", self.source],
                          ["stat", self.source], ["diff", self.source, self.source], ["show", self.source, "", ":16000000"]):
            until = time.monotonic() + 0.3
            found = self.interrupted(signal.SIGINT, *arguments, when=lambda: time.monotonic() > until)
            self.assertEqual(found[::2], (130, b""), arguments)
        self.assertLess(time.monotonic() - started, 60)

    def test_an_ignored_signal_stays_ignored(self):
        """A shell ignores SIGINT for the commands that it starts in the background."""
        small = self.write("small.npy", npy("|u1", (8 << 20,), bytes(8 << 20)))
        found = self.interrupted(signal.SIGINT, "check", small, ignored=True)
        self.assertEqual(found, (0, f"{small}: ok\n".encode(), b""))


if __name__ == "__main__":
    main()
