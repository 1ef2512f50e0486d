"""Tests that large files need little memory, and that running out of memory is reported.

Sanitizers need more memory than the limits allow.
"""

import json
import os
import resource
import shutil
import struct
import subprocess

from support import PROGRAM, Case, main, npy, run, safetensors


class Memory(Case):
    def sparse(self, nbytes):
        head = npy("<f4", (nbytes // 4,), b"")
        path = self.folder / "large.npy"
        with path.open("wb") as file:
            file.write(head)
            file.truncate(len(head) + nbytes)
        return str(path)

    def peak(self, *arguments):
        """Returns the peak memory of the program in bytes."""
        with subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss * 1024

    def test_pieces(self):
        path = self.sparse(256 << 20)
        self.assertLess(self.peak("check", path), 80 << 20)
        self.assertLess(self.peak("ls", "--crc32", path), 80 << 20)
        self.assertLess(self.peak("diff", path, path), 160 << 20)
        self.assertLess(self.peak("show", path, "", "-1"), 40 << 20)
        self.assertLess(self.peak("report", "--against", path, "-o", "-", path), 240 << 20)

    def test_convert_streams(self):
        path = self.sparse(256 << 20)
        for name in ("a.safetensors", "a.npz", "a.gguf"):
            self.assertLess(self.peak("convert", path, self.path(name)), 80 << 20)
        self.assertLess(self.peak("convert", "--cast", "float64", path, self.path("b.npy")), 160 << 20)
        self.assertLess(self.peak("convert", self.path("a.safetensors"), self.path("c.npy")), 80 << 20)
        self.assertEqual(os.path.getsize(self.path("c.npy")), os.path.getsize(path))

    def test_npz_streams(self):
        path = self.sparse(640 << 20)
        for extra in ((), ("--compress",)):
            self.assertLess(self.peak("convert", *extra, path, self.path("a.npz")), 80 << 20)
            self.assertLess(self.peak("check", self.path("a.npz")), 80 << 20)
            self.assertLess(self.peak("convert", self.path("a.npz"), self.path("b.npy")), 80 << 20)
            self.assertEqual(os.path.getsize(self.path("b.npy")), os.path.getsize(path))

    def test_parts_stream(self):
        path = self.path("four.safetensors")
        entries = {f"w{i}": {"dtype": "F32", "shape": [32 << 20], "data_offsets": [i << 27, (i + 1) << 27]}
                   for i in range(4)}
        self.sparse_safetensors(path, entries, 4 << 27)
        self.assertLess(self.peak("convert", "--part-bytes", str(1 << 28), path, self.path("m.gguf")), 80 << 20)
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["four.safetensors", "m-00001-of-00002.gguf", "m-00002-of-00002.gguf"])

    def test_a_file_larger_than_memory(self):
        """Converts, merges, edits and checks a file of 8 GiB in `make test-long`, else of 512 MiB."""
        nbytes = (8 << 30) if "TENSORFILE_TEST_LONG" in os.environ else (512 << 20)
        free = shutil.disk_usage(self.folder).free
        self.assertGreater(free, 3 * nbytes, "there is too little space for the files of this test")
        # A piece of the array, which the library fills, and 64 MiB for all else.
        limit = (32 << 20) + (64 << 20)
        quarter = nbytes // 4
        entries = {f"w{i}": {"dtype": "F32", "shape": [quarter // 4], "data_offsets": [i * quarter, (i + 1) * quarter]}
                   for i in range(4)}
        path, merged, converted = self.path("huge.safetensors"), self.path("merged.safetensors"), self.path("huge.gguf")
        self.sparse_safetensors(path, entries, nbytes)
        other = self.write("other.safetensors", safetensors({"v": ("F32", (1,), b"abcd")}))

        self.assertLess(self.peak("convert", path, converted), limit)
        self.assertLess(self.peak("check", converted), limit)
        self.assertGreaterEqual(os.path.getsize(converted), nbytes)
        os.remove(converted)

        self.assertLess(self.peak("convert", path, other, merged), limit)
        self.assertLess(self.peak("edit", "--rename", "w0=x", "--set", "k=v", merged), limit)
        self.assertLess(self.peak("edit", "--in-place", "--set", "k=w", merged), limit)
        self.assertLess(self.peak("check", merged), limit)
        listing = self.list_json(merged)
        self.assertEqual({array["name"] for array in listing["arrays"]}, {"x", "w1", "w2", "w3", "v"})
        self.assertEqual(listing["metadata"], {"k": "w"})
        self.assertEqual(sum(array["nbytes"] for array in listing["arrays"]), nbytes + 4)

    def sparse_safetensors(self, path, entries, nbytes):
        header = json.dumps(entries).encode()
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(header)) + header)
            file.truncate(8 + len(header) + nbytes)

    def test_out_of_memory(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

        # An array of packed elements is read whole.
        path = self.path("packed.safetensors")
        entry = {"dtype": "F4", "shape": [128 << 30], "data_offsets": [0, 64 << 30]}
        self.sparse_safetensors(path, {"x": entry}, 64 << 30)
        result = run("convert", path, self.path("out.safetensors"), preexec_fn=limit)
        self.assert_refused(result, path, "out_of_memory", exit_status=3)
        self.assertEqual(os.listdir(self.folder), ["packed.safetensors"])


if __name__ == "__main__":
    main()
