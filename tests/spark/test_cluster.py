"""The job on a cluster of two executors on this machine, of which one is killed meanwhile, and a retried write."""

import filecmp
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np
import pyspark
from safetensors.numpy import save_file
from support import JARS, PROGRAM

HOME = os.path.dirname(pyspark.__file__)


def executors(parent):
    """The processes of executors that descend from a process, each of which has a number in its command line."""
    children, commands = {}, {}
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{folder}/stat") as file:
                stat = file.read().rsplit(")", 1)[1].split()
            with open(f"{folder}/cmdline", "rb") as file:
                commands[int(folder[6:])] = file.read()
        except OSError:
            continue
        children.setdefault(int(stat[1]), []).append(int(folder[6:]))
    found, pending = [], [parent]
    while pending:
        process = pending.pop()
        pending += children.get(process, [])
        if b"CoarseGrainedExecutorBackend" in commands.get(process, b"") and commands[process].startswith(b"/"):
            found.append(process)
    return found


class Cluster(unittest.TestCase):
    def submit(self, log, *arguments):
        main, *others = sorted(JARS.split(","), key=lambda jar: "tensorfile-spark" not in jar)
        environment = {**os.environ, "SPARK_HOME": HOME, "SPARK_LOCAL_IP": "127.0.0.1"}
        return subprocess.Popen(
            [os.path.join(HOME, "bin/spark-submit"), "--master", "local-cluster[2,1,1024]", "--driver-memory", "1g",
             "--conf", "spark.ui.enabled=false", "--jars", ",".join(others),
             "--class", "org.tensorfile.spark.Convert", main, *arguments],
            env=environment, cwd=self.folder, stdout=log, stderr=log)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tensorfile-cluster-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_an_executor_is_killed(self):
        rng = np.random.default_rng(7)
        count = 24
        for i in range(count):
            save_file({f"blk.{i}.w": rng.normal(size=(1024, 1024)).astype(np.float32)},
                      f"{self.folder}/in-{i:02}.safetensors")
        options = ["--quantize", "q4_k", "--set", "general.architecture=demo", "--part-bytes", "600KB"]
        os.makedirs(f"{self.folder}/program")
        subprocess.run([PROGRAM, "convert", "--quiet", *options, *sorted(glob.glob(f"{self.folder}/in-*")),
                        f"{self.folder}/program/m.gguf"], check=True)
        with open(f"{self.folder}/log", "w+") as log:
            job = self.submit(log, *options, f"{self.folder}/in-*.safetensors", f"{self.folder}/spark/m.gguf")
            killed = self.kill_one(job)
            self.assertEqual(job.wait(timeout=600), 0, self.read(log))
            text = self.read(log)
        self.assertTrue(killed, text)
        self.assertIn("Lost executor", text)
        names = sorted(os.listdir(f"{self.folder}/program"))
        self.assertEqual(len(names), count)
        self.assertEqual(sorted(os.listdir(f"{self.folder}/spark")), names)
        self.assertEqual(filecmp.cmpfiles(f"{self.folder}/program", f"{self.folder}/spark", names, shallow=False),
                         (names, [], []))

    def kill_one(self, job):
        """Kills an executor as soon as a part is being written. Returns False if the job ended before."""
        while job.poll() is None:
            if glob.glob(f"{self.folder}/spark/_tensorfile-*/part-*"):
                processes = executors(job.pid)
                if processes:
                    os.kill(processes[0], signal.SIGKILL)
                    return True
            time.sleep(0.01)
        return False

    @staticmethod
    def read(log):
        log.flush()
        log.seek(0)
        return log.read()


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
