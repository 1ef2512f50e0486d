import struct

from support import GGML_F32, Case, floats, gguf, main, npy, npz, run, safetensors


class DiffCase(Case):
    def diff(self, a, b):
        """Returns the lines of output. Checks the exit status against them, also with A and B swapped and with --quiet."""
        result = run("diff", a, b)
        self.assertEqual(result.err, "")
        self.assertEqual(result.status, 1 if result.out else 0)
        self.assertEqual(run("diff", b, a).status, result.status)
        quiet = run("diff", "--quiet", a, b)
        self.assertEqual((quiet.status, quiet.out, quiet.err), (result.status, "", ""))
        lines = result.out.splitlines()
        if lines:
            self.assertRegex(lines[-1], r"^\d+ of \d+ arrays? differs?(, \d+ only in [AB])*; \d+ of \d+ metadata values? differs?")
        return lines[:-1]

    def values(self, descr, code, a, b, shape=None):
        paths = [self.write(name, npy(descr, (len(values),) if shape is None else shape, struct.pack(f"<{len(values)}{code}", *values)))
                 for name, values in (("a.npy", a), ("b.npy", b))]
        return self.diff(*paths)


class Values(DiffCase):
    def test_equal(self):
        nan = float("nan")
        self.assertEqual(self.values("<f4", "f", (1, nan, -0.0), (1, nan, -0.0)), [])

    def test_floats(self):
        self.assertEqual(self.values("<f4", "f", (1, 2, 3, 4, 5, 6), (1, 2, 3.5, 4, 5, 4), (2, 3)), [
            "array '': 2 of 6 elements differ, first at [0, 2] (3.0 != 3.5), largest difference 2.0"])

    def test_one_element(self):
        self.assertEqual(self.values("<f8", "d", (1,), (1.5,), ()), [
            "array '': 1 of 1 element differs, first at [] (1.0 != 1.5), largest difference 0.5"])

    def test_zeros_and_nans(self):
        inf, nan = float("inf"), float("nan")
        self.assertEqual(self.values("<f4", "f", (0.0, inf, nan, 1), (-0.0, -inf, 1, 2)), [
            "array '': 4 of 4 elements differ, first at [0] (0.0 != -0.0), largest difference 1.0 "
            "(not counting 2 with nan or inf)"])

    def test_whole_range_of_integers(self):
        self.assertIn("largest difference 18446744073709551616.0",
                      self.values("<i8", "q", (-2**63, 5), (2**63 - 1, 5))[0])
        self.assertIn("largest difference 1.0", self.values("<u8", "Q", (2**64 - 1,), (2**64 - 2,))[0])
        self.assertIn("largest difference 255.0", self.values("|i1", "b", (-128,), (127,))[0])

    def test_bools_and_complex(self):
        self.assertEqual(self.values("|b1", "?", (True, False), (True, True)), [
            "array '': 1 of 2 elements differs, first at [1] (False != True), largest difference 1.0"])
        self.assertEqual(self.values("<c8", "f", (1, 2), (4, -2), (1,)), [
            "array '': 1 of 1 element differs, first at [0] ((1.0+2.0j) != (4.0-2.0j)), largest difference 5.0"])

    def test_small_floats(self):
        self.assertEqual(self.values("<f2", "e", (0.1, 1), (0.1, 1.001)), [
            "array '': 1 of 2 elements differs, first at [1] (1.0 != 1.001), largest difference 0.0009765625"])

    def test_large_arrays_are_compared_in_pieces(self):
        count = (9 << 20) + 1
        paths = []
        for name, values in (("a.npy", {}), ("b.npy", {8 << 20: 7, count - 1: 9})):
            path = self.folder / name
            head = npy("|u1", (3, count), b"")
            with path.open("wb") as file:
                file.write(head)
                file.truncate(len(head) + 3 * count)
                for offset, byte in values.items():
                    file.seek(len(head) + count + offset)
                    file.write(bytes([byte]))
            paths.append(str(path))
        self.assertEqual(self.diff(*paths), [
            f"array '': 2 of {3 * count} elements differ, first at [1, {8 << 20}] (0 != 7), largest difference 9.0"])


