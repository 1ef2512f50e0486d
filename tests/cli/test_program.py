import os
import pty
import re
import shutil
import signal
import subprocess
import unittest

from support import GOLDEN_DIR, PROGRAM, SOURCE_DIR, Case, gguf, main, npy, npz, run, safetensors

COMMANDS = ("ls", "convert", "edit", "check", "diff", "show", "stat", "report")


# Matches long options, such as --part-bytes.
OPTION = r"--[a-z0-9]+(?:-[a-z0-9]+)*"


# The groups of options that the help and the manual describe once, and the commands that do not have them.
GROUPS = {"SELECTION": ("show",), "COMMON": ()}


def described(text):
    """The options that a part of a help text describes."""
    return set(re.findall(rf"^ .*?({OPTION})", text, re.M)) - {"--help"}


def options_of(command, group=None):
    """The options of a command itself, or those in one of the groups."""
    own, *groups = re.split(r"^([A-Z]+), options .*:\n", run(command, "--help").out.split("Options:\n", 1)[1],
                            flags=re.M)
    return described(own if group is None else dict(zip(groups[::2], groups[1::2])).get(group, ""))


def groups_of(command):
    return [group for group, without in GROUPS.items() if command not in without]


def all_options(command):
    return options_of(command).union(*(options_of(command, group) for group in GROUPS))


