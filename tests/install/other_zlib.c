/* A program whose own zlib does nothing, and which can nevertheless save and load compressed arrays. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tensorfile.h>

static int calls;

int deflateInit2_(void *stream, int level, int method, int bits, int memory, int strategy, const char *version,
                  int size);
int deflateInit2_(void *stream, int level, int method, int bits, int memory, int strategy, const char *version,
                  int size) {
  (void)stream, (void)level, (void)method, (void)bits, (void)memory, (void)strategy, (void)version, (void)size;
  ++calls;
  return -1;
}
#define REFUSE(name)       \
  int name(void *stream);  \
  int name(void *stream) { \
    (void)stream;          \
    ++calls;               \
    return -1;             \
  }
REFUSE(deflate)
REFUSE(deflateEnd)
REFUSE(deflateInit_)
REFUSE(deflateReset)
REFUSE(inflate)
REFUSE(inflateEnd)
REFUSE(inflateInit2_)
REFUSE(inflateInit_)
REFUSE(inflateReset)
REFUSE(adler32)
unsigned long crc32(unsigned long sum, const unsigned char *bytes, unsigned size);
unsigned long crc32(unsigned long sum, const unsigned char *bytes, unsigned size) {
  (void)bytes, (void)size;
  ++calls;
  return sum;
}

int main(void) {
  static const float values[1000] = {1.0f, 2.0f};
  const int64_t shape[1] = {1000};
  tf_array *array = NULL;
  tf_array *same = NULL;
  tf_dict *arrays = NULL;
  int32_t equal = 0;
  const tf_array *list[1];
  int done = tf_array_copy_from(&array, TF_DTYPE_FLOAT32, shape, 1, values, sizeof(values)) == TF_STATUS_OK;
  list[0] = array;
  done = done && tf_savez_compressed("bundle.npz", list, 1, NULL, NULL) == TF_STATUS_OK &&
         tf_load(NULL, &arrays, NULL, "bundle.npz", NULL) == TF_STATUS_OK &&
         tf_dict_get_array(&same, arrays, "arr_0", SIZE_MAX) == TF_STATUS_OK &&
         tf_array_equal(&equal, array, same) == TF_STATUS_OK && equal;
  if (!done) fprintf(stderr, "bundle: %s\n", tf_error_message());
  if (calls != 0) fprintf(stderr, "bundle: the program's own zlib was called %d times\n", calls);
  tf_array_release(same);
  tf_array_release(array);
  tf_dict_release(arrays);
  return done && calls == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
