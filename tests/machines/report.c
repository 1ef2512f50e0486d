/*
 * Prints, for each file in a list, the result of loading it, and the checksums of its arrays, of all casts of them, and
 * of the files that are saved from them. Then prints the checksums of compressed files. The output must be identical on
 * every machine. It is C99 without threads, so that it runs everywhere.
 *
 *   report LIST FOLDER    LIST has one path per line
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorfile.h>
#include <zlib.h>

static uint32_t checksum(const void *bytes, size_t size) {
  return (uint32_t)crc32_z(0, size == 0 ? NULL : bytes, size);
}

static int is_big_endian(void) {
  const uint16_t one = 1;
  unsigned char first;
  memcpy(&first, &one, 1);
  return first == 0;
}

/* Returns the size of the units that have the byte order of the machine. Blocks and small floats consist of bytes. */
static size_t unit_of(tf_dtype dtype) {
  if (tf_dtype_block_size(dtype) != 1) return 1;
  const size_t size = tf_dtype_bits(dtype) / 8;
  return dtype == TF_DTYPE_COMPLEX64 || dtype == TF_DTYPE_COMPLEX128 ? size / 2 : size;
}

/* Returns the checksum of the C-contiguous array in little-endian byte order. */
static uint32_t array_checksum(const tf_array *array) {
  tf_array *dense = NULL;
  if (tf_array_contiguous(&dense, array) != TF_STATUS_OK) return 0;
  const size_t size = (size_t)tf_array_nbytes(dense);
  const size_t unit = unit_of(tf_array_dtype(dense));
  unsigned char *bytes = malloc(size + 1);
  if (bytes == NULL) abort();
  if (size != 0) memcpy(bytes, tf_array_data(dense), size);
  for (size_t i = 0; is_big_endian() && i + unit <= size; i += unit) {
    for (size_t low = 0, high = unit - 1; low < high; ++low, --high) {
      const unsigned char byte = bytes[i + low];
      bytes[i + low] = bytes[i + high];
      bytes[i + high] = byte;
    }
  }
  const uint32_t sum = checksum(bytes, size);
  free(bytes);
  tf_array_release(dense);
  return sum;
}

static void print_status(const char *what, tf_status status) {
  printf("  %s: %s", what, tf_status_name(status));
  if (status != TF_STATUS_OK) printf(": %s", tf_error_message());
  if (status != TF_STATUS_OK && tf_error_offset() != UINT64_MAX) printf(" (byte %" PRIu64 ")", tf_error_offset());
  printf("\n");
}

static void report_casts(const tf_array *array) {
  for (tf_dtype dtype = TF_DTYPE_BOOL; dtype <= TF_DTYPE_Q2_0; ++dtype) {
    tf_array *cast = NULL;
    if (tf_dtype_bits(dtype) == 0 && tf_dtype_block_size(dtype) == 0) continue;
    const tf_status status = tf_array_cast(&cast, array, dtype, NULL);
    if (status == TF_STATUS_OK) {
      printf("    as %s %08" PRIx32 "\n", tf_dtype_name(dtype), array_checksum(cast));
    } else {
      printf("    as %s %s: %s\n", tf_dtype_name(dtype), tf_status_name(status), tf_error_message());
    }
    tf_array_release(cast);
  }
}

static void report_array(const tf_array *array, const char *name) {
  printf("  array %s %s [", name, tf_dtype_name(tf_array_dtype(array)));
  for (size_t i = 0; i < tf_array_ndim(array); ++i)
    printf(" %" PRId64, tf_array_shape(array)[i]);
  printf(" ] %08" PRIx32 "\n", array_checksum(array));
  report_casts(array);
}

