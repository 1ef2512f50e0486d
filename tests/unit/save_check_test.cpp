// tf_save_check(): what it reports, and that it finds something exactly when a save fails.
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "codec/deflate.h"
#include "support/handles.h"

namespace tfile::testing {
namespace {

constexpr tf_format kFormats[] = {TF_FORMAT_NPY, TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF};

struct Finding {
  std::string subject, name, problem, reason;
  bool operator==(const Finding &other) const {
    return subject == other.subject && name == other.name && problem == other.problem && reason == other.reason;
  }
};

std::ostream &operator<<(std::ostream &out, const Finding &finding) {
  return out << finding.subject << " '" << finding.name << "' " << finding.problem << ": " << finding.reason;
}

std::string text_at(const tf_dict *report, const char *list, size_t i) {
  const char *text = nullptr;
  size_t length = 0;
  EXPECT_EQ(tf_dict_string_list_at(&text, &length, report, list, SIZE_MAX, i), TF_STATUS_OK) << tf_error_message();
  return std::string(text, length);
}

std::vector<Finding> check(tf_format format, const tf_dict *arrays, const tf_dict *metadata = nullptr,
                           const tf_options *options = nullptr) {
  const auto report =
      made<tf_dict>([&](tf_dict **out) { return tf_save_check(out, format, arrays, metadata, options); });
  std::vector<Finding> found;
  if (!report) return found;
  size_t count = 0;
  EXPECT_EQ(tf_dict_size(report.get()), 4u);
  for (const char *list : {"subject", "name", "problem", "reason"}) {
    size_t length = 0;
    EXPECT_EQ(tf_dict_string_list_size(&length, report.get(), list, SIZE_MAX), TF_STATUS_OK);
    if (list != std::string("subject")) {
      EXPECT_EQ(length, count) << list;
    }
    count = length;
  }
  for (size_t i = 0; i < count; ++i) {
    found.push_back({text_at(report.get(), "subject", i), text_at(report.get(), "name", i),
                     text_at(report.get(), "problem", i), text_at(report.get(), "reason", i)});
  }
  return found;
}

Handle<tf_array> zeros(tf_dtype dtype, const std::vector<int64_t> &shape) {
  return made<tf_array>([&](tf_array **out) { return tf_array_new(out, dtype, shape.data(), shape.size()); });
}

// An array of `rank` dimensions that is one unit of its dtype.
Handle<tf_array> smallest(tf_dtype dtype, size_t rank) {
  std::vector<int64_t> shape(rank, 1);
  if (rank > 0) shape.back() = tf_dtype_block_size(dtype);
  return zeros(dtype, shape);
}

// An array whose elements are all the same byte, so that it needs no memory.
Handle<tf_array> endless(int64_t size) {
  static int8_t byte = 0;
  const int64_t stride = 0;
  return made<tf_array>([&](tf_array **out) {
    return tf_array_wrap(out, TF_DTYPE_INT8, &size, 1, &stride, &byte, 1, 0, nullptr, nullptr);
  });
}

// Saves, and expects a failure exactly if the check has found something, and else that a load with the same options can
// read the file. Returns true if the save failed.
bool agrees(tf_format format, const tf_dict *arrays, const tf_dict *metadata, const tf_options *options,
            const std::string &what) {
  const std::vector<Finding> found = check(format, arrays, metadata, options);
  tf_buffer *buffer = nullptr;
  const tf_status status = tf_save_memory(&buffer, format, nullptr, arrays, metadata, options);
  if (status == TF_STATUS_OK) {
    tf_dict *loaded = nullptr;
    EXPECT_EQ(
        tf_load_memory(nullptr, &loaded, nullptr, tf_buffer_data(buffer), tf_buffer_size(buffer), format, options),
        TF_STATUS_OK)
        << tf_format_name(format) << ", " << what << ": " << tf_error_message();
    tf_dict_release(loaded);
  }
  tf_buffer_release(buffer);
  EXPECT_EQ(found.empty(), status == TF_STATUS_OK)
      << tf_format_name(format) << ", " << what << ": the save returned " << tf_status_name(status) << " ("
      << (status == TF_STATUS_OK ? "" : tf_error_message()) << "), the first of " << found.size() << " findings is "
      << (found.empty() ? Finding() : found[0]);
  for (const Finding &finding : found) {
    EXPECT_FALSE(finding.reason.empty());
    EXPECT_TRUE(finding.subject != "file" || finding.name.empty());
  }
  return status != TF_STATUS_OK;
}

TEST(SaveCheck, AgreesForEveryDtypeAndRank) {
  size_t refused = 0;
  for (const tf_format format : kFormats) {
    for (tf_dtype dtype = 0; dtype < 120; ++dtype) {
      if (tf_dtype_kind(dtype) == TF_DTYPE_KIND_NONE) continue;
      for (const size_t rank :
           {size_t{0}, size_t{1}, size_t{2}, size_t{4}, size_t{5}, size_t{8}, size_t{9}, size_t{64}}) {
        if (rank == 0 && tf_dtype_block_size(dtype) > 1) continue;
        const auto arrays = dict_of({{"w", smallest(dtype, rank).get()}});
        for (const int64_t extended : {0, 1}) {
          const auto options =
              options_with({{TF_OPTION_GGUF_EXTENDED, extended}, {TF_OPTION_MAX_RANK, extended != 0 ? 64 : 7}});
          const std::string what = std::string(tf_dtype_name(dtype)) + " of rank " + std::to_string(rank);
          refused += agrees(format, arrays.get(), nullptr, options.get(), what) ? 1 : 0;
        }
      }
    }
  }
  EXPECT_GT(refused, 500u);
}

TEST(SaveCheck, AgreesForEveryName) {
  const std::string names[] = {"",
                               "w",
                               "a.b/c d",
                               "\xC3\xA9",
                               "__metadata__",
                               std::string("a\0b", 3),
                               std::string(63, 'n'),
                               std::string(64, 'n'),
                               std::string(65531, 'n'),
                               std::string(65532, 'n'),
                               std::string(65535, 'n'),
                               std::string(65536, 'n'),
                               std::string(65537, 'n')};
  const auto array = zeros(TF_DTYPE_FLOAT32, {2});
  for (const tf_format format : kFormats) {
    for (const std::string &name : names) {
      const auto arrays = new_dict();
      ASSERT_EQ(tf_dict_set_array(arrays.get(), name.data(), name.size(), array.get()), TF_STATUS_OK);
      const auto metadata = new_dict();
      ASSERT_EQ(tf_dict_set_string(metadata.get(), name.data(), name.size(), "text", 4), TF_STATUS_OK);
      const auto other = dict_of({{"other", array.get()}});
      for (const int64_t extended : {0, 1}) {
        const auto options = options_with({{TF_OPTION_GGUF_EXTENDED, extended}});
        const std::string what = "a name of " + std::to_string(name.size()) + " bytes";
        agrees(format, arrays.get(), nullptr, options.get(), what);
        agrees(format, other.get(), metadata.get(), options.get(), what + " as key");
        agrees(format, arrays.get(), metadata.get(), options.get(), what + " as both");
      }
    }
  }
}

// Metadata of every kind, each with a title.
std::vector<std::pair<std::string, Handle<tf_dict>>> all_metadata() {
  std::vector<std::pair<std::string, Handle<tf_dict>>> all;
  const auto add = [&](const std::string &title, const std::function<tf_status(tf_dict *)> &set) {
    all.emplace_back(title, new_dict());
    EXPECT_EQ(set(all.back().second.get()), TF_STATUS_OK) << title << ": " << tf_error_message();
  };
  const auto add_list = [&](const std::string &title, std::initializer_list<std::string> texts) {
    add(title, [&](tf_dict *dict) {
      tf_status status = tf_dict_set_string_list(dict, "k", 1);
      for (const std::string &text : texts)
        status = tf_dict_string_list_append(dict, "k", 1, text.data(), text.size());
      return status;
    });
  };
  add("none", [](tf_dict *) { return TF_STATUS_OK; });
  for (const std::string &text : {std::string(), std::string("text"), std::string("a\0", 2), std::string("a\0b", 3),
                                  std::string("\xFF"), std::string(300, 't')}) {
    add("a string of " + std::to_string(text.size()) + " bytes",
        [&](tf_dict *dict) { return tf_dict_set_string(dict, "k", 1, text.data(), text.size()); });
    add_list("a list with it", {"x", text});
  }
  add_list("an empty list", {});
  for (tf_dtype dtype = 0; dtype < 120; ++dtype) {
    if (tf_dtype_kind(dtype) == TF_DTYPE_KIND_NONE) continue;
    for (const size_t rank : {size_t{0}, size_t{1}, size_t{2}}) {
      if (rank == 0 && tf_dtype_block_size(dtype) > 1) continue;
      add(std::string(tf_dtype_name(dtype)) + " of rank " + std::to_string(rank),
          [&](tf_dict *dict) { return tf_dict_set_array(dict, "k", 1, smallest(dtype, rank).get()); });
    }
  }
  for (const int depth : {1, 2, 6, 7, 8, 9}) {
    for (const char *key : {"0", "1"}) {
      auto nested = new_dict();
      EXPECT_EQ(tf_dict_set_array(nested.get(), key, 1, zeros(TF_DTYPE_INT8, {2}).get()), TF_STATUS_OK);
      for (int i = 1; i < depth; ++i) {
        auto outer = new_dict();
        EXPECT_EQ(tf_dict_set_dict(outer.get(), "0", 1, nested.get()), TF_STATUS_OK);
        nested = std::move(outer);
      }
      add("dicts nested " + std::to_string(depth) + " deep with key " + key,
          [&](tf_dict *dict) { return tf_dict_set_dict(dict, "k", 1, nested.get()); });
    }
  }
  for (const uint32_t alignment : {8U, 24U, 64U, 1U << 20, 1U << 21}) {
    const auto value = made<tf_array>(
        [&](tf_array **out) { return tf_array_copy_from(out, TF_DTYPE_UINT32, nullptr, 0, &alignment, 4); });
    add("general.alignment " + std::to_string(alignment),
        [&](tf_dict *dict) { return tf_dict_set_array(dict, "general.alignment", SIZE_MAX, value.get()); });
  }
  add("general.alignment of another dtype",
      [](tf_dict *dict) { return tf_dict_set_int64(dict, "general.alignment", SIZE_MAX, 64); });
  add("two values", [](tf_dict *dict) {
    const tf_status status = tf_dict_set_string(dict, "a", 1, "text", 4);
    return status != TF_STATUS_OK ? status : tf_dict_set_int64(dict, "w", 1, 7);
  });
  return all;
}

TEST(SaveCheck, AgreesForAllMetadataAndOptions) {
  const std::vector<std::pair<tf_option, int64_t>> rows[] = {
      {},
      {{TF_OPTION_ALIGNMENT, 8}},
      {{TF_OPTION_ALIGNMENT, 65536}},
      {{TF_OPTION_COMPRESS, 1}},
      {{TF_OPTION_COMPRESS, 1}, {TF_OPTION_DEFLATE, TF_DEFLATE_ZLIB}},
      {{TF_OPTION_DEFLATE, TF_DEFLATE_ZLIB}},
      {{TF_OPTION_MAX_ARRAYS, 1}},
      {{TF_OPTION_MAX_METADATA, 1}},
      {{TF_OPTION_MAX_NAME_BYTES, 1}},
      {{TF_OPTION_MAX_HEADER_BYTES, 64}},
      {{TF_OPTION_MAX_HEADER_BYTES, 300}},
      {{TF_OPTION_MAX_HEADER_BYTES, 120}},
      {{TF_OPTION_MAX_HEADER_BYTES, 120}, {TF_OPTION_COMPRESS, 1}},
      {{TF_OPTION_MAX_NESTING, 2}},
      {{TF_OPTION_MAX_NAME_BYTES, 5}, {TF_OPTION_ALIGNMENT, 64}},
      {{TF_OPTION_PART_BYTES, 1}},
  };
  const auto array = zeros(TF_DTYPE_FLOAT32, {2});
  const Handle<tf_dict> contents[] = {new_dict(), dict_of({{"w", array.get()}}),
                                      dict_of({{"long", array.get()}, {"w", array.get()}})};
  const auto all = all_metadata();
  size_t refused[4] = {};
  size_t total = 0;
  for (const auto &row : rows) {
    const auto options = made<tf_options>([](tf_options **out) { return tf_options_new(out); });
    for (const auto &[option, value] : row)
      ASSERT_EQ(tf_options_set(options.get(), option, value), TF_STATUS_OK);
    const std::string setting = row.empty() ? "" : tf_option_name(row[0].first);
    for (const auto &arrays : contents) {
      for (const auto &[title, metadata] : all) {
        for (const tf_format format : kFormats)
          refused[format - 1] += agrees(format, arrays.get(), metadata.get(), options.get(), title + setting) ? 1 : 0;
        ++total;
      }
    }
  }
  for (const size_t count : refused) {
    EXPECT_GT(count, 100u);
    EXPECT_LT(count, total);
  }
}

TEST(SaveCheck, AgreesForFilesThatWouldBeTooLarge) {
  const auto too_large = dict_of({{"a", endless(INT64_MAX).get()}});
  const auto large = dict_of({{"a", endless(INT64_MAX - 200000).get()}});
  for (const tf_format format : kFormats) {
    EXPECT_TRUE(agrees(format, too_large.get(), nullptr, nullptr, "2^63 bytes"));
    EXPECT_EQ(check(format, too_large.get()).at(0).problem, "size");
    EXPECT_EQ(check(format, large.get()), std::vector<Finding>());
  }
}

// The directory of an archive is limited to the byte, with and without the records of chunks.
TEST(SaveCheck, AgreesAtTheLimitOfADirectory) {
  const auto arrays = new_dict();
  for (int i = 0; i < 20; ++i) {
    const auto array = zeros(TF_DTYPE_INT8, {i == 0 ? 5 << 20 : 3});
    ASSERT_EQ(tf_dict_set_array(arrays.get(), std::to_string(i).c_str(), SIZE_MAX, array.get()), TF_STATUS_OK);
  }
  const auto metadata = new_dict();
  ASSERT_EQ(tf_dict_set_string(metadata.get(), "key", 3, "text", 4), TF_STATUS_OK);
  for (const int64_t compress : {0, 1}) {
    const auto plain = options_with({{TF_OPTION_COMPRESS, compress}});
    const std::string file =
        contents(made<tf_buffer>([&](tf_buffer **out) {
                   return tf_save_memory(out, TF_FORMAT_NPZ, nullptr, arrays.get(), metadata.get(), plain.get());
                 }).get());
    // The size of the directory is 10 bytes before the end.
    const std::string field = file.substr(file.size() - 10, 4);
    int64_t size = 0;
    for (size_t i = 4; i-- > 0;)
      size = size * 256 + static_cast<uint8_t>(field[i]);
    for (const int64_t missing : {0, 1}) {
      const auto options = options_with({{TF_OPTION_COMPRESS, compress}, {TF_OPTION_MAX_HEADER_BYTES, size - missing}});
      EXPECT_EQ(agrees(TF_FORMAT_NPZ, arrays.get(), metadata.get(), options.get(), "a directory"), missing == 1);
    }
  }
}

TEST(SaveCheck, ReportsEverything) {
  const auto arrays = dict_of({{"c", smallest(TF_DTYPE_COMPLEX128, 1).get()},
                               {"__metadata__", smallest(TF_DTYPE_INT8, 1).get()},
                               {"good", smallest(TF_DTYPE_INT8, 1).get()}});
  ASSERT_EQ(tf_dict_set_string(arrays.get(), "s", 1, "text", 4), TF_STATUS_OK);
  const auto metadata = new_dict();
  ASSERT_EQ(tf_dict_set_int64(metadata.get(), "n", 1, 5), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string(metadata.get(), "bytes", 5, "\xFF", 1), TF_STATUS_OK);
  const auto options = options_with({{TF_OPTION_MAX_ARRAYS, 2}});
  EXPECT_EQ(check(TF_FORMAT_SAFETENSORS, arrays.get(), metadata.get(), options.get()),
            (std::vector<Finding>{
                {"array", "s", "kind", "a string"},
                {"file", "", "limit", "3 arrays are more than the limit (max_arrays) of 2"},
                {"array", "c", "dtype", "complex128 has no safetensors dtype"},
                {"array", "__metadata__", "name", "the name is reserved for metadata"},
                {"metadata", "n", "kind", "metadata that is not a string"},
                {"metadata", "bytes", "value", "metadata that is not UTF-8"},
            }));
}

TEST(SaveCheck, ReportsWhatEachFormatCannotHold) {
  const auto one = dict_of({{"w", smallest(TF_DTYPE_FLOAT32, 5).get()}});
  const auto text = new_dict();
  ASSERT_EQ(tf_dict_set_string(text.get(), "w", 1, "text", 4), TF_STATUS_OK);
  using Findings = std::vector<Finding>;
  EXPECT_EQ(check(TF_FORMAT_NPY, new_dict().get(), text.get()),
            (Findings{{"file", "", "count", "npy holds exactly one array, but there are 0"},
                      {"metadata", "w", "kind", "the format has no metadata"}}));
  EXPECT_EQ(
      check(TF_FORMAT_NPZ, one.get(), text.get()),
      (Findings{{"array", "w", "duplicate", "is also the name of a metadata value, and both are members of an npz"}}));
  EXPECT_EQ(check(TF_FORMAT_SAFETENSORS, one.get(), text.get()), Findings());
  EXPECT_EQ(
      check(TF_FORMAT_GGUF, one.get(), text.get()),
      (Findings{{"array", "w", "rank", "5 dimensions, at most 4 are possible; TF_OPTION_GGUF_EXTENDED permits 8"}}));
  const auto aligned = options_with({{TF_OPTION_ALIGNMENT, 65536}, {TF_OPTION_FORMAT, TF_FORMAT_NPZ}});
  EXPECT_EQ(check(TF_FORMAT_AUTO, one.get(), nullptr, aligned.get()),
            (Findings{{"file", "", "option", "npz cannot align data to 65536 bytes, 32768 are the most"}}));
  const auto zlib = options_with({{TF_OPTION_COMPRESS, 1}, {TF_OPTION_DEFLATE, TF_DEFLATE_ZLIB}});
  EXPECT_EQ(check(TF_FORMAT_NPZ, one.get(), nullptr, zlib.get()),
            has_zlib() ? Findings() : (Findings{{"file", "", "option", kNoZlib}}));
  ASSERT_EQ(tf_dict_set_string(text.get(), "general.alignment", SIZE_MAX, "64", 2), TF_STATUS_OK);
  EXPECT_EQ(check(TF_FORMAT_GGUF, new_dict().get(), text.get()),
            (Findings{{"metadata", "general.alignment", "value", "expected a uint32 scalar"}}));
}

TEST(SaveCheck, IsNoFailure) {
  tf_dict *report = nullptr;
  EXPECT_EQ(tf_save_check(&report, TF_FORMAT_NPY, nullptr, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(tf_error_message(), "arrays is NULL");
  const auto large = dict_of({{"a", endless(INT64_MAX).get()}});
  EXPECT_EQ(check(TF_FORMAT_NPZ, large.get()).size(), 1u);
  EXPECT_STREQ(tf_error_message(), "arrays is NULL") << "a success changed it";
  EXPECT_EQ(tf_save_check(&report, TF_FORMAT_AUTO, large.get(), nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_save_check(&report, TF_FORMAT_BY_CONTENT, large.get(), nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_save_check(nullptr, TF_FORMAT_NPZ, large.get(), nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(report, nullptr);
  const auto bound = options_with({{TF_OPTION_MAX_BYTES, 64}});
  EXPECT_EQ(tf_save_check(&report, TF_FORMAT_NPZ, large.get(), nullptr, bound.get()), TF_STATUS_LIMIT);
}

}  // namespace
}  // namespace tfile::testing
