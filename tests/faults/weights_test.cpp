// The bytes that tf_load_weights() reads: it compares names and shapes first, and reads only the arrays that it keeps.
#include <gtest/gtest.h>

#include "faults/interpose.h"
#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::faults {
namespace {

using testing::array_of;
using testing::dict_of;
using testing::Handle;
using testing::options_with;
using testing::random_array;
using testing::same;

constexpr int64_t kMiB = int64_t{1} << 20;

class WeightsBytes : public ::testing::Test {
 protected:
  // Loads the file and returns the bytes that were read.
  int64_t load(const std::string &path, const tf_dict *expected, tf_status status,
               const tf_options *options = nullptr) {
    tf_dict *tree = nullptr;
    arm();
    EXPECT_EQ(tf_load_weights(&tree, path.c_str(), expected, options), status) << tf_error_message();
    disarm();
    loaded.reset(tree);
    return bytes_read();
  }

  TempFolder folder;
  Handle<tf_array> large = random_array(TF_DTYPE_UINT8, {4 * kMiB});
  Handle<tf_array> small = random_array(TF_DTYPE_FLOAT32, {3});
  Handle<tf_array> single = random_array(TF_DTYPE_FLOAT32, {1});
  Handle<tf_dict> loaded;
};

TEST_F(WeightsBytes, AMismatchIsFoundInTheHeader) {
  const auto saved = dict_of({{"large", large.get()}, {"layers.0.w", single.get()}});
  const auto expected = dict_of({{"large", large.get()}, {"layers.0.w", small.get()}});
  for (const char *name : {"w.npz", "w.safetensors"}) {
    const std::string path = folder.path(name);
    ASSERT_EQ(tf_save_weights(path.c_str(), saved.get(), nullptr), TF_STATUS_OK) << tf_error_message();
    EXPECT_LT(load(path, expected.get(), TF_STATUS_MISMATCH), kMiB / 4);
    EXPECT_EQ(tf_error_message(), path +
                                      ": the weights are not the expected ones: 1 of another shape "
                                      "('layers.0.w' expected (3,), found (1,))");
    EXPECT_STREQ(tf_error_name(), "layers.0.w");
    EXPECT_GE(load(path, saved.get(), TF_STATUS_OK), 4 * kMiB);
  }
}

TEST_F(WeightsBytes, ReadsOnlyTheArraysThatItKeeps) {
  const auto saved = dict_of({{"large", large.get()}, {"w", small.get()}});
  const auto expected = dict_of({{"w", single.get()}, {"other", single.get()}});
  const auto loose = options_with({{TF_OPTION_STRICT, 0}});
  for (const char *name : {"w.npz", "w.safetensors"}) {
    const std::string path = folder.path(name);
    ASSERT_EQ(tf_save_weights(path.c_str(), saved.get(), nullptr), TF_STATUS_OK) << tf_error_message();
    EXPECT_LT(load(path, expected.get(), TF_STATUS_OK, loose.get()), kMiB / 4);
    EXPECT_EQ(tf_dict_size(loaded.get()), 2u);
    EXPECT_TRUE(same(array_of(loaded.get(), "w").get(), small.get()));
    EXPECT_TRUE(same(array_of(loaded.get(), "other").get(), single.get()));
  }
}

}  // namespace
}  // namespace tfile::faults
