"""Tests the example for fsspec against NumPy and safetensors, and counts the requests that it makes.

usage: fsspec_test.py [TEST...]
"""

import contextlib
import io
import itertools
import json
import os
import shlex
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import fsspec
import numpy
import safetensors.numpy
import tensorfile_fsspec as adapter
from fault_server import Server

import tensorfile

PARTS = 8
INDEX = "m.safetensors.index.json"
EXPECTED = {f"layers.{i}.{name}": numpy.arange(size, dtype=numpy.float32).reshape(-1, 4) + i
            for i in range(PARTS) for name, size in (("weight", 400), ("bias", 8))}
MARK = numpy.arange(3 << 20, dtype=numpy.uint8)
PROGRAM = Path(adapter.__file__).resolve()
ROOT = PROGRAM.parents[2]


def model():
    """Returns the files of a sharded model."""
    files, weight_map = {}, {}
    for i in range(PARTS):
        name = f"m-{i + 1:05}-of-{PARTS:05}.safetensors"
        part = {key: value for key, value in EXPECTED.items() if key.startswith(f"layers.{i}.")}
        files[name] = safetensors.numpy.save(part)
        weight_map.update(dict.fromkeys(part, name))
    files[INDEX] = json.dumps({"metadata": {"total_size": 1632 * PARTS}, "weight_map": weight_map}).encode()
    return files


class Case(unittest.TestCase):
    numbers = itertools.count()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        # File systems are cached, and that in memory is one for the process.
        self.unique = f"test{next(self.numbers)}"

    def assert_arrays(self, got, expected=None):
        expected = EXPECTED if expected is None else expected
        self.assertEqual(sorted(got), sorted(expected))
        for name, value in expected.items():
            self.assertEqual(got[name].dtype, value.dtype)
            numpy.testing.assert_array_equal(got[name], value)

    def check_set(self, fs, path):
        """Lists a set, and reads all of it, an array, and a part of one."""
        with tensorfile.open(adapter.source(fs, path)) as file:
            self.assertEqual({name: entry.shape for name, entry in file.items()},
                             {name: value.shape for name, value in EXPECTED.items()})
            numpy.testing.assert_array_equal(file["layers.3.bias"].read(), EXPECTED["layers.3.bias"])
            numpy.testing.assert_array_equal(file["layers.5.weight"][10:20, ::-1],
                                             EXPECTED["layers.5.weight"][10:20, ::-1])
        self.assert_arrays(tensorfile.load(adapter.source(fs, path)))
        part = adapter.source(fs, path.replace(INDEX, f"m-00002-of-{PARTS:05}.safetensors"))
        self.assert_arrays(tensorfile.load(part, parts=True))
        self.assertEqual(len(tensorfile.load(part)), 2)
        with self.assertRaises(FileNotFoundError):
            adapter.source(fs, path + ".none")


