"""What the tests of the Spark module share: a session with the jars, and files that other libraries write."""

import os
import sys
import tempfile
import unittest

from pyspark import cloudpickle
from pyspark.sql import SparkSession

JARS = os.environ["TENSORFILE_SPARK_JARS"]  # paths, separated by commas
PROGRAM = os.environ.get("TENSORFILE_PROGRAM")  # measurements need none
SETTINGS = {
    "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": "4",
    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def session(master="local[2,4]", **settings):  # tasks may fail three times
    # The Python of this process also runs the functions that Spark sends to executors.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("tensorfile").config("spark.jars", JARS)
    for name, value in {**SETTINGS, **settings}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


class SparkTest(unittest.TestCase):
    """A test with a session and an empty folder."""

    parent = None  # the folder of the folders of the tests; that for temporary files if it is None

    def __init_subclass__(cls):
        # Executors cannot import the tests, whose functions they run.
        cloudpickle.register_pickle_by_value(sys.modules[cls.__module__])

    @classmethod
    def setUpClass(cls):
        cls.spark = session()

    def setUp(self):
        # A store of objects may remove the folder with its last file.
        folder = tempfile.TemporaryDirectory(prefix="tensorfile-spark-", dir=self.parent, ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def url(self, path):
        """What a user of Spark calls a file or pattern of the folder. s3.py replaces this."""
        return path

    def uri(self, path):
        """What the column path has for a file of the folder."""
        return "file:" + path

    def load(self, path, **options):
        return self.spark.read.format("tensorfile").options(**options).load(self.url(path))

    def failure(self, action):
        """Returns the text of the error that an action of Spark ends with."""
        with self.assertRaises(Exception) as caught:
            action()
        return str(caught.exception)

    def metrics(self, frame):
        """Runs a query, and returns its rows and what the source counted."""
        store = self.spark._jsparkSession.sharedState().statusStore()
        rows = frame.collect()
        executions = store.executionsList()
        execution = executions.apply(executions.size() - 1)
        values = store.executionMetrics(execution.executionId())
        counts = {}
        for i in range(execution.metrics().size()):
            metric = execution.metrics().apply(i)
            value = values.get(metric.accumulatorId())
            if metric.name() in ("files opened", "reads of files", "bytes read from files") and value.isDefined():
                counts[metric.name()] = int(value.get().replace(",", ""))
        return rows, counts
