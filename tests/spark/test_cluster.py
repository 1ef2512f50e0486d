"""Two executors: one is killed, one stops in the middle of a part, two attempts write the same rows, a job fails, and a
listing of a million arrays in little memory."""

import filecmp
import glob
import os
import signal
import subprocess
import threading
import time
import unittest

import numpy as np
from cluster import HEAP, Cluster, wait_for
from pyspark import TaskContext
from safetensors.numpy import load_file, save_file
from support import PROGRAM
from test_convert import ConvertTest
from test_write import ROWS, WriteTest, row

COUNT = 24


def setUpModule():
    global cluster
    cluster = Cluster()


def tearDownModule():
    cluster.stop()


class ClusterTest(WriteTest, ConvertTest):
    @classmethod
    def setUpClass(cls):
        cls.spark = cluster.spark

    def setUp(self):
        super().setUp()
        cluster.wait_for_executors()
        self.first_stage = cluster.next_stage()

    def attempts(self):
        """The attempts of tasks of this test: stage, number of the task, status, and whether it is a copy."""
        return [(stage, task.index(), task.status(), task.speculative())
                for stage, tasks in cluster.last_stages(self.first_stage).items() for task in tasks]

    def wait_for_the_end(self):
        wait_for(lambda: all(status != "RUNNING" for _, _, status, _ in self.attempts()))

    def same_files(self, expected, actual):
        names = sorted(os.listdir(self.path(expected)))
        self.assertEqual(sorted(os.listdir(self.path(actual))), names)
        self.assertEqual(filecmp.cmpfiles(self.path(expected), self.path(actual), names, shallow=False),
                         (names, [], []))
        return names


class Converting(ClusterTest):
    """A conversion during which something happens to an executor."""

    OPTIONS = ("--quantize", "q4_k", "--set", "general.architecture=demo", "--part-bytes", "600KB")

    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(7)
        for i in range(COUNT):
            save_file({f"blk.{i}.w": rng.normal(size=(1024, 1024)).astype(np.float32)},
                      self.path(f"in-{i:02}.safetensors"))
        os.makedirs(self.path("program"))
        subprocess.run([PROGRAM, "convert", "--quiet", *self.OPTIONS, *sorted(glob.glob(self.path("in-*"))),
                        self.path("program/m.gguf")], check=True)

    def convert_and(self, disturb):
        """Converts, and calls a function with the executors as soon as both of them write a part.

        Until then, one executor may have to fetch from the other what the driver broadcasts.
        """
        failures = []

        def run():
            try:
                self.run_job(*self.OPTIONS, self.path("in-*.safetensors"), self.path("spark/m.gguf"))
            except Exception as failure:
                failures.append(str(failure))

        job = threading.Thread(target=run, daemon=True)
        job.start()
        parts = [self.path(f"spark/_tensorfile-*/part-{number}-*") for number in range(2)]
        wait_for(lambda: all(map(glob.glob, parts)) or not job.is_alive())
        disturbed = job.is_alive()
        if disturbed:
            disturb(cluster.executors())
        job.join(600)
        self.assertFalse(job.is_alive())
        self.assertEqual(failures, [])
        self.assertTrue(disturbed, "the job ended before a part was seen")


class Killed(Converting):
    """test_local_cluster runs this, too."""

    def test_an_executor_is_killed(self):
        self.convert_and(lambda processes: os.kill(processes[0], signal.SIGKILL))
        wait_for(lambda: any(not executor.isActive() for executor in cluster.list_executors(False)))
        self.assertEqual(len(self.same_files("program", "spark")), COUNT)


class Stopped(Converting):
    def test_an_executor_stops_while_it_writes_a_part(self):
        stopped = []

        def stop(processes):
            stopped.append(processes[0])
            os.kill(processes[0], signal.SIGSTOP)

        try:
            self.convert_and(stop)
            self.assertEqual(len(self.same_files("program", "spark")), COUNT)
            copies = [index for _, index, status, speculative in self.attempts() if speculative and status == "SUCCESS"]
            self.assertTrue(copies, self.attempts())
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)
        # The first attempt now goes on, without a place to write to.
        self.wait_for_the_end()
        self.assertEqual(len(self.same_files("program", "spark")), COUNT)
        self.assertEqual(sorted(index for _, index, status, _ in self.attempts() if status == "SUCCESS"),
                         list(range(COUNT)))


