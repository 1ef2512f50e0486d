"""URLs, with and without libtensorfile_http. tests/http has the tests of what the library does."""

import os

from support import Case, main, run


class Url(Case):
    def test_url(self):
        if os.environ["TENSORFILE_HTTP"] == "1":
            # Nothing listens on this port.
            self.assert_refused(run("ls", "https://127.0.0.1:9/w.npy?key=secret"), "https://127.0.0.1:9/w.npy", "io",
                                "attempts", exit_status=3)
        else:
            for url in ("https://127.0.0.1:9/w.npy", "http://h/w.npy", "s3://b/w.npy", "HF://o/n/w.npy"):
                for command in ("ls", "check", "stat", "show"):
                    self.assert_refused(run(command, url), url, "unsupported", "built without libtensorfile_http",
                                        "TENSORFILE_BUILD_HTTP=ON")

    def test_a_file_whose_name_resembles_a_url(self):
        result = run("ls", "https:w.npy")
        self.assertIn("https:w.npy: io: ", result.err)
        self.assertNotIn("libtensorfile_http", result.err)


if __name__ == "__main__":
    main()
