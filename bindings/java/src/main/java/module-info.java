/**
 * Loads and saves named n-dimensional arrays as .npy, .npz, .safetensors and .gguf.
 *
 * <p>{@link org.tensorfile.Tensorfile} loads and saves whole files, {@link org.tensorfile.ArrayFile} reads arrays on
 * request, and {@link org.tensorfile.ArrayWriter} writes them in pieces.
 */
module org.tensorfile {
  exports org.tensorfile;
}
