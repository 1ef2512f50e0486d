"""Tests reading from and writing to file objects, buffers and sources, against NumPy and safetensors.

usage: test_file_objects.py [TEST...]
"""

import array
import contextlib
import gc
import gzip
import io
import json
import mmap
import os
import sys
import tempfile
import threading
import time
import unittest
import weakref
import zipfile
from pathlib import Path

import numpy
import safetensors.numpy

import tensorfile

ARRAYS = {"w": numpy.arange(24, dtype=numpy.float32).reshape(4, 6), "b": numpy.arange(7, dtype=numpy.int64),
          "big": numpy.arange(40000, dtype=numpy.int32).reshape(200, 200)}
SAFETENSORS = safetensors.numpy.save(ARRAYS, {"k": "v"})


def npz(arrays):
    out = io.BytesIO()
    numpy.savez(out, **arrays)
    return out.getvalue()


class SeekAndRead:
    """The least that a file object can be. Counts its reads, and fails if two threads use it at the same time."""

    def __init__(self, data):
        self._file, self._busy = io.BytesIO(data), threading.Lock()
        self.reads = []

    @contextlib.contextmanager
    def alone(self):
        if not self._busy.acquire(blocking=False):
            raise AssertionError("two threads use the file object at the same time")
        try:
            yield
        finally:
            self._busy.release()

    def seek(self, offset, whence=0):
        with self.alone():
            return self._file.seek(offset, whence)

    def read(self, size):
        with self.alone():
            self.reads.append((self._file.tell(), size))
            return self._file.read(size)


class Raw(io.RawIOBase):
    """A raw file object, which reads and writes at most 1,000 bytes at a time."""

    def __init__(self, data=b""):
        self.file = io.BytesIO(data)

    def readable(self):
        return True

    def seekable(self):
        return True

    def writable(self):
        return True

    def seek(self, offset, whence=0):
        return self.file.seek(offset, whence)

    def tell(self):
        return self.file.tell()

    def readinto(self, target):
        return self.file.readinto(memoryview(target)[:1000])

    def write(self, data):
        return self.file.write(memoryview(data)[:1000])


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def assert_arrays(self, got, expected=None):
        expected = ARRAYS if expected is None else expected
        self.assertEqual(sorted(got), sorted(expected))
        for name, value in expected.items():
            self.assertEqual((got[name].dtype, got[name].shape), (value.dtype, value.shape), name)
            numpy.testing.assert_array_equal(got[name], value)

    def opened(self, thing):
        self.addCleanup(thing.close)
        return thing

    def file_objects(self, data, name):
        """Yields kinds of file objects that have these bytes."""
        path = self.folder / name
        path.write_bytes(data)
        with zipfile.ZipFile(self.folder / "members.zip", "w") as archive:
            archive.writestr("stored", data)
            archive.writestr("deflated", data, zipfile.ZIP_DEFLATED)
        with gzip.open(self.folder / "packed.gz", "wb") as packed:
            packed.write(data)
        archive = self.opened(zipfile.ZipFile(self.folder / "members.zip"))
        spooled = self.opened(tempfile.SpooledTemporaryFile())
        spooled.write(data)
        temporary = self.opened(tempfile.NamedTemporaryFile())
        temporary.write(data)
        both = self.opened(open(path, "r+b"))
        # What another part of a program has not flushed yet.
        both.seek(0)
        both.write(data)
        yield from {
            "BytesIO": io.BytesIO(data), "buffered": self.opened(open(path, "rb")),
            "unbuffered": self.opened(open(path, "rb", buffering=0)), "updated": both, "least": SeekAndRead(data),
            "raw": Raw(data), "stored": self.opened(archive.open("stored")), "deflated": self.opened(archive.open("deflated")),
            "gzip": self.opened(gzip.open(self.folder / "packed.gz")), "spooled": spooled, "temporary": temporary,
            "wrapped": io.BufferedReader(Raw(data)),
        }.items()


