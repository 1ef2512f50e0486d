"""s3:// and hf:// URLs on servers that answer as the stores do. tests/http/stores.py compares with real ones."""

import ctypes
import json
import os
import tempfile
import urllib.parse

from http_support import OPTION_PARTS, OPTION_THREADS, Case
from fault_server import Server
from signatures import ACCESS, SECRET, SIGNED, check_signatures
from support import floats, main, npy, safetensors

COMMIT, OTHER = "0123456789abcdef0123456789abcdef01234567", "fedcba9876543210fedcba9876543210fedcba98"
DATA = bytes(range(256)) * 1200
ONE = {"core": {OPTION_THREADS: 1}, "first_bytes": 65536}


class S3(Case):
    def setUp(self):
        super().setUp()
        self.values = {"s3_endpoint": self.server.url, "s3_access_key": ACCESS, "s3_secret_key": SECRET, **ONE}

    def put(self, key, data):
        """Stores an object in the bucket "ok"."""
        self.server.files[urllib.parse.quote(key, safe="/~")] = data
        return f"s3://ok/{key}"

    def check_signatures(self, region="us-east-1", signed=SIGNED):
        check_signatures(self, ACCESS, SECRET, region, signed)

    def test_requests_are_signed(self):
        for key in ("m.npy", "a folder/m +=&?#%20'()*!.npy", "é/~m.npy", "a//b.npy"):
            with self.subTest(key):
                url = self.put(key, npy("|u1", (len(DATA),), DATA))
                self.assertEqual(self.library.load(url, **self.values), {"": DATA})
                self.check_signatures()

    def test_regions_and_session_tokens(self):
        url = self.put("m.npy", npy("<f4", (1,), floats(1)))
        self.library.load(url, **self.values, s3_region="eu-central-1", s3_session_token="t=o+k/en==")
        self.check_signatures("eu-central-1", (*SIGNED, "x-amz-security-token"))

    def test_credentials_in_files(self):
        url = self.put("m.npy", npy("<f4", (1,), floats(1)))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "credentials")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"[default]\naws_access_key_id = other\n# comment\n[ work ]\r\naws_access_key_id={ACCESS}\r\n"
                           f"aws_secret_access_key = {SECRET}\n\n[last]\naws_secret_access_key=no\n")
            values = {"s3_endpoint": self.server.url, "s3_credentials_file": path}
            self.library.load(url, **values, s3_profile="work")
            self.check_signatures()
            message = self.refused("io", url, "has no aws_access_key_id in the section [last]", **values, s3_profile="last")
            self.assertNotIn(SECRET, message)

    def test_without_credentials_requests_are_not_signed(self):
        url = self.put("m.npy", npy("<f4", (1,), floats(1)))
        self.library.load(url, s3_endpoint=self.server.url, token="secret", headers=[("X-Secret", "x")])
        self.assertNotIn("Authorization", self.server.requests[0][1])
        self.assertNotIn("X-Secret", self.server.requests[0][1])

    def test_sets(self):
        index = self.put("a b/m.safetensors.index.json", json.dumps({"weight_map": {"w": "m+1.safetensors"}}).encode())
        self.put("a b/m+1.safetensors", safetensors({"w": ("F32", (1,), floats(5))}))
        self.assertEqual(self.library.load(index, **self.values), {"w": floats(5)})
        self.check_signatures()

    def test_errors(self):
        self.refused("not_found", "s3://ok/none", "s3://ok/none: the server answered 404", **self.values)
        self.put("m.npy", b"")
        message = self.refused("io", "s3://403/m.npy", "403 (AccessDenied)", **self.values)
        self.assertNotIn(SECRET, message)
        self.assertNotIn(ACCESS, message)
        # A redirect would send the signed request to another host.
        other = Server()
        self.addCleanup(other.close)
        self.server.redirects["/ok/m.npy"] = (307, other.url + "/ok/m.npy")
        self.refused("io", "s3://ok/m.npy", "the server answered 307", **self.values)
        self.assertEqual(other.requests, [])


