// Saves and loads every dtype in every format and layout. One error must name all arrays that a format cannot hold.
#include <set>

#include "core/dtype.h"
#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

constexpr tf_format kFormats[] = {TF_FORMAT_NPY, TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF};

// True if the specification of the format has the dtype.
bool holds(tf_format format, tf_dtype dtype) {
  const bool plain_float = dtype >= TF_DTYPE_FLOAT16 && dtype <= TF_DTYPE_FLOAT64;
  switch (format) {
    case TF_FORMAT_SAFETENSORS:
      return dtype < TF_DTYPE_Q4_0 && dtype != TF_DTYPE_COMPLEX128;
    case TF_FORMAT_GGUF:
      return dtype >= TF_DTYPE_Q4_0 || plain_float || (dtype >= TF_DTYPE_INT8 && dtype <= TF_DTYPE_INT64);
    default:
      return dtype <= TF_DTYPE_COMPLEX128;
  }
}

struct Layout {
  const char *name;
  Handle<tf_array> array;
};

Handle<tf_array> transposed(const tf_array *array) {
  return made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, array, nullptr, 0); });
}

std::vector<Layout> layouts_of(const Dtype &dtype) {
  const int64_t unit = dtype.block_size;
  std::vector<Layout> layouts;
  if (unit == 1) layouts.push_back({"scalar", random_array(dtype.id, {})});
  layouts.push_back({"vector", random_array(dtype.id, {unit * 3})});
  layouts.push_back({"matrix", random_array(dtype.id, {5, unit * 2})});
  layouts.push_back({"rank4", random_array(dtype.id, {2, 3, 1, unit * 4})});
  layouts.push_back({"empty", random_array(dtype.id, {0, unit})});
  if (!dtype.addressable()) return layouts;
  const auto base = random_array(dtype.id, {9, 8, 7});
  const int64_t start[] = {8, TENSORFILE_SLICE_OMITTED, 1}, stop[] = {TENSORFILE_SLICE_OMITTED, 7, 7};
  const int64_t step[] = {-2, 3, 2};
  layouts.push_back({"strided", made<tf_array>([&](tf_array **out) {
                       return tf_array_slice(out, base.get(), start, stop, step, 3);
                     })});
  layouts.push_back({"fortran", transposed(base.get())});
  const int64_t shape[] = {4, 3}, strides[] = {0, dtype.block_bytes};
  const tf_array *row = layouts[1].array.get();
  layouts.push_back({"broadcast", made<tf_array>([&](tf_array **out) {
                       return tf_array_wrap(out, dtype.id, shape, 2, strides, const_cast<void *>(tf_array_data(row)),
                                            tf_array_nbytes(row), 0, nullptr, nullptr);
                     })});
  return layouts;
}

// Saves one array in memory and loads it again.
Handle<tf_array> there_and_back(tf_format format, const tf_array *array, const tf_options *options) {
  const auto dict = dict_of({{"w", array}});
  const bool npy = format == TF_FORMAT_NPY;
  const auto buffer = made<tf_buffer>([&](tf_buffer **out) {
    return tf_save_memory(out, format, npy ? array : nullptr, npy ? nullptr : dict.get(), nullptr, options);
  });
  const auto loaded = made<tf_dict>([&](tf_dict **out) {
    return tf_load_memory(nullptr, out, nullptr, tf_buffer_data(buffer.get()), tf_buffer_size(buffer.get()), format,
                          nullptr);
  });
  return array_of(loaded.get(), npy ? "" : "w");
}

TEST(RoundTrip, EveryDtypeFormatAndLayout) {
  const auto deflate = options_with({{TF_OPTION_COMPRESS, 1}});
  for (const Dtype &dtype : all_dtypes()) {
    for (const Layout &layout : layouts_of(dtype)) {
      for (const tf_format format : kFormats) {
        if (!holds(format, dtype.id)) continue;
        SCOPED_TRACE(std::string(dtype.name) + " " + layout.name + " " + tf_format_name(format));
        EXPECT_TRUE(same(layout.array.get(), there_and_back(format, layout.array.get(), nullptr).get()));
        if (format != TF_FORMAT_NPZ) continue;
        EXPECT_TRUE(same(layout.array.get(), there_and_back(format, layout.array.get(), deflate.get()).get()));
      }
    }
  }
}