static void report_saves(const tf_dict *arrays, const tf_dict *metadata) {
  for (tf_format format = TF_FORMAT_NPZ; format <= TF_FORMAT_GGUF; ++format) {
    const tf_dict *saved_metadata = format == TF_FORMAT_NPZ ? NULL : metadata;
    tf_buffer *buffer = NULL;
    const tf_status status = tf_save_memory(&buffer, format, NULL, arrays, saved_metadata, NULL);
    print_status(tf_format_name(format), status);
    if (status == TF_STATUS_OK) {
      printf("    %zu bytes %08" PRIx32 "\n", tf_buffer_size(buffer),
             checksum(tf_buffer_data(buffer), tf_buffer_size(buffer)));
    }
    tf_buffer_release(buffer);
  }
}

static void report_file(const char *path) {
  printf("%s\n", path);
  tf_file *file = NULL;
  print_status("open", tf_file_open(&file, path, NULL));
  tf_file_release(file);
  tf_dict *arrays = NULL;
  tf_dict *metadata = NULL;
  const tf_status status = tf_load(NULL, &arrays, &metadata, path, NULL);
  print_status("load", status);
  if (status != TF_STATUS_OK) return;
  for (size_t i = 0; i < tf_dict_size(arrays); ++i) {
    const char *name = NULL;
    size_t length = 0;
    tf_array *array = NULL;
    if (tf_dict_key_at(&name, &length, arrays, i) != TF_STATUS_OK) abort();
    if (tf_dict_get_array(&array, arrays, name, length) != TF_STATUS_OK) abort();
    report_array(array, name);
    tf_array_release(array);
  }
  report_saves(arrays, metadata);
  tf_dict_release(arrays);
  tf_dict_release(metadata);
}

/* Casts numbers of many magnitudes to every dtype and back. There are enough of them for all vectorized code. */
static void report_numbers(void) {
  const int64_t shape[] = {5, 1280};
  tf_array *numbers = NULL;
  void *data = NULL;
  if (tf_array_new(&numbers, TF_DTYPE_FLOAT32, shape, 2) != TF_STATUS_OK) abort();
  if (tf_array_data_mut(&data, numbers) != TF_STATUS_OK) abort();
  uint64_t state = 1;
  for (size_t i = 0; i < 5 * 1280; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    /* Exponents from 2^-12 to 2^3. */
    const uint32_t bits = (uint32_t)(state >> 63) << 31 | (115 + ((uint32_t)(state >> 59) & 15)) << 23 |
                          ((uint32_t)(state >> 32) & 0x7FFFFF);
    memcpy((char *)data + i * sizeof(bits), &bits, sizeof(bits));
  }
  printf("numbers\n");
  report_array(numbers, "numbers");
  for (tf_dtype dtype = TF_DTYPE_BOOL; dtype <= TF_DTYPE_Q2_0; ++dtype) {
    tf_array *cast = NULL;
    if (tf_array_cast(&cast, numbers, dtype, NULL) == TF_STATUS_OK) report_array(cast, "cast");
    tf_array_release(cast);
  }
  tf_array_release(numbers);
}

/* The kinds of data that report_deflate() compresses; all are computed with integers only. */
enum {
  KIND_FLOATS,
  KIND_BFLOATS,
  KIND_SMALL_INTS,
  KIND_INDICES,
  KIND_IMAGE,
  KIND_MASK,
  KIND_ZEROS,
  KIND_NOISE,
  KIND_SPARSE,
  KIND_TOKENS,
  KIND_RUNS,
  KIND_MIXED,
  KINDS
};
static const char *const kind_names[KINDS] = {"floats", "bfloats", "small ints", "indices", "image", "mask",
                                              "zeros",  "noise",   "sparse",     "tokens",  "runs",  "mixed"};

static uint32_t random_state;

/* Returns a number below the limit. */
static uint32_t draw(uint32_t limit) {
  random_state = random_state * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)random_state * limit) >> 32);
}

/* Returns the bits of a float32 whose exponent becomes less probable the smaller it is. */
static uint32_t draw_float(void) {
  uint32_t exponent = 122;
  while (exponent > 90 && draw(2) == 0)
    --exponent;
  return draw(2) << 31 | exponent << 23 | draw(1u << 23);
}