class Reading(Case):
    def test_file_objects(self):
        for data, name in ((SAFETENSORS, "a.safetensors"), (npz(ARRAYS), "a.npz")):
            for kind, file in self.file_objects(data, name):
                with self.subTest(kind=kind, name=name):
                    self.assert_arrays(tensorfile.load(file))
                    with tensorfile.open(file) as opened:
                        self.assertEqual(opened.format, name[2:])
                        numpy.testing.assert_array_equal(opened["w"][1:3, ::2], ARRAYS["w"][1:3, ::2])
                        self.assertEqual(opened["b"].read_bytes().tobytes(), ARRAYS["b"].tobytes())
                    self.assertEqual(tensorfile.load_metadata(file), {"k": "v"} if name == "a.safetensors" else {})

    def test_buffers(self):
        path = self.folder / "mapped"
        path.write_bytes(SAFETENSORS)
        with open(path, "rb") as file:
            mapped = self.opened(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        for data in (SAFETENSORS, bytearray(SAFETENSORS), memoryview(b"x" + SAFETENSORS)[1:], mapped,
                     numpy.frombuffer(SAFETENSORS, numpy.uint8), array.array("B", SAFETENSORS)):
            with self.subTest(type=type(data).__name__):
                self.assert_arrays(tensorfile.load(data))
                self.assert_arrays(tensorfile.load_bytes(data))
                self.assertEqual(tensorfile.load_metadata(data), {"k": "v"})
                with tensorfile.open(data) as opened:
                    self.assertEqual(opened["w"][2, 3], 15)
        with self.assertRaisesRegex(TypeError, "expected bytes or another buffer, got str"):
            tensorfile.load_bytes(str(path))
        for data in (b"", bytearray(), memoryview(SAFETENSORS)[:100]):
            with self.assertRaises(tensorfile.Error):
                tensorfile.load(data)

    def test_arrays_over_a_buffer(self):
        """With mmap=True arrays use the memory of the buffer, which stays as long as one of them."""
        data = numpy.frombuffer(SAFETENSORS, numpy.uint8).copy()
        gone = weakref.ref(data)
        arrays = tensorfile.load(data, mmap=True)
        self.assert_arrays(arrays)
        self.assertTrue(numpy.shares_memory(arrays["big"], data))
        self.assertFalse(arrays["big"].flags.writeable)
        part = arrays["big"][:10]
        del data, arrays
        gc.collect()
        self.assertIsNotNone(gone())
        numpy.testing.assert_array_equal(part, ARRAYS["big"][:10])
        del part
        gc.collect()
        self.assertIsNone(gone())

    def test_the_position_does_not_matter(self):
        file = SeekAndRead(SAFETENSORS)
        file.seek(100)
        self.assert_arrays(tensorfile.load(file))
        with open(self.folder / "a", "w+b") as file:
            tensorfile.save(file, ARRAYS, format="npz")
            self.assert_arrays(tensorfile.load(file))
            self.assertEqual(file.tell(), (self.folder / "a").stat().st_size)

    def test_the_name_chooses_the_format_and_begins_messages(self):
        class Named(SeekAndRead):
            name = "http://host/folder/a.npz?signature=secret"

        with self.assertRaises(tensorfile.Error) as caught:
            tensorfile.load(Named(SAFETENSORS))
        self.assertEqual(caught.exception.status, "format")
        self.assertTrue(str(caught.exception).startswith("http://host/folder/a.npz: "), caught.exception)
        self.assert_arrays(tensorfile.load(Named(SAFETENSORS), format="safetensors"))
        self.assert_arrays(tensorfile.load(Named(npz(ARRAYS))))

    def test_ends_early(self):
        class Ends(SeekAndRead):
            name = "a.safetensors"

            def read(self, size):
                return super().read(min(size, max(0, 100000 - self._file.tell())))

        with self.assertRaises(tensorfile.Error) as caught:
            tensorfile.load(Ends(SAFETENSORS))
        self.assertEqual(caught.exception.status, "truncated")
        self.assertRegex(str(caught.exception), r"^a\.safetensors: array '\w+': expected \d+ bytes, got \d+ \(byte \d+\)$")

    def test_what_is_not_a_binary_file_object(self):
        class Silent(SeekAndRead):
            def read(self, size):
                return None

        with open(__file__, encoding="utf-8") as text, self.assertRaisesRegex(TypeError, "text mode; open it with 'rb'"):
            tensorfile.load(text)
        with self.assertRaisesRegex(TypeError, r"expected a path or a binary file object that has read\(\), got int"):
            tensorfile.load(3)
        with self.assertRaises(io.UnsupportedOperation), open(self.folder / "a", "wb") as file:
            tensorfile.load(file)
        with self.assertRaisesRegex(BlockingIOError, "non-blocking"):
            tensorfile.load(Silent(SAFETENSORS))
        reader, writer = os.pipe()
        os.close(writer)
        with open(reader, "rb") as pipe, self.assertRaises(io.UnsupportedOperation):
            tensorfile.load(pipe)

    def test_reads_are_few(self):
        """Two reads open a file: 16 bytes show the format. Neighbours are read together, and a slice alone."""
        data = safetensors.numpy.save({f"w{i:03}": numpy.full(100, i, numpy.float32) for i in range(200)})
        file = SeekAndRead(data)
        with tensorfile.open(file) as opened:
            self.assertEqual([size for _, size in file.reads][:1], [16])
            self.assertEqual(len(file.reads), 2)
            file.reads.clear()
            self.assertEqual(opened["w007"][10:12].tolist(), [7, 7])
            start = 8 + int.from_bytes(data[:8], "little") + 4 * 710
            self.assertEqual(file.reads, [(start, 8)])
        file.reads.clear()
        tensorfile.load(file)
        self.assertEqual(len(file.reads), 3)
        named = SeekAndRead(data)
        named.name = "a.safetensors"
        tensorfile.load_metadata(named)
        self.assertEqual(len(named.reads), 1)


class Writing(Case):
    def written(self):
        """Yields kinds of file objects, and functions that return what was written to them."""
        folder = self.folder
        memory, raw, spooled, parts = io.BytesIO(), Raw(), self.opened(tempfile.SpooledTemporaryFile()), []

        class OnlyWrites:
            """Keeps what it gets, and returns nothing."""

            def write(self, data):
                parts.append(data)

        yield memory, memory.getvalue
        yield raw, raw.file.getvalue
        yield OnlyWrites(), lambda: b"".join(parts)
        yield spooled, lambda: (spooled.seek(0), spooled.read())[1]
        with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("m", "w") as member:
            yield member, lambda: (member.close(), archive.read("m"))[1]
        for how in ({}, {"buffering": 0}):
            with open(folder / "plain", "wb", **how) as file:
                yield file, lambda: (file.flush(), (folder / "plain").read_bytes())[1]
        with gzip.open(folder / "a.gz", "wb") as file:
            yield file, lambda: (file.close(), gzip.decompress((folder / "a.gz").read_bytes()))[1]

    def test_file_objects(self):
        for file, result in self.written():
            with self.subTest(type=type(file).__name__):
                tensorfile.save(file, ARRAYS, {"k": "v"}, format="safetensors")
                data = result()
                self.assert_arrays(safetensors.numpy.load(data))
                self.assertEqual(tensorfile.load_metadata(data), {"k": "v"})
        for settings in ({}, {"compress": True}):
            for file, result in self.written():
                with self.subTest(type=type(file).__name__, **settings):
                    tensorfile.save(file, ARRAYS, format="npz", **settings)
                    with numpy.load(io.BytesIO(result())) as loaded:
                        self.assert_arrays(loaded)

    def test_the_position(self):
        file = io.BytesIO(b"before" + bytes(100000))
        file.seek(6)
        tensorfile.save(file, ARRAYS["w"].T, format="npy")
        end = file.tell()
        numpy.testing.assert_array_equal(numpy.load(io.BytesIO(file.getvalue()[6:end])), ARRAYS["w"].T)
        self.assertEqual((file.getvalue()[:6], file.getvalue()[end:]), (b"before", bytes(100006 - end)))

    def test_the_format(self):
        with open(self.folder / "a.NPZ", "wb") as file:
            tensorfile.save(file, ARRAYS)
        with numpy.load(self.folder / "a.NPZ") as loaded:
            self.assert_arrays(loaded)
        with self.assertRaisesRegex(ValueError, "the file object has no name: choose one with format="):
            tensorfile.save(io.BytesIO(), ARRAYS)
        with open(self.folder / "a.bin", "wb") as file, self.assertRaisesRegex(ValueError, "a.bin' has no extension"):
            tensorfile.save(file, ARRAYS)
        with self.assertRaisesRegex(ValueError, "expected one of the formats npy, npz, safetensors, gguf.*, got 'zip'"):
            tensorfile.save(io.BytesIO(), ARRAYS, format="zip")
        with self.assertRaisesRegex(ValueError, "part_bytes needs a path"):
            tensorfile.save(io.BytesIO(), ARRAYS, format="safetensors", part_bytes=10)

    def test_what_cannot_be_written(self):
        with open(self.folder / "a", "w", encoding="utf-8") as file, self.assertRaisesRegex(TypeError, "with 'wb'"):
            tensorfile.save(file, ARRAYS, format="npz")
        with self.assertRaisesRegex(TypeError, r"has write\(\), got NoneType"):
            tensorfile.save(None, ARRAYS, format="npz")
        file = io.BytesIO()
        with self.assertRaisesRegex(tensorfile.Error, "complex128"):
            tensorfile.save(file, {"c": numpy.complex128(1)}, format="safetensors")
        self.assertEqual(file.getvalue(), b"")
        file.close()
        with self.assertRaisesRegex(ValueError, "closed file"):
            tensorfile.save(file, ARRAYS, format="npz")


class Failing(SeekAndRead):
    """Raises an exception with a cause, from the second read on."""

    def __init__(self, data, error, after=1):
        super().__init__(data)
        self.error, self.after = error, after

    def read(self, size):
        if len(self.reads) >= self.after:
            raise self.error from KeyError("the cause")
        return super().read(size)


class Exceptions(Case):
    def assert_raised(self, error, call):
        try:
            call()
        except type(error) as caught:
            self.assertIs(caught, error)
        else:
            self.fail("nothing was raised")
        self.assertEqual(repr(error.__cause__), "KeyError('the cause')")
        frames, trace = [], error.__traceback__
        while trace:
            frames.append(trace.tb_frame.f_code.co_name)
            trace = trace.tb_next
        self.assertEqual((frames[1], frames[-1]), ("<lambda>", "read"))
        error.__traceback__ = None

    def test_come_out_unchanged(self):
        for error in (OSError(5, "unplugged"), KeyboardInterrupt(), ValueError("x"), FileNotFoundError(2, "gone"), MemoryError()):
            for call in (tensorfile.load, tensorfile.open, tensorfile.load_metadata):
                file = Failing(SAFETENSORS, error)
                self.assert_raised(error, lambda file=file, call=call: call(file))
            file = Failing(SAFETENSORS, error, after=2)
            opened = tensorfile.open(file)
            entry = opened["w"]
            for call in (lambda: entry.read(), lambda: entry[1], lambda: entry.read_bytes()):
                self.assert_raised(error, lambda call=call: call())
            file.after = 100
            self.assertEqual(entry[1, 2], 8)

    def test_of_writing(self):
        error = OSError(28, "full")

        class Full(io.BytesIO):
            def read(self):
                raise error from KeyError("the cause")

            def write(self, data):
                self.read()

        self.assert_raised(error, lambda: tensorfile.save(Full(), ARRAYS, format="gguf"))

    def test_from_other_threads(self):
        """Pieces are read on several threads. The exception is raised by the call, on the thread that made it."""
        data = numpy.arange(1 << 20, dtype=numpy.int32)
        saved = safetensors.numpy.save({"w": data})
        errors, main, failed = [], threading.get_ident(), threading.Event()

        def read_at(offset, size):
            if offset > 0 and threading.get_ident() != main:
                errors.append(OSError(5, "unplugged"))
                failed.set()
                raise errors[-1] from KeyError("the cause")
            if offset > 0:
                failed.wait(60)  # until another thread has begun to read
            return saved[offset:offset + size]

        source = tensorfile.Source(len(saved), read_at, name="w.safetensors", piece=1 << 20, requests=2)
        with self.assertRaises(OSError) as caught:
            tensorfile.load(source)
        self.assertIs(caught.exception, errors[0])

    def test_each_call_raises_its_own(self):
        """Calls on one file fail at the same time, each on a thread of its own and each with another exception."""
        count = 8
        saved = safetensors.numpy.save({f"w{i}": numpy.zeros(100000, numpy.uint8) for i in range(count)})
        waiting, failing = threading.Barrier(count, timeout=60), []

        def read_at(offset, size):
            if failing:
                waiting.wait()
                raise LookupError(threading.get_ident())
            return saved[offset:offset + size]

        file = tensorfile.open(tensorfile.Source(len(saved), read_at, name="w.safetensors"))
        failing.append(True)
        found = []

        def read(name):
            try:
                file[name].read()
            except LookupError as error:
                found.append(error.args[0] == threading.get_ident())

        threads = [threading.Thread(target=read, args=(name,)) for name in file]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [True] * count)

    def test_none_is_kept(self):
        class Marked(OSError):
            pass

        file = Failing(SAFETENSORS, Marked(5, "unplugged"), after=2)
        gone = weakref.ref(file.error)
        opened = tensorfile.open(file)
        with contextlib.suppress(Marked):
            opened["w"].read()
        file.error = None
        gc.collect()
        self.assertIsNone(gone())
        opened.close()


