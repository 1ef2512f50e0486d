"""URLs, with and without libtensorfile_http. tests/http has the tests of what the library does."""

import os

from support import Case, main, npy, run

WITHOUT = ("this program was built without libtensorfile_http, which reads from URLs (-DTENSORFILE_BUILD_HTTP=ON); "
           "download the file first")


class Url(Case):
    def test_url(self):
        if os.environ["TENSORFILE_HTTP"] == "1":
            # Nothing listens on this port.
            self.assert_refused(run("ls", "https://127.0.0.1:9/w.npy?key=secret"), "https://127.0.0.1:9/w.npy", "io",
                                "attempts", exit_status=3)
        else:
            self.check_without_http()

    def check_without_http(self):
        """Each command names the URL, without its query, and what to do."""
        local = self.write("w.npy", npy("|u1", (1,), b"x"))
        for url in ("https://127.0.0.1:9/w.npy", "http://h/w.npy", "s3://b/w.npy", "HF://o/n/w.npy"):
            given = url + "?key=secret" if url.startswith("http") else url
            for arguments in (["ls", given], ["show", given], ["stat", given], ["check", given],
                              ["check", "--only", "*", given], ["diff", given, local], ["diff", local, given],
                              ["convert", given, self.path("out.npz")],
                              ["convert", local, given, self.path("out.npz")]):
                with self.subTest(arguments):
                    result = run(*arguments)
                    self.assertEqual((result.status, result.out, result.err),
                                     (1, "", f"tensorfile: {url}: unsupported: {WITHOUT}\n"))
        self.assertEqual(os.listdir(self.folder), ["w.npy"])

    def test_a_file_whose_name_resembles_a_url(self):
        result = run("ls", "https:w.npy")
        self.assertIn("https:w.npy: io: ", result.err)
        self.assertNotIn("libtensorfile_http", result.err)


if __name__ == "__main__":
    main()
