"""Tests the packages for Debian: what lintian finds, and a user's program in a fresh Debian that has only the packages."""

import functools
import re
import shutil

from support import COMPLETIONS, DIST, SYMBOLS, WORK, Case, block, documented, main, platforms, run, unpacked, version

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
NAMES = ("libtensorfile0", "libtensorfile-dev", "tensorfile")


def packages(platform):
    return [DIST / f"{name}_{version()}-1_{ARCHITECTURES[platform.processor]}.deb" for name in NAMES]


@functools.cache
def fresh_root():
    """Returns the folder of a minimal Debian with a C compiler and pkg-config, which is made once."""
    root = WORK / "debian"
    if not (root / "usr/bin/gcc").exists():
        shutil.rmtree(root, ignore_errors=True)
        run("mmdebstrap", "--quiet", "--variant=minbase", "--include=gcc,libc6-dev,pkg-config", "--dpkgopt=force-unsafe-io",
            "bookworm", root)
    return root


class Debian(Case):
    def each(self):
        return self.for_each(lambda each: each.system == "Linux" and "musl" not in each.name)

    def test_lintian(self):
        for platform in self.each():
            for path in packages(platform):
                # Every deviation has an override, with its reason in a comment.
                found = run("lintian", "--no-cfg", "--allow-root", "--profile", "debian", "--fail-on", "none", path)
                self.assertEqual(re.findall(r"^[EW]: .*", found, re.M), [])

    def test_contents(self):
        for platform in self.each():
            library, development, program = (run("dpkg-deb", "--contents", path) for path in packages(platform))
            folder = f"./usr/lib/{platform.processor}-linux-gnu"
            self.assertIn(f"{folder}/libtensorfile.so.0 -> libtensorfile.so.{version()}", library)
            for name in (f"{folder}/libtensorfile.so -> ", f"{folder}/libtensorfile.a", f"{folder}/pkgconfig/tensorfile.pc",
                         f"{folder}/cmake/tensorfile/tensorfile-config.cmake", "./usr/include/tensorfile.hpp"):
                self.assertIn(name, development)
            shells = [f"./usr/share/{name.replace('site-functions', 'vendor-completions')}" for name in COMPLETIONS]
            for name in ("./usr/bin/tensorfile", "./usr/share/man/man1/tensorfile.1.gz", *shells):
                self.assertIn(f" {name}\n", program)

    def test_symbols(self):
        for platform in self.each():
            listed = run("dpkg-deb", "--info", packages(platform)[0], "symbols")
            self.assertEqual(re.findall(r"^ (\w+)@Base ", listed, re.M), SYMBOLS)
            self.assertEqual(run("dpkg-deb", "--info", packages(platform)[0], "shlibs"),
                             f"libtensorfile 0 libtensorfile0 (>= {version()})\n")

    def test_files_are_those_of_the_archive(self):
        for platform in self.each():
            folder = self.fresh(f"debian-{platform.name}")
            for path in packages(platform):
                run("dpkg-deb", "--extract", path, folder)
            for name, packed in ((platform.program, "usr/bin/tensorfile"),
                                 (platform.shared, f"usr/lib/{platform.processor}-linux-gnu/libtensorfile.so.0")):
                self.assertEqual((unpacked(platform) / name).read_bytes(), (folder / packed).read_bytes())

    def test_in_a_fresh_debian(self):
        """Installs the packages and runs a program as docs/releasing.md says, and removes the packages again."""
        (platform,) = [each for each in platforms() if each.name == "linux-x86_64"]
        root, home = fresh_root(), fresh_root() / "root"
        (home / "demo.c").write_text(block("README.md", "c"), encoding="utf-8")
        shutil.rmtree(home / "dist", ignore_errors=True)
        (home / "dist").mkdir()
        for path in packages(platform):
            shutil.copy(path, home / "dist")
        # The user of the fresh Debian is root, and has no sudo.
        (home / "sudo").write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
        (home / "sudo").chmod(0o755)
        in_root = ("chroot", root, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin:/root",
                   "DEBIAN_FRONTEND=noninteractive", "dist=/root/dist")
        try:
            # What is installed in /usr is found without a setting.
            command = documented("Debian", "`dist/`")
            output = run(*in_root, "sh", "-ec", f"cd /root && {command}")
            self.assertEqual(output.splitlines()[-1], "6")
            self.assertEqual("[[1.0, 2.0, 3.0],\n [4.0, 5.0, 6.0]]\n", run(*in_root, "tensorfile", "show", "/root/model.safetensors"))
            needed = run("readelf", "-dW", home / "demo")
            self.assertIn("libtensorfile.so.0", needed)
        finally:
            run(*in_root, "dpkg", "--force-unsafe-io", "--purge", *NAMES)
        self.assertEqual([path for path in root.rglob("*tensorfile*") if home not in path.parents], [])


if __name__ == "__main__":
    main()
