/** Loads and saves named n-dimensional arrays. The entry point is {@link org.tensorfile.Tensorfile}. */
package org.tensorfile;