class Lifetimes(Case):
    """File objects are released at once, not by the garbage collector, so that they are closed when users expect."""

    def test_an_open_file_keeps_its_file_object(self):
        for make in (lambda: SeekAndRead(SAFETENSORS), lambda: tensorfile.Source(len(SAFETENSORS), lambda offset, size:
                                                                                 SAFETENSORS[offset:offset + size])):
            file = make()
            gone = weakref.ref(file)
            opened = tensorfile.open(file)
            entry = opened["w"]
            del file, opened
            self.assertIsNotNone(gone())
            self.assertEqual(entry[1, 2], 8)
            del entry
            self.assertIsNone(gone())

    def test_closing_lets_go_of_the_file_object(self):
        file = SeekAndRead(SAFETENSORS)
        gone = weakref.ref(file)
        opened = tensorfile.open(file)
        del file
        opened.close()
        self.assertIsNone(gone())

    def test_a_call_lets_go_of_its_file_object(self):
        for data in (SAFETENSORS, SAFETENSORS[:300], b""):
            file = SeekAndRead(data)
            gone = weakref.ref(file)
            for call in (tensorfile.load, tensorfile.open, tensorfile.load_metadata):
                with contextlib.suppress(tensorfile.Error):
                    call(file)
            del file
            self.assertIsNone(gone())

        class Writer(io.BytesIO):
            pass

        file = Writer()
        gone = weakref.ref(file)
        tensorfile.save(file, ARRAYS, format="npz")
        del file
        self.assertIsNone(gone())

    def test_memory_files_can_be_written_again(self):
        """An open file has the bytes that an io.BytesIO had when it was opened."""
        file = io.BytesIO(SAFETENSORS)
        arrays = tensorfile.load(file)
        opened = tensorfile.open(file)
        file.write(bytes(len(SAFETENSORS) + 10))  # fails while something refers to the memory
        file.close()
        self.assert_arrays(arrays)
        self.assert_arrays({name: entry.read() for name, entry in opened.items()})

    def test_memory_files_are_not_copied(self):
        arrays = tensorfile.load(io.BytesIO(SAFETENSORS), mmap=True)
        self.assertTrue(numpy.shares_memory(arrays["big"], numpy.frombuffer(SAFETENSORS, numpy.uint8)))
        with self.assertRaisesRegex(ValueError, "closed file"):
            closed = io.BytesIO(SAFETENSORS)
            closed.close()
            tensorfile.load(closed)


