/** A data source of Apache Spark, and jobs, over files of named n-dimensional arrays. */
package org.tensorfile.spark;
