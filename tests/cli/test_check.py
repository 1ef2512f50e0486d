import io
import json
import os
import warnings
import zipfile

from support import GGML_F32, GOLDEN_DIR, Case, floats, gguf, main, npy, npz, run, safetensors

# The expected status of each file that must be refused, by the rules of its format.
REFUSALS = {
    "npy/reject_structured.npy": "unsupported", "npy/reject_object.npy": "unsupported",
    "npy/reject_unicode.npy": "unsupported", "npy/reject_bytes.npy": "unsupported",
    "npy/reject_datetime.npy": "unsupported", "npy/reject_void20.npy": "unsupported",
    "npy/reject_longdouble.npy": "unsupported", "npy/reject_f8e5m2_as_f1.npy": "unsupported",
    "npy/reject_f8e4m3_as_V1.npy": "unsupported", "npy/reject_trailing.npy": "corrupt",
    "npy/reject_truncated.npy": "truncated", "npy/reject_bad_magic.npy": "format",
    "npy/reject_version4.npy": "unsupported", "npy/reject_missing_key.npy": "corrupt",
    "npy/reject_extra_key.npy": "corrupt", "npy/reject_shape_int.npy": "corrupt",
    "npy/reject_negative_dim.npy": "corrupt", "npy/reject_hdr_past_eof.npy": "truncated",
    "npz/reject_bad_crc.npz": "corrupt", "npz/reject_encrypted.npz": "unsupported",
    "npz/reject_truncated.npz": "truncated", "npz/reject_lfh_name_mismatch.npz": "corrupt",
    "npz/reject_lzma.npz": "unsupported", "npz/crafted_object_member.npz": "unsupported",
    "safetensors/reject_truncated.safetensors": "truncated", "safetensors/reject_trailing.safetensors": "corrupt",
    "safetensors/reject_hole.safetensors": "corrupt", "safetensors/reject_overlap.safetensors": "corrupt",
    "safetensors/reject_dup_key.safetensors": "duplicate", "safetensors/reject_size_mismatch.safetensors": "corrupt",
    "safetensors/reject_unknown_dtype.safetensors": "unsupported",
    "safetensors/reject_meta_nonstring.safetensors": "corrupt", "safetensors/reject_hdr_too_large.safetensors": "limit",
    "safetensors/reject_hdr_past_eof.safetensors": "truncated", "safetensors/reject_f4_odd.safetensors": "corrupt",
    "gguf/crafted_v1.gguf": "unsupported", "gguf/reject_bad_magic.gguf": "format",
    "gguf/reject_version0.gguf": "unsupported", "gguf/reject_version4.gguf": "unsupported",
    "gguf/reject_truncated.gguf": "truncated", "gguf/reject_dup_key.gguf": "duplicate",
    "gguf/reject_dup_tensor.gguf": "duplicate", "gguf/reject_align24.gguf": "corrupt",
    "gguf/reject_align0.gguf": "corrupt", "gguf/reject_removed_type4.gguf": "unsupported",
    "gguf/reject_type_oob.gguf": "unsupported", "gguf/reject_row_not_multiple.gguf": "corrupt",
    "gguf/reject_kv_count_huge.gguf": "truncated", "gguf/reject_offset_past_eof.gguf": "corrupt truncated",
}


class Golden(Case):
    def test_every_file(self):
        refused = set()
        for entry in json.loads((GOLDEN_DIR / "manifest.json").read_text())["files"]:
            path = GOLDEN_DIR / entry["file"]
            with self.subTest(entry["file"]):
                result = run("check", path)
                if entry["expect"] == "ok":
                    self.assertEqual((result.status, result.out), (0, f"{path}: ok\n"))
                    for line in result.lines:
                        self.assertTrue(line.startswith(f"tensorfile: {path}: note: "), line)
                    continue
                refused.add(entry["file"])
                statuses = [line.removeprefix(f"tensorfile: {path}: ").partition(":")[0] for line in result.lines]
                self.assertEqual((result.status, result.out), (1, ""))
                self.assertEqual(statuses, REFUSALS[entry["file"]].split(), result.err)
        self.assertEqual(refused, set(REFUSALS))


