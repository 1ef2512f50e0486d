"""Tests the page of tensorfile report in a browser."""

import math
import random
import struct

from browser import Browser
from support import GGML_Q8_0, Case, floats, gguf, main, run, safetensors

HOSTILE = ["</script><script>document.title='x'</script>", "<img src=x onerror=document.title='x'>", "<!--<script>", "__proto__",
           "constructor.name", "a&amp;b", "\u202eevil", "tab\tand\nnewline", ".".join("d" * 5000), "..", ""]
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# The cells of the rows in view, without the spacers.
ROWS = "[...document.querySelectorAll('#rows tr:not(.spacer)')].map((row) => [...row.cells].map((cell) => cell.textContent))"


def click_title(title):
    return f"[...document.querySelectorAll('#titles button')].find((node) => node.textContent === {title!r}).click()"


class Page(Case):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def tearDown(self):
        self.assertEqual(self.browser.errors, [])

    def open(self, path, *arguments):
        out = self.folder / "page.html"
        result = run("report", path, "-o", out, *arguments)
        self.assertEqual((result.status, result.out, result.err), (0, "", ""))
        self.browser.open(out)

    def text(self, selector):
        return self.browser.evaluate(f"document.querySelector({selector!r}).textContent")

    def rows(self):
        return self.browser.evaluate(ROWS)

    def names(self):
        return [row[0].strip("▾▸") for row in self.rows()]

    def search(self, text):
        self.browser.evaluate(f"(() => {{ const node = document.getElementById('search'); node.value = {text!r};"
                              " node.dispatchEvent(new Event('input')); })()")
        return self.text("#status")

    def flat(self):
        self.browser.evaluate("document.getElementById('tree').click()")

    def test_hostile_names(self):
        arrays = {name: ("I8", (1,), b"\x01") for name in HOSTILE}
        path = self.write("<b>&.safetensors", safetensors(arrays, {name: name for name in HOSTILE[:8]}))
        self.open(path)
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('img, b, #rows script').length"), 0)
        self.assertEqual(self.browser.evaluate("document.scripts.length"), 2)
        self.assertEqual(self.browser.evaluate("document.title"), f"{path} – tensorfile report")
        self.flat()
        escaped = [name.replace("\u202e", "\\xe2\\x80\\xae").replace("\t", "\\t").replace("\n", "\\n") or "(no name)"
                   for name in HOSTILE]
        self.assertEqual(self.names(), escaped)
        keys = self.browser.evaluate("[...document.querySelectorAll('#metadata td:first-child')].map((node) => node.textContent)")
        self.assertEqual(keys, escaped[:8])
        values = self.browser.evaluate("[...document.querySelectorAll('#metadata pre')].map((node) => node.textContent)")
        self.assertEqual(values, HOSTILE[:6] + ["\\xe2\\x80\\xaeevil", HOSTILE[7]])
        for name, shown in zip(HOSTILE, escaped):
            self.assertIn(f" of {len(HOSTILE)} arrays", self.search(shown.split()[0]), name)

    def test_policy_blocks_other_scripts(self):
        self.open(self.write("a.safetensors", safetensors({"a": ("I8", (1,), b"\x01")})))
        self.browser.evaluate("(() => { const script = document.createElement('script'); script.textContent = 'document.title = 1';"
                              " document.body.append(script); document.body.insertAdjacentHTML('beforeend',"
                              " '<img src=x onerror=\"document.title = 2\"><p style=\"color: red\">'); })()")
        self.browser.evaluate(SETTLED)
        self.assertIn("tensorfile report", self.browser.evaluate("document.title"))
        violations = [error for error in self.browser.errors if "Content Security Policy" in error]
        self.assertGreaterEqual(len(violations), 3, self.browser.errors)
        self.browser.errors.clear()

    def test_many_arrays(self):
        count = 20000
        source = random.Random(5)
        arrays = {f"model.layers.{i // 10}.part{i % 10}.weight": (source.uniform(-9, 9), source.randint(1, 4)) for i in range(count)}
        content = {name: ("F32", (size,), floats(*[value] * size)) for name, (value, size) in arrays.items()}
        self.open(self.write("many.safetensors", safetensors(content)))
        self.assertEqual(self.text("#status"), "20,000 arrays")
        self.assertEqual(self.search("layers.123. PART7"), "1 of 20,000 arrays")
        self.assertEqual(self.names()[-1], "part7.weight")
        self.assertEqual(self.search("part7"), "2,000 of 20,000 arrays")
        self.assertEqual(self.search("nothing at all"), "0 of 20,000 arrays")
        self.assertEqual(self.rows(), [])
        self.search("")
        self.flat()
        self.assertLess(len(self.rows()), 200)
        single = {name: struct.unpack("<f", struct.pack("<f", value))[0] for name, (value, _) in arrays.items()}
        self.browser.evaluate(click_title("Max"))
        self.assertEqual(self.names(), sorted(single, key=single.get, reverse=True)[:len(self.rows())])
        self.browser.evaluate(click_title("Max"))
        self.assertEqual(self.names(), sorted(single, key=single.get)[:len(self.rows())])
        self.browser.evaluate(click_title("Array"))
        self.assertEqual(self.names()[9:12], [f"model.layers.{name}.weight" for name in ("0.part9", "1.part0", "1.part1")])
        self.browser.evaluate(f"document.getElementById('viewport').scrollTop = 1e9; {SETTLED}")
        self.assertEqual(self.names()[-1], "model.layers.1999.part9.weight")

    def test_tree(self):
        names = ["model.a.weight", "model.a.bias", "model.b.c.weight", "model.b.c.bias", "head.weight"]
        self.open(self.write("t.safetensors", safetensors({name: ("F32", (i + 1,), floats(*[1] * (i + 1))) for i, name in enumerate(names)})))
        shown = ["head.weight", "model. 4 arrays", "a. 2 arrays", "bias", "weight", "b.c. 2 arrays", "bias", "weight"]
        self.browser.evaluate(click_title("Array"))
        self.assertEqual(self.names(), shown)
        self.assertEqual([row[3] for row in self.rows()], ["20 B", "40 B", "12 B", "8 B", "4 B", "28 B", "16 B", "12 B"])
        self.browser.evaluate("document.getElementById('collapse').click()")
        self.assertEqual(self.names(), shown[:2])
        self.search("b.c weight")
        self.assertEqual(self.names(), ["model. 4 arrays", "b.c. 2 arrays", "weight"])

    def test_keyboard(self):
        names = ["m.a", "m.b", "x"]
        self.open(self.write("t.safetensors", safetensors({name: ("F32", (2,), floats(1, 3)) for name in names})))
        self.browser.evaluate("document.getElementById('collapse').click(); document.getElementById('grid').focus()")
        self.browser.press("ArrowDown")
        self.assertEqual(self.text("#details h3"), "m.")
        self.browser.press("ArrowRight", "ArrowRight")
        self.assertEqual(self.names(), ["m. 2 arrays", "a", "b", "x"])
        self.assertEqual(self.text("#details h3"), "m.a")
        self.browser.press("ArrowLeft", "ArrowLeft")
        self.assertEqual(self.names(), ["m. 2 arrays", "x"])
        self.browser.press("End")
        self.assertEqual(self.text("#details h3"), "x")
        self.browser.press("/")
        self.assertEqual(self.browser.evaluate("document.activeElement.id"), "search")

    def test_error_of_quantized(self):
        source = random.Random(2)
        original = [source.uniform(-1, 1) for _ in range(32)]
        single = struct.unpack("<32f", floats(*original))
        steps = [round(value * 100) for value in single]
        quantized = [step * struct.unpack("<e", struct.pack("<e", 0.01))[0] for step in steps]
        errors = [a - b for a, b in zip(quantized, single)]
        rms = math.sqrt(sum(error * error for error in errors) / 32)
        relative = rms / math.sqrt(sum(value * value for value in single) / 32)
        path = self.write("q.gguf", gguf({"w": (GGML_Q8_0, (1, 32), struct.pack("<e32b", 0.01, *steps))}))
        self.open(path, "--against", self.write("o.safetensors", safetensors({"w": ("F32", (1, 32), floats(*original)),
                                                                              "more": ("I8", (1,), b"x")})))
        titles = self.browser.evaluate("[...document.querySelectorAll('#titles th')].map((node) => node.textContent)")
        row = dict(zip(titles, self.rows()[0]))
        for title, expected in (("RMS error", rms), ("Max error", max(map(abs, errors))), ("Relative", relative)):
            self.assertAlmostEqual(float(row[title]) / expected, 1, delta=1e-3, msg=title)
        self.assertIn("has 1 array more: more", self.text("#notes"))

    def test_numbers(self):
        numbers = (0, 0.25, -12345.678, 4.3981e-5, -1.5e6, 2e30, 1e-40)
        self.open(self.write("a.safetensors", safetensors({f"w{i}": ("F64", (1,), struct.pack("<d", value)) for i, value in enumerate(numbers)})))
        self.browser.evaluate("document.getElementById('grid').focus()")
        for i, value in enumerate(numbers):
            self.assertEqual(float(self.rows()[i][4]), float(f"{value:.4g}"))
            self.assertLess(len(self.rows()[i][4]), 11)
            self.browser.press("ArrowDown")
            facts = self.browser.evaluate("[...document.querySelectorAll('#details dd')].map((node) => node.textContent)")
            self.assertEqual(float(facts[5]), float(f"{value:.6g}"))

    def test_dark(self):
        self.open(self.write("a.safetensors", safetensors({"a": ("I8", (1,), b"\x01")})))
        color = "getComputedStyle(document.body).backgroundColor"
        light = self.browser.evaluate(color)
        self.browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.assertNotEqual(self.browser.evaluate(color), light)


if __name__ == "__main__":
    main()