TEST(RoundTrip, AFormatRefusesInOneErrorAllThatItCannotHold) {
  for (const tf_format format : {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    SCOPED_TRACE(tf_format_name(format));
    std::vector<Handle<tf_array>> kept;
    const auto dict = new_dict();
    std::set<std::string> refused;
    for (const Dtype &dtype : all_dtypes()) {
      // An error message has space for this many names.
      if (refused.size() == 4) break;
      kept.push_back(random_array(dtype.id, {dtype.block_size}));
      ASSERT_EQ(tf_dict_set_array(dict.get(), dtype.name, SIZE_MAX, kept.back().get()), TF_STATUS_OK);
      if (!holds(format, dtype.id)) refused.insert(dtype.name);
    }
    ASSERT_FALSE(refused.empty());
    TempFolder folder;
    const std::string path = folder.path("x");
    const tf_status status = format == TF_FORMAT_NPZ ? tf_savez(path.c_str(), nullptr, 0, dict.get(), nullptr)
                             : format == TF_FORMAT_GGUF
                                 ? tf_save_gguf(path.c_str(), dict.get(), nullptr, nullptr)
                                 : tf_save_safetensors(path.c_str(), dict.get(), nullptr, nullptr);
    EXPECT_EQ(status, TF_STATUS_UNSUPPORTED);
    for (const std::string &name : refused) {
      EXPECT_NE(std::string(tf_error_message()).find("'" + name + "' ("), std::string::npos) << tf_error_message();
    }
    EXPECT_TRUE(refused.contains(tf_error_name())) << tf_error_name();
    EXPECT_TRUE(folder.names().empty()) << "something was written";
  }
}

TEST(RoundTrip, DataIsAlignedAsDocumented) {
  const auto array = random_array(TF_DTYPE_FLOAT32, {3, 5});
  const auto byte = random_array(TF_DTYPE_INT8, {3});
  const auto dict = dict_of({{"a", byte.get()}, {"bb", array.get()}, {"c", array.get()}});
  for (const auto &[format, alignment, asked] :
       {std::tuple(TF_FORMAT_NPZ, 64, 0), std::tuple(TF_FORMAT_NPZ, 4096, 4096), std::tuple(TF_FORMAT_GGUF, 32, 0),
        std::tuple(TF_FORMAT_GGUF, 128, 128)}) {
    const tf_format to = format;  // clang 14 captures no structured binding
    const auto options = options_with({{TF_OPTION_ALIGNMENT, asked}});
    const auto buffer = made<tf_buffer>(
        [&](tf_buffer **out) { return tf_save_memory(out, to, nullptr, dict.get(), nullptr, options.get()); });
    const auto file = made<tf_file>([&](tf_file **out) {
      return tf_file_open_memory(out, tf_buffer_data(buffer.get()), tf_buffer_size(buffer.get()), to, nullptr);
    });
    for (size_t i = 0; i < 3; ++i) {
      uint64_t offset = 1;
      ASSERT_EQ(tf_file_location(nullptr, &offset, nullptr, nullptr, file.get(), i), TF_STATUS_OK);
      EXPECT_EQ(offset % static_cast<uint64_t>(alignment), 0u) << tf_format_name(format) << " array " << i;
    }
  }
}

TEST(RoundTrip, OutputIsTheSameEachTimeAndForEveryTarget) {
  const auto array = random_array(TF_DTYPE_FLOAT32, {200, 300});
  const auto dict = dict_of({{"b", array.get()}, {"a", array.get()}});
  const auto append = [](void *user, const void *src, size_t nbytes) -> tf_status {
    static_cast<std::string *>(user)->append(static_cast<const char *>(src), nbytes);
    return TF_STATUS_OK;
  };
  for (const tf_format format : {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    const auto first = made<tf_buffer>(
        [&](tf_buffer **out) { return tf_save_memory(out, format, nullptr, dict.get(), nullptr, nullptr); });
    std::string sunk;
    const auto sink = made<tf_sink>([&](tf_sink **out) { return tf_sink_new(out, append, nullptr, &sunk); });
    ASSERT_EQ(tf_save_sink(sink.get(), format, nullptr, dict.get(), nullptr, nullptr), TF_STATUS_OK)
        << tf_error_message();
    EXPECT_EQ(sunk, contents(first.get())) << tf_format_name(format);
  }
}

TEST(RoundTrip, ADeflatedNpzThroughASinkLoads) {
  const auto array = random_array(TF_DTYPE_INT16, {200, 300});
  const auto dict = dict_of({{"a", array.get()}});
  std::string sunk;
  const auto append = [](void *user, const void *src, size_t nbytes) -> tf_status {
    static_cast<std::string *>(user)->append(static_cast<const char *>(src), nbytes);
    return TF_STATUS_OK;
  };
  const auto sink = made<tf_sink>([&](tf_sink **out) { return tf_sink_new(out, append, nullptr, &sunk); });
  const auto options = options_with({{TF_OPTION_COMPRESS, 1}});
  ASSERT_EQ(tf_save_sink(sink.get(), TF_FORMAT_NPZ, nullptr, dict.get(), nullptr, options.get()), TF_STATUS_OK);
  const auto loaded = made<tf_dict>([&](tf_dict **out) {
    return tf_load_memory(nullptr, out, nullptr, sunk.data(), sunk.size(), TF_FORMAT_AUTO, nullptr);
  });
  EXPECT_TRUE(same(array.get(), array_of(loaded.get(), "a").get()));
}

}  // namespace
}  // namespace tfile::testing
