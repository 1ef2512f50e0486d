"""Tests the npm package: what is in it, its own tests in Node, its types, other libraries, and Chromium."""

import base64
import functools
import http.server
import json
import os
import re
import shutil
import sys
import tarfile
import threading
from pathlib import Path

import gguf
import ml_dtypes
import numpy
import safetensors.numpy

from support import DIST, ENVIRONMENT, ROOT, WORK, Case, block, documented, main, run, version

os.environ.setdefault("TENSORFILE_CHROMIUM", shutil.which("chromium") or "chromium")
sys.path.insert(0, str(ROOT / "tests/cli"))
from browser import Browser  # noqa: E402  (found in the folder above)

SOURCE = ROOT / "bindings/js"
RANDOM = numpy.random.default_rng(1)


def package():
    return DIST / f"tensorfile-{version()}.tgz"


@functools.cache
def installed():
    """Installs the package in an empty folder as a user does, and returns the folder."""
    folder = WORK / "tests/npm"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "demo.mjs").write_text(readme_program(), encoding="utf-8")
    run("sh", "-ec", documented("JavaScript", "`dist/`"), cwd=folder, env={**ENVIRONMENT, "dist": str(DIST)})
    return folder


def node(program, *arguments, cwd=None):
    """Runs a module, and returns what it prints."""
    return run("node", "--input-type=module", "--eval", program, *arguments, cwd=cwd or installed())


def readme_program():
    return block("bindings/js/README.md", "js")


