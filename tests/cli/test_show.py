import math
import resource
import signal
import struct
import subprocess
import time

from support import PROGRAM, Case, gguf, main, npy, npz, run, safetensors


def resident_bytes(pid):
    """The memory of a process, or 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


class ShowCase(Case):
    def show(self, *arguments):
        result = run("show", *arguments)
        self.assertEqual((result.status, result.err), (0, ""))
        return result.out

    def show_values(self, descr, code, values):
        path = self.write("v.npy", npy(descr, (len(values),), struct.pack(f"<{len(values)}{code}", *values)))
        return self.show(path, "")


class Values(ShowCase):
    def test_nesting(self):
        for shape, text in (((), "0"), ((3,), "[0, 1, 2]"), ((2, 3), "[[0, 1, 2],\n [3, 4, 5]]"), ((0,), "[]"),
                            ((2, 0), "[[],\n []]"), ((0, 2), "[]"),
                            ((2, 2, 1), "[[[0],\n  [1]],\n [[2],\n  [3]]]")):
            path = self.write("a.npy", npy("|u1", shape, bytes(range(math.prod(shape)))))
            self.assertEqual(self.show(path, ""), text + "\n", shape)

    def test_fortran_order(self):
        path = self.write("f.npy", npy("<i2", (2, 3), struct.pack("<6h", 1, 4, 2, 5, 3, 6), fortran=True))
        self.assertEqual(self.show(path, ""), "[[1, 2, 3],\n [4, 5, 6]]\n")

    def test_integers(self):
        self.assertEqual(self.show_values("<i8", "q", (-2**63, 2**63 - 1)), f"[{-2**63}, {2**63 - 1}]\n")
        self.assertEqual(self.show_values("<u8", "Q", (2**64 - 1,)), f"[{2**64 - 1}]\n")
        self.assertEqual(self.show_values("|b1", "?", (True, False)), "[True, False]\n")

    def test_shortest_floats(self):
        inf, nan = float("inf"), float("nan")
        self.assertEqual(self.show_values("<f4", "f", (0.1, 1, -0.0, 1e30, 16777216, inf, -inf, nan, -nan)),
                         "[0.1, 1.0, -0.0, 1e+30, 16777216.0, inf, -inf, nan, nan]\n")
        self.assertEqual(self.show_values("<f8", "d", (0.1, 1e300, 5e-324)), "[0.1, 1e+300, 5e-324]\n")

    def test_complex(self):
        path = self.write("c.npy", npy("<c16", (2,), struct.pack("<4d", 1.5, -2, float("nan"), float("inf"))))
        self.assertEqual(self.show(path, ""), "[(1.5-2.0j), (nan+infj)]\n")

    def test_every_float16_reads_back(self):
        patterns = [bits for bits in range(0x7C00)] + [bits | 0x8000 for bits in range(0x7C00)]
        path = self.write("h.npy", npy("<f2", (len(patterns),), struct.pack(f"<{len(patterns)}H", *patterns)))
        texts = self.show(path, "").strip("[]\n").split(", ")
        back = struct.unpack(f"<{len(patterns)}H", struct.pack(f"<{len(patterns)}e", *map(float, texts)))
        self.assertEqual(list(back), patterns)
        values = dict(zip(patterns, texts))
        self.assertEqual([values[bits] for bits in (0x2E66, 0x3C00, 0x0001, 0x7BFF, 0x0400, 0x8000)],
                         ["0.1", "1.0", "6e-08", "6.55e+04", "6.104e-05", "-0.0"])

    def test_packed_floats(self):
        # e2m1: 0, 0.5, 1, 1.5, 2, 3, 4, 6; the first element is in the low half of a byte
        path = self.write("p.safetensors", safetensors({"f4": ("F4", (2, 3), bytes([0x10, 0x32, 0xF4]))}))
        self.assertEqual(self.show(path, "f4"), "[[0.0, 0.5, 1.0],\n [1.5, 2.0, -6.0]]\n")
        self.assertEqual(self.show(path, "f4", "1,1:"), "[2.0, -6.0]\n")
        self.assertEqual(self.show(path, "f4", ":,::-2"), "[[1.0, 0.0],\n [-6.0, 1.5]]\n")


class Slices(ShowCase):
    """Compares with Python's own slices."""

    def setUp(self):
        super().setUp()
        self.file = self.write("a.npy", npy("|i1", (4, 5), bytes(range(20))))
        self.rows = [list(range(5 * row, 5 * row + 5)) for row in range(4)]

    def text(self, rows):
        return ("[" + ",\n ".join(str(row) for row in rows) + "]\n") if isinstance(rows, list) else f"{rows}\n"

    def test_rows(self):
        for text in (":", "1:", ":2", "1:3", "::2", "::-1", "-2:", ":-1", "3:0:-1", "3::-2", "10:", "-10:2", "2:2",
                     "0:100:3", " 1 : 3 ", "-1:-3:-1",
                     "1:9223372036854775808", "-9223372036854775808:2", f"{-10**30}:{10**30}:{10**30}", f"{10**30}::{-10**30}"):
            part = slice(*[int(number) if number.strip() else None for number in text.split(":")])
            self.assertEqual(self.show(self.file, "", text), self.text(self.rows[part]), text)

    def test_indices(self):
        self.assertEqual(self.show(self.file, "", "1"), "[5, 6, 7, 8, 9]\n")
        self.assertEqual(self.show(self.file, "", "-1"), "[15, 16, 17, 18, 19]\n")
        self.assertEqual(self.show(self.file, "", "-1,-5"), "15\n")
        self.assertEqual(self.show(self.file, "", ":,2"), "[2, 7, 12, 17]\n")
        self.assertEqual(self.show(self.file, "", "...,-1"), "[4, 9, 14, 19]\n")
        self.assertEqual(self.show(self.file, "", "0,..."), "[0, 1, 2, 3, 4]\n")
        self.assertEqual(self.show(self.file, "", "0,1,..."), "1\n")
        self.assertEqual(self.show(self.file, "", "..."), self.text(self.rows))
        self.assertEqual(self.show(self.file, "", "-3::2,::3"), "[[5, 8],\n [15, 18]]\n")

    def test_scalar(self):
        path = self.write("s.npy", npy("|i1", (), b"\7"))
        self.assertEqual(self.show(path, "", "..."), "7\n")
        self.assert_usage(run("show", path, "", "0"), "more dimensions")

    def test_invalid_slices(self):
        for text in ("x", "1:x", "0:1:0", "1:2:3:4", ",", "0,", "0,0,0", "4", "-5", ":,5", "...,...", "1.5", "[0]", "+1",
                     "9223372036854775808", "0x1", "9" * 30 + "x"):
            self.assert_usage(run("show", self.file, "", text), "slice '")

    def test_indices_of_any_size_are_numbers(self):
        for index in ("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "9" * 40):
            self.assert_usage(run("show", self.file, "", "0," + index),
                              f"index {index} is out of range for dimension 1 of size 5")


class Interrupts(ShowCase):
    def test_while_a_slice_of_gibibytes_is_read(self):
        count = 1 << 30
        head = npy("<f4", (count,), b"")
        path = self.folder / "large.npy"
        with path.open("wb") as file:
            file.write(head)
            file.truncate(len(head) + 4 * count)
        with subprocess.Popen([PROGRAM, "show", path, "::2"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            while resident_bytes(process.pid) < 100 << 20:
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            at = resident_bytes(process.pid)
            most = at
            while process.poll() is None:
                most = max(most, resident_bytes(process.pid))
                time.sleep(0.01)
            self.assertEqual((process.returncode, process.stderr.read()), (130, b""))
            # Not the time, which depends on the machine, but the work: the slice has 2 GiB.
            self.assertLess(most - at, 512 << 20)


class Names(ShowCase):
    def test_by_name(self):
        path = self.write("n.npz", npz({"a.npy": npy("|u1", (1,), b"\1"), "-b.npy": npy("|u1", (1,), b"\2")}))
        self.assertEqual(self.show(path, "a"), "[1]\n")
        self.assertEqual(self.show("--", path, "-b"), "[2]\n")
        self.assert_usage(run("show", path, "c"), "'c'", path)

    def test_unknown_type(self):
        path = self.write("u.npy", npy("<U1", (1,), bytes(4)))
        self.assert_refused(run("show", path, ""), path, "unsupported")

    def test_bad_file(self):
        path = self.write("b.npy", b"")
        self.assert_refused(run("show", path, ""), path, "truncated")
        missing = self.path("m.npy")
        self.assert_refused(run("show", missing, ""), missing, "io", exit_status=3)


class Metadata(ShowCase):
    def test_values(self):
        path = self.write("m.gguf", gguf({}, [("t", "str", "a\n\tb\x1b[0m"), ("l", ["u8"], list(range(100))),
                                              ("n", "f32", 0.5)]))
        self.assertEqual(self.show("--metadata", path, "t"), "a\n\tb\\x1b[0m\n")
        self.assertEqual(self.show("--metadata", path, "l"), str(list(range(100))).replace(" ", "") + "\n")
        self.assertEqual(self.show("--metadata", path, "n"), "0.5\n")
        self.assert_usage(run("show", "--metadata", path, "x"), "'x'")
        self.assert_usage(run("show", "--metadata", path, "l", "0"))


if __name__ == "__main__":
    main()
