"""Spark's `local-cluster` with two executors, one of which is killed."""

import unittest

import test_cluster
from cluster import LocalCluster


def setUpModule():
    test_cluster.cluster = LocalCluster()


def tearDownModule():
    test_cluster.cluster.stop()


class Killed(test_cluster.Killed):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.spark.sparkContext.master, "local-cluster[2,1,1024]")


if __name__ == "__main__":
    unittest.main(verbosity=2)
