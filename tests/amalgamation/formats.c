/* Prints the formats that the library was built with, one per line. */
#include <stdio.h>
#include <tensorfile.h>

int main(void) {
  static const char *const paths[] = {"a.npy", "a.npz", "a.safetensors", "a.gguf"};
  size_t i;
  for (i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i) {
    const tf_format format = tf_format_from_path(paths[i]);
    if (format != TF_FORMAT_AUTO) puts(tf_format_name(format));
  }
  return 0;
}
