package org.tensorfile;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the bytes of an array lie, as stored: perhaps big-endian or in Fortran order.
 *
 * @param path of the file, when it was opened by one
 * @param offset of the first byte in the file
 * @param storedBytes how many there are in the file
 * @param deflated whether they are a raw deflate stream of a whole .npy
 */
public record Location(Optional<Path> path, long offset, long storedBytes, boolean deflated) {}