class Structure(DiffCase):
    def test_formats_and_order_do_not_matter(self):
        a = self.write("a.npz", npz({"x.npy": npy("<f4", (1,), floats(1)), "y.npy": npy("<f4", (1,), floats(2))}))
        b = self.write("b.safetensors", safetensors({"y": ("F32", (1,), floats(2)), "x": ("F32", (1,), floats(1))}))
        c = self.write("c.gguf", gguf({"x": (GGML_F32, (1,), floats(1)), "y": (GGML_F32, (1,), floats(2))}))
        self.assertEqual(self.diff(a, b) + self.diff(b, c) + self.diff(a, a), [])

    def test_in_one_only(self):
        a = self.write("a.npz", npz({"x.npy": npy("<f4", (1,), floats(1)), "z\t.npy": npy("|u1", (), b"x")}))
        b = self.write("b.npz", npz({"y.npy": npy("<i2", (2, 0), b""), "x.npy": npy("<f4", (1,), floats(1))}))
        self.assertEqual(self.diff(a, b), ["only in A: array 'z\\t' uint8 ()", "only in B: array 'y' int16 (2, 0)"])

    def test_shape(self):
        a = self.write("a.npy", npy("<f4", (2, 3), bytes(24)))
        b = self.write("b.npy", npy("<f4", (6,), bytes(24)))
        self.assertEqual(self.diff(a, b), ["array '': shape (2, 3) != (6,)"])

    def test_dtype(self):
        a = self.write("a.npy", npy("<f4", (3,), floats(0.1, 2, float("nan"))))
        b = self.write("b.npy", npy("<f2", (3,), struct.pack("<3e", 0.1, 2, float("nan"))))
        lines = self.diff(a, b)
        self.assertEqual(lines[0], "array '': dtype float32 != float16")
        self.assertEqual(lines[1][:72], "array '': 1 of 3 elements differs, first at [0] (0.1 != 0.1), largest di")
        c = self.write("c.npy", npy("<i8", (2,), struct.pack("<2q", 1, 2)))
        d = self.write("d.npy", npy("<f8", (2,), struct.pack("<2d", 1, 2)))
        self.assertEqual(self.diff(c, d), ["array '': dtype int64 != float64"])
        e = self.write("e.npy", npy("<c8", (2,), bytes(16)))
        self.assertEqual(self.diff(c, e), ["array '': dtype int64 != complex64"])

    def test_dtype_and_shape(self):
        a = self.write("a.npy", npy("<f4", (3,), bytes(12)))
        b = self.write("b.npy", npy("<f2", (2,), bytes(4)))
        self.assertEqual(self.diff(a, b), ["array '': dtype float32 != float16", "array '': shape (3,) != (2,)"])


    def test_arrays_of_unknown_types_are_compared_by_their_bytes(self):
        a = self.write("a.npz", npz({"x.npy": npy("|S1", (2, 2), b"abcd")}))
        b = self.write("b.npz", npz({"x.npy": npy("|S1", (2, 2), b"abXd")}))
        c = self.write("c.npz", npz({"x.npy": npy("|u1", (2, 2), b"abcd")}))
        self.assertEqual(self.diff(a, a), [])
        self.assertEqual(self.diff(a, b), ["array 'x': 1 of 4 stored bytes differs, first at byte 2"])
        self.assertEqual(self.diff(a, c), ["array 'x': dtype |S1 != uint8"])

    def test_summary(self):
        a = self.write("a.npz", npz({name + ".npy": npy("|u1", (1,), name.encode()) for name in "abc"}))
        b = self.write("b.npz", npz({name + ".npy": npy("|u1", (1,), b"a") for name in "abx"}))
        self.assertEqual(run("diff", a, b).out.splitlines()[-1],
                         "1 of 2 arrays differs, 1 only in A, 1 only in B; 0 of 0 metadata values differ")
        self.assertEqual(run("diff", a, a).out, "")
        one = self.write("one.safetensors", safetensors({"x": ("U8", (1,), b"a")}, {"k": "v"}))
        two = self.write("two.safetensors", safetensors({"x": ("U8", (1,), b"b")}, {"k": "v"}))
        self.assertEqual(run("diff", one, two).out.splitlines()[-1], "1 of 1 array differs; 0 of 1 metadata value differs")

    def test_ignore_metadata(self):
        a = self.write("a.safetensors", safetensors({"x": ("U8", (1,), b"a")}, {"k": "v", "only": "a"}))
        b = self.write("b.safetensors", safetensors({"x": ("U8", (1,), b"a")}, {"k": "w"}))
        c = self.write("c.safetensors", safetensors({"x": ("U8", (1,), b"c")}, {"k": "w"}))
        self.assertEqual(run("diff", a, b).status, 1)
        same = run("diff", "--ignore-metadata", a, b)
        self.assertEqual((same.status, same.out, same.err), (0, "", ""))
        other = run("diff", "--ignore-metadata", a, c)
        self.assertEqual((other.status, other.out.splitlines()[1:]), (1, ["1 of 1 array differs"]))

    def test_ignore_metadata_compares_a_quantized_file_with_its_original(self):
        """convert adds general.file_type and general.quantization_version."""
        a = self.write("a.safetensors", safetensors({"w": ("F32", (1, 32), floats(*(i / 7 for i in range(32))))}))
        q = self.path("q.gguf")
        self.assertEqual(run("convert", "--quantize", "q8_0", "--set", "general.architecture=x", a, q).status, 0)
        self.assertEqual(run("diff", "--atol", "0.02", a, q).status, 1)
        self.assertEqual(run("diff", "--atol", "0.02", "--ignore-metadata", a, q).status, 0)
        self.assertEqual(run("diff", "--atol", "0.0001", "--ignore-metadata", a, q).status, 1)


