"""Clusters of two executors on this machine, each a process of its own."""

import glob
import os
import tempfile
import time

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession
from support import JARS, session

HOSTS = ("127.0.0.1", "127.0.0.2")
HEAP = "512m"
SETTINGS = {
    "spark.executor.memory": HEAP, "spark.executor.cores": "1", "spark.task.maxFailures": "4",
    "spark.speculation": "true", "spark.speculation.interval": "100ms", "spark.speculation.quantile": "0.5",
    # Tasks of this machine vary, but not as much as one that has stopped.
    "spark.speculation.minTaskRuntime": "2s", "spark.speculation.multiplier": "5",
    # On a busy machine, an executor that has stopped must not be given up before its task runs again elsewhere.
    "spark.network.timeout": "600s"}


def processes():
    """The parent and the command line of each process."""
    found = {}
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{folder}/stat") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
            with open(f"{folder}/cmdline", "rb") as file:
                found[int(folder[6:])] = (parent, file.read())
        except OSError:
            continue
    return found


class LocalCluster:
    """Spark's `local-cluster`, and a session that uses it; stop() ends both."""

    def __init__(self):
        active = SparkSession.getActiveSession()
        if active is not None:
            active.stop()
        SparkContext._ensure_initialized(conf=SparkConf().set("spark.jars", JARS))
        self.jvm = SparkContext._jvm
        self.spark = session(self.start(), **SETTINGS)
        self.store = self.spark.sparkContext._jsc.sc().statusStore()

    def start(self):
        """Starts the processes that Spark does not, and returns the URL of the cluster."""
        return f"local-cluster[{len(HOSTS)},1,1024]"

    def stop(self):
        self.spark.stop()

    def executors(self):
        """The processes of the executors."""
        known = processes()
        return [process for process, (_, command) in known.items()
                if b"CoarseGrainedExecutorBackend" in command and not command.startswith(b"bash")
                and self.descends(process, known)]

    @staticmethod
    def descends(process, known):
        while process in known:
            process = known[process][0]
            if process == os.getpid():
                return True
        return False

    def wait_for_executors(self):
        """Waits until both executors run, one of which may have been killed."""
        wait_for(lambda: sum(executor.isActive() for executor in self.list_executors(False)) == 1 + len(HOSTS))

    def list_executors(self, active_only):
        listed = self.store.executorList(active_only)
        return [listed.apply(i) for i in range(listed.size())]

    def stages(self):
        nothing, numbers = self.jvm.java.util.ArrayList(), SparkContext._gateway.new_array(self.jvm.double, 0)
        listed = self.store.stageList(nothing, False, False, numbers, nothing)
        return [listed.apply(i) for i in range(listed.size())]

    def last_stages(self, first):
        """The tasks of each stage whose number is at least first, by its number."""
        found = {}
        for stage in self.stages():
            if stage.stageId() >= first:
                tasks = self.store.taskList(stage.stageId(), stage.attemptId(), 1000)
                found.setdefault(stage.stageId(), []).extend(tasks.apply(t) for t in range(tasks.size()))
        return found

    def next_stage(self):
        return max((stage.stageId() for stage in self.stages()), default=-1) + 1


class Cluster(LocalCluster):
    """A master and two workers in the JVM of the driver, each worker on a host of its own.

    The hosts are two addresses of the loopback interface: Spark never runs the second attempt of a slow task on the
    host of the first, so that with `local-cluster`, whose workers share a host, it never runs.
    """

    def start(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tensorfile-workers-")
        deploy, conf = self.jvm.org.apache.spark.deploy, self.jvm.org.apache.spark.SparkConf()
        conf.set("spark.ui.enabled", "false").set("spark.shuffle.service.enabled", "false")
        master = deploy.master.Master.startRpcEnvAndEndpoint(HOSTS[0], 0, 0, conf)._1()
        self.environments = [master]
        url = "spark://" + master.address().hostPort()
        urls = SparkContext._gateway.new_array(self.jvm.String, 1)
        urls[0] = url
        none = getattr(getattr(self.jvm.scala, "None$"), "MODULE$")
        for number, host in enumerate(HOSTS):
            self.environments.append(deploy.worker.Worker.startRpcEnvAndEndpoint(
                host, 0, 0, 1, 1024, urls, f"{self.folder.name}/{number}", none, conf, none))
        return url

    def stop(self):
        super().stop()
        for environment in reversed(self.environments):
            environment.shutdown()
            environment.awaitTermination()
        self.folder.cleanup()


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} is still false after {seconds} seconds")
        time.sleep(0.02)
