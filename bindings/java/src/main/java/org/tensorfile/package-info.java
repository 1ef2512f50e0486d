/** Loads and saves named n-dimensional arrays, by {@link org.tensorfile.Tensorfile}. */
package org.tensorfile;