class Check(Case):
    def test_all_files_are_checked(self):
        good = self.write("g.npy", npy("|u1", (1,), b"x"))
        bad = self.write("b.gguf", b"GGUF" + bytes(3))
        result = run("check", bad, good, bad)
        self.assertEqual(result.status, 1)
        self.assertEqual(result.out, f"{good}: ok\n")
        self.assertEqual(len(result.lines), 2)

    def test_quiet(self):
        good = self.write("g.npy", npy("|u1", (1,), b"x"))
        for option in ("--quiet", "-q"):
            result = run("check", option, good)
            self.assertEqual((result.status, result.out, result.err), (0, "", ""))

    def test_format_is_detected_from_the_content(self):
        path = self.write("weights.bin", gguf({"x": (GGML_F32, (2,), floats(1, 2))}))
        self.assertEqual(run("check", path).status, 0)
        self.assert_refused(run("check", self.write("note.txt", b"not an array\n" * 9)), self.path("note.txt"), "format")

    def test_the_message_names_the_array(self):
        data = safetensors({"a": ("F32", (2,), bytes(8)), "b": ("F32", (3,), bytes(8))})
        path = self.write("s.safetensors", data)
        self.assert_refused(run("check", path), path, "corrupt", "'b'")

    def test_limit(self):
        path = self.write("r.npy", npy("|u1", (1,) * 65, b"x"))
        self.assert_refused(run("check", path), path, "limit")

    def test_folder_is_io(self):
        self.assert_refused(run("check", self.folder), self.folder, "io", exit_status=3)

    def test_file_without_read_permission(self):
        path = self.write("p.npy", npy("|u1", (1,), b"x"))
        os.chmod(path, 0)
        if os.access(path, os.R_OK):  # root can read every file, but not a dangling link
            os.unlink(path)
            os.symlink(self.path("nowhere"), path)
        self.assert_refused(run("check", path), path, "io", exit_status=3)

    def test_many_files(self):
        paths = [self.write(f"{i}.npy", npy("|u1", (1,), b"x")) for i in range(300)]
        result = run("check", *paths)
        self.assertEqual(result.out, "".join(f"{path}: ok\n" for path in paths))

    def test_compressed_damage(self):
        data = bytearray(npz({"x.npy": npy("|u1", (4000,), bytes(range(250)) * 16)}, zipfile.ZIP_DEFLATED))
        data[200] ^= 0xFF
        path = self.write("d.npz", data)
        # The message names the array x or its member x.npy, depending on the library that inflates.
        self.assert_refused(run("check", path), path, "corrupt", "'x")

    def test_every_fault_is_reported(self):
        data = bytearray(npz({"o.npy": npy("|O", (1,), b"pickled"), "x.npy": npy("|u1", (4,), b"abcd"),
                              "y.npy": npy("|u1", (4,), b"efgh")}))
        for content in (b"pickled", b"abcd", b"efgh"):
            data[data.index(content)] ^= 1
        path = self.write("d.npz", data)
        result = run("check", path)
        self.assertEqual((result.status, result.out, len(result.lines)), (1, "", 4), result.err)
        self.assertEqual([line.removeprefix(f"tensorfile: {path}: ").split(": ")[:2] for line in result.lines], [
            ["unsupported", "array 'o'"], ["corrupt", "array 'o'"], ["corrupt", "array 'x'"], ["corrupt", "array 'y'"]])

    def test_a_fault_hides_no_other(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("bzip2.npy", npy("|u1", (4,), b"abcd"), zipfile.ZIP_BZIP2)
            archive.writestr("README", b"read me")
            archive.writestr("x.npy", npy("|u1", (4,), b"efgh"))
            with warnings.catch_warnings(action="ignore"):  # of the name that occurs twice
                archive.writestr("x.npy", npy("|u1", (4,), b"ijkl"))
        path = self.write("d.npz", out.getvalue().replace(b"read me", b"read it").replace(b"efgh", b"EFGH"))
        faults = ["unsupported: member 'bzip2.npy': ", "corrupt: member 'README': CRC-32", "corrupt: array 'x': CRC-32"]
        for options, expected in (([], ["duplicate: array 'x': ", *faults]), (["--lenient"], faults)):
            result = run("check", *options, path)
            self.assertEqual((result.status, result.out), (1, ""))
            found = sorted(line.removeprefix(f"tensorfile: {path}: ") for line in result.lines if ": note: " not in line)
            self.assertEqual(len(found), len(expected), result.err)
            for line, start in zip(found, sorted(expected)):
                self.assertTrue(line.startswith(start), line)

    def test_damaged_text(self):
        data = npz({"t.npy": npy("<U4", (), "text".encode("utf-32-le")), "x.npy": npy("|u1", (1,), b"x")})
        path = self.write("t.npz", data.replace("text".encode("utf-32-le"), "test".encode("utf-32-le")))
        # Nothing excuses the damage, but the rest can be read.
        self.assert_refused(run("ls", path), path, "corrupt", "array 't': CRC-32 of the member should be",
                            "; --lenient lists it as unsupported and reads the others")
        self.assertEqual(run("ls", "--lenient", path).status, 0)
        for options in ([], ["--lenient"], ["--lenient", "--skip-unsupported"]):
            result = run("check", *options, path)
            self.assertEqual(result.status, 1)
            [line] = [line for line in result.lines if ": note: " not in line]
            self.assertTrue(line.startswith(f"tensorfile: {path}: corrupt: array 't': CRC-32 of the member should be"), line)
            self.assertNotIn("--lenient", line)

    def test_an_index_that_is_none(self):
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 23950\n"
        for content, kind in ((pointer, "a Git LFS pointer: the file itself has not been downloaded"),
                              (b"<!DOCTYPE html><html></html>", "an HTML page")):
            path = self.write("model.safetensors.index.json", content)
            for command in ("ls", "check"):
                self.assert_refused(run(command, path), path, "format", f"is not an index of safetensors; it seems to be {kind}")

    def test_an_archive_after_other_bytes(self):
        path = self.write("weights.bin", b"#!/bin/sh\n" + npz({"x.npy": npy("|u1", (1,), b"x")}))
        self.assert_refused(run("ls", path), path, "format")
        for options in (["--lenient"], ["--lenient", "--format", "content"]):
            self.assertEqual(self.list_json(path, *options)["arrays"][0]["name"], "x")
            self.assertEqual(run("check", *options, path).status, 0)

    def test_skip_unsupported(self):
        path = self.write("o.npz", npz({"o.npy": npy("|O", (1,), b"x")}))
        self.assert_refused(run("check", path), path, "unsupported", "'o'")
        result = run("check", "--skip-unsupported", path)
        self.assertEqual((result.status, result.out), (0, f"{path}: ok\n"))
        self.assertTrue(result.err.startswith(f"tensorfile: {path}: note: excused: unsupported: array 'o': "), result.err)
        result = run("check", "--skip-unsupported", "--quiet", path)
        self.assertEqual((result.status, result.out, result.err), (0, "", ""))

    def test_lenient(self):
        path = self.write("t.safetensors", safetensors({"a": ("U8", (1,), b"x")}) + b"!")
        self.assert_refused(run("check", path), path, "corrupt", "; --lenient accepts this")
        result = run("check", "--lenient", path)
        self.assertEqual((result.status, result.out), (0, f"{path}: ok\n"))
        self.assertTrue(result.err.startswith(f"tensorfile: {path}: note: excused: corrupt: the data end"), result.err)
        self.assertEqual(run("ls", "--lenient", path).status, 0)
        self.assertEqual(run("ls", path).status, 1)

    def test_every_array_of_a_npy(self):
        one = npy("|u1", (1,), b"x")
        path = self.write("two.npy", one + one)
        self.assertEqual(run("check", path).status, 0)
        path = self.write("cut.npy", one + one + one[:-1])
        result = run("check", path)
        self.assertEqual(result.status, 1)
        self.assertIn(f"tensorfile: {path}: truncated: the array that begins at byte {2 * len(one)}", result.lines[0])


class NotWhatItIsCalled(Case):
    """Content under the wrong name, or no tensor file at all."""

    CASES = GOLDEN_DIR / "cases" / "not-what-it-is-called"
    KINDS = {
        "gz_called.npy": "gzip data", "html.npz": "an HTML page", "lfs.npz": "a Git LFS pointer", "page.gguf": "an HTML page",
        "lfs.safetensors": "a Git LFS pointer: the file itself has not been downloaded", "pickle.npy": "a pickle",
        "really_npy.npz": "npy, and --format content reads it", "zip_as.safetensors": "npz, and --format content reads it",
    }

    def test_errors_say_what_it_seems_to_be(self):
        for name, kind in self.KINDS.items():
            for command in ("ls", "check"):
                with self.subTest(name, command=command):
                    path = self.CASES / name
                    self.assert_refused(run(command, path), path, "format", f"it seems to be {kind}")

    def test_format_content(self):
        path = self.CASES / "really_npy.npz"
        listing = self.list_json(path, "--format", "content")
        self.assertEqual((listing["format"], listing["arrays"][0]["shape"]), ("npy", [4]))
        self.assertEqual(run("show", "--format", "content", path, "").out, "[0, 1, 2, 3]\n")
        self.assertEqual(run("check", "--format", "content", path).out, f"{path}: ok\n")
        out = self.path("out.npz")
        self.assertEqual(run("convert", "--format", "content", path, out).status, 0)
        self.assertEqual(self.list_json(out)["format"], "npz")

    def test_unknown_format(self):
        self.assert_usage(run("ls", "--format", "zip", self.path("x")), "--format takes", "'zip'")


if __name__ == "__main__":
    main()