class Tolerances(DiffCase):
    def close(self, *arguments):
        result = run("diff", *arguments)
        self.assertEqual(result.err, "")
        self.assertEqual(result.status, 1 if result.out else 0)
        return result.status == 0

    def test_as_numpy_allclose(self):
        """|a - b| <= atol + rtol * |b|: values at both sides of the limit."""
        a = self.write("a.npy", npy("<f8", (2,), struct.pack("<2d", 100, -2)))
        b = self.write("b.npy", npy("<f8", (2,), struct.pack("<2d", 101, -2)))
        for options, equal in ((["--atol", "1"], True), (["--atol", "0.99"], False), (["--rtol", "0.00991"], True),
                               (["--rtol", "0.0099"], False), (["--rtol", "0.0099", "--atol", "0.1"], True)):
            self.assertEqual(self.close(*options, a, b), equal, options)

    def test_nan_and_inf(self):
        nan, inf = float("nan"), float("inf")
        a = self.write("a.npy", npy("<f4", (3,), floats(nan, inf, 1)))
        b = self.write("b.npy", npy("<f4", (3,), floats(nan, inf, 1.5)))
        c = self.write("c.npy", npy("<f4", (3,), floats(nan, -inf, 1)))
        d = self.write("d.npy", npy("<f4", (3,), floats(0, inf, 1)))
        self.assertTrue(self.close("--atol", "0.5", a, b))
        self.assertFalse(self.close("--atol", "1e30", a, c))
        self.assertFalse(self.close("--atol", "1e30", a, d))

    def test_dtypes_may_differ(self):
        a = self.write("a.safetensors", safetensors({"w": ("F32", (1, 32), floats(*(i / 7 for i in range(32))))}))
        q = self.path("q.gguf")
        self.assertEqual(run("convert", "--quantize", "q8_0", "--set", "general.architecture=x", a, q).status, 0)
        plain = self.path("plain.safetensors")
        self.assertEqual(run("convert", "--metadata", "drop", "--cast", "float32", q, plain).status, 0)
        self.assertFalse(self.close(a, plain))
        self.assertTrue(self.close("--atol", "0.02", a, plain))
        half = self.path("half.safetensors")
        self.assertEqual(run("convert", "--cast", "float16", a, half).status, 0)
        self.assertTrue(self.close("--rtol", "1e-3", a, half))
        self.assertFalse(self.close("--rtol", "1e-5", a, half))

    def test_integers_and_complex(self):
        a = self.write("a.npy", npy("<i8", (2,), struct.pack("<2q", 2**62, 5)))
        b = self.write("b.npy", npy("<i8", (2,), struct.pack("<2q", 2**62 + 1, 5)))
        self.assertFalse(self.close("--atol", "0.5", a, b))
        self.assertTrue(self.close("--atol", "1", a, b))
        a = self.write("a.npy", npy("<c8", (1,), floats(3, 4)))
        b = self.write("b.npy", npy("<c8", (1,), floats(0, 0)))
        self.assertTrue(self.close("--atol", "5", a, b))
        self.assertFalse(self.close("--atol", "4.9", a, b))

    def test_usage(self):
        path = self.write("g.npy", npy("|u1", (1,), b"x"))
        for value in ("-1", "x", "nan", "inf", "1e"):
            self.assert_usage(run("diff", "--atol", value, path, path), "--atol")
            self.assert_usage(run("diff", "--rtol", value, path, path), "--rtol")