class Threads(Case):
    def read_from_threads(self, file):
        """Reads slices on eight threads, which must not see each other's positions."""
        wrong = []

        def read(seed):
            random = numpy.random.default_rng(seed)
            try:
                for _ in range(50):
                    row, column = random.integers(0, 199, 2)
                    if opened["big"][row, column:column + 2].tolist() != ARRAYS["big"][row, column:column + 2].tolist():
                        wrong.append((row, column))
            except BaseException as error:
                wrong.append(error)

        with tensorfile.open(file) as opened:
            threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])

    def setUp(self):
        super().setUp()
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        self.addCleanup(sys.setswitchinterval, interval)

    def test_take_turns_with_a_file_object(self):
        class Slow(SeekAndRead):
            def seek(self, offset, whence=0):
                end = super().seek(offset, whence)
                time.sleep(1e-5)  # lets other threads run
                return end

        self.read_from_threads(Slow(SAFETENSORS))

    def test_a_call_uses_a_file_object_on_its_own_thread(self):
        """As file objects like sqlite3.Blob demand, even where the library would use several threads."""
        threads = set()

        class Bound(SeekAndRead):
            def read(self, size):
                threads.add(threading.get_ident())
                return super().read(size)

        arrays = {f"w{i}": numpy.full(1 << 20, i, numpy.float32) for i in range(4)}
        self.assert_arrays(tensorfile.load(Bound(safetensors.numpy.save(arrays)), threads=4), arrays)
        self.assertEqual(threads, {threading.get_ident()})

    def test_read_a_regular_file(self):
        (self.folder / "a").write_bytes(SAFETENSORS)
        with open(self.folder / "a", "rb") as file:
            self.read_from_threads(file)
            self.assertEqual(file.tell(), 0)

    def test_members_of_one_archive(self):
        """zipfile has its own lock, so that members of one archive can be read at the same time."""
        with zipfile.ZipFile(self.folder / "a.zip", "w") as archive:
            archive.writestr("m", SAFETENSORS)
        with zipfile.ZipFile(self.folder / "a.zip") as archive, archive.open("m") as member:
            self.read_from_threads(member)


