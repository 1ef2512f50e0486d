// Loads a file, saves it in each format that can hold its arrays, and loads the result, which must be equal.
#include "fuzz.h"

namespace {

using namespace tfile::fuzz;

struct Loaded {
  Handle<tf_dict> arrays, metadata;

  bool load(const void *data, size_t size, tf_format format, const tf_options *options) {
    tf_dict *raw[2] = {};
    const tf_status status = tf_load_memory(nullptr, &raw[0], &raw[1], data, size, format, options);
    arrays.reset(raw[0]);
    metadata.reset(raw[1]);
    if (status != TF_STATUS_OK) check_refusal(status);
    return status == TF_STATUS_OK;
  }
};

tf_status save(Handle<tf_buffer> *out, tf_format format, const Loaded &from, const tf_options *options) {
  const bool single = format == TF_FORMAT_NPY;
  const bool has_metadata = format == TF_FORMAT_SAFETENSORS || format == TF_FORMAT_GGUF;
  const Handle<tf_array> only = single ? array_at(from.arrays.get(), 0) : Handle<tf_array>();
  tf_buffer *buffer = nullptr;
  const tf_status status = tf_save_memory(&buffer, format, only.get(), single ? nullptr : from.arrays.get(),
                                          has_metadata ? from.metadata.get() : nullptr, options);
  FUZZ_CHECK((buffer != nullptr) == (status == TF_STATUS_OK));
  out->reset(buffer);
  return status;
}

bool holds(tf_format format, const Loaded &from) {
  return format != TF_FORMAT_NPY || tf_dict_size(from.arrays.get()) == 1;
}

void round(tf_format format, tf_format origin, const Loaded &from, const tf_options *options) {
  if (!holds(format, from)) return;
  Handle<tf_buffer> first;
  const tf_status saved = save(&first, format, from, options);
  if (saved != TF_STATUS_OK) {
    // A save in the format of the file may be refused only if other programs could not read the result.
    FUZZ_CHECK(saved == TF_STATUS_UNSUPPORTED || saved == TF_STATUS_LIMIT ||
               (format != origin && (saved == TF_STATUS_TYPE || saved == TF_STATUS_DUPLICATE)));
    return;
  }
  Loaded back;
  FUZZ_CHECK(back.load(tf_buffer_data(first.get()), tf_buffer_size(first.get()), format, options));
  if (format == TF_FORMAT_NPY) {
    FUZZ_CHECK(equal(array_at(back.arrays.get(), 0).get(), array_at(from.arrays.get(), 0).get()));
  } else {
    FUZZ_CHECK(equal_dicts(from.arrays.get(), back.arrays.get(), format != TF_FORMAT_SAFETENSORS));
  }
  if (format == TF_FORMAT_SAFETENSORS || format == TF_FORMAT_GGUF) {
    FUZZ_CHECK(equal_dicts(from.metadata.get(), back.metadata.get(), format == TF_FORMAT_GGUF));
  }
  Handle<tf_buffer> second;
  FUZZ_CHECK(save(&second, format, back, options) == TF_STATUS_OK);
  FUZZ_CHECK(tf_buffer_size(first.get()) == tf_buffer_size(second.get()));
  FUZZ_CHECK(std::memcmp(tf_buffer_data(first.get()), tf_buffer_data(second.get()), tf_buffer_size(first.get())) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Allocations allocations;
  Input input(data, size);
  const Handle<tf_options> options = new_options(allocations);
  set(options.get(), TF_OPTION_COMPRESS, input.flag());
  set(options.get(), TF_OPTION_LENIENT, 1);
  set(options.get(), TF_OPTION_SKIP_UNSUPPORTED, 1);
  const tf_format origin = format_of(input);
  Loaded loaded;
  if (!loaded.load(input.data(), input.size(), origin, options.get())) return 0;
  for (const tf_format format : {TF_FORMAT_NPY, TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF})
    round(format, origin, loaded, options.get());
  return 0;
}
