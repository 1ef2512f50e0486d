#include "base/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "format/format.h"
#include "support/memory.h"
#include "tensorfile.hpp"

namespace tfile {
namespace {

using Handle = tensorfile::Options;

Handle new_options() {
  tf_options *options = nullptr;
  EXPECT_EQ(tf_options_new(&options), TF_STATUS_OK);
  return Handle(options);
}

void expect_failure(tf_status status, tf_status expected, const std::string &message) {
  EXPECT_EQ(status, expected);
  EXPECT_EQ(tf_error_message(), message);
}

struct Range {
  tf_option option;
  int64_t least, most, initial;
  const char *takes;  // the range as messages state it
};

// The ranges that tensorfile.h documents.
const Range kRanges[] = {
    {TF_OPTION_THREADS, 0, 1024, 0, "threads takes 0 to 1024"},
    {TF_OPTION_EXACT_PATH, 0, 1, 0, "exact_path takes 0 or 1"},
    {TF_OPTION_LOAD_MODE, 0, 1, 0, "load_mode takes own (0) or map (1)"},
    {TF_OPTION_LENIENT, 0, 1, 0, "lenient takes 0 or 1"},
    {TF_OPTION_STRICT, 0, 1, 1, "strict takes 0 or 1"},
    {TF_OPTION_PARTS, 0, 1, 0, "parts takes 0 or 1"},
    {TF_OPTION_PART_BYTES, 0, INT64_MAX, 0, "part_bytes takes 0 or more"},
    {TF_OPTION_MAX_BYTES, 0, INT64_MAX, 0, "max_bytes takes 0 or more"},
    {TF_OPTION_MAX_HEADER_BYTES, 0, INT64_MAX, 0, "max_header_bytes takes 0 or more"},
    {TF_OPTION_MAX_ARRAYS, 1, 1 << 30, 1000000, "max_arrays takes 1 to 1073741824"},
    {TF_OPTION_MAX_METADATA, 1, 1 << 30, 1000000, "max_metadata takes 1 to 1073741824"},
    {TF_OPTION_MAX_NAME_BYTES, 1, 1 << 30, 65536, "max_name_bytes takes 1 to 1073741824"},
    {TF_OPTION_MAX_RANK, 1, 64, 64, "max_rank takes 1 to 64"},
    {TF_OPTION_MAX_NESTING, 1, 64, 64, "max_nesting takes 1 to 64"},
    {TF_OPTION_DURABLE, 0, 1, 0, "durable takes 0 or 1"},
    {TF_OPTION_ATOMIC, 0, 1, 1, "atomic takes 0 or 1"},
    {TF_OPTION_ALIGNMENT, 0, 1048576, 0, "alignment takes 0 or a power of two up to 1048576"},
    {TF_OPTION_COMPRESS, 0, 1, 0, "compress takes 0 or 1"},
    {TF_OPTION_COMPRESSION_LEVEL, -1, 9, -1, "compression_level takes -1 to 9"},
    {TF_OPTION_DEFLATE, 0, 1, 0, "deflate takes auto (0) or zlib (1)"},
    {TF_OPTION_SKIP_UNSUPPORTED, 0, 1, 0, "skip_unsupported takes 0 or 1"},
    {TF_OPTION_GGUF_EXTENDED, 0, 1, 0, "gguf_extended takes 0 or 1"},
};

// The values of the format option as messages list them: "auto (0), content (5), npy (1) or npz (2)".
std::string format_list(bool numbers) {
  std::string out;
  for (size_t i = 0; format_value(i).name != nullptr; ++i) {
    const auto [name, value] = format_value(i);
    out += i == 0 ? "" : format_value(i + 1).name != nullptr ? ", " : " or ";
    out += name + (numbers ? " (" + std::to_string(value) + ")" : "");
  }
  return out;
}

// The numbers of the formats and of the other values, which have no gap.
Range range_of_formats(const std::string &takes) {
  int64_t most = TF_FORMAT_AUTO;
  for (size_t i = 0; format_value(i).name != nullptr; ++i)
    most = std::max(most, format_value(i).value);
  return {TF_OPTION_FORMAT, TF_FORMAT_AUTO, most, TF_FORMAT_AUTO, takes.c_str()};
}

TEST(Options, HaveDefaultsAndRanges) {
  const Handle options = new_options();
  const std::string formats = "format takes " + format_list(true);
  std::vector<Range> ranges(std::begin(kRanges), std::end(kRanges));
  ranges.push_back(range_of_formats(formats));
  for (const Range &range : ranges) {
    int64_t value = 77;
    ASSERT_EQ(tf_options_get(&value, options.get(), range.option), TF_STATUS_OK);
    EXPECT_EQ(value, range.initial) << range.option;
    for (const int64_t inside : {range.least, range.most}) {
      EXPECT_EQ(tf_options_set(options.get(), range.option, inside), TF_STATUS_OK) << range.option;
      ASSERT_EQ(tf_options_get(&value, options.get(), range.option), TF_STATUS_OK);
      EXPECT_EQ(value, inside);
    }
    const std::string message = std::string(range.takes) + ", not ";
    expect_failure(tf_options_set(options.get(), range.option, range.least - 1), TF_STATUS_INVALID_ARGUMENT,
                   message + std::to_string(range.least - 1));
    if (range.most < INT64_MAX) {
      expect_failure(tf_options_set(options.get(), range.option, range.most + 1), TF_STATUS_INVALID_ARGUMENT,
                     message + std::to_string(range.most + 1));
    }
    ASSERT_EQ(tf_options_get(&value, options.get(), range.option), TF_STATUS_OK);
    EXPECT_EQ(value, range.most);
  }
}

TEST(Options, HaveOneRowEach) {
  std::set<std::string> names;
  for (const OptionRow &row : all_options()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    const OptionRow *found = nullptr;
    ASSERT_TRUE(find_option(&found, row.id).ok());
    EXPECT_EQ(found, &row) << "the id of " << row.name << " is used twice";
    EXPECT_STREQ(option_name(row.id), row.name);
  }
}

TEST(Options, NamesOfDtypesAreThoseOfTheDtypes) {
  const OptionRow *row = nullptr;
  ASSERT_TRUE(find_option(&row, TF_OPTION_DECODE).ok());
  for (const NamedValue &named : row->names) {
    if (named.value > 0) {
      EXPECT_EQ(tf_dtype_from_name(named.name), named.value);
    }
  }
}

TEST(Options, RefuseUnknownOnes) {
  const Handle options = new_options();
  int64_t value = 0;
  for (const tf_option option : {-1, 0, 25, 31, 32, 1000}) {
    const std::string message = "this version has no option " + std::to_string(option);
    expect_failure(tf_options_set(options.get(), option, 0), TF_STATUS_UNSUPPORTED, message);
    expect_failure(tf_options_get(&value, options.get(), option), TF_STATUS_UNSUPPORTED, message);
    expect_failure(tf_options_set_string(options.get(), option, "x", 1), TF_STATUS_UNSUPPORTED, message);
  }
}

TEST(Options, AlignToPowersOfTwo) {
  const Handle options = new_options();
  EXPECT_EQ(tf_options_set(options.get(), TF_OPTION_ALIGNMENT, 1), TF_STATUS_OK);
  EXPECT_EQ(tf_options_set(options.get(), TF_OPTION_ALIGNMENT, 4096), TF_STATUS_OK);
  expect_failure(tf_options_set(options.get(), TF_OPTION_ALIGNMENT, 24), TF_STATUS_INVALID_ARGUMENT,
                 "alignment takes 0 or a power of two up to 1048576, not 24");
}

TEST(Options, TakeNames) {
  const Handle options = new_options();
  int64_t value = 0;
  const std::pair<const char *, int64_t> formats[] = {
      {"npy", TF_FORMAT_NPY},
      {"npz", TF_FORMAT_NPZ},
      {"safetensors", TF_FORMAT_SAFETENSORS},
      {"gguf", TF_FORMAT_GGUF},
      {"content", TF_FORMAT_BY_CONTENT},
      {"auto", TF_FORMAT_AUTO},
  };
  for (const auto &[name, format] : formats) {
    EXPECT_EQ(tf_options_set_string(options.get(), TF_OPTION_FORMAT, name, SIZE_MAX), TF_STATUS_OK);
    ASSERT_EQ(tf_options_get(&value, options.get(), TF_OPTION_FORMAT), TF_STATUS_OK);
    EXPECT_EQ(value, format);
  }
  EXPECT_EQ(tf_options_set_string(options.get(), TF_OPTION_LOAD_MODE, "mapped", 3), TF_STATUS_OK);
  ASSERT_EQ(tf_options_get(&value, options.get(), TF_OPTION_LOAD_MODE), TF_STATUS_OK);
  EXPECT_EQ(value, TF_LOAD_MODE_MAP);
  EXPECT_EQ(tf_options_set_string(options.get(), TF_OPTION_DEFLATE, "zlib", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_options_get(&value, options.get(), TF_OPTION_DEFLATE), TF_STATUS_OK);
  EXPECT_EQ(value, TF_DEFLATE_ZLIB);
  EXPECT_EQ(tf_options_set_string(options.get(), TF_OPTION_DEFLATE, "auto", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_options_get(&value, options.get(), TF_OPTION_DEFLATE), TF_STATUS_OK);
  EXPECT_EQ(value, TF_DEFLATE_AUTO);
  expect_failure(tf_options_set_string(options.get(), TF_OPTION_DEFLATE, "isal", 4), TF_STATUS_INVALID_ARGUMENT,
                 "deflate takes auto or zlib, not 'isal'");
  expect_failure(tf_options_set_string(options.get(), TF_OPTION_LOAD_MODE, "mmap", 4), TF_STATUS_INVALID_ARGUMENT,
                 "load_mode takes own or map, not 'mmap'");
  expect_failure(tf_options_set_string(options.get(), TF_OPTION_FORMAT, "zip", 3), TF_STATUS_INVALID_ARGUMENT,
                 "format takes " + format_list(false) + ", not 'zip'");
  expect_failure(tf_options_set_string(options.get(), TF_OPTION_THREADS, "4", 1), TF_STATUS_TYPE,
                 "threads takes 0 to 1024, not '4'");
  expect_failure(tf_options_set_string(options.get(), TF_OPTION_FORMAT, nullptr, 3), TF_STATUS_INVALID_ARGUMENT,
                 "text is NULL");
  ASSERT_EQ(tf_options_get(&value, options.get(), TF_OPTION_FORMAT), TF_STATUS_OK);
  EXPECT_EQ(value, TF_FORMAT_AUTO);
  EXPECT_EQ(tf_options_set_string(options.get(), TF_OPTION_LOAD_MODE, "own", SIZE_MAX), TF_STATUS_OK);
}

TEST(Options, AcceptNull) {
  int64_t value = 0;
  expect_failure(tf_options_new(nullptr), TF_STATUS_INVALID_ARGUMENT, "out is NULL");
  expect_failure(tf_options_set(nullptr, TF_OPTION_THREADS, 1), TF_STATUS_INVALID_ARGUMENT, "options is NULL");
  expect_failure(tf_options_get(&value, nullptr, TF_OPTION_THREADS), TF_STATUS_INVALID_ARGUMENT, "options is NULL");
  expect_failure(tf_options_get(nullptr, new_options().get(), TF_OPTION_THREADS), TF_STATUS_INVALID_ARGUMENT,
                 "value is NULL");
  expect_failure(tf_options_set_string(nullptr, TF_OPTION_FORMAT, "npy", 3), TF_STATUS_INVALID_ARGUMENT,
                 "options is NULL");
  EXPECT_EQ(tf_options_retain(nullptr), nullptr);
  tf_options_release(nullptr);
}

struct Owner {
  int released = 0;
  tf_status answer = TF_STATUS_OK;
  uint64_t done = 0;
  uint64_t total = 0;
  static void release(void *user) { ++static_cast<Owner *>(user)->released; }
  static void *alloc(void * /*user*/, size_t size, size_t alignment) { return system_allocate(size, alignment); }
  static void free(void * /*user*/, void *pointer, size_t size, size_t alignment) {
    system_free(pointer, size, alignment);
  }
  static tf_status report(void *user, uint64_t done, uint64_t total) {
    auto &self = *static_cast<Owner *>(user);
    self.done = done;
    self.total = total;
    return self.answer;
  }
};

TEST(OptionsAllocator, OutlivesEverythingAllocatedFromIt) {
  Owner owner;
  tf_array *array = nullptr;
  {
    const Handle options = new_options();
    ASSERT_EQ(tf_options_set_allocator(options.get(), Owner::alloc, Owner::free, Owner::release, &owner), TF_STATUS_OK);
    tf_array *zero = nullptr;
    ASSERT_EQ(tf_array_new(&zero, TF_DTYPE_INT8, nullptr, 0), TF_STATUS_OK);
    ASSERT_EQ(tf_array_cast(&array, zero, TF_DTYPE_FLOAT32, options.get()), TF_STATUS_OK);
    tf_array_release(zero);
  }
  EXPECT_EQ(owner.released, 0);
  tf_array *view = nullptr;
  ASSERT_EQ(tf_array_transpose(&view, array, nullptr, 0), TF_STATUS_OK);
  tf_array_release(array);
  EXPECT_EQ(owner.released, 0);
  tf_array_release(view);
  EXPECT_EQ(owner.released, 1);
}

TEST(OptionsAllocator, IsReleasedWhenReplacedOrRefused) {
  Owner first;
  const Handle options = new_options();
  ASSERT_EQ(tf_options_set_allocator(options.get(), Owner::alloc, Owner::free, Owner::release, &first), TF_STATUS_OK);
  Owner second;
  expect_failure(tf_options_set_allocator(options.get(), Owner::alloc, nullptr, Owner::release, &second),
                 TF_STATUS_INVALID_ARGUMENT, "alloc without free");
  EXPECT_EQ(second.released, 1);
  expect_failure(tf_options_set_allocator(options.get(), nullptr, Owner::free, Owner::release, &second),
                 TF_STATUS_INVALID_ARGUMENT, "free without alloc");
  EXPECT_EQ(second.released, 2);
  expect_failure(tf_options_set_allocator(nullptr, Owner::alloc, Owner::free, Owner::release, &second),
                 TF_STATUS_INVALID_ARGUMENT, "options is NULL");
  EXPECT_EQ(second.released, 3);
  EXPECT_EQ(first.released, 0);
  EXPECT_EQ(&options.get()->settings.memory() == &default_memory(), false);
  ASSERT_EQ(tf_options_set_allocator(options.get(), nullptr, nullptr, Owner::release, &second), TF_STATUS_OK);
  EXPECT_EQ(first.released, 1);
  EXPECT_EQ(second.released, 4);
  EXPECT_EQ(&options.get()->settings.memory(), &default_memory());
}

TEST(OptionsProgress, ReportsAndEndsTheCall) {
  Owner owner;
  {
    const Handle options = new_options();
    ASSERT_EQ(tf_options_set_progress(options.get(), Owner::report, Owner::release, &owner), TF_STATUS_OK);
    Settings settings;
    ASSERT_TRUE(settings_of(settings, options.get()).ok());
    Progress progress(settings, 100);
    ASSERT_TRUE(progress.advance(30).ok());
    ASSERT_TRUE(progress.advance(12).ok());
    EXPECT_EQ(owner.done, 42u);
    EXPECT_EQ(owner.total, 100u);
    owner.answer = 1234;
    EXPECT_EQ(progress.advance(1).code, 1234);
    // The options release the callback, but the call in progress still uses it.
    ASSERT_EQ(tf_options_set_progress(options.get(), nullptr, nullptr, nullptr), TF_STATUS_OK);
    EXPECT_EQ(owner.released, 0);
    owner.answer = TF_STATUS_OK;
    EXPECT_TRUE(progress.advance(1).ok());
  }
  EXPECT_EQ(owner.released, 1);
  expect_failure(tf_options_set_progress(nullptr, Owner::report, Owner::release, &owner), TF_STATUS_INVALID_ARGUMENT,
                 "options is NULL");
  EXPECT_EQ(owner.released, 2);
}

TEST(Settings, ApplyTheBudget) {
  const Handle options = new_options();
  Settings settings;
  ASSERT_TRUE(settings_of(settings, options.get()).ok());
  EXPECT_EQ(&settings.memory(), &default_memory());
  ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_MAX_BYTES, 100), TF_STATUS_OK);
  ASSERT_TRUE(settings_of(settings, options.get()).ok());
  void *pointer = nullptr;
  EXPECT_EQ(allocate(&pointer, settings.memory(), 101, 1).code, TF_STATUS_LIMIT);
  ASSERT_TRUE(settings_of(settings, nullptr).ok());
}

TEST(Library, ReportsItsVersionAndStatuses) {
  EXPECT_EQ(tf_version_number(), 900u);
  EXPECT_STREQ(tf_version_string(), "0.9.0");
  EXPECT_STREQ(tf_status_name(TF_STATUS_CORRUPT), "corrupt");
  EXPECT_STREQ(tf_status_name(TF_STATUS_INTERNAL), "internal");
  EXPECT_STREQ(tf_status_name(15), "unknown");
  EXPECT_STREQ(tf_status_name(-1), "unknown");
  const Status status = Failure(TF_STATUS_CORRUPT).array("w").at(12) << "bad";
  EXPECT_EQ(status.code, TF_STATUS_CORRUPT);
  EXPECT_STREQ(tf_error_message(), "array 'w': bad (byte 12)");
  EXPECT_STREQ(tf_error_name(), "w");
  EXPECT_EQ(tf_error_offset(), 12u);
}

}  // namespace
}  // namespace tfile