class Sources(Case):
    def source(self, data, **settings):
        """Returns a source, and the list of its reads."""
        reads = []

        def read_at(offset, size):
            reads.append((offset, size))
            return data[offset:offset + size]

        return tensorfile.Source(len(data), read_at, **settings), reads

    def test_reads_are_few(self):
        data = safetensors.numpy.save({f"w{i:03}": numpy.full(10000, i, numpy.float32) for i in range(100)})
        source, reads = self.source(data, name="a.safetensors")
        with tensorfile.open(source) as opened:
            self.assertEqual(reads, [(0, 1 << 20)])
            reads.clear()
            self.assertEqual(opened["w050"][5], 50)
            self.assertEqual([size for _, size in reads], [4])
        reads.clear()
        self.assert_arrays(tensorfile.load(source), safetensors.numpy.load(data))
        self.assertEqual(len(reads), 2)
        self.assertEqual(repr(source), f"<Source 'a.safetensors': {len(data)} bytes>")

    def test_hints(self):
        data = safetensors.numpy.save({"w": numpy.arange(1 << 20, dtype=numpy.int32)})
        lock, now, most, four = threading.Lock(), [0], [0], threading.Event()

        def read_at(offset, size):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
                if now[0] == 4:
                    four.set()
            if offset > 0:
                four.wait(60)
            with lock:
                now[0] -= 1
            self.assertLessEqual(size, 1 << 17)
            return data[offset:offset + size]

        source = tensorfile.Source(len(data), read_at, name="w.safetensors", piece=1 << 17, requests=4)
        numpy.testing.assert_array_equal(tensorfile.load(source)["w"], numpy.arange(1 << 20))
        self.assertEqual(most, [4])

    def test_any_buffer(self):
        for convert in (bytearray, memoryview, lambda data: numpy.frombuffer(data, numpy.uint8)):
            source = tensorfile.Source(len(SAFETENSORS), lambda offset, size, convert=convert:
                                       convert(SAFETENSORS[offset:offset + size]))
            self.assert_arrays(tensorfile.load(source))

    def test_wrong_sizes(self):
        for change in (lambda data: data[:-1], lambda data: data + b"x", lambda data: b""):
            source = tensorfile.Source(len(SAFETENSORS), lambda offset, size, change=change:
                                       change(SAFETENSORS[offset:offset + size]), name="a.safetensors")
            with self.assertRaisesRegex(tensorfile.Error, r"^a.safetensors: expected \d+ bytes, got \d+ \(byte 0\)") as caught:
                tensorfile.load(source)
            self.assertEqual(caught.exception.status, "truncated")
        with self.assertRaises(TypeError):
            tensorfile.Source("10", lambda offset, size: b"")
        with self.assertRaises(TypeError):
            tensorfile.load(tensorfile.Source(10, lambda offset, size: None))
        with self.assertRaisesRegex(tensorfile.Error, "requests"):
            tensorfile.load(tensorfile.Source(10, lambda offset, size: b"", requests=5000))