class Usage(Case):
    def test_help(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            result = run(*arguments)
            self.assertEqual((result.status, result.err), (0, ""))
            for command in COMMANDS:
                self.assertIn(f"  tensorfile {command} ", result.out)
        for command in COMMANDS:
            result = run(command, "--help")
            self.assertEqual((result.status, result.err), (0, ""))
            self.assertIn(f"Usage: tensorfile {command} [OPTIONS] ", result.out)

    def test_help_lists_every_option_of_every_command(self):
        usage = run("--help").out.split("Usage:\n", 1)[1]
        for command in COMMANDS:
            synopsis = re.search(rf"^  tensorfile {command} (.*(?:\n {{8,}}.*)*)$", usage, re.M)[1]
            self.assertEqual(set(re.findall(OPTION, synopsis)), options_of(command), command)
            self.assertEqual(re.findall(r"\[([A-Z]+)\]\.\.\.", synopsis), groups_of(command), command)
        self.assertIn("--part-bytes", options_of("convert"))
        self.assertIn("[--include PATTERN]...", usage)
        self.assertIn("[--rtol NUMBER] [--atol NUMBER] [--ignore-metadata]", usage)
        self.assertIn("FILE [NAME] [SLICE]", " ".join(usage.split()))
        self.assertLessEqual(max(map(len, usage.split("\nSELECTION", 1)[0].splitlines())), 80)

    def test_help_describes_the_groups_of_options_once(self):
        text = run("--help").out
        for group in GROUPS:
            part = re.search(rf"^{group}, options .*:\n((?: .*\n)+)", text, re.M)[1]
            for command in COMMANDS:
                self.assertEqual(options_of(command, group), described(part) if group in groups_of(command) else set())
            self.assertEqual(text.count(group + ", options"), 1)

    def test_version(self):
        header = (SOURCE_DIR / "include" / "tensorfile.h").read_text()
        version = re.search(r'TENSORFILE_VERSION_STRING "(.*)"', header)[1]
        self.assertEqual(run("--version").out, f"tensorfile {version}\n")

    def test_unknown(self):
        for arguments in ([], ["list"], ["--json"], ["ls"], ["check"], ["ls", "--frobnicate", "x"], ["show"],
                          ["ls", "--json=maybe", "x"], ["convert", "a.npy", "b.npy", "--cast"]):
            result = run(*arguments)
            self.assert_usage(result, "--help'")
            self.assertEqual(len(result.lines), 2, result.err)

    def test_paths_are_not_interpreted(self):
        data = npy("|u1", (1,), b"x")
        names = ["ls", "check", "[a,b]", "-x.npy", "--json", "a b", "%s", "./-", "--", "/", "@x", "x;y", "{x}"]
        names.remove("/")
        for name in names:
            self.write(name, data)
        result = run("check", "--", *names, cwd=self.folder)
        self.assertEqual((result.status, result.err), (0, ""))
        self.assertEqual(result.out, "".join(f"{name}: ok\n" for name in names))
        plain = [name for name in names if not name.startswith("-")]
        self.assertEqual(run("check", *plain, cwd=self.folder).out, "".join(f"{name}: ok\n" for name in plain))
        self.assertEqual(run("show", "[a,b]", "", "0", cwd=self.folder).out, "120\n")

    def test_parts(self):
        part = GOLDEN_DIR / "gguf" / "split-00002-of-00003.gguf"
        out = self.path("out.npz")
        self.assertEqual(run("check", "--parts", part).out, f"{part}: ok\n")
        self.assertEqual(run("convert", "--parts", "--metadata", "drop", part, out).status, 0)
        lines = run("diff", "--parts", part, out).out.splitlines()[:-1]
        self.assertTrue(lines and all(line.startswith("only in A: metadata ") for line in lines), lines)
        for name in ("blk.0.w", "blk.4.w"):
            self.assertEqual(run("show", "--parts", part, name).out, run("show", out, name).out)
        self.assertEqual(run("show", part, "blk.0.w").status, 2)

    def test_control_characters_in_a_path(self):
        result = run("check", self.path("a\x1b[2J\n.npy"))
        self.assertEqual(len(result.lines), 1)
        self.assertIn("a\\x1b[2J\\n.npy: io: ", result.err)


class Output(Case):
    """A failure to write to standard output is reported."""

    def setUp(self):
        super().setUp()
        self.file = self.write("a.npy", npy("|u1", (100000,), bytes(100000)))

    def test_full_device(self):
        for arguments in (["ls", self.file], ["ls", "--json", self.file], ["check", self.file], ["show", self.file, ""],
                          ["--help"], ["ls", "--help"], ["--version"], ["diff", self.file, self.write("b.npz", npz({}))]):
            with open("/dev/full", "wb") as full:
                result = run(*arguments, stdout=full)
            self.assertEqual(result.status, 3, arguments)
            self.assertEqual(result.lines, ["tensorfile: standard output: io: No space left on device"])

    def closed(self, *arguments, closing="<&- >&-"):
        command = ["sh", "-c", f'exec "$@" {closing}', "sh", PROGRAM, *arguments]
        return subprocess.run(command, capture_output=True, check=False)

    def test_closed(self):
        result = self.closed("ls", self.file)
        self.assertEqual(result.returncode, 3)
        self.assertTrue(result.stderr.startswith(b"tensorfile: standard output: io: "))

    def test_closed_and_not_used(self):
        self.assertEqual(self.closed("check", "--quiet", self.file).returncode, 0)

    def test_files_do_not_reuse_the_descriptor_of_a_closed_stream(self):
        out = self.path("out.npz")
        result = self.closed("convert", self.file, out, closing="<&- >&- 2>&-")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(run("check", out).out, f"{out}: ok\n")
        self.assertEqual(self.closed("check", self.path("missing.npy"), closing="2>&-").returncode, 3)

    def test_reader_that_goes_away(self):
        paths = [self.file] * 2000
        with subprocess.Popen([PROGRAM, "check", *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL)) as process:
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")
            self.assertEqual(process.wait(), -signal.SIGPIPE)


class Progress(Case):
    def large(self, nbytes):
        head = npy("|u1", (nbytes,), b"")
        path = self.folder / "large.npy"
        with path.open("wb") as file:
            file.write(head)
            file.truncate(len(head) + nbytes)
        return str(path)

    def on_terminal(self, *arguments):
        """Returns the exit status, and what the program writes to standard error if that is a terminal."""
        leader, follower = pty.openpty()
        with subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=follower,
                              env={"NO_COLOR": "1"}) as process:
            os.close(follower)
            out = b""
            while True:
                try:
                    part = os.read(leader, 65536)
                except OSError:  # on Linux, when the other end is closed
                    break
                if not part:
                    break
                out += part
            process.stdout.read()
        os.close(leader)
        return process.returncode, out.decode()

    def assert_bar(self, text, path):
        steps = text.split("\r")
        self.assertEqual(steps[0], "")
        self.assertEqual(steps[-1], "")
        self.assertEqual(steps[-2], " " * max(map(len, steps[1:-2])))
        percents = []
        for step in steps[1:-2]:
            label, cells, percent = re.fullmatch(
                r"(.*) \[([# ]{30})\] +(\d+)%(?:  [\d.]+ [KMG]iB/s  \d+:[0-5]\d left)? *", step).groups()
            self.assertEqual(label, path if len(path) <= 30 else path[:27] + "...")
            percents.append(int(percent))
            self.assertEqual(cells, ("#" * (percents[-1] * 30 // 100)).ljust(30))
        self.assertEqual(percents, sorted(set(percents)))
        self.assertEqual(percents[-1], 100)
        return percents

    def test_long_work_shows_a_bar_and_erases_it(self):
        path = self.large(64 << 20)
        for arguments in (["check", path], ["ls", "--crc32", path], ["diff", path, path],
                          ["convert", path, self.path("out.npy")]):
            status, text = self.on_terminal(*arguments)
            self.assertEqual(status, 0)
            self.assertGreater(len(self.assert_bar(text, path)), 2, arguments)

    def test_short_work_shows_none(self):
        path = self.large((64 << 20) - 1)
        self.assertEqual(self.on_terminal("check", path), (0, ""))
        self.assertEqual(self.on_terminal("ls", path), (0, ""))

    def test_listing_without_check_sums_is_short(self):
        self.assertEqual(self.on_terminal("ls", self.large(64 << 20)), (0, ""))

    def test_none_without_a_terminal(self):
        self.assertEqual(run("check", self.large(64 << 20)).err, "")

    def test_the_bar_is_erased_before_an_error_is_printed(self):
        data = bytearray(npz({"x.npy": npy("|u1", (64 << 20,), bytes(64 << 20)), "y.npy": npy("|u1", (4,), b"abcd")}))
        data[data.index(b"abcd")] ^= 1
        path = self.write("d.npz", data)
        status, text = self.on_terminal("check", path)
        self.assertEqual(status, 1)
        bar, _, line = text.rpartition("\r" + " ")
        self.assertIn("%", bar)
        self.assertRegex(text, r" +\rtensorfile: [^\r]*: corrupt: [^\r]*\r\n$")


    def test_rate_and_remaining_time(self):
        text = self.on_terminal("stat", self.large(256 << 20))[1]
        self.assertRegex(text, r"\d%  [\d.]+ [KMG]iB/s  \d+:\d\d left")

    def test_quiet(self):
        path = self.large(64 << 20)
        self.assertEqual(self.on_terminal("check", "--quiet", path), (0, ""))


class Locale(Case):
    def test_numbers_do_not_depend_on_the_locale(self):
        path = self.write("m.gguf", gguf({}, [("f", "f64", 1234567.5)]))
        for locale in ("C", "de_DE.UTF-8", "tr_TR.UTF-8"):
            environment = {"LC_ALL": locale, "LANG": locale}
            self.assertEqual(run("ls", "--json", path, env=environment).json()[0]["metadata"], {"f": 1234567.5})
            out = self.path("out.gguf")
            result = run("convert", "--set", "x=f64:2.5", path, out, env=environment)
            self.assertEqual(result.status, 0)
            self.assertEqual(run("show", "--metadata", out, "x", env=environment).out, "2.5\n")


class ManPage(unittest.TestCase):
    PAGE = SOURCE_DIR / "src" / "cli" / "tensorfile.1"

    def text(self):
        return self.PAGE.read_text().replace("\\-", "-")

    def test_is_well_formed(self):
        groff = shutil.which("groff")
        self.assertIsNotNone(groff, "groff is needed to lint the man page")
        result = subprocess.run([groff, "-man", "-Tutf8", "-ww", "-z", str(self.PAGE)], capture_output=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_synopsis_lists_every_option_of_every_command(self):
        synopsis = self.text().split(".SH SYNOPSIS", 1)[1].split(".SH", 1)[0]
        for command in COMMANDS:
            part = synopsis.split(f".B tensorfile {command}\n", 1)[1].split(".B tensorfile", 1)[0]
            self.assertEqual(set(re.findall(OPTION, part)), options_of(command), command)
            self.assertEqual(re.findall(r"\[ ([A-Z]+) \]\.\.\.", part), groups_of(command), command)

    def test_describes_every_option(self):
        text = self.text()
        for command in COMMANDS:
            section = text.split(f".SS {command}\n", 1)[1].split("\n.S", 1)[0]
            for option in options_of(command):
                self.assertRegex(section, rf"\.TP\n.*{option}\b", command)
        description = text.split(".SH DESCRIPTION", 1)[1].split(".SS ls", 1)[0]
        for group in GROUPS:
            for option in options_of("ls", group):
                self.assertRegex(description, rf"\.TP\n.*{option}\b")

    def test_describes_no_unknown_option(self):
        known = set().union(*map(all_options, COMMANDS)) | {"--help", "--version"}
        self.assertEqual(set(re.findall(OPTION, self.text())) - known, set())

    def test_describes_every_status(self):
        for status in ("format", "corrupt", "truncated", "unsupported", "limit", "duplicate", "io", "out_of_memory"):
            self.assertRegex(self.text(), rf"\.BR? {status}\b")


if __name__ == "__main__":
    main()