class Package(Case):
    def test_contents(self):
        with tarfile.open(package()) as packed:
            members = {member.name.removeprefix("package/"): member for member in packed.getmembers()}
        scripts = {f"src/{path.name}" for path in (SOURCE / "src").iterdir() if path.suffix in (".js", ".ts")}
        self.assertEqual(set(members), scripts | {"LICENSE", "README.md", "package.json", "src/tensorfile.wasm",
                                                  "src/THIRD-PARTY.txt"})
        self.assertEqual({(member.uid, member.mode) for member in members.values()}, {(0, 0o644)})
        self.assertEqual(len({member.mtime for member in members.values()}), 1)

    def test_npm_would_pack_the_same_files(self):
        folder = self.fresh("npm-pack")
        with tarfile.open(package()) as packed:
            packed.extractall(folder, filter="data")
        (listed,) = json.loads(run("npm", "pack", "--dry-run", "--json", cwd=folder / "package"))
        found = {path.relative_to(folder / "package").as_posix() for path in folder.rglob("*") if path.is_file()}
        self.assertEqual({file["path"] for file in listed["files"]}, found)

    def test_version_and_no_folder_of_this_machine(self):
        folder = installed() / "node_modules/tensorfile"
        self.assertEqual(json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"], version())
        for path in folder.rglob("*"):
            if path.is_file():
                found = [word for word in (str(ROOT), str(WORK), "/root/", "/home/", "/tmp/") if word.encode() in path.read_bytes()]
                self.assertEqual(found, [], path)


class Programs(Case):
    def test_readme(self):
        expected = re.search(r"It prints `(.*?)`, `(.*?)`, and `(.*?)`\.", (SOURCE / "README.md").read_text(encoding="utf-8"))
        self.assertEqual(node(readme_program()).splitlines(), list(expected.groups()))

    def test_its_own_tests(self):
        environment = {**ENVIRONMENT, "TENSORFILE_JS": str(installed() / "node_modules/tensorfile")}
        files = sorted(str(path) for path in (SOURCE / "test").glob("*.test.js"))
        printed = run("node", "--test", *files, cwd=installed(), env=environment)
        counts = dict(re.findall(r"^(?:#|ℹ) (\w+) (\d+)$", printed, re.M))
        self.assertGreaterEqual(int(counts["pass"]), 50, printed[-2000:])
        self.assertEqual([counts[name] for name in ("fail", "skipped", "cancelled", "todo")], ["0"] * 4)

    def test_types(self):
        compiler = self.fresh("npm-typescript")
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(SOURCE / name, compiler)
        run("npm", "ci", cwd=compiler)
        folder = installed()
        for name in ("example.ts", "tsconfig.json"):
            shutil.copy(SOURCE / "test" / name, folder)
        (folder / "package.json").write_text(json.dumps({**json.loads((folder / "package.json").read_text()), "type": "module"}))
        run("node", compiler / "node_modules/typescript/bin/tsc", "--project", "tsconfig.json", cwd=folder)
        # A mistake is found, so the types were used.
        (folder / "wrong.ts").write_text("import { save } from 'tensorfile';\nsave(1, {});\n")
        with self.assertRaisesRegex(AssertionError, "not assignable to parameter of type 'Format'"):
            run("node", compiler / "node_modules/typescript/bin/tsc", "--strict", "--noEmit", "--module", "nodenext",
                "--lib", "es2022,dom", "wrong.ts", cwd=folder)


def examples():
    """Returns an array of each type that NumPy and ml_dtypes have, and the formats lack none of."""
    plain = ["int8", "int16", "int32", "int64", "float16", "float32", "float64"]
    arrays = {name: (RANDOM.standard_normal((3, 4)) * 50).astype(name) for name in plain}
    arrays["bfloat16"] = RANDOM.standard_normal((2, 1, 5)).astype(ml_dtypes.bfloat16)
    arrays["empty"] = numpy.zeros((0, 3), numpy.float32)
    return arrays


MORE = {"bool": numpy.array([True, False]), "uint8": numpy.arange(256, dtype=numpy.uint8),
        "uint16": numpy.array([0, 65535], numpy.uint16), "uint32": numpy.array([[2**32 - 1]], numpy.uint32),
        "uint64": numpy.array([2**64 - 1], numpy.uint64), "complex64": numpy.array([1 + 2j, -3.5j], numpy.complex64),
        "scalar": numpy.array(7.25, numpy.float32)}
RESAVE = """
import { writeFile } from 'node:fs/promises';
import { load, save } from 'tensorfile';
const [from, to, format, compress] = process.argv.slice(1);
const { arrays, metadata } = await load(from);
await writeFile(to, await save(format, arrays, { metadata: metadata.size ? metadata : undefined, compress: compress === 'yes' }));
"""


class Peers(Case):
    def compare(self, found, expected):
        self.assertEqual(set(found), set(expected))
        for name, array in expected.items():
            self.assertEqual(found[name].shape, array.shape, name)
            self.assertEqual(found[name].tobytes(), array.tobytes(), name)

    def resave(self, source, target, compress="no"):
        node(RESAVE, source, target, target.suffix[1:], compress)

    def test_numpy(self):
        folder, arrays = self.fresh("npm-numpy"), {**examples(), **MORE}
        for compress in ("no", "yes"):
            write = numpy.savez_compressed if compress == "yes" else numpy.savez
            write(folder / "in.npz", **arrays)
            self.resave(folder / "in.npz", folder / "out.npz", compress)
            with numpy.load(folder / "out.npz") as found:
                self.compare(dict(found), arrays)

    def test_safetensors(self):
        folder, arrays = self.fresh("npm-safetensors"), {**examples(), **MORE}
        safetensors.numpy.save_file(arrays, folder / "in.safetensors", {"author": "Ada"})
        self.resave(folder / "in.safetensors", folder / "out.safetensors")
        self.compare(safetensors.numpy.load_file(folder / "out.safetensors"), arrays)
        with safetensors.safe_open(folder / "out.safetensors", "numpy") as found:
            self.assertEqual(found.metadata(), {"author": "Ada"})

    def test_gguf(self):
        folder, arrays = self.fresh("npm-gguf"), {name: array for name, array in examples().items() if array.dtype.kind in "if"}
        writer = gguf.GGUFWriter(folder / "in.gguf", "demo")
        writer.add_uint32("demo.layers", 3)
        writer.add_array("demo.tags", ["a", "b"])
        for name, array in arrays.items():
            if array.size:
                writer.add_tensor(name, array)
        for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
            write()
        self.resave(folder / "in.gguf", folder / "out.gguf")
        found = gguf.GGUFReader(folder / "out.gguf")
        self.assertEqual({tensor.name: tensor.data.tobytes() for tensor in found.tensors},
                         {name: array.tobytes() for name, array in arrays.items() if array.size})
        self.assertEqual(found.fields["demo.layers"].contents(), 3)
        self.assertEqual(found.fields["demo.layers"].types, [gguf.GGUFValueType.UINT32])
        self.assertEqual(found.fields["demo.tags"].contents(), ["a", "b"])


class Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, with ranges, under the content security policy that the README names."""

    extensions_map = {".js": "text/javascript", ".html": "text/html", ".wasm": "application/wasm", "": "application/octet-stream"}
    asked = []

    def log_message(self, *arguments):
        pass

    def end_headers(self):
        self.send_header("Content-Security-Policy", "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'")
        super().end_headers()

    def do_GET(self):
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted:
            super().do_GET()
            return
        data = Path(self.translate_path(self.path)).read_bytes()
        first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
        self.asked.append((first, last))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.wfile.write(data[first:last + 1])


WORKER = """
import { load } from './node_modules/tensorfile/src/index.js';
onmessage = async ({ data }) => {
  const { arrays } = await load(data);
  const { data: values } = arrays.get('small');
  postMessage(values, [values.buffer]);
};
"""


class InChromium(Case):
    @classmethod
    def setUpClass(cls):
        folder = installed()
        (folder / "page.html").write_text("<!doctype html><title>test</title>", encoding="utf-8")
        (folder / "favicon.ico").touch()
        (folder / "worker.js").write_text(WORKER, encoding="utf-8")
        cls.arrays = {"small": numpy.arange(5, dtype=numpy.float32), "large": RANDOM.standard_normal((400, 1000)),
                      "half": numpy.array([1.5, -2, 65504], numpy.float16)}
        safetensors.numpy.save_file(cls.arrays, folder / "model.safetensors", {"author": "Ada"})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Ranges, directory=str(folder)))
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.browser.open_url(f"http://127.0.0.1:{server.server_port}/page.html")

    def setUp(self):
        Ranges.asked.clear()

    def tearDown(self):
        self.assertEqual(self.browser.errors, [])

    def evaluate(self, body):
        return self.browser.evaluate("import('/node_modules/tensorfile/src/index.js').then(async (tf) => {" + body + "})")

    def test_a_url(self):
        found = self.evaluate("const file = await tf.open('model.safetensors');"
                              "const info = file.names.map((name) => [name, file.info(name).dtype, file.info(name).shape]);"
                              "const { data } = await file.read('large', { slice: [399, [-2]] });"
                              "return [info.sort(), [...data], file.metadata.get('author')];")
        expected = [[name, str(array.dtype), list(array.shape)] for name, array in sorted(self.arrays.items())]
        self.assertEqual(found, [expected, self.arrays["large"][399, -2:].tolist(), "Ada"])
        self.assertEqual(len(Ranges.asked), 2)
        self.assertEqual([last - first + 1 for first, last in Ranges.asked], [65536, 16])

    def test_a_blob(self):
        found = self.evaluate("const blob = await (await fetch('model.safetensors')).blob();"
                              "const { arrays } = await tf.load(blob);"
                              "const half = arrays.get('half').data;"
                              "const sum = arrays.get('large').data.reduce((a, b) => a + b);"
                              "return [half.constructor.name, [...tf.float16ToFloat32(half)], sum];")
        total = 0.0
        for value in self.arrays["large"].ravel().tolist():
            total += value
        self.assertEqual(found, ["Float16Array", [1.5, -2, 65504], total])

    def test_an_array_buffer(self):
        found = self.evaluate("const buffer = await (await fetch('model.safetensors')).arrayBuffer();"
                              "const shifted = new Uint8Array(buffer.byteLength + 3);"
                              "shifted.set(new Uint8Array(buffer), 3);"
                              "const read = [];"
                              "for (const bytes of [buffer, shifted.subarray(3)]) {"
                              "  const file = await tf.open(bytes);"
                              "  const { data } = await file.read('small', { share: true });"
                              "  read.push([...file.names].sort(), [...data], data.buffer === buffer);"
                              "  await file.close();"
                              "}"
                              "return read;")
        expected = [sorted(self.arrays), self.arrays["small"].tolist()]
        self.assertEqual(found, [*expected, True, *expected, False])
        self.assertEqual(Ranges.asked, [])

    def test_a_worker(self):
        found = self.evaluate("const worker = new Worker('worker.js', { type: 'module' });"
                              "const reply = new Promise((resolve) => { worker.onmessage = ({ data }) => resolve([...data]); });"
                              "worker.postMessage(await (await fetch('model.safetensors')).blob());"
                              "return reply;")
        self.assertEqual(found, self.arrays["small"].tolist())

    def test_a_save(self):
        encoded = self.evaluate("const w = new tf.NdArray('int16', [2, 2], Int16Array.of(1, -2, 3, -4));"
                                "const blob = await tf.saveBlob('npz', { w }, { compress: true });"
                                "const bytes = new Uint8Array(await blob.arrayBuffer());"
                                "return btoa(String.fromCharCode(...bytes));")
        path = self.fresh("npm-browser") / "saved.npz"
        path.write_bytes(base64.b64decode(encoded))
        with numpy.load(path) as found:
            numpy.testing.assert_array_equal(found["w"], numpy.array([[1, -2], [3, -4]], numpy.int16))


if __name__ == "__main__":
    main()
