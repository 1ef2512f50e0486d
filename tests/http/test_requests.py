"""Counts the requests that opening and reading make."""

import json
import struct
import threading

from http_support import OPTION_MAX_HEADER_BYTES, OPTION_PARTS, OPTION_THREADS, Case
from support import GGML_F32, GGUF_STRING, floats, gguf_string, main, npy, npz, safetensors


class Requests(Case):
    def serve(self, name, data):
        self.server.files[name] = data
        return f"{self.server.url}/ok/{name}"

    def test_safetensors_takes_two(self):
        arrays = {f"layer.{i:05}.weight": ("U8", (1,), b"x") for i in range(20000)}
        data = safetensors(arrays)
        header = struct.unpack("<Q", data[:8])[0]
        self.assertGreater(header, 1 << 20)
        file = self.library.open(self.serve("m.safetensors", data))
        self.assertEqual(len(file.names()), 20000)
        self.assertEqual(self.server.ranges(), [(0, (1 << 20) - 1), (1 << 20, 8 + header - 1)])
        file.close()

    def test_a_small_file_takes_one(self):
        data = safetensors({"w": ("F32", (2,), floats(1, 2))})
        self.assertEqual(self.library.load(self.serve("m.safetensors", data)), {"w": floats(1, 2)})
        self.assertEqual(self.server.ranges(), [(0, (1 << 20) - 1)])
        self.assertEqual(self.library.load(self.serve("m.npy", npy("<f4", (2,), floats(3, 4)))), {"": floats(3, 4)})
        self.assertEqual(self.server.ranges(), [(0, (1 << 20) - 1)])
        data = npz({"w.npy": npy("<f4", (2,), floats(5, 6))})
        self.assertEqual(self.library.load(self.serve("m.npz", data)), {"w": floats(5, 6)})
        self.assertEqual(self.server.ranges(), [(0, (64 << 10) - 1)])

    def test_gguf_of_100000_arrays_takes_four(self):
        count = 100000
        parts = [b"GGUF", struct.pack("<IQQ", 3, count, 0)]
        parts += [gguf_string(f"blk.{i:05}.w") + struct.pack("<IQIQ", 1, 1, GGML_F32, 32 * i) for i in range(count)]
        header = b"".join(parts)
        header += bytes(-len(header) % 32)
        data = header + b"".join(floats(i) + bytes(28) for i in range(count))
        file = self.library.open(self.serve("m.gguf", data))
        self.assertEqual(len(file.names()), 100000)
        self.assertEqual(len(self.server.ranges()), 4)
        self.assertEqual(file.read(77777).data, floats(77777))
        self.assertEqual(len(self.server.ranges()), 1)
        file.close()

    def header_requests(self, url, size, **values):
        """Returns where the requests for headers of members begin, after those for the start and the directory."""
        file = self.library.open(url, **values)
        first, directory, *others = self.server.ranges()
        self.assertEqual((first[0], directory[1]), (0, size - 1))
        self.assertLessEqual(max(last + 1 - start for start, last in others), 1 << 20)
        file.close()
        return [start for start, _ in others]

    def test_npz_takes_two_and_one_for_each_run_of_headers(self):
        members, big = {}, bytes(3_000_000)
        for run in range(3):
            members.update({f"run{run}.{i}.npy": npy("<f4", (1,), floats(i)) for i in range(20)})
            members[f"big{run}.npy"] = npy("|u1", (len(big),), big)
        data = npz(members)
        url = self.serve("m.npz", data)
        # The first bytes have the headers of the first run. No request for headers is longer than 1 MiB.
        runs = [data.index(f"run{run}.0.npy".encode()) - 30 for run in (1, 2)]
        for values in ({}, {"gap": 0}, {"gap": 4 << 20}):
            with self.subTest(values):
                self.assertEqual(self.header_requests(url, len(data), **values), runs)

    def test_a_run_of_headers_has_no_larger_gap(self):
        members = {f"{i:02}.npy": npy("|u1", (100000,), bytes([i]) * 100000) for i in range(30)}
        data = npz(members)
        url = self.serve("m.npz", data)
        headers = [data.index(name.encode()) - 30 for name in members]
        # After a header, 4 KiB are read in any case.
        for gap in (0, headers[1] - 4097):
            self.assertEqual(self.header_requests(url, len(data), first_bytes=4096, gap=gap), headers[1:])
        for values in ({"gap": headers[1] - 4096}, {}):
            found = self.header_requests(url, len(data), first_bytes=4096, **values)
            # 1 MiB has 11 headers; the first run begins with the bytes that are known.
            self.assertEqual(found, [4096, *headers[11::11]], values)

    def test_neighbours_take_one(self):
        arrays = {f"w{i:02}": ("U8", (10000,), bytes([i]) * 10000) for i in range(60)}
        file = self.library.open(self.serve("m.safetensors", safetensors(arrays)), first_bytes=1000)
        self.server.forget()
        wanted = list(range(10, 50))
        found = file.read_all([(i, 10000) for i in wanted])
        self.assertEqual(found, [bytes([i]) * 10000 for i in wanted])
        self.assertEqual(len(self.server.ranges()), 1)
        file.close()

    def test_several_requests_are_in_flight(self):
        data = bytes(range(256)) * 16384
        url = self.serve("m.npy", npy("|u1", (len(data),), data))
        file = self.library.open(url, piece=262144, requests=8)
        self.server.forget()
        self.server.delay = 0.05
        self.assertEqual(file.read(0).data, data)
        self.assertGreater(self.server.most, 4)
        self.assertLessEqual(self.server.most, 8)
        file.close()

    def test_connections_are_used_again(self):
        arrays = {f"w{i}": ("U8", (100000,), bytes([i]) * 100000) for i in range(10)}
        file = self.library.open(self.serve("m.safetensors", safetensors(arrays)), {OPTION_THREADS: 1}, first_bytes=1000)
        for i in range(10):
            self.assertEqual(file.read(i).data, bytes([i]) * 100000)
        self.assertGreaterEqual(len(self.server.requests), 10)
        self.assertEqual(self.server.connections, 1)
        file.close()

    def check_limit(self, name, data, *ranges, limit=1_000_000, **values):
        """A file whose header is too long is refused after these requests."""
        self.refused("limit", self.serve(name, data), f"limit (max_header_bytes) of {limit}",
                     core={OPTION_MAX_HEADER_BYTES: limit}, **values)
        self.assertEqual(self.server.ranges(), list(ranges))

    def test_limits_apply_before_the_download(self):
        first, size = (0, (1 << 20) - 1), 20_000_000
        self.check_limit("m.safetensors", struct.pack("<Q", size) + b"{" + b" " * (size - 2) + b"}", first)
        self.check_limit("m.npy", b"\x93NUMPY\x02\0" + struct.pack("<I", size) + b" " * size, first)

    def test_limits_of_gguf_apply_before_the_download(self):
        def value(key, size):
            return gguf_string(key) + struct.pack("<I", GGUF_STRING) + gguf_string("x" * size)
        first = (0, (1 << 20) - 1)
        self.check_limit("m.gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + value("long", 20_000_000), first)
        # The bytes that are read double, up to the limit.
        data = b"GGUF" + struct.pack("<IQQ", 3, 0, 200) + b"".join(value(f"{i}", 100_000) for i in range(200))
        self.check_limit("m.gguf", data, first)
        self.check_limit("m.gguf", data, first, (1 << 20, (2 << 20) - 1), (2 << 20, 2_999_999), limit=3_000_000)

    def test_limits_of_npz_apply_before_the_download(self):
        members = {f"{i}{'n' * 60000}.npy": npy("<f4", (1,), floats(i)) for i in range(40)}
        data = npz(members)
        start, end = (0, 65535), (len(data) - 22 - 65535 - 76, len(data) - 1)
        self.check_limit("m.npz", data, start, end)
        data = npz({"w.npy": b"\x93NUMPY\x02\0" + struct.pack("<I", 20_000_000) + b" " * 20_000_000})
        self.check_limit("m.npz", data, start, (len(data) - 22 - 65535 - 76, len(data) - 1))

    def test_limits_of_an_index_apply_after_the_first_request(self):
        """How much of an index is downloaded before the limit applies is an option of the requests."""
        data = json.dumps({"weight_map": {f"{i}{'n' * 1000}": "m.safetensors" for i in range(20000)}}).encode()
        self.check_limit("m.safetensors.index.json", data, (0, (16 << 20) - 1))
        self.check_limit("m.safetensors.index.json", data, (0, 1_000_000), first_bytes=1_000_001)

    def test_sets(self):
        files = {f"m-0000{i}-of-00003.safetensors": {f"w{i}": ("F32", (1,), floats(i))} for i in (1, 2, 3)}
        for name, arrays in files.items():
            self.serve(name, safetensors(arrays))
        weight_map = {f"w{i}": f"m-0000{i}-of-00003.safetensors" for i in (1, 2, 3)}
        index = self.serve("m.safetensors.index.json", json.dumps({"weight_map": weight_map}).encode())
        expected = {f"w{i}": floats(i) for i in (1, 2, 3)}
        self.assertEqual(self.library.load(index + "?token=1"), expected)
        # The files of the set get the query of the index, and one request each.
        paths = [path for path, _ in self.server.requests]
        self.assertEqual(paths[0], "/ok/m.safetensors.index.json?token=1")
        self.assertEqual(sorted(paths[1:]), [f"/ok/{name}?token=1" for name in files])
        self.assertEqual(self.library.load(f"{self.server.url}/ok/m-00002-of-00003.safetensors", {OPTION_PARTS: 1}), expected)
        del self.server.files["m-00003-of-00003.safetensors"]
        message = self.refused("not_found", index, "/ok/m-00003-of-00003.safetensors: the server answered 404 (Not Found)")
        self.assertEqual(message.count("m-00003-of-00003.safetensors"), 1)

    def make_set(self, count):
        weight_map = {f"w{i}": f"m-{i:05}-of-{count:05}.safetensors" for i in range(1, count + 1)}
        for i in range(1, count + 1):
            self.serve(weight_map[f"w{i}"], safetensors({f"w{i}": ("F32", (1,), floats(i))}))
        return self.serve("m.safetensors.index.json", json.dumps({"weight_map": weight_map}).encode()), weight_map

    def test_shards_are_opened_side_by_side(self):
        index, weight_map = self.make_set(20)
        self.server.delay = 0.1
        file = self.library.open(index, requests=8)
        self.assertEqual(len(file.names()), 20)
        self.assertEqual(self.server.most, 8)
        self.assertEqual(len(self.server.requests), 21)
        file.close()
        self.server.forget()
        file = self.library.open(index, requests=1)
        self.assertEqual((self.server.most, len(self.server.requests)), (1, 21))
        file.close()

    def test_limits_of_shards_side_by_side(self):
        """At most 64 threads and that of the caller, and the first 512 files."""
        index, weight_map = self.make_set(520)
        self.server.delay = 0.05
        file = self.library.open(index, requests=1024)
        self.assertEqual(len(file.names()), 520)
        file.close()
        self.assertEqual(len(self.server.requests), 521)
        self.assertGreater(self.server.most, 16)
        self.assertLessEqual(self.server.most, 65)
        self.assertEqual([self.server.waiting["/ok/" + weight_map[f"w{i}"]] for i in range(513, 521)], [1] * 8)

    def test_shards_of_a_long_index_are_opened_one_by_one(self):
        """The first request must have all of it."""
        index, _ = self.make_set(9)
        size = len(self.server.files["m.safetensors.index.json"])
        for first_bytes, requests in ((size - 1, 11), (size, 10)):
            with self.subTest(first_bytes):
                self.server.forget()
                self.server.delay = 0.1
                file = self.library.open(index, requests=8, first_bytes=first_bytes)
                self.assertEqual(len(self.server.requests), requests)
                self.assertEqual(self.server.most, 1 if first_bytes < size else 8)
                file.close()

    def test_shards_that_cannot_be_opened(self):
        index, weight_map = self.make_set(9)
        del self.server.files[weight_map["w5"]]
        del self.server.files[weight_map["w7"]]
        for requests in (1, 8):
            self.refused("not_found", index, weight_map["w5"] + ": the server answered 404", requests=requests)

    def test_an_index_with_escapes_and_long_values(self):
        self.serve("a%C3%A9.safetensors", safetensors({"w": ("F32", (1,), floats(6))}))
        text = b'{"metadata": {"x": "\\\\", "y": "b.safetensors"}, "weight_map": {"w": "a\u00e9.safetensors"}}'
        self.assertEqual(self.library.load(self.serve("m.safetensors.index.json", text)), {"w": floats(6)})

    def test_threads_share_a_file(self):
        arrays = {f"w{i}": ("U8", (200000,), bytes([i]) * 200000) for i in range(16)}
        file = self.library.open(self.serve("m.safetensors", safetensors(arrays)))
        found = {}
        threads = [threading.Thread(target=lambda i=i: found.update({i: file.read(i).data})) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, {i: bytes([i]) * 200000 for i in range(16)})
        file.close()


if __name__ == "__main__":
    main()
