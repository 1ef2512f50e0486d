"""Compares with programs that read the same servers: huggingface_hub, fsspec with safetensors, and gguf-py.

usage: peers.py    by hand, with a Python that has tests/http/requirements-peers.txt, and the environment of the tests
"""

import json
import struct

import fsspec
import safetensors.numpy
from gguf.utility import SafetensorRemote
from huggingface_hub import HfFileSystem, get_hf_file_metadata, hf_hub_url

from fault_server import Server
from http_support import OPTION_THREADS, Case
from support import floats, main, safetensors as make_safetensors

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ARRAYS = {f"layer.{i}.weight": ("F32", (100, 20), floats(*(float(i + j) for j in range(2000)))) for i in range(30)}


class Peers(Case):
    def setUp(self):
        super().setUp()
        self.data = make_safetensors(ARRAYS, {"format": "pt"})
        self.server.files["m.safetensors"] = self.data
        self.url = f"{self.server.url}/ok/m.safetensors"

    def test_fsspec_and_safetensors(self):
        with fsspec.filesystem("http").open(self.url, block_size=65536) as file:
            peer = safetensors.numpy.load(file.read())
        ours = self.library.load(self.url, first_bytes=1000)
        self.assertEqual({name: array.tobytes() for name, array in peer.items()}, ours)

    def test_fsspec_requests(self):
        """Counts the requests that reading one array takes."""
        with fsspec.filesystem("http").open(self.url, block_size=1000, cache_type="none") as file:
            self.server.forget()
            size = struct.unpack("<Q", file.read(8))[0]
            entry = json.loads(file.read(size))["layer.3.weight"]
            file.seek(8 + size + entry["data_offsets"][0])
            peer = file.read(8000)
        theirs = len(self.server.requests)
        self.server.forget()
        opened = self.library.open(self.url, {OPTION_THREADS: 1})
        index = opened.names().index("layer.3.weight")
        self.assertEqual(opened.read(index).data, peer)
        self.assertLessEqual(len(self.server.requests), theirs)
        opened.close()

    def test_the_remote_reader_of_gguf_py(self):
        ours = self.library.load(self.url)
        peers = SafetensorRemote.get_list_tensors(self.url)
        self.assertEqual({name: bytes(tensor.data()) for name, tensor in peers.items()}, ours)

    def test_huggingface_hub(self):
        store = Server()
        self.addCleanup(store.close)
        store.files = self.server.files
        self.server.commit = COMMIT
        self.server.linked = {"X-Linked-Size": len(self.data), "X-Linked-ETag": '"abc"', "ETag": '"abc"'}
        for repository, kind, revision, path, url in (
                ("o/n", "model", None, "m.safetensors", "hf://o/n/m.safetensors"),
                ("o/n", "dataset", "refs/pr/1", "a b/m.safetensors", "hf://datasets/o/n@refs/pr/1/a b/m.safetensors"),
                ("o/n", "space", "v1", "m+é.safetensors", "hf://spaces/o/n@v1/m+é.safetensors")):
            with self.subTest(url):
                expected = hf_hub_url(repository, path, repo_type=kind, revision=revision, endpoint=self.server.url)
                expected = expected.removeprefix(self.server.url)
                self.server.redirects = {expected: (302, f"{store.url}/ok/m.safetensors")}
                self.server.forget()
                self.assertEqual(len(self.library.load(url, hf_endpoint=self.server.url)), len(ARRAYS))
                self.assertEqual(self.server.requests[0][0], expected)
                metadata = get_hf_file_metadata(self.server.url + expected, endpoint=self.server.url)
                self.assertEqual((metadata.commit_hash, metadata.size), (COMMIT, len(self.data)))

    def test_paths_of_hf_file_system(self):
        """HfFileSystem and the library divide a path alike."""
        files = HfFileSystem(endpoint=self.server.url, token=False)
        files._repo_and_revision_exist = lambda *arguments, **values: (True, None)  # pylint: disable=protected-access
        for path in ("o/n/m.npy", "datasets/o/n@v1/a/m.npy", "o/n@refs/pr/1/m.npy", "o/n@refs%2Fconvert%2Fparquet/m.npy",
                     "spaces/o/n@main/a@b.npy"):
            with self.subTest(path):
                found = files.resolve_path("hf://" + path)
                url = hf_hub_url(found.repo_id, found.path_in_repo, repo_type=found.repo_type, revision=found.revision,
                                 endpoint=self.server.url).removeprefix(self.server.url)
                self.server.commit = COMMIT
                self.server.forget()
                self.refused("not_found", "hf://" + path, hf_endpoint=self.server.url)
                self.assertEqual(self.server.requests[0][0], url)


if __name__ == "__main__":
    main()
