"""The program with URLs: each command, what it takes from the environment, and its messages."""

import json
import os
import pathlib
import ssl
import subprocess
import tempfile

from fault_server import Server
from http_support import Case
from nginx_server import make_certificate
from signatures import ACCESS, SECRET, SIGNED, check_signatures
from support import GGML_F32, PROGRAM, Result, floats, gguf, main, npy, safetensors

ARRAYS = {"a": ("F32", (2,), floats(1, 2)), "b": ("F32", (3,), floats(3, 4, 5))}


class ProgramCase(Case):
    """A test that runs the program in a folder of its own."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.server.files["m.safetensors"] = safetensors(ARRAYS)
        self.url = f"{self.server.url}/ok/m.safetensors"

    def run_program(self, *arguments, **environment):
        process = subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, check=False, cwd=self.folder,
                                 env={"PATH": os.environ["PATH"], "HOME": self.folder, **environment})
        return Result(process)

    def succeed(self, *arguments, **environment):
        result = self.run_program(*arguments, **environment)
        self.assertEqual((result.status, result.err), (0, ""))
        return result.out


class Program(ProgramCase):
    def test_ls(self):
        listed = json.loads(self.succeed("ls", "--json", self.url + "?key=secret"))
        self.assertEqual(listed["path"], self.url)
        self.assertEqual([array["name"] for array in listed["arrays"]], ["a", "b"])
        text = self.succeed("ls", self.url + "?key=secret")
        self.assertIn(self.url + ":", text)
        self.assertNotIn("secret", text)

    def test_show_stat_check_diff_convert(self):
        self.assertEqual(self.succeed("show", self.url, "b", "1:"), "[4.0, 5.0]\n")
        self.assertIn("mean", self.succeed("stat", self.url))
        self.assertEqual(self.succeed("check", self.url), f"{self.url}: ok\n")
        self.assertEqual(self.succeed("check", "--only", "a", self.url), f"{self.url}: ok\n")
        self.succeed("convert", self.url, "copy.npz")
        self.assertEqual(self.run_program("diff", self.url, "copy.npz").status, 0)
        self.server.files["other.safetensors"] = safetensors({**ARRAYS, "b": ("F32", (3,), floats(3, 4, 6))})
        self.assertEqual(self.run_program("diff", self.url, f"{self.server.url}/ok/other.safetensors").status, 1)

    def test_standard_output(self):
        self.server.files["w.npy"] = npy("<f4", (2,), floats(1, 2))
        with open(os.path.join(self.folder, "w.npy"), "wb") as file:
            subprocess.run([PROGRAM, "convert", "--to", "npy", f"{self.server.url}/ok/w.npy", "-"], stdout=file, check=True)
        self.assertEqual(self.succeed("show", "w.npy"), "[1.0, 2.0]\n")

    def test_errors(self):
        result = self.run_program("ls", f"{self.server.url}/ok/none.npy?key=secret")
        self.assertEqual((result.status, result.err),
                         (3, f"tensorfile: {self.server.url}/ok/none.npy: io: the server answered 404 (Not Found)\n"))
        self.server.files["damaged.npy"] = npy("<f4", (2,), floats(1, 2))[:-1]
        result = self.run_program("check", f"{self.server.url}/ok/damaged.npy")
        self.assertEqual(result.status, 1)
        self.assertIn(f"tensorfile: {self.server.url}/ok/damaged.npy: truncated: ", result.err)
        result = self.run_program("ls", "http://me:secret@127.0.0.1/m.npy")
        self.assertEqual(result.status, 3)
        self.assertIn("must not contain a user name", result.err)
        self.assertNotIn("secret", result.err)
        result = self.run_program("edit", "--set", "a=b", self.url)
        self.assertEqual(result.status, 1)
        self.assertIn("a file at a URL cannot be changed", result.err)
        result = self.run_program("convert", self.url, self.server.url + "/ok/out.npz")
        self.assertEqual(result.status, 2)
        self.assertIn("OUT cannot be a URL", result.err)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def authorizations(self, url, **environment):
        """Returns the headers Authorization of the requests that listing a URL takes."""
        self.server.forget()
        self.succeed("ls", url, **environment)
        self.assertGreater(len(self.server.requests), 0)
        return {headers.get("Authorization") for _, headers in self.server.requests}

    def test_tokens_of_the_hub_come_from_the_environment(self):
        """In the order of huggingface_hub: a variable, the file that one names, the file that `hf auth login` wrote."""
        self.server.commit = "0123456789abcdef0123456789abcdef01234567"
        self.server.files["n/resolve/main/m.safetensors"] = safetensors(ARRAYS)
        named = self.write("named", "named\n")
        home, cache = (os.path.dirname(self.write(f"{name}/token", f"{name}\n"))
                       for name in ("home", "cache/huggingface"))
        variables = (({"HF_TOKEN": "direct"}, "direct"), ({"HUGGING_FACE_HUB_TOKEN": "old"}, "old"),
                     ({"HF_TOKEN_PATH": named}, "named"), ({"HF_HOME": home}, "home"),
                     ({"XDG_CACHE_HOME": os.path.dirname(cache)}, "cache/huggingface"))
        url, endpoint = "hf://ok/n/m.safetensors", {"HF_ENDPOINT": self.server.url}
        self.assertEqual(self.authorizations(url, **endpoint), {None})
        self.write(".cache/huggingface/token", "default\n")
        self.assertEqual(self.authorizations(url, **endpoint), {"Bearer default"})
        # Variables of other schemes have no effect, and each of these takes precedence over those after it.
        others = {"TENSORFILE_TOKEN": "other", "AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "other"}
        for environment, token in reversed(variables):
            others = {**others, **environment}
            for used in (environment, others):
                with self.subTest(used):
                    self.assertEqual(self.authorizations(url, **endpoint, **used), {f"Bearer {token}"})

    def check_s3(self, environment, access, secret, region="us-east-1", signed=SIGNED):
        with self.subTest(environment):
            self.server.forget()
            self.succeed("ls", "s3://ok/m.safetensors", **environment)
            check_signatures(self, access, secret, region, signed)

    def test_credentials_of_s3_come_from_the_environment(self):
        endpoint = {"AWS_ENDPOINT_URL_S3": self.server.url, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
        keys = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
        text = "[{}]\naws_access_key_id = {}\naws_secret_access_key = {}\n"
        named = self.write("named", text.format("default", "NAMED", "of named") +
                           text.format("work", "WORK", "of work"))
        file = {"AWS_SHARED_CREDENTIALS_FILE": named}
        # Variables of other schemes have no effect.
        others = {"TENSORFILE_TOKEN": "other", "HF_TOKEN": "other", "AWS_SECRET_ACCESS_KEY": "other"}
        self.assertEqual(self.authorizations("s3://ok/m.safetensors", **endpoint, **others), {None})
        self.write(".aws/credentials", text.format("default", "HOME", "of home") +
                   text.format("work", "HOME", "of work"))
        for environment, *expected in (
                ({}, "HOME", "of home"), ({"AWS_PROFILE": "work"}, "HOME", "of work"),
                (file, "NAMED", "of named"), ({**file, "AWS_PROFILE": "work"}, "WORK", "of work"),
                # A session token belongs to the key in the environment.
                ({**file, "AWS_SESSION_TOKEN": "t0ken"}, "NAMED", "of named"),
                (keys, ACCESS, SECRET), ({**keys, **file, "AWS_PROFILE": "work"}, ACCESS, SECRET),
                ({**keys, "AWS_SESSION_TOKEN": "t0ken"}, ACCESS, SECRET, "us-east-1",
                 (*SIGNED, "x-amz-security-token")),
                ({**keys, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, ACCESS, SECRET, "eu-west-1"),
                ({**keys, "AWS_DEFAULT_REGION": "eu-west-2"}, ACCESS, SECRET, "eu-west-2")):
            self.check_s3({**endpoint, **environment}, *expected)
        self.check_s3({**keys, "AWS_ENDPOINT_URL": self.server.url}, ACCESS, SECRET)

    def test_certificates_come_from_the_environment(self):
        certificate, key = make_certificate(self.folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = Server(tls=context)
        self.addCleanup(server.close)
        server.files = self.server.files
        url = f"{server.url}/ok/m.safetensors"
        self.assertIn("certificate", self.run_program("ls", url).err)
        self.succeed("ls", url, SSL_CERT_FILE=certificate, CURL_CA_BUNDLE="none.pem")
        self.succeed("ls", url, CURL_CA_BUNDLE=certificate)
        self.assertEqual(self.run_program("ls", url, SSL_CERT_FILE="none.pem", CURL_CA_BUNDLE=certificate).status, 3)

    def test_credentials_come_from_the_environment(self):
        self.succeed("ls", self.url, TENSORFILE_TOKEN="t0ken", HF_TOKEN="hub", AWS_ACCESS_KEY_ID="key")
        self.assertEqual(self.server.requests[0][1]["Authorization"], "Bearer t0ken")
        self.server.forget()
        self.succeed("ls", self.url, HF_TOKEN="hub")
        self.assertNotIn("Authorization", self.server.requests[0][1])

    def test_proxies_come_from_the_environment(self):
        proxy = Server()
        self.addCleanup(proxy.close)
        proxy.redirects["http://host.invalid/m.safetensors"] = (302, self.url)
        environment = {"no_proxy": "127.0.0.1"}
        self.succeed("ls", "http://host.invalid/m.safetensors", http_proxy=proxy.url, **environment)
        self.succeed("ls", "http://host.invalid/m.safetensors", ALL_PROXY=proxy.url, **environment)
        self.assertEqual(len(proxy.requests), 2)
        # A web server that runs the program sets this variable to a header of the request.
        result = self.run_program("ls", "http://host.invalid/m.safetensors", HTTP_PROXY=proxy.url)
        self.assertIn("Could not resolve host", result.err)

    def test_passwords_of_proxies_are_in_no_message(self):
        for name, url in (("http_proxy", self.url), ("all_proxy", self.url),
                          ("https_proxy", "https://127.0.0.1:9/m.npy")):
            for proxy in ("ftp://me:secret@127.0.0.1", "http://me:secr#et@127.0.0.1:9", "me:secret@127.0.0.1:x"):
                with self.subTest(name, proxy=proxy):
                    result = self.run_program("ls", url, **{name: proxy})
                    self.assertEqual((result.status, len(result.lines)), (3, 1))
                    start = f"tensorfile: {url}: invalid_argument: the environment variable {name}: "
                    self.assertTrue(result.err.startswith(start + "PROXY: expected the URL of a proxy"), result.err)
                    self.assertNotIn("secr", result.err)
        self.assertEqual(self.server.requests, [])

    def test_interrupts_end_requests(self):
        self.server.delay = 20
        process = subprocess.Popen([PROGRAM, "ls", self.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not self.server.requests:
            self.assertIsNone(process.poll())
        process.terminate()
        self.assertEqual(process.communicate(timeout=15), (b"", b""))
        self.assertEqual(process.returncode, 128 + 15)

    def test_importance_matrices(self):
        self.server.files["imatrix.gguf"] = gguf(
            {"w.in_sum2": (GGML_F32, (256,), floats(*range(256))), "w.counts": (GGML_F32, (1,), floats(1))},
            [("general.type", "str", "imatrix")])
        self.server.files["w.safetensors"] = safetensors({"w": ("F32", (1, 256), floats(*range(256)))})
        url = f"{self.server.url}/ok/imatrix.gguf"
        self.succeed("convert", "--quiet", "--quantize", "q4_k", "--imatrix", url + QUERY,
                     f"{self.server.url}/ok/w.safetensors", "w.gguf")
        # The path that is written into the file is without the query.
        self.assertEqual(self.succeed("show", "--metadata", "w.gguf", "quantize.imatrix.file"), url + "\n")

    def test_weights_of_mlx(self):
        """The config.json at a URL is not read. Without it, 256 bits for a scale can be one of three codings."""
        arrays = {"w.weight": ("U32", (1, 8), bytes(32)), "w.scales": ("F32", (1, 1), floats(1)),
                  "w.biases": ("F32", (1, 1), floats(0))}
        self.server.files["w.safetensors"] = safetensors(arrays)
        self.server.files["w.safetensors.index.json"] = json.dumps(
            {"weight_map": dict.fromkeys(arrays, "w.safetensors")}).encode()
        # A file of the system whose path is the URL is not it either.
        config = json.dumps({"quantization": {"group_size": 64, "bits": 4}})
        self.write(f"{self.server.url}/ok/config.json", config)
        for name in ("w.safetensors", "w.safetensors.index.json"):
            result = self.run_program("convert", "--decode", "mlx", f"{self.server.url}/ok/{name}", "w.npz")
            self.assertEqual(result.status, 1)
            self.assertIn("4 bits in groups of 64 or 8 bits in groups of 32; config.json is not read from a URL, so "
                          "--decode mlx:GROUP_SIZE:BITS must say which", result.err)
            self.succeed("convert", "--decode", "mlx:64:4", f"{self.server.url}/ok/{name}", "w.npz")
            self.assertEqual(self.succeed("show", "w.npz", "w.weight", "0, 62:"), "[0.0, 0.0]\n")


# Such as the signature of a URL that is good for a while.
QUERY = "?key=secret.x&path=/secret.y"


class Queries(ProgramCase):
    """A query is sent, and is in nothing that the program prints or writes."""

    def setUp(self):
        super().setUp()
        self.server.files["n.safetensors"] = safetensors({**ARRAYS, "a": ("F32", (2,), floats(1, 3))}, {"k": "v"})
        self.server.files["o.safetensors"] = safetensors({"k": ("F32", (1,), floats(1))}, {"k": "w"})
        self.shown = [f"{self.server.url}/ok/{name}.safetensors" for name in "mno"]
        self.urls = [url + QUERY for url in self.shown]

    def run_hidden(self, status, *arguments):
        """Returns what a command prints. At least one request has the query."""
        self.server.forget()
        result = self.run_program(*arguments)
        self.assertEqual(result.status, status, result.err)
        self.assertNotIn("secret", result.out + result.err)
        for path in pathlib.Path(self.folder).iterdir():
            self.assertNotIn("secret", path.name)
            self.assertNotIn(b"secret", path.read_bytes())
        return result

    def run_reading(self, status, *arguments):
        result = self.run_hidden(status, *arguments)
        self.assertIn(QUERY, self.server.requests[0][0])
        return result

    def test_what_commands_print(self):
        url, other, _ = self.urls
        shown = self.shown[0]
        for arguments, text in ((["check", url], f"{shown}: ok\n"), (["check", "--only", "a", url], f"{shown}: ok\n"),
                                (["ls", url], f"{shown}:"), (["ls", "--tree", url], f"{shown}:"),
                                (["ls", "--csv", url], f"\n{shown},a,"), (["ls", "--json", url], f'"{shown}"'),
                                (["stat", url], f"{shown}:\n"), (["stat", "--json", url], f'"{shown}"'),
                                (["show", url, "a"], "[1.0, 2.0]\n"), (["diff", url, url], ""),
                                (["convert", "--dry-run", url, "out.npz"], "would write out.npz"),
                                (["convert", url, "out.npz"], ""), (["report", "-o", "-", "--against", other, url], shown)):
            with self.subTest(arguments):
                result = self.run_reading(0, *arguments)
                self.assertIn(text, result.out.replace("\r\n", "\n"))
                self.assertEqual(result.err, "")
        self.assertIn("array 'a': 1 of 2 elements differs", self.run_reading(1, "diff", url, other).out)

    def test_errors(self):
        url, other, third = self.urls
        for arguments, status, text in (
                (["show", url, "none"], 2, f"{self.shown[0]} has no array named 'none'"),
                (["show", url], 2, f"{self.shown[0]} has 2 arrays: expected NAME"),
                (["show", "--metadata", other, "none"], 2, f"{self.shown[1]} has no metadata key 'none'"),
                (["convert", "--name", "none", url, "out.npy"], 2, f"{self.shown[0]} has no array named 'none'"),
                (["convert", url, other, "out.npz"], 1, f"'a' of {self.shown[0]} and 'a' of {self.shown[1]}; "),
                (["convert", "--drop", "a", "--drop", "b", other, third, "out.safetensors"], 1,
                 f"metadata 'k' has different values in {self.shown[1]} and {self.shown[2]}; "),
                (["convert", "--metadata", "strings", third, "out.npz"], 1,
                 f"array 'k' of {self.shown[2]} and metadata 'k' of {self.shown[2]} would be the same member"),
                (["stat", "--only", "none", url], 2, "--only 'none' matches no array")):
            with self.subTest(arguments):
                self.assertIn(text, self.run_reading(status, *arguments).err)

    def test_errors_of_the_command_line(self):
        """Also where an argument is no file that could be read."""
        url, other, _ = self.urls
        for arguments, text in (
                ([url], f"unknown command '{self.shown[0]}'"),
                (["diff", url, url, other], f"not expected: {self.shown[1]}\n"),
                (["convert", "m.npz", url], f"{self.shown[0]}: OUT cannot be a URL"),
                (["report", "-o", url + ".npz", "m.npz"], f"the extension of '{self.shown[0]}' is that of arrays"),
                (["convert", "--set-file", f"k={url}", other, "out.safetensors"], f"--set-file k={self.shown[0]}: cannot read")):
            with self.subTest(arguments):
                self.assertIn(text, self.run_hidden(2, *arguments).err)

    def test_reports(self):
        self.run_reading(0, "report", "-o", "page.html", "--against", self.urls[1], self.urls[0])
        with open(os.path.join(self.folder, "page.html"), encoding="utf-8") as file:
            page = file.read()
        for shown in self.shown[:2]:
            self.assertIn(f'"path":"{shown}"', page)

    def test_names_of_arrays(self):
        """Of several .npy, each array is named after its file."""
        for name in "xy":
            self.server.files[f"{name}.z.npy"] = npy("<f4", (1,), floats(1))
        urls = [f"{self.server.url}/ok/{name}.z.npy{QUERY}" for name in "xy"]
        self.run_reading(0, "convert", *urls, "out.npz")
        listed = json.loads(self.succeed("ls", "--json", "out.npz"))
        self.assertEqual([array["name"] for array in listed["arrays"]], ["x.z", "y.z"])

    def test_numbers_of_parts(self):
        """The keys of a part are kept if OUT has the same number."""
        name = "m-00002-of-00002.gguf"
        keys = [("split.no", "u16", 1), ("split.count", "u16", 2), ("split.tensors.count", "i32", 2)]
        self.server.files[name] = gguf({"w": (GGML_F32, (1,), floats(1))}, keys)
        self.run_reading(0, "convert", "--quiet", f"{self.server.url}/ok/{name}{QUERY}", f"n{name[1:]}")
        self.assertEqual(self.succeed("show", "--metadata", f"n{name[1:]}", "split.no"), "1\n")


if __name__ == "__main__":
    main()
