"""Tests the package for Unity: its files, their .meta files, and a program that uses it with Mono. Unity was not run."""

import json
import re
import tarfile

from support import DIST, ROOT, Case, main, run, unpacked, version

import unity  # noqa: E402  (found by support.py)

# Of each library: the player of Unity, the editor, and the CPU, as Unity's import settings call them.
SETTINGS = {
    "Plugins/Linux/x86_64/libtensorfile.so": ("Linux64", "Linux", "x86_64"),
    "Plugins/macOS/x86_64/libtensorfile.dylib": ("OSXUniversal", "OSX", "x86_64"),
    "Plugins/macOS/arm64/libtensorfile.dylib": ("OSXUniversal", "OSX", "ARM64"),
    "Plugins/Windows/x86_64/tensorfile.dll": ("Win64", "Windows", "x86_64"),
    "Plugins/Windows/arm64/tensorfile.dll": ("Win64", "Windows", "ARM64"),
}


class Package(Case):
    def setUp(self):
        folder = self.fresh("unity")
        with tarfile.open(DIST / f"io.github.tensorfile-{version()}.tgz") as packed:
            packed.extractall(folder, filter="data")
        self.tree = folder / "package"

    def names(self):
        return {path.relative_to(self.tree).as_posix() for path in self.tree.rglob("*")}

    def test_every_file_and_folder_has_a_meta_of_its_own(self):
        names = self.names()
        wanted = {name for name in names if not name.endswith(".meta") and "~" not in name}
        self.assertEqual({name for name in names if name.endswith(".meta")}, {f"{name}.meta" for name in wanted})
        guids = [re.search(r"^guid: ([0-9a-f]{32})$", (self.tree / f"{name}.meta").read_text(encoding="utf-8"), re.M).group(1)
                 for name in wanted]
        self.assertEqual(len(set(guids)), len(guids))

    def test_the_manifest(self):
        manifest = json.loads((self.tree / "package.json").read_text(encoding="utf-8"))
        self.assertEqual((manifest["name"], manifest["version"]), ("io.github.tensorfile", version()))
        self.assertRegex(manifest["unity"], r"^\d{4}\.\d$")
        for sample in manifest["samples"]:
            self.assertTrue(any((self.tree / sample["path"]).glob("*.cs")), sample)
        assembly = json.loads((self.tree / "Runtime/Tensorfile.asmdef").read_text(encoding="utf-8"))
        self.assertTrue(assembly["allowUnsafeCode"])
        self.assertEqual((self.tree / "LICENSE").read_bytes(), (ROOT / "LICENSE").read_bytes())
        self.assertNotIn("not-covered.txt", self.names())

    def test_the_libraries_are_those_of_the_archives(self):
        found = {name for name in self.names() if name.startswith("Plugins/") and (self.tree / name).is_file()
                 and not name.endswith(".meta")}
        expected = {f"Plugins/{unity.PLUGINS[platform.name].file}": platform
                    for platform in self.for_each(lambda each: each.name in unity.PLUGINS)}
        self.assertEqual(found, set(expected))
        for name, platform in expected.items():
            self.assertEqual((self.tree / name).read_bytes(), (unpacked(platform) / platform.shared).read_bytes())
            player, editor, cpu = SETTINGS[name]
            meta = (self.tree / f"{name}.meta").read_text(encoding="utf-8")
            enabled = re.findall(r"- first:\n +(.*)\n    second:\n      enabled: 1\n", meta)
            self.assertEqual(enabled, ["Editor: Editor", f"Standalone: {player}"])
            self.assertEqual(re.findall(r" CPU: (.*)", meta), [cpu, cpu])
            self.assertEqual(re.findall(r" OS: (.*)", meta), [editor])
            included = re.findall(r"Exclude (\w+): 0", meta)
            self.assertEqual(included, ["Editor", player])

    def test_with_mono(self):
        """The sources and the library of the package: the tests of the binding, the program of the README, the sample."""
        printed = run(ROOT / "tests/bindings/csharp.sh", self.fresh("unity-mono"), self.tree / "Plugins/Linux/x86_64", self.tree)
        self.assertRegex(printed, r"^\d+ tests, 0 failed\n$")


if __name__ == "__main__":
    main()