class Writing(ClusterTest):
    def arrays(self):
        rng = np.random.default_rng(3)
        return {f"x{number}.{i}": rng.normal(size=(100, 1000)).astype(np.float32)
                for number in range(4) for i in range(4)}

    def write_slowly(self, slow):
        """Writes arrays in four tasks. Both attempts of the first task write, and the one whose number is slow then
        waits until it is killed."""
        arrays, folder = self.arrays(), self.folder
        save_file(arrays, self.path("in.safetensors"))
        os.makedirs(self.path("program"), exist_ok=True)
        subprocess.run([PROGRAM, "convert", "--quiet", "--part-bytes", "1MB", self.path("in.safetensors"),
                        self.path("program/m.safetensors")], check=True)

        def rows(number):
            for i in range(4):
                yield row(f"x{number}.{i}", arrays[f"x{number}.{i}"])
                # The files of both attempts; Spark passes rows on in batches, the first of which has one.
                while number == 0 and i == 2 and len(glob.glob(f"{folder}/spark/_tensorfile-*/rows-0-*")) < 2:
                    time.sleep(0.05)
                while number == 0 and i == 2 and TaskContext.get().attemptNumber() == slow:
                    time.sleep(0.05)

        numbers = self.spark.sparkContext.parallelize(range(4), 4).flatMap(rows)
        self.save(self.spark.createDataFrame(numbers, ROWS), "spark/m.safetensors", "overwrite", partBytes="1MB")

    def test_two_attempts_write_the_same_rows(self):
        for slow in (0, 1):
            with self.subTest(slow=slow):
                self.first_stage = cluster.next_stage()
                self.write_slowly(slow)
                self.assertEqual(len(self.same_files("program", "spark")), 9)
                self.wait_for_the_end()
                self.same_files("program", "spark")
                rows = [a for a in self.attempts() if a[0] == self.first_stage and a[1] == 0]
                self.assertEqual(sorted((status, speculative) for _, _, status, speculative in rows),
                                 sorted([("SUCCESS", slow == 0), ("KILLED", slow == 1)]))

    def test_a_job_that_fails_leaves_the_old_set(self):
        x = np.arange(1000.0).reshape(10, 100)
        self.save(self.frame([row("old", x), row("older", x + 1)]), "spark/m.safetensors", partBytes="8000")
        before = {name: os.stat(self.path(f"spark/{name}")).st_mtime_ns for name in os.listdir(self.path("spark"))}
        self.assertEqual(len(before), 3)

        def rows(number):
            for i in range(100):
                yield row(f"x{number}.{i}", x)
                if number == 3 and i == 50:
                    raise ValueError("this task always fails")

        numbers = self.spark.sparkContext.parallelize(range(4), 4).flatMap(rows)
        self.assertIn("this task always fails", self.failure(lambda: self.save(
            self.spark.createDataFrame(numbers, ROWS), "spark/m.safetensors", "overwrite", partBytes="8000")))
        self.wait_for_the_end()
        after = {name: os.stat(self.path(f"spark/{name}")).st_mtime_ns for name in os.listdir(self.path("spark"))}
        self.assertEqual(after, before)
        self.assertEqual(load_file(self.path("spark/m-00001-of-00002.safetensors"))["old"].tobytes(), x.tobytes())


class Listing(ClusterTest):
    def test_a_million_arrays(self):
        """Headers only are read, as Spark counts the bytes of the file system, by executors with little memory."""
        count = 1_000_000
        header = "{" + ",".join('"t%d":{"dtype":"F32","shape":[1,1000],"data_offsets":[%d,%d]}'
                                % (i, 4000 * i, 4000 * i + 4000) for i in range(count)) + "}"
        header += " " * (-len(header) % 8)
        with open(self.path("big.safetensors"), "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header.encode())
            file.truncate(8 + len(header) + 4000 * count)
        frame = self.load(self.path("big.safetensors")).selectExpr("count(*)", "sum(nbytes)", "max(length(name))")
        rows, counts = self.metrics(frame)
        self.assertEqual(tuple(rows[0]), (count, 4000 * count, 7))
        self.assertEqual(counts["files opened"], 1)
        read = sum(task.taskMetrics().get().inputMetrics().bytesRead()
                   for tasks in cluster.last_stages(self.first_stage).values() for task in tasks)
        self.assertGreaterEqual(read, len(header))
        self.assertLessEqual(read, 8 + len(header) + (1 << 20))
        self.assertEqual(HEAP, "512m")
        for process in cluster.executors():
            with open(f"/proc/{process}/status") as file:
                peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
            self.assertLess(peak, 1 << 20)  # in KiB, of which the heap has half


if __name__ == "__main__":
    unittest.main(verbosity=2)
