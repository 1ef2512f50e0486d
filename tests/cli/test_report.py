"""Tests the file that tensorfile report writes; test_report_browser.py tests the page in a browser."""

import base64
import hashlib
import html.parser
import json
import math
import os
import resource
import statistics
import struct

from support import GGML_Q8_0, Case, floats, gguf, main, npy, npz, run, safetensors

NAN, INF = math.nan, math.inf


class Parser(html.parser.HTMLParser):
    """Collects the elements of a page as (tag, attributes, text)."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.open = False  # whether the last element has not ended
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])
        self.open = True

    def handle_endtag(self, tag):
        self.open = False

    def handle_data(self, data):
        if self.open:
            self.elements[-1][2] += data

    def all(self, tag):
        return [element for element in self.elements if element[0] == tag]


class Report(Case):
    def report(self, *arguments, status=0):
        """Returns the data of the page."""
        result = run("report", *arguments, "-o", self.path("out.html"))
        self.assertEqual(result.status, status, result.err)
        self.err = result.err
        return self.data((self.folder / "out.html").read_text(encoding="utf-8"))

    def data(self, page):
        return json.loads(next(text for _, attributes, text in Parser(page).all("script") if attributes.get("id") == "data"))

    def refuse(self, *arguments, status, text):
        before = sorted(os.listdir(self.folder))
        result = run("report", *arguments)
        self.assertEqual(result.status, status, result.err)
        self.assertEqual(len(result.lines), 2 if status == 2 else 1, result.err)
        self.assertIn(text, result.lines[0])
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_data(self):
        values = [0.5, -1.25, 0, 3, NAN, INF]
        path = self.write("w.safetensors", safetensors({"f": ("F32", (2, 3), floats(*values)), "c": ("C64", (1,), floats(1, 2)),
                                                        "e": ("F32", (0,), b"")}, {"key": "a\nvalue"}))
        data = self.report(path)
        self.assertEqual((data["path"], data["format"], data["notes"]), (path, "safetensors", []))
        self.assertEqual(data["metadata"], [{"key": "key", "type": "string", "value": "a\nvalue"}])
        arrays = {array["name"]: array for array in data["arrays"]}
        f, finite = arrays["f"], values[:4]
        self.assertEqual((f["dtype"], f["shape"], f["bytes"], f["elements"]), ("float32", "(2, 3)", 24, 6))
        self.assertEqual((f["min"], f["max"], f["zeros"], f["nan"], f["inf"]), (-1.25, 3, 1, 1, 1))
        self.assertAlmostEqual(f["mean"], statistics.fmean(finite))
        self.assertAlmostEqual(f["std"], statistics.pstdev(finite))
        self.assertEqual(sum(f["histogram"]), 4)
        self.assertNotIn("min", arrays["c"])
        self.assertEqual((arrays["e"]["min"], arrays["e"]["count"]), (None, 0))

    def test_policy_allows_what_the_page_has(self):
        path = self.write("w.npy", npy("<f4", (2,), floats(1, 2)))
        self.report(path)
        page = Parser((self.folder / "out.html").read_text(encoding="utf-8"))
        policy = next(attributes["content"] for _, attributes, _ in page.all("meta") if "http-equiv" in attributes)
        [style] = [text for _, _, text in page.all("style")]
        [script] = [text for _, attributes, text in page.all("script") if "type" not in attributes]
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
        self.assertEqual(policy, f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
                                 "base-uri 'none'; form-action 'none'")
        self.assertFalse([attribute for _, attributes, _ in page.elements for attribute in attributes
                          if attribute.startswith("on") or attribute in ("style", "src", "href")])

    def test_names_cannot_end_the_data(self):
        names = ["</script><script>alert(1)</script>", "<!--<script>", "<img src=x onerror=alert(1)>"]
        path = self.write("w.safetensors", safetensors({name: ("I8", (1,), b"\x01") for name in names}, {names[0]: names[1]}))
        data = self.report(path)
        self.assertEqual([array["name"] for array in data["arrays"]], names)
        self.assertEqual(data["metadata"][0]["value"], names[1])
        page = (self.folder / "out.html").read_bytes()
        start = page.index(b'id="data">') + len(b'id="data">')
        self.assertNotIn(b"<", page[start:page.index(b"</script>", start)])

    def test_controls_are_escaped(self):
        path = self.write("w.safetensors", safetensors({"a\x1b[2J\u202e": ("I8", (1,), b"\x01")}, {"k\x07": "v\x1b\t"}))
        data = self.report(path)
        self.assertEqual(data["arrays"][0]["name"], "a\\x1b[2J\\xe2\\x80\\xae")
        self.assertEqual(data["metadata"], [{"key": "k\\x07", "type": "string", "value": "v\\x1b\t"}])

    def test_metadata_is_cut(self):
        path = self.write("m.gguf", gguf({}, [("list", ["u32"], range(1000)), ("text", "str", "x" * 100000)]))
        found = {entry["key"]: entry for entry in self.report(path)["metadata"]}
        self.assertEqual(json.loads(found["list"]["value"]), [*range(100), "... 900 more"])
        self.assertEqual(found["list"]["type"], "uint32 (1000,)")
        self.assertEqual(found["text"]["value"], "x" * 19997 + "...")

    def test_error_of_each_array(self):
        scale = struct.unpack("<e", struct.pack("<e", 0.1))[0]
        steps = list(range(-16, 16))
        exact = struct.unpack("<32f", floats(*(0.1 * step + 0.03 for step in steps)))
        path = self.write("q.gguf", gguf({
            "q": (GGML_Q8_0, (1, 32), struct.pack("<e32b", 0.1, *steps)), "shape": (GGML_Q8_0, (1, 32), bytes(34)),
            "new": (GGML_Q8_0, (1, 32), bytes(34)), "n": (0, (4,), floats(1, NAN, INF, 2))}))
        original = self.write("o.safetensors", safetensors({
            "q": ("F32", (1, 32), floats(*exact)), "shape": ("F32", (32,), floats(*exact)), "n": ("F32", (4,), floats(1, NAN, 5, 4)),
            "old": ("I8", (1,), b"x")}))
        data = self.report(path, "--against", original)
        self.assertEqual(data["original"], {"path": original, "format": "safetensors", "examples": ["old"], "missing": 1})
        found = {array["name"]: array["error"] for array in data["arrays"]}
        errors = [scale * step - value for step, value in zip(steps, exact)]
        rms = math.sqrt(math.fsum(error * error for error in errors) / 32)
        self.assertEqual(found["q"]["original"], "float32 (1, 32)")
        self.assertAlmostEqual(found["q"]["rms"], rms, delta=1e-9)
        self.assertAlmostEqual(found["q"]["max"], max(map(abs, errors)), delta=1e-9)
        self.assertAlmostEqual(found["q"]["relative"], rms / math.sqrt(math.fsum(v * v for v in exact) / 32), delta=1e-9)
        self.assertEqual(found["shape"]["problem"], "has another shape")
        self.assertEqual(found["new"], {"problem": "has no such array"})
        self.assertEqual((found["n"]["max"], found["n"]["excluded"]), (2, 1))
        self.assertAlmostEqual(found["n"]["rms"], math.sqrt(4 / 2))

    def test_selection(self):
        path = self.write("q.gguf", gguf({"blk.w": (0, (1,), floats(1)), "x": (0, (1,), floats(1))}))
        original = self.write("o.safetensors", safetensors({"model.w": ("F32", (1,), floats(3)), "y": ("I8", (1,), b"y")}))
        data = self.report(path, "--against", original, "--drop", "?", "--rename", "blk.w=model.w")
        self.assertEqual([array["name"] for array in data["arrays"]], ["model.w"])
        self.assertEqual((data["arrays"][0]["error"]["max"], data["original"]["missing"]), (2, 0))
        self.refuse(path, "-o", self.path("no.html"), "--only", "none", status=2, text="--only 'none' matches no array")

    def test_large_arrays_are_read_in_pieces(self):
        count = (8 << 20) + 3
        path = self.write("a.npy", npy("|i1", (count,), b"\x01" * count))
        other = self.write("b.npy", npy("|i1", (count,), b"\x01" * (count - 1) + b"\x03"))
        [array] = self.report(path, "--against", other)["arrays"]
        self.assertEqual((array["histogram"][0], array["error"]["max"]), (count, 2))
        self.assertAlmostEqual(array["error"]["rms"], math.sqrt(4 / count))

    def test_damaged_array(self):
        data = npz({"a.npy": npy("<f4", (2,), floats(1, 2)), "b.npy": npy("<f4", (2,), floats(3, 4))})
        path = self.write("w.npz", data.replace(floats(1, 2), floats(1, 9)))
        found = self.report(path, status=1)
        self.assertIn("corrupt", self.err)
        self.assertIn("CRC-32", found["arrays"][0]["problem"])
        self.assertEqual(found["arrays"][1]["max"], 4)

    def test_standard_output(self):
        path = self.write("w.npy", npy("<f4", (2,), floats(1, 2)))
        result = run("report", path, "-o", "-")
        self.assertEqual((result.status, result.err), (0, ""))
        self.assertEqual(self.data(result.out)["arrays"][0]["max"], 2)
        with open("/dev/full", "wb") as full:
            result = run("report", path, "-o", "-", stdout=full)
        self.assertEqual(result.status, 3)

    def test_output_is_replaced(self):
        path = self.write("w.npy", npy("<f4", (2,), floats(1, 2)))
        out = self.folder / "out.html"
        out.write_text("old", encoding="utf-8")
        out.chmod(0o640)
        (self.folder / "link.html").symlink_to("out.html")
        self.assertEqual(run("report", path, "-o", self.path("link.html")).status, 0)
        self.assertTrue((self.folder / "link.html").is_symlink())
        self.assertIn("tensorfile report", out.read_text(encoding="utf-8"))
        self.assertEqual(out.stat().st_mode & 0o777, 0o640)

    def test_long_and_plain_names(self):
        path = self.write("w.npy", npy("<f4", (2,), floats(1, 2)))
        for name in ("\u4e2d" * 83 + ".html", "x" * 250, "a", "-.html"):
            self.assertEqual(run("report", path, "-o", name, cwd=self.folder).status, 0)
            self.assertIn("tensorfile report", (self.folder / name).read_text(encoding="utf-8"))
        self.assertEqual(len(os.listdir(self.folder)), 5)

    def test_link_to_nothing_is_followed(self):
        path = self.write("w.npy", npy("<f4", (2,), floats(1, 2)))
        (self.folder / "sub").mkdir()
        (self.folder / "link.html").symlink_to("sub/new.html")
        (self.folder / "sub/new.html").symlink_to("newer.html")
        self.assertEqual(run("report", path, "-o", self.path("link.html")).status, 0)
        self.assertIn("tensorfile report", (self.folder / "sub/newer.html").read_text(encoding="utf-8"))
        self.assertTrue((self.folder / "sub/new.html").is_symlink())
        (self.folder / "loop.html").symlink_to("loop.html")
        self.refuse(path, "-o", self.path("loop.html"), status=3, text="loop.html: io: ")

    def test_refusals(self):
        path = self.write("w.npy", npy("<f4", (2,), floats(1, 2)))
        other = self.write("v", npy("<f4", (2,), floats(1, 2)))
        self.refuse(path, status=2, text="--output is required")
        self.refuse(path, "-o", self.path("w.npz"), status=2, text="the page is HTML")
        self.refuse(path, "-o", self.path("no/out.html"), status=3, text="no/out.html: io: could not create")
        self.refuse(path, "-o", "", status=3, text="the path is empty")
        self.refuse(path, "-o", str(self.folder), status=3, text="is not a regular file")
        self.refuse(path, "--against", other, "-o", other, status=3, text="is a file that is read")
        self.refuse(other, "-o", other, status=3, text="is a file that is read")
        self.refuse(self.path("missing.npy"), "-o", self.path("o.html"), status=3, text="missing.npy: io: ")
        self.refuse(path, "--against", self.path("missing.npy"), "-o", self.path("o.html"), status=3, text="missing.npy: io: ")
        self.refuse(self.write("bad.npy", b"no"), "-o", self.path("o.html"), status=1, text="bad.npy: format: ")

    def test_full_disk(self):
        # Python ignores SIGXFSZ, and so does the program if the signals are not restored.
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        path = self.write("w.npy", npy("<f4", (2,), floats(1, 2)))
        self.write("out.html", b"old")
        result = run("report", path, "-o", self.path("out.html"), preexec_fn=limit, restore_signals=False)
        self.assert_refused(result, self.path("out.html"), "io", "could not write", exit_status=3)
        self.assertEqual(sorted(os.listdir(self.folder)), ["out.html", "w.npy"])
        self.assertEqual((self.folder / "out.html").read_bytes(), b"old")


if __name__ == "__main__":
    main()
