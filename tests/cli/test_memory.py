"""Memory: what does not fit is told, and large files do not need much. Sanitizers reserve too much for limits to work."""

import resource

from support import Case, main, npy, run

LIMIT = 512 << 20


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


class Memory(Case):
    def setUp(self):
        super().setUp()
        nbytes = 1 << 30
        head = npy("<f4", (nbytes // 4,), b"")
        path = self.folder / "large.npy"
        with path.open("wb") as file:
            file.write(head)
            file.truncate(len(head) + nbytes)
        self.file = str(path)

    def test_pieces_fit(self):
        self.assertEqual(run("check", self.file, preexec_fn=limited).out, f"{self.file}: ok\n")
        self.assertEqual(run("diff", self.file, self.file, preexec_fn=limited).status, 0)
        self.assertEqual(run("show", self.file, "", "-1", preexec_fn=limited).out, "0.0\n")
        crc32 = run("ls", "--json", "--crc32", self.file, preexec_fn=limited).json()[0]["arrays"][0]["crc32"]
        self.assertEqual(len(crc32), 8)

    def test_out_of_memory(self):
        result = run("convert", self.file, self.path("out.npy"), preexec_fn=limited)
        self.assert_refused(result, self.file, "out_of_memory", exit_status=3)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["large.npy"])


if __name__ == "__main__":
    main()