class Hub(Case):
    """The Hub answers resolve/REVISION with the commit, and redirects to a store."""

    def setUp(self):
        super().setUp()
        self.store = Server()
        self.addCleanup(self.store.close)
        self.server.commit = COMMIT
        self.values = {"hf_endpoint": self.server.url, "token": "hf_t0ken", **ONE}

    def put(self, path, data, revisions=("main", COMMIT), folder="o/n"):
        self.store.files[path] = data
        for revision in revisions:
            self.server.redirects[f"/{folder}/resolve/{revision}/{path}"] = (
                302, f"{self.store.url}/ok/{path}?X-Amz-Signature=secret")
        return f"hf://{folder}/{path}"

    def paths(self):
        return [path for path, _ in self.server.requests]

    def test_the_commit_is_pinned(self):
        url = self.put("m.npy", npy("|u1", (len(DATA),), DATA))
        file = self.library.open(url, **self.values)
        self.assertEqual(self.paths(), ["/o/n/resolve/main/m.npy"])
        self.assertEqual(self.server.requests[0][1]["Authorization"], "Bearer hf_t0ken")
        # The signed target expires: the file is looked for at the commit, not at the branch.
        self.store.files.clear()
        self.store.files["m2.npy"] = npy("|u1", (len(DATA),), DATA)
        self.server.redirects[f"/o/n/resolve/{COMMIT}/m.npy"] = (302, f"{self.store.url}/ok/m2.npy")
        self.assertEqual(file.read(0).data, DATA)
        self.assertEqual(self.paths()[1:], [f"/o/n/resolve/{COMMIT}/m.npy"])
        for _, headers in self.store.requests:
            self.assertNotIn("Authorization", headers)
        file.close()

    def test_sets_are_read_from_one_commit(self):
        weight_map = {f"w{i}": f"m-0000{i}-of-00002.safetensors" for i in (1, 2)}
        index = self.put("m.safetensors.index.json", json.dumps({"weight_map": weight_map}).encode(), ("main",))
        for i in (1, 2):
            self.put(weight_map[f"w{i}"], safetensors({f"w{i}": ("F32", (1,), floats(i))}), (COMMIT,))
        expected = {"w1": floats(1), "w2": floats(2)}
        self.assertEqual(self.library.load(index, **self.values), expected)
        paths = self.paths()
        self.assertEqual(paths[0], "/o/n/resolve/main/m.safetensors.index.json")
        # The shards are opened at the same time.
        self.assertEqual(sorted(paths[1:]), [f"/o/n/resolve/{COMMIT}/{name}" for name in weight_map.values()])
        self.server.forget()
        self.put(weight_map["w1"], self.store.files[weight_map["w1"]], ("v1",))
        self.put("m.safetensors.index.json", self.store.files["m.safetensors.index.json"], (COMMIT,))
        part = f"hf://o/n@v1/{weight_map['w1']}"
        self.assertEqual(self.library.load(part, **{**self.values, "core": {OPTION_PARTS: 1}}), expected)

    def test_repositories_and_revisions(self):
        data = npy("<f4", (1,), floats(3))
        self.put("a b.npy".replace(" ", "%20"), data, ("refs%2Fpr%2F1",), "datasets/o/n")
        self.store.files["a%20b.npy"] = data
        self.assertEqual(self.library.load("hf://datasets/o/n@refs/pr/1/a b.npy", **self.values), {"": floats(3)})

    def test_files_without_a_redirect(self):
        self.server.files["n/resolve/main/m.npy"] = npy("<f4", (1,), floats(4))
        self.assertEqual(self.library.load("hf://ok/n/m.npy", **self.values), {"": floats(4)})

    def test_errors(self):
        url = self.put("m.npy", npy("|u1", (len(DATA),), DATA))
        self.server.commit = None
        self.refused("unsupported", url, f"{url}: the server does not say which commit", **self.values)
        self.server.commit = COMMIT
        self.refused("not_found", "hf://o/n/none", "hf://o/n/none: the server answered 404", **self.values)
        self.server.redirects["/o/n/resolve/main/m.npy"] = (302, f"{self.store.url}/403/m.npy?X-Amz-Signature=secret")
        message = self.refused("io", url, "403 (AccessDenied)", **self.values)
        self.assertNotIn("secret", message)
        self.assertNotIn("hf_t0ken", message)

    def test_the_commit_must_not_change(self):
        weight_map = {"w1": "m-00001-of-00001.safetensors"}
        index = self.put("m.safetensors.index.json", json.dumps({"weight_map": weight_map}).encode(), ("main",))
        self.put(weight_map["w1"], safetensors({"w1": ("F32", (1,), floats(1))}), (COMMIT,))
        source = self.library.source(index, **{k: v for k, v in self.values.items() if k != "core"})
        self.server.commit = OTHER
        out = ctypes.c_void_p()
        status = self.library.lib.tf_file_open_source(ctypes.byref(out), source, 0, None)
        self.assertEqual(status, 3)
        self.assertIn(f"expected an answer from the commit {COMMIT}, found the commit {OTHER}",
                      self.library.lib.tf_error_message().decode())
        self.library.lib.tf_source_release(source)


if __name__ == "__main__":
    main()
