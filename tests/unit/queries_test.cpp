// The functions that describe options, dtypes, formats and the last failure.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "format/format.h"
#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

constexpr tf_option kLastOption = TF_OPTION_GGUF_EXTENDED;
constexpr tf_dtype kBeyondDtypes = 200;

TEST(OptionQueries, NamesAreUniqueAndFindTheirOptions) {
  std::set<std::string> names;
  for (tf_option option = 1; option <= kLastOption; ++option) {
    const std::string name = tf_option_name(option);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(tf_option_from_name(name.c_str()), option);
  }
  EXPECT_STREQ(tf_option_name(TF_OPTION_MAX_NAME_BYTES), "max_name_bytes");
  EXPECT_EQ(names.count("unknown"), 0u);
}

TEST(OptionQueries, UnknownOptions) {
  for (const tf_option option : {-1, 0, kLastOption + 1, 1000})
    EXPECT_STREQ(tf_option_name(option), "unknown") << option;
  for (const char *name : {"", "unknown", "Threads", "max_array", "max_arrays "})
    EXPECT_EQ(tf_option_from_name(name), 0) << name;
  EXPECT_EQ(tf_option_from_name(nullptr), 0);
  EXPECT_STREQ(tf_error_message(), "name is NULL");
}

TEST(OptionQueries, Ranges) {
  int64_t least = 77;
  int64_t most = 77;
  int64_t initial = 77;
  ASSERT_EQ(tf_option_range(&least, &most, &initial, TF_OPTION_COMPRESSION_LEVEL), TF_STATUS_OK);
  EXPECT_EQ(least, -1);
  EXPECT_EQ(most, 9);
  EXPECT_EQ(initial, -1);
  ASSERT_EQ(tf_option_range(&least, &most, &initial, TF_OPTION_DECODE), TF_STATUS_OK);
  EXPECT_EQ(least, TF_DECODE_MLX);
  EXPECT_EQ(most, TF_DTYPE_FLOAT64);
  EXPECT_EQ(initial, TF_DECODE_KEEP);
  ASSERT_EQ(tf_option_range(nullptr, &most, nullptr, TF_OPTION_FORMAT), TF_STATUS_OK);
  EXPECT_GE(most, TF_FORMAT_BY_CONTENT);  // later formats have larger numbers
  least = most = initial = 77;
  EXPECT_EQ(tf_option_range(&least, &most, &initial, kLastOption + 1), TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(least, 77);
}

// The ends of every range are values that the option accepts, and the values beyond them are not.
TEST(OptionQueries, RangesAreThoseThatAreEnforced) {
  const auto options = options_with({});
  for (tf_option option = 1; option <= kLastOption; ++option) {
    int64_t least = 0;
    int64_t most = 0;
    int64_t initial = 0;
    int64_t value = 0;
    ASSERT_EQ(tf_option_range(&least, &most, &initial, option), TF_STATUS_OK);
    ASSERT_EQ(tf_options_get(&value, options.get(), option), TF_STATUS_OK);
    EXPECT_EQ(value, initial) << tf_option_name(option);
    EXPECT_EQ(tf_options_set(options.get(), option, least), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(tf_options_set(options.get(), option, most), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(tf_options_set(options.get(), option, least - 1), TF_STATUS_INVALID_ARGUMENT) << tf_option_name(option);
    if (most < INT64_MAX) {
      EXPECT_EQ(tf_options_set(options.get(), option, most + 1), TF_STATUS_INVALID_ARGUMENT) << tf_option_name(option);
    }
  }
}

TEST(DtypeQueries, Kinds) {
  const struct {
    tf_dtype dtype;
    int32_t kind;
  } rows[] = {
      {TF_DTYPE_UNSUPPORTED, TF_DTYPE_KIND_NONE},
      {TF_DTYPE_BOOL, TF_DTYPE_KIND_BOOL},
      {TF_DTYPE_INT8, TF_DTYPE_KIND_SIGNED},
      {TF_DTYPE_INT64, TF_DTYPE_KIND_SIGNED},
      {TF_DTYPE_UINT8, TF_DTYPE_KIND_UNSIGNED},
      {TF_DTYPE_UINT64, TF_DTYPE_KIND_UNSIGNED},
      {TF_DTYPE_FLOAT16, TF_DTYPE_KIND_FLOAT},
      {TF_DTYPE_BFLOAT16, TF_DTYPE_KIND_FLOAT},
      {TF_DTYPE_FLOAT64, TF_DTYPE_KIND_FLOAT},
      {TF_DTYPE_FLOAT8_E8M0FNU, TF_DTYPE_KIND_FLOAT},
      {TF_DTYPE_FLOAT6_E2M3FN, TF_DTYPE_KIND_FLOAT},
      {TF_DTYPE_FLOAT4_E2M1FN, TF_DTYPE_KIND_FLOAT},
      {TF_DTYPE_COMPLEX64, TF_DTYPE_KIND_COMPLEX},
      {TF_DTYPE_COMPLEX128, TF_DTYPE_KIND_COMPLEX},
      {TF_DTYPE_Q4_0, TF_DTYPE_KIND_BLOCK},
      {TF_DTYPE_Q2_0, TF_DTYPE_KIND_BLOCK},
      {-1, TF_DTYPE_KIND_NONE},
      {24, TF_DTYPE_KIND_NONE},
  };
  for (const auto &row : rows)
    EXPECT_EQ(tf_dtype_kind(row.dtype), row.kind) << tf_dtype_name(row.dtype);
  for (tf_dtype dtype = 0; dtype < kBeyondDtypes; ++dtype) {
    const bool exists = tf_dtype_block_bytes(dtype) != 0;
    EXPECT_EQ(tf_dtype_kind(dtype) != TF_DTYPE_KIND_NONE, exists) << dtype;
    EXPECT_EQ(tf_dtype_kind(dtype) == TF_DTYPE_KIND_BLOCK, exists && tf_dtype_bits(dtype) == 0) << dtype;
  }
}

// Whether a dtype can be encoded is what a cast from float32 does.
TEST(DtypeQueries, CanEncodeIsWhatACastDoes) {
  const int64_t shape[] = {256};
  const auto zeros = made<tf_array>([&](tf_array **out) { return tf_array_new(out, TF_DTYPE_FLOAT32, shape, 1); });
  size_t decoded_only = 0;
  for (tf_dtype dtype = -1; dtype < kBeyondDtypes; ++dtype) {
    tf_array *cast = nullptr;
    const tf_status status = tf_array_cast(&cast, zeros.get(), dtype, nullptr);
    tf_array_release(cast);
    EXPECT_EQ(tf_dtype_can_encode(dtype), status == TF_STATUS_OK ? 1 : 0) << dtype << ": " << tf_error_message();
    if (tf_dtype_kind(dtype) == TF_DTYPE_KIND_BLOCK && tf_dtype_can_encode(dtype) == 0) ++decoded_only;
  }
  EXPECT_EQ(decoded_only, 9u);  // of ggml's block types, those that gguf-py cannot quantize
}

struct Abilities {
  tf_format format;
  const char *extension;
  int64_t single_array, metadata, parts, compression, text_members, model_keys;
};

// docs/formats.md describes these.
const Abilities kAbilities[] = {
    {TF_FORMAT_NPY, ".npy", 1, TF_METADATA_NONE, 0, 0, 0, 0},
    {TF_FORMAT_NPZ, ".npz", 0, TF_METADATA_STRING_LISTS, 0, 1, 1, 0},
    {TF_FORMAT_SAFETENSORS, ".safetensors", 0, TF_METADATA_STRINGS, 99999, 0, 0, 0},
    {TF_FORMAT_GGUF, ".gguf", 0, TF_METADATA_TYPED, 65535, 0, 0, 1},
    {TF_FORMAT_AUTO, "", 0, 0, 0, 0, 0, 0},
    {TF_FORMAT_BY_CONTENT, "", 0, 0, 0, 0, 0, 0},
    {-1, "", 0, 0, 0, 0, 0, 0},
    {99, "", 0, 0, 0, 0, 0, 0},
};

TEST(FormatQueries, Abilities) {
  for (const Abilities &row : kAbilities) {
    EXPECT_STREQ(tf_format_extension(row.format), row.extension);
    EXPECT_EQ(tf_format_ability(row.format, TF_ABILITY_SINGLE_ARRAY), row.single_array) << row.format;
    EXPECT_EQ(tf_format_ability(row.format, TF_ABILITY_METADATA), row.metadata) << row.format;
    EXPECT_EQ(tf_format_ability(row.format, TF_ABILITY_PARTS), row.parts) << row.format;
    EXPECT_EQ(tf_format_ability(row.format, TF_ABILITY_COMPRESSION), row.compression) << row.format;
    EXPECT_EQ(tf_format_ability(row.format, TF_ABILITY_TEXT_MEMBERS), row.text_members) << row.format;
    EXPECT_EQ(tf_format_ability(row.format, TF_ABILITY_MODEL_KEYS), row.model_keys) << row.format;
    EXPECT_EQ(tf_format_ability(row.format, 0), 0);
    EXPECT_EQ(tf_format_ability(row.format, 1000), 0);
  }
}

TEST(FormatQueries, AtIndex) {
  std::vector<tf_format> formats;
  for (size_t i = 0; tf_format_at(i) != TF_FORMAT_AUTO; ++i)
    formats.push_back(tf_format_at(i));
  std::vector<tf_format> expected = {
#define TFILE_FORMAT(row) (row).id,
#include "format/table.inc"
#undef TFILE_FORMAT
  };
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(formats, expected);
  EXPECT_EQ(tf_format_at(SIZE_MAX), TF_FORMAT_AUTO);
  for (const tf_format format : formats) {
    const std::string path = std::string("x") + tf_format_extension(format);
    EXPECT_EQ(tf_format_from_path(path.c_str()), format);
  }
}

TEST(LastFailure, HasAStatus) {
  std::thread([] {
    EXPECT_EQ(tf_error_status(), TF_STATUS_OK);
    EXPECT_EQ(tf_error_system(), 0);
    tf_dict *dict = nullptr;
    EXPECT_EQ(tf_dict_flatten(&dict, nullptr), TF_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(tf_error_status(), TF_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(tf_dict_new(&dict), TF_STATUS_OK);
    EXPECT_EQ(tf_error_status(), TF_STATUS_INVALID_ARGUMENT) << "a success must not change it";
    size_t index = 0;
    EXPECT_EQ(tf_dict_find(&index, dict, "x", 1), TF_STATUS_NOT_FOUND);
    EXPECT_EQ(tf_error_status(), TF_STATUS_NOT_FOUND);
    EXPECT_EQ(tf_error_system(), 0);
    tf_dict_release(dict);
  }).join();
}

TEST(LastFailure, HasTheErrorOfTheSystem) {
  const TempFolder folder;
  const auto array = random_array(TF_DTYPE_INT8, {3});
  tf_array *out = nullptr;
  EXPECT_EQ(tf_load(&out, nullptr, nullptr, folder.path("none.npy").c_str(), nullptr), TF_STATUS_NOT_FOUND);
  EXPECT_EQ(tf_error_system(), 2);  // ENOENT and ERROR_FILE_NOT_FOUND
  EXPECT_NE(tf_save(folder.path("none/x.npy").c_str(), array.get(), nullptr), TF_STATUS_OK);
  EXPECT_NE(tf_error_system(), 0);
  EXPECT_EQ(tf_save(nullptr, array.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_error_system(), 0) << "it is of an earlier failure";
#ifndef _WIN32
  folder.write("file", "");
  EXPECT_EQ(tf_load(&out, nullptr, nullptr, folder.path("file/x.npy").c_str(), nullptr), TF_STATUS_IO);
  EXPECT_EQ(tf_error_system(), ENOTDIR);
  EXPECT_EQ(tf_error_status(), TF_STATUS_IO);
#endif
}

}  // namespace
}  // namespace tfile::testing