class Sets(Case):
    def setUp(self):
        super().setUp()
        self.files, self.asked, names = {}, [], [f"m-{i + 1:05}-of-00003.safetensors" for i in range(3)]
        self.expected = {f"w{i}": numpy.arange(10, dtype=numpy.float32) + i for i in range(9)}
        weight_map = {}
        for i, name in enumerate(names):
            part = {f"w{j}": self.expected[f"w{j}"] for j in range(3 * i, 3 * i + 3)}
            self.files[name] = safetensors.numpy.save(part)
            weight_map.update(dict.fromkeys(part, name))
        self.index = "m.safetensors.index.json"
        self.files[self.index] = json.dumps({"metadata": {"total_size": 360}, "weight_map": weight_map}).encode()

    def source(self, name, convert=None):
        def read_at(offset, size):
            self.asked.append(name)
            return self.files[name][offset:offset + size]

        def find(other):
            if other not in self.files:
                raise FileNotFoundError(2, "no such object", other)
            return self.source(other) if convert is None else convert(other)

        return tensorfile.Source(len(self.files[name]), read_at, name="models/" + name, find=find)

    def test_one_read_for_each_file(self):
        with tensorfile.open(self.source(self.index)) as opened:
            self.assertEqual(sorted(self.asked), sorted(self.files))
            self.assertEqual(sorted(opened), sorted(self.expected))
            self.asked.clear()
            self.assertEqual(opened["w4"][2:4].tolist(), [6, 7])
            self.assertEqual(self.asked, ["m-00002-of-00003.safetensors"])
        self.assert_arrays(tensorfile.load(self.source(self.index)), self.expected)
        first = self.source("m-00001-of-00003.safetensors")
        self.assertEqual(len(tensorfile.load(first)), 3)
        self.assert_arrays(tensorfile.load(first, parts=True), self.expected)

    def test_what_is_found_may_be_anything(self):
        for name, data in self.files.items():
            (self.folder / name).write_bytes(data)
        for convert in (lambda name: self.folder / name, lambda name: self.files[name], lambda name: io.BytesIO(self.files[name]),
                        lambda name: SeekAndRead(self.files[name])):
            self.assert_arrays(tensorfile.load(self.source(self.index, convert)), self.expected)

    def test_a_part_is_missing(self):
        part = self.files.pop("m-00002-of-00003.safetensors")
        with self.assertRaisesRegex(FileNotFoundError, "no such object") as caught:
            tensorfile.open(self.source(self.index))
        self.assertEqual(caught.exception.filename, "m-00002-of-00003.safetensors")
        # Only the index may be missing: the names of the parts say how many there are.
        self.files["m-00002-of-00003.safetensors"] = part
        del self.files[self.index]
        self.assert_arrays(tensorfile.load(self.source("m-00001-of-00003.safetensors"), parts=True), self.expected)

    def test_find_fails(self):
        def refuse(name):
            raise error from KeyError("the cause")

        error = PermissionError(13, "not yours")
        with self.assertRaises(PermissionError) as caught:
            tensorfile.open(self.source(self.index, refuse))
        self.assertIs(caught.exception, error)

    def test_a_part_cannot_be_read(self):
        error = OSError(5, "unplugged")
        with self.assertRaises(OSError) as caught:
            tensorfile.load(self.source(self.index, lambda name: Failing(self.files[name], error, after=0)))
        self.assertIs(caught.exception, error)

    def test_a_file_object_is_not_a_set(self):
        file = SeekAndRead(self.files[self.index])
        file.name = self.index
        with self.assertRaisesRegex(tensorfile.Error, "one file of a set"):
            tensorfile.load(file)


