// Shared code of the fuzz targets. It uses the library through the ABI only.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "support/owner.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Aborts if a condition is false, so that the fuzzer keeps the input.
#define FUZZ_CHECK(condition)                                                                           \
  do {                                                                                                  \
    if (!(condition)) {                                                                                 \
      std::fprintf(stderr, "%s:%d: %s does not hold; last error: %s\n", __FILE__, __LINE__, #condition, \
                   tf_error_message());                                                                 \
      std::abort();                                                                                     \
    }                                                                                                   \
  } while (0)

namespace tfile::fuzz {

using testing::Handle;

// Takes the choices of a run from the end of the input, so that any file is an input.
class Input {
 public:
  Input(const uint8_t *data, size_t size) : data_(data), size_(size) {}

  uint8_t byte() { return size_ > 0 ? data_[--size_] : uint8_t{0}; }
  int64_t small(int64_t least, int64_t most) { return least + byte() % (most - least + 1); }
  bool flag() { return (byte() & 1) != 0; }

  // The remaining bytes are the file.
  const uint8_t *data() const { return data_; }
  size_t size() const { return size_; }

 private:
  const uint8_t *data_;
  size_t size_;
};

// The allocator of a run. At its end all blocks must have been freed.
class Allocations {
 public:
  ~Allocations() { FUZZ_CHECK(allocated == 0 && blocks == 0); }

  static void *allocate(void *user, size_t size, size_t alignment) {
    auto &self = *static_cast<Allocations *>(user);
    void *pointer = nullptr;
    // No input is large enough to justify more.
    FUZZ_CHECK(size <= size_t{1} << 30);
    if (posix_memalign(&pointer, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) != 0) return nullptr;
    ++self.blocks;
    self.allocated += size;
    if (self.allocated > self.peak) self.peak = self.allocated;
    return pointer;
  }
  static void free_block(void *user, void *pointer, size_t size, size_t) {
    auto &self = *static_cast<Allocations *>(user);
    --self.blocks;
    self.allocated -= size;
    std::free(pointer);
  }

