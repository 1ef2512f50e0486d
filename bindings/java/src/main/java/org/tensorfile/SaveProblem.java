package org.tensorfile;

/**
 * Something that a format cannot hold, as found by {@link Tensorfile#checkSave}.
 *
 * @param subject what it is about: "array", "metadata" (a value of the metadata), or "file" (all of it)
 * @param name name of the array, or key of the metadata value; "" for the file
 * @param problem one word: "count", "kind", "dtype", "rank", "name", "duplicate", "value", "option", "limit" or "size".
 *     Later versions may add words
 * @param reason one line that explains it, such as "complex128 has no safetensors dtype"
 */
public record SaveProblem(String subject, String name, String problem, String reason) {}
