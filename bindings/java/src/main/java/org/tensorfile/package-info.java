/** Loads and saves named n-dimensional arrays: .npy, .npz, .safetensors and .gguf. See {@link org.tensorfile.Tensorfile}. */
package org.tensorfile;