class Metadata(DiffCase):
    def both(self, a, b):
        return self.diff(self.write("a.gguf", gguf({}, a)), self.write("b.gguf", gguf({}, b)))

    def test_equal(self):
        metadata = [("a", "u8", 1), ("s", "str", "x"), ("l", ["str"], ["a"]), ("d", [["i8"]], [[1], [2, 3]])]
        self.assertEqual(self.both(metadata, metadata[::-1]), [])

    def test_values(self):
        self.assertEqual(self.both([("k", "str", "x")], [("k", "str", "y")]), [
            'metadata \'k\': "x" (string) != "y" (string)'])
        self.assertEqual(self.both([("k", "u8", 1)], [("k", "i8", 1)]), ["metadata 'k': 1 (uint8) != 1 (int8)"])
        self.assertEqual(self.both([("k", ["u8"], [1, 2])], [("k", ["u8"], [1, 3])]), [
            "metadata 'k': [1,2] (uint8 (2,)) != [1,3] (uint8 (2,))"])
        self.assertEqual(self.both([("k", ["str"], ["a"])], [("k", ["str"], ["b"])]), [
            'metadata \'k\': ["a"] (list of strings) != ["b"] (list of strings)'])
        self.assertEqual(self.both([("k", ["str"], ["a"])], [("k", ["str"], ["a", "a"])]), [
            'metadata \'k\': ["a"] (list of strings) != ["a","a"] (list of strings)'])
        self.assertEqual(self.both([("k", [["i8"]], [[1], [2]])], [("k", [["i8"]], [[1], [3]])]), [
            "metadata 'k': [[1],[2]] (list) != [[1],[3]] (list)"])
        self.assertEqual(self.both([("k", [["i8"]], [[1]])], [("k", [["i8"]], [])]), [
            "metadata 'k': [[1]] (list) != [] (list)"])
        self.assertEqual(self.both([("k", "str", "1")], [("k", "u8", 1)]), [
            'metadata \'k\': "1" (string) != 1 (uint8)'])

    def test_in_one_only(self):
        self.assertEqual(self.both([("a", "u8", 1), ("c", "u8", 3)], [("b", "str", "x"), ("c", "u8", 3)]), [
            "only in A: metadata 'a' = 1 (uint8)", "only in B: metadata 'b' = \"x\" (string)"])


class Failures(Case):
    def test_the_bad_file_is_named(self):
        good = self.write("g.npy", npy("|u1", (1,), b"x"))
        bad = self.write("b.npy", npy("<f4", (2,), bytes(7)))
        missing = self.path("missing.npy")
        self.assert_refused(run("diff", good, bad), bad, "truncated")
        self.assert_refused(run("diff", bad, good), bad, "truncated")
        self.assert_refused(run("diff", good, missing), missing, "io", exit_status=3)

    def test_damage_found_only_by_reading(self):
        a = self.write("a.npz", npz({"x.npy": npy("|u1", (4,), b"abcd")}))
        data = bytearray(npz({"x.npy": npy("|u1", (4,), b"abcd")}))
        data[data.index(b"abcd")] ^= 1
        b = self.write("b.npz", data)
        self.assert_refused(run("diff", a, b), b, "corrupt", "'x'")

    def test_usage(self):
        path = self.write("g.npy", npy("|u1", (1,), b"x"))
        self.assert_usage(run("diff", path))
        self.assert_usage(run("diff", path, path, path))


if __name__ == "__main__":
    main()
