package org.tensorfile;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the bytes of an array are stored. They may be big-endian or in Fortran order.
 *
 * @param path path of the file, if it was opened by path
 * @param offset offset of the first byte in the file
 * @param storedBytes number of bytes in the file
 * @param deflated true if the bytes are a raw deflate stream of a whole .npy file
 */
public record Location(Optional<Path> path, long offset, long storedBytes, boolean deflated) {}
