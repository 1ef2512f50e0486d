/**
 * Files of arrays in any file system of {@link java.nio.file}.
 *
 * <pre>{@code
 * try (FileSystem zip = FileSystems.newFileSystem(Path.of("models.zip"));
 *     PathFile model = PathFile.open(zip.getPath("model.safetensors"), Options.defaults())) {
 *   NdArray rows = model.file().entry("weight").readSlice(Slice.of(0, 10));
 * }
 * }</pre>
 */
package org.tensorfile.nio;