class Systems(Case):
    def test_memory(self):
        fs = fsspec.filesystem("memory")
        for name, data in model().items():
            fs.pipe_file(f"/{self.unique}/{name}", data)
        self.check_set(*fsspec.url_to_fs(f"memory://{self.unique}/{INDEX}"))

    def test_folder(self):
        for name, data in model().items():
            (self.folder / name).write_bytes(data)
        self.check_set(*fsspec.url_to_fs(f"file://{self.folder}/{INDEX}"))

    def test_archive(self):
        with zipfile.ZipFile(self.folder / "m.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in model().items():
                archive.writestr(f"models/{name}", data)
        self.check_set(*fsspec.url_to_fs(f"zip://models/{INDEX}::file://{self.folder}/m.zip"))

    def test_a_part_is_missing(self):
        files = model()
        del files[f"m-00004-of-{PARTS:05}.safetensors"]
        fs = fsspec.filesystem("memory")
        for name, data in files.items():
            fs.pipe_file(f"/{self.unique}/{name}", data)
        with self.assertRaisesRegex(FileNotFoundError, "m-00004"):
            adapter.source(fs, f"/{self.unique}/{INDEX}")

    def test_what_is_not_valid(self):
        fs = fsspec.filesystem("memory")
        fs.pipe_file(f"/{self.unique}/a.safetensors", safetensors.numpy.save(EXPECTED)[:5000])
        with self.assertRaisesRegex(tensorfile.Error, f"^/{self.unique}/a.safetensors: "):
            tensorfile.load(adapter.source(fs, f"/{self.unique}/a.safetensors"))


class Saving(Case):
    def check_saved(self, fs, folder, read):
        for extension, load in (("npz", lambda data: dict(numpy.load(io.BytesIO(data)))), ("safetensors", safetensors.numpy.load)):
            adapter.save(fs, f"{folder}a.{extension}", EXPECTED)
            self.assert_arrays(load(read(f"{folder}a.{extension}")))

    def test_memory_and_folder(self):
        memory = fsspec.filesystem("memory")
        self.check_saved(memory, f"/{self.unique}/", memory.cat_file)
        self.check_saved(fsspec.filesystem("file"), f"{self.folder}/", lambda path: Path(path).read_bytes())

    def test_archive(self):
        fs = fsspec.filesystem("zip", fo=str(self.folder / "a.zip"), mode="w")
        adapter.save(fs, "folder/a.npz", EXPECTED)
        fs.close()
        with zipfile.ZipFile(self.folder / "a.zip") as archive, archive.open("folder/a.npz") as member:
            self.assert_arrays(dict(numpy.load(member)))

    def test_a_save_that_fails_leaves_the_old_file(self):
        class Fails(dict):
            """Arrays of which the last cannot be had."""

            def items(self):
                yield from EXPECTED.items()
                raise OSError("unplugged")

        memory = fsspec.filesystem("memory")
        for fs, path in ((memory, f"/{self.unique}/a.npz"), (fsspec.filesystem("file"), f"{self.folder}/a.npz")):
            adapter.save(fs, path, {"old": numpy.arange(3)})
            for arrays, error in ((Fails(), OSError), ({"c": numpy.complex256(1)}, TypeError)):
                with self.assertRaises(error):
                    adapter.save(fs, path, arrays)
                self.assertEqual(tensorfile.load(adapter.source(fs, path))["old"].tolist(), [0, 1, 2])
        self.assertEqual(os.listdir(self.folder), ["a.npz"])


class Http(Case):
    def setUp(self):
        super().setUp()
        self.server = Server()
        self.addCleanup(self.server.close)
        for name, data in model().items():
            self.server.files[f"{self.unique}/{name}"] = data
        self.server.files[f"{self.unique}/big.npy"] = self.npy(MARK)
        self.fs = fsspec.filesystem("http", skip_instance_cache=True)

    @staticmethod
    def npy(array):
        out = io.BytesIO()
        numpy.save(out, array)
        return out.getvalue()

    def url(self, name):
        return f"{self.server.url}/ok/{self.unique}/{name}"

    def requests(self):
        """Returns the number of requests for a size and of those for a range, and forgets them."""
        ranges = sum("Range" in headers for _, headers in self.server.requests)
        found = len(self.server.requests) - ranges, ranges
        self.server.forget()
        return found

    def test_a_set(self):
        self.check_set(self.fs, self.url(INDEX))

    def test_listing_takes_two_requests_for_each_file(self):
        """All parts at the same time; arrays that are in what has been read take no other."""
        self.server.delay = 0.02
        with tensorfile.open(adapter.source(self.fs, self.url(INDEX))) as file:
            self.assertEqual(sorted(file), sorted(EXPECTED))
            self.assertGreater(self.server.most, 2)
            self.assertEqual(self.requests(), (1 + PARTS, 1 + PARTS))
            file["layers.1.weight"].read()
            self.assertEqual(self.requests(), (0, 0))

    def test_what_is_not_at_the_beginning_takes_one_request(self):
        with tensorfile.open(adapter.source(self.fs, self.url("big.npy"))) as file:
            self.assertEqual(self.requests(), (1, 1))
            numpy.testing.assert_array_equal(file[""][2000000:2000100], MARK[2000000:2000100])
            ((_, headers),) = self.server.requests
            self.assertEqual(headers["Range"], "bytes=2000128-2000227")
            self.assertEqual(self.requests(), (0, 1))
            numpy.testing.assert_array_equal(file[""].read(), MARK)
            self.assertEqual(self.requests(), (0, 1))

    def test_ranges_are_in_flight_at_the_same_time(self):
        big = numpy.arange(10 << 20, dtype=numpy.int32)
        self.server.files[f"{self.unique}/big.npy"] = self.npy(big)
        source = adapter.source(self.fs, self.url("big.npy"))
        self.server.forget()
        self.server.delay = 0.05
        numpy.testing.assert_array_equal(tensorfile.load(source)[""], big)
        self.assertGreater(self.server.most, 2)
        self.assertLessEqual(len(self.server.requests), 6)  # of 8 MiB at most

    def test_a_file_that_changes_is_an_error(self):
        with tensorfile.open(adapter.source(self.fs, self.url("big.npy"))) as file:
            self.server.files[f"{self.unique}/big.npy"] = self.npy(MARK[::-1])
            with self.assertRaisesRegex(OSError, "big.npy: the file has changed since it was opened"):
                file[""].read()

    def test_a_server_without_ranges(self):
        url = f"{self.server.url}/none/{self.unique}/big.npy"
        with self.assertRaisesRegex(OSError, "of a range of 1048576; it may not support ranges"):
            tensorfile.load(adapter.source(self.fs, url))

    def test_an_archive_on_a_server(self):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, data in model().items():
                archive.writestr(name, data)
        self.server.files[f"{self.unique}/m.zip"] = packed.getvalue()
        self.check_set(*fsspec.url_to_fs(f"zip://{INDEX}::{self.url('m.zip')}"))

    def test_a_file_object_needs_no_adapter(self):
        """The package itself asks for ranges of a file of fsspec, instead of moving its position."""
        self.server.files[f"{self.unique}/big.npy"] = self.npy(numpy.arange(10 << 20, dtype=numpy.int32))
        self.server.delay = 0.05
        with self.fs.open(self.url("big.npy")) as file, tensorfile.open(file) as opened:
            self.assertEqual(self.requests(), (1, 1))
            self.assertEqual(opened[""][9999999], 9999999)
            ((_, headers),) = self.server.requests
            self.assertEqual(headers["Range"], "bytes=40000124-40000127")
            self.server.forget()
            numpy.testing.assert_array_equal(opened[""].read(), numpy.arange(10 << 20))
            self.assertGreater(self.server.most, 2)

    def test_the_source_of_the_readme(self):
        """The third block of Python in the package's README."""
        text = (Path(tensorfile.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
        names = {}
        exec(text.split("```python\n")[3].split("```")[0], names)
        self.assert_arrays(tensorfile.load(names["source"](self.url(INDEX))))


class Program(Case):
    def run_program(self, *arguments):
        done = subprocess.run([sys.executable, "-B", PROGRAM, *arguments], text=True, capture_output=True, timeout=300, check=False)
        self.assertEqual(done.stderr if done.returncode == 0 else "", "")
        return done.returncode, done.stdout, done.stderr

    def test_commands(self):
        for name, data in model().items():
            (self.folder / name).write_bytes(data)
        index = f"file://{self.folder}/{INDEX}"
        self.assertEqual(self.run_program("ls", index)[1].splitlines()[:2],
                         ["layers.0.bias float32 [2, 4]", "layers.0.weight float32 [100, 4]"])
        self.assertEqual(self.run_program("show", index, "layers.1.bias")[1],
                         f"{EXPECTED['layers.1.bias']}\n")
        self.assertEqual(self.run_program("show", index, "layers.1.weight", "-1, ::2")[1], "[397. 399.]\n")
        self.assertEqual(self.run_program("copy", index, f"file://{self.folder}/all.npz"), (0, "", ""))
        self.assert_arrays(dict(numpy.load(self.folder / "all.npz")))
        self.assertIn("usage: tensorfile_fsspec.py ls URL", self.run_program("show", index)[2])

    def test_the_page(self):
        """The commands of docs/beyond-one-machine.md, with a server on the loopback interface instead of the Internet."""
        server = Server()
        self.addCleanup(server.close)
        wte = {"wte.weight": numpy.arange(40, dtype=numpy.float32).reshape(5, 8)}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive, archive.open("w.npz", "w") as member:
            numpy.savez(member, **wte)
        server.files.update({f"gpt2/{name.replace('m', 'model', 1)}": data.replace(b'"m-', b'"model-')
                             for name, data in model().items()})
        server.files.update({"gpt2/model.safetensors": safetensors.numpy.save(wte), "w.zip": packed.getvalue()})
        section = (ROOT / "docs/beyond-one-machine.md").read_text(encoding="utf-8").split("## Files of fsspec in Python")[1]
        for url in ("https://example.com/models", "s3://my-models"):
            section = section.replace(url, f"{server.url}/ok")
        section = section.replace("/tmp/", f"{self.folder}/")
        block, commands = (section.split(f"```{language}\n")[1].split("```")[0] for language in ("python", "sh"))
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(block, {"fsspec": fsspec, "tensorfile": tensorfile})
        self.assertEqual(printed.getvalue(), f"{wte['wte.weight'][:2, :4]}\n")
        install, *commands = commands.splitlines()
        self.assertEqual(install, "pip install --find-links dist fsspec aiohttp s3fs tensorfile      "
                         "# after make dist; tensorfile is not published yet")
        outputs = []
        for command in commands:
            python, program, *arguments = shlex.split(command)
            self.assertEqual((python, ROOT / program), ("python", PROGRAM))
            status, output, errors = self.run_program(*arguments)
            self.assertEqual((status, errors), (0, ""), command)
            outputs.append(output)
        self.assertEqual([len(output.splitlines()) for output in outputs], [2 * PARTS, 2, 0])
        self.assertEqual(outputs[1], printed.getvalue())
        self.assert_arrays(dict(numpy.load(self.folder / "gpt2.npz")), wte)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
