// The cost of saving: peak memory, and calls of a sink's write function.
#include "support/foreign.h"
#include "support/handles.h"
#include "support/memory.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

// A matrix of 32 MiB in C order, its transpose, and a reversed view, which a save must copy into C order.
Handle<tf_dict> large_arrays() {
  const auto matrix = random_array(TF_DTYPE_FLOAT32, {4096, 2048});
  const auto transposed =
      made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, matrix.get(), nullptr, 0); });
  const size_t axes[] = {1, 0};
  const auto strided = made<tf_array>([&](tf_array **out) {
    const int64_t step[] = {1, -1};
    tf_array *reversed = nullptr;
    EXPECT_EQ(tf_array_slice(&reversed, transposed.get(), nullptr, nullptr, step, 2), TF_STATUS_OK);
    const Handle<tf_array> owner(reversed);
    return tf_array_transpose(out, reversed, axes, 2);
  });
  return dict_of({{"dense", matrix.get()}, {"transposed", transposed.get()}, {"reversed", strided.get()}});
}

TEST(SavingWork, NeedsAFewMiBBesidesTheArrays) {
  const TempFolder folder;
  const auto arrays = large_arrays();
  for (const char *const name : {"a.safetensors", "a.gguf", "a.npz", "compressed.npz"}) {
    TestMemory memory;
    const auto options = options_with({{TF_OPTION_THREADS, 2}});
    ASSERT_EQ(tf_options_set_allocator(options.get(), TestMemory::allocate, TestMemory::free, nullptr, &memory),
              TF_STATUS_OK);
    const std::string path = folder.path(name);
    const std::string format(name);
    tf_status status = TF_STATUS_OK;
    if (format == "a.safetensors") status = tf_save_safetensors(path.c_str(), arrays.get(), nullptr, options.get());
    if (format == "a.gguf") status = tf_save_gguf(path.c_str(), arrays.get(), nullptr, options.get());
    if (format == "a.npz") status = tf_savez(path.c_str(), nullptr, 0, arrays.get(), options.get());
    if (format == "compressed.npz") {
      status = tf_savez_compressed(path.c_str(), nullptr, 0, arrays.get(), options.get());
    }
    EXPECT_EQ(status, TF_STATUS_OK) << tf_error_message();
    // Each thread has one chunk of data and its compressed bytes.
    EXPECT_LE(memory.peak(), format == "compressed.npz" ? 12 * kMiB : 4 * kMiB) << name;
  }
}

TEST(SavingWork, CollectsSmallArrays) {
  const auto arrays = new_dict();
  const auto small = random_array(TF_DTYPE_FLOAT32, {4, 4});
  for (int i = 0; i < 5000; ++i)
    ASSERT_EQ(tf_dict_set_array(arrays.get(), std::to_string(i).c_str(), SIZE_MAX, small.get()), TF_STATUS_OK);
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF, TF_FORMAT_NPZ}) {
    ForeignSink user;
    const auto sink =
        made<tf_sink>([&](tf_sink **out) { return tf_sink_new(out, ForeignSink::write, ForeignSink::release, &user); });
    ASSERT_EQ(tf_save_sink(sink.get(), format, nullptr, arrays.get(), nullptr, nullptr), TF_STATUS_OK);
    EXPECT_LE(static_cast<size_t>(user.writes), 2 + user.bytes.size() / (size_t{64} << 10)) << tf_format_name(format);
  }
}

}  // namespace
}  // namespace tfile::testing
