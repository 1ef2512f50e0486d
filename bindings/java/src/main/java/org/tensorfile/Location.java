package org.tensorfile;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the bytes of an array are stored, and in which order.
 *
 * @param path path of the file, if it was opened by path
 * @param offset offset of the first byte in the file
 * @param storedBytes number of bytes in the file
 * @param deflated true if the bytes are a raw deflate stream of a whole .npy file
 * @param bigEndian true if numbers of more than one byte have the most significant byte first
 * @param fortranOrder true if the first index changes fastest
 */
public record Location(
    Optional<Path> path,
    long offset,
    long storedBytes,
    boolean deflated,
    boolean bigEndian,
    boolean fortranOrder) {}