class Remote(Case):
    """File objects of an asynchronous file system of fsspec, which can answer several requests at the same time."""

    class System:
        async_impl = True

        def __init__(self):
            self.ranges = []

        def cat_file(self, path, start=None, end=None):
            self.ranges.append((path, start, end))
            return SAFETENSORS[start:end]

    class Cache:
        name = "readahead"

    class File(SeekAndRead):
        mode, path, size, closed = "rb", "bucket/a.safetensors", len(SAFETENSORS), False

        def __init__(self, system, cache):
            super().__init__(SAFETENSORS)
            self.fs, self.cache = system, cache

    def test_ranges_are_read_without_the_position(self):
        system = self.System()
        file = self.File(system, self.Cache())
        self.assert_arrays(tensorfile.load(file))
        self.assertEqual((file.reads, system.ranges[0]), ([], ("bucket/a.safetensors", 0, len(SAFETENSORS))))
        opened = tensorfile.open(file)
        file.closed = True
        with self.assertRaisesRegex(ValueError, "closed file"):
            opened["w"].read()

    def test_a_cache_that_keeps_more_is_used(self):
        system, cache = self.System(), self.Cache()
        cache.name = "all"
        file = self.File(system, cache)
        self.assert_arrays(tensorfile.load(file))
        self.assertEqual(system.ranges, [])
        self.assertGreater(len(file.reads), 0)


class Readme(Case):
    def test_file_objects(self):
        """The second block of Python, and what the text says it prints."""
        text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
        block = text.split("```python\n")[2].split("```")[0]
        folder = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, folder)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block, {})
        self.assertEqual(printed.getvalue(), "[3. 4.]\n[1 2]\n")
        self.assertIn("It prints `[3. 4.]` and `[1 2]`.", text)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