  size_t blocks = 0;
  size_t allocated = 0;
  size_t peak = 0;
};

inline Handle<tf_options> new_options(Allocations &allocations) {
  tf_options *options = nullptr;
  FUZZ_CHECK(tf_options_new(&options) == TF_STATUS_OK);
  FUZZ_CHECK(tf_options_set_allocator(options, Allocations::allocate, Allocations::free_block, nullptr, &allocations) ==
             TF_STATUS_OK);
  FUZZ_CHECK(tf_options_set(options, TF_OPTION_THREADS, 1) == TF_STATUS_OK);
  return Handle<tf_options>(options);
}

inline void set(tf_options *options, tf_option option, int64_t value) {
  FUZZ_CHECK(tf_options_set(options, option, value) == TF_STATUS_OK);
}

// Chooses options for a load.
inline void choose(tf_options *options, Input &input) {
  constexpr int64_t kDecode[] = {TF_DECODE_KEEP,   TF_DTYPE_FLOAT16, TF_DTYPE_BFLOAT16,
                                 TF_DTYPE_FLOAT32, TF_DTYPE_FLOAT64, TF_DECODE_MLX};
  const uint8_t bits = input.byte();
  set(options, TF_OPTION_LENIENT, bits & 1);
  set(options, TF_OPTION_SKIP_UNSUPPORTED, (bits & 64) != 0 ? 1 : 0);
  set(options, TF_OPTION_LOAD_MODE, (bits & 2) != 0 ? TF_LOAD_MODE_MAP : TF_LOAD_MODE_OWN);
  set(options, TF_OPTION_DECODE, kDecode[(bits >> 2) % 8 % 6]);
  if ((bits & 32) == 0) return;
  set(options, TF_OPTION_MAX_ARRAYS, input.small(1, 4));
  set(options, TF_OPTION_MAX_METADATA, input.small(1, 4));
  set(options, TF_OPTION_MAX_NAME_BYTES, input.small(1, 16));
  set(options, TF_OPTION_MAX_RANK, input.small(1, 4));
  set(options, TF_OPTION_MAX_NESTING, input.small(1, 4));
  set(options, TF_OPTION_MAX_BYTES, 1 + int64_t{input.byte()} * 256);
}

// Checks that a file was refused with one of the statuses for bad files and with a message of one line.
inline void check_refusal(tf_status status) {
  FUZZ_CHECK(status == TF_STATUS_FORMAT || status == TF_STATUS_CORRUPT || status == TF_STATUS_TRUNCATED ||
             status == TF_STATUS_DUPLICATE || status == TF_STATUS_UNSUPPORTED || status == TF_STATUS_LIMIT);
  const char *const message = tf_error_message();
  const size_t length = std::strlen(message);
  FUZZ_CHECK(length > 0 && length < 1024 && std::strlen(tf_error_name()) < 256);
  for (const char *c = message; *c != '\0'; ++c)
    FUZZ_CHECK(static_cast<unsigned char>(*c) >= ' ' && *c != 0x7F);
}

// Returns the array in C order, or NULL if the limit on memory does not allow a copy.
inline Handle<tf_array> contiguous(const tf_array *array) {
  tf_array *dense = nullptr;
  const tf_status status = tf_array_contiguous(&dense, array);
  FUZZ_CHECK(status == TF_STATUS_OK || status == TF_STATUS_LIMIT);
  return Handle<tf_array>(dense);
}

// Reads every byte of an array.
inline void touch(const tf_array *array) {
  const Handle<tf_array> dense = contiguous(array);
  if (!dense) return;
  const auto *const bytes = static_cast<const volatile uint8_t *>(tf_array_data(dense.get()));
  for (uint64_t i = 0; i < tf_array_nbytes(dense.get()); ++i)
    (void)bytes[i];
}

inline bool equal(const tf_array *a, const tf_array *b) {
  int32_t equal = 0;
  FUZZ_CHECK(tf_array_equal(&equal, a, b) == TF_STATUS_OK);
  return equal == 1;
}

inline Handle<tf_array> array_at(const tf_dict *dict, size_t index) {
  const char *key = nullptr;
  size_t length = 0;
  tf_array *array = nullptr;
  FUZZ_CHECK(tf_dict_key_at(&key, &length, dict, index) == TF_STATUS_OK);
  FUZZ_CHECK(tf_dict_get_array(&array, dict, key, length) == TF_STATUS_OK);
  return Handle<tf_array>(array);
}

// True if two dicts have equal values. If `ordered`, the values must also be in the same order.
inline bool equal_dicts(const tf_dict *a, const tf_dict *b, bool ordered) {
  if (tf_dict_size(a) != tf_dict_size(b)) return false;
  for (size_t i = 0; i < tf_dict_size(a); ++i) {
    const char *key = nullptr;
    size_t length = 0;
    size_t index = 0;
    FUZZ_CHECK(tf_dict_key_at(&key, &length, a, i) == TF_STATUS_OK);
    if (tf_dict_find(&index, b, key, length) != TF_STATUS_OK || (ordered && index != i)) return false;
    const tf_kind kind = tf_dict_kind_at(a, i);
    if (tf_dict_kind_at(b, index) != kind) return false;
    const char *texts[2] = {};
    size_t lengths[2] = {};
    if (kind == TF_KIND_ARRAY && !equal(array_at(a, i).get(), array_at(b, index).get())) return false;
    if (kind == TF_KIND_STRING) {
      FUZZ_CHECK(tf_dict_get_string(&texts[0], &lengths[0], a, key, length) == TF_STATUS_OK);
      FUZZ_CHECK(tf_dict_get_string(&texts[1], &lengths[1], b, key, length) == TF_STATUS_OK);
      if (std::string(texts[0], lengths[0]) != std::string(texts[1], lengths[1])) return false;
    }
    if (kind == TF_KIND_STRING_LIST) {
      size_t counts[2] = {};
      FUZZ_CHECK(tf_dict_string_list_size(&counts[0], a, key, length) == TF_STATUS_OK);
      FUZZ_CHECK(tf_dict_string_list_size(&counts[1], b, key, length) == TF_STATUS_OK);
      if (counts[0] != counts[1]) return false;
      for (size_t k = 0; k < counts[0]; ++k) {
        FUZZ_CHECK(tf_dict_string_list_at(&texts[0], &lengths[0], a, key, length, k) == TF_STATUS_OK);
        FUZZ_CHECK(tf_dict_string_list_at(&texts[1], &lengths[1], b, key, length, k) == TF_STATUS_OK);
        if (std::string(texts[0], lengths[0]) != std::string(texts[1], lengths[1])) return false;
      }
    }
    if (kind == TF_KIND_DICT) {
      tf_dict *dicts[2] = {};
      FUZZ_CHECK(tf_dict_get_dict(&dicts[0], a, key, length) == TF_STATUS_OK);
      FUZZ_CHECK(tf_dict_get_dict(&dicts[1], b, key, length) == TF_STATUS_OK);
      const Handle<tf_dict> handles[2] = {Handle<tf_dict>(dicts[0]), Handle<tf_dict>(dicts[1])};
      if (!equal_dicts(dicts[0], dicts[1], ordered)) return false;
    }
  }
  return true;
}

// Copies an input to an allocation of exactly its size, so that sanitizers detect reads past the end.
inline Handle<tf_source> source_of(const uint8_t *data, size_t size) {
  auto *const copy = static_cast<uint8_t *>(std::malloc(size > 0 ? size : 1));
  if (size > 0) std::memcpy(copy, data, size);
  tf_source *source = nullptr;
  FUZZ_CHECK(tf_source_from_memory(&source, copy, size, std::free, copy) == TF_STATUS_OK);
  return Handle<tf_source>(source);
}

// Returns the format that the content shows, or else one that the input chooses.
inline tf_format format_of(Input &input) {
  const auto chosen = static_cast<tf_format>(1 + input.byte() % 4);
  const tf_format probed = tf_format_probe(input.data(), input.size());
  return probed != TF_FORMAT_AUTO ? probed : chosen;
}

}  // namespace tfile::fuzz