/* Returns the next little-endian 32 bits of a kind of data. */
static uint32_t draw_item(int kind, uint32_t i) {
  switch (kind) {
    case KIND_FLOATS:
      return draw_float();
    case KIND_BFLOATS:
      return draw_float() >> 16 << 16 | draw_float() >> 16;
    case KIND_SMALL_INTS:
      return draw(50);
    case KIND_INDICES:
      return i % 2 == 0 ? draw(1000000) : 0;
    case KIND_IMAGE: {
      uint32_t pixels = 0;
      for (uint32_t k = 0; k < 4; ++k)
        pixels |= (((i + 64 * k) % 1024 / 8 + 60 + draw(5)) & 255) << 8 * k;
      return pixels;
    }
    case KIND_MASK:
      return (draw(10) == 0 ? 1u : 0u) | (draw(10) == 0 ? 256u : 0u) | (draw(10) == 0 ? 65536u : 0u);
    case KIND_NOISE:
      return draw(65536) << 16 | draw(65536);
    case KIND_SPARSE:
      return draw(10) == 0 ? draw_float() : 0;
    case KIND_TOKENS:
      return draw(1 + draw(1 + draw(50000)));
    case KIND_RUNS:
      return i / 37 * 2654435761u >> 27;
    case KIND_MIXED:
      return draw_item((int)(i / 20000) % KIND_MIXED, i);
    default:
      return 0;
  }
}

static void report_packed(const tf_dict *arrays, const tf_options *options) {
  tf_buffer *buffer = NULL;
  if (tf_save_memory(&buffer, TF_FORMAT_NPZ, NULL, arrays, NULL, options) != TF_STATUS_OK) {
    printf(" %s", tf_error_message());
  } else {
    printf(" %zu %08" PRIx32, tf_buffer_size(buffer), checksum(tf_buffer_data(buffer), tf_buffer_size(buffer)));
  }
  tf_buffer_release(buffer);
}

/* Compresses every kind of data at every level. The bytes of the arrays are little-endian on every machine. */
static void report_deflate(void) {
  const int64_t shape[] = {1200000};
  for (int kind = 0; kind < KINDS; ++kind) {
    tf_array *array = NULL;
    tf_dict *arrays = NULL;
    void *data = NULL;
    if (tf_array_new(&array, TF_DTYPE_UINT8, shape, 1) != TF_STATUS_OK) abort();
    if (tf_array_data_mut(&data, array) != TF_STATUS_OK) abort();
    random_state = 1;
    for (uint32_t i = 0; i < shape[0] / 4; ++i) {
      const uint32_t item = draw_item(kind, i);
      for (uint32_t k = 0; k < 4; ++k)
        ((unsigned char *)data)[4 * i + k] = (unsigned char)(item >> 8 * k);
    }
    if (tf_dict_new(&arrays) != TF_STATUS_OK || tf_dict_set_array(arrays, "a", SIZE_MAX, array) != TF_STATUS_OK)
      abort();
    printf("deflate %s\n", kind_names[kind]);
    for (int level = -1; level <= 9; ++level) {
      tf_options *options = NULL;
      if (tf_options_new(&options) != TF_STATUS_OK) abort();
      if (tf_options_set(options, TF_OPTION_COMPRESS, 1) != TF_STATUS_OK) abort();
      if (tf_options_set(options, TF_OPTION_COMPRESSION_LEVEL, level) != TF_STATUS_OK) abort();
      printf("  level %d:", level);
      report_packed(arrays, options);
      printf("\n");
      tf_options_release(options);
    }
    tf_dict_release(arrays);
    tf_array_release(array);
  }
}

int main(int argc, char **argv) {
  char path[4096];
  FILE *list = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (list == NULL) return 2;
  while (fgets(path, sizeof(path), list) != NULL) {
    path[strcspn(path, "\r\n")] = '\0';
    char whole[8192];
    snprintf(whole, sizeof(whole), "%s/%s", argv[2], path);
    report_file(whole);
  }
  report_numbers();
  report_deflate();
  return fclose(list) == 0 && fflush(stdout) == 0 ? 0 : 1;
}
