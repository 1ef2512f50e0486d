// Plans of parts: the same files as a save of the whole set, written one by one.
#include <gtest/gtest.h>

#include <cstring>

#include "support/expect_error.h"
#include "support/memory.h"
#include "support/sets.h"

namespace tfile::testing {
namespace {

std::string text_of(tf_status (*get)(tf_buffer **, const tf_part_plan *, size_t), const tf_part_plan *plan,
                    size_t part) {
  return contents(made<tf_buffer>([&](tf_buffer **out) { return get(out, plan, part); }).get());
}

class PartPlans : public ::testing::Test {
 protected:
  Handle<tf_part_plan> new_plan(const std::string &path, tf_format format, const tf_options *options) {
    return made<tf_part_plan>([&](tf_part_plan **out) { return tf_part_plan_new(out, path.c_str(), format, options); });
  }
  // Makes a plan of the arrays, from a dict or from declarations.
  Handle<tf_part_plan> plan_of(const std::string &path, tf_format format, const tf_options *options,
                               bool from_dict = true) {
    auto plan = new_plan(path, format, options);
    if (from_dict) {
      EXPECT_EQ(tf_part_plan_declare_all(plan.get(), arrays_.get()), TF_STATUS_OK) << tf_error_message();
    } else {
      for (size_t i = 0; i < tf_dict_size(arrays_.get()); ++i) {
        const auto array = nth(i);
        EXPECT_EQ(tf_part_plan_declare(plan.get(), names_[i], SIZE_MAX, tf_array_dtype(array.get()),
                                       tf_array_shape(array.get()), tf_array_ndim(array.get())),
                  TF_STATUS_OK);
      }
    }
    EXPECT_EQ(tf_part_plan_set_metadata(plan.get(), metadata_.get()), TF_STATUS_OK);
    EXPECT_EQ(tf_part_plan_finish(plan.get()), TF_STATUS_OK) << tf_error_message();
    return plan;
  }
  Handle<tf_array> nth(size_t i) const { return array_of(arrays_.get(), names_[i]); }
  // Writes the arrays of a part.
  void write(const Handle<tf_writer> &writer, const tf_part_plan *plan, size_t part) {
    size_t first = 0;
    size_t count = 0;
    uint64_t nbytes = 0;
    uint64_t written = 0;
    ASSERT_EQ(tf_part_plan_part(&first, &count, &nbytes, plan, part), TF_STATUS_OK);
    for (size_t i = first; i < first + count; ++i) {
      const auto array = nth(i);
      const char *name = nullptr;
      ASSERT_EQ(tf_part_plan_array(&name, nullptr, plan, i), TF_STATUS_OK);
      EXPECT_STREQ(name, names_[i]);
      written += tf_array_nbytes(array.get());
      ASSERT_EQ(tf_writer_write(writer.get(), tf_array_data(array.get()), tf_array_nbytes(array.get())), TF_STATUS_OK)
          << tf_error_message();
    }
    EXPECT_EQ(written, nbytes);
    ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
  }
  void save(const std::string &path, tf_format format) {
    const auto write_set = format == TF_FORMAT_GGUF ? tf_save_gguf : tf_save_safetensors;
    ASSERT_EQ(write_set(path.c_str(), arrays_.get(), metadata_.get(), in_parts_.get()), TF_STATUS_OK)
        << tf_error_message();
  }
  static Handle<tf_dict> strings() {
    auto dict = new_dict();
    EXPECT_EQ(tf_dict_set_string(dict.get(), "general.name", SIZE_MAX, "test", SIZE_MAX), TF_STATUS_OK);
    return dict;
  }

  const char *names_[5] = {"a", "b", "c", "d", "e"};
  Handle<tf_dict> arrays_ = dict_of({{"a", random_array(TF_DTYPE_FLOAT32, {10}, 1).get()},
                                     {"b", random_array(TF_DTYPE_FLOAT16, {6, 2}, 2).get()},
                                     {"c", random_array(TF_DTYPE_INT8, {3}, 3).get()},
                                     {"d", random_array(TF_DTYPE_FLOAT32, {100}, 4).get()},
                                     {"e", random_array(TF_DTYPE_INT32, {20}, 5).get()}});
  Handle<tf_dict> metadata_ = strings();
  Handle<tf_options> in_parts_ = options_with({{TF_OPTION_PART_BYTES, 100}});
};

TEST_F(PartPlans, TheFilesAreThoseOfASaveOfTheSet) {
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    TempFolder whole;
    TempFolder apart;
    save(whole.path("w"), format);
    for (const bool from_dict : {true, false}) {
      const auto plan = plan_of(apart.path("w"), format, in_parts_.get(), from_dict);
      ASSERT_EQ(tf_part_plan_count(plan.get()), 3u);
      EXPECT_EQ(tf_part_plan_has_index(plan.get()), format == TF_FORMAT_SAFETENSORS ? 1 : 0);
      for (const size_t part : {size_t{2}, size_t{1}, size_t{0}}) {
        const auto writer =
            made<tf_writer>([&](tf_writer **out) { return tf_part_plan_open_part(out, plan.get(), part, nullptr); });
        write(writer, plan.get(), part);
      }
      if (format == TF_FORMAT_SAFETENSORS) {
        EXPECT_EQ(tf_part_plan_save_index(plan.get(), nullptr), TF_STATUS_OK) << tf_error_message();
        EXPECT_EQ(contents(made<tf_buffer>([&](tf_buffer **out) { return tf_part_plan_index(out, plan.get()); }).get()),
                  whole.read("w.safetensors.index.json"));
        EXPECT_EQ(text_of(tf_part_plan_path, plan.get(), 3), apart.path("w.safetensors.index.json"));
      } else {
        tf_buffer *none = nullptr;
        EXPECT_EQ(tf_part_plan_index(&none, plan.get()), TF_STATUS_NOT_FOUND);
        EXPECT_EQ(tf_part_plan_path(&none, plan.get(), 3), TF_STATUS_NOT_FOUND);
        EXPECT_EQ(tf_part_plan_save_index(plan.get(), nullptr), TF_STATUS_NOT_FOUND);
        expect_error(apart.path("w.gguf") + ": the plan of parts has no index");
      }
      EXPECT_EQ(apart.names(), whole.names());
      for (const std::string &file : whole.names())
        EXPECT_EQ(apart.read(file), whole.read(file)) << file;
    }
  }
}

TEST_F(PartPlans, PartsAreWrittenToSinksAndOtherPaths) {
  TempFolder whole;
  TempFolder apart;
  save(whole.path("w"), TF_FORMAT_SAFETENSORS);
  const auto plan = plan_of("w.safetensors", TF_FORMAT_AUTO, in_parts_.get());
  EXPECT_EQ(text_of(tf_part_plan_path, plan.get(), 1), "w-00002-of-00003.safetensors");
  std::string bytes;
  const auto append = [](void *user, const void *src, size_t nbytes) -> tf_status {
    static_cast<std::string *>(user)->append(static_cast<const char *>(src), nbytes);
    return TF_STATUS_OK;
  };
  const auto sink = made<tf_sink>([&](tf_sink **out) { return tf_sink_new(out, append, nullptr, &bytes); });
  const auto to_sink =
      made<tf_writer>([&](tf_writer **out) { return tf_part_plan_open_part_sink(out, plan.get(), 2, sink.get()); });
  write(to_sink, plan.get(), 2);
  EXPECT_EQ(bytes, whole.read("w-00003-of-00003.safetensors"));
  const auto to_path = made<tf_writer>(
      [&](tf_writer **out) { return tf_part_plan_open_part(out, plan.get(), 1, apart.path("task.tmp").c_str()); });
  write(to_path, plan.get(), 1);
  EXPECT_EQ(apart.read("task.tmp"), whole.read("w-00002-of-00003.safetensors"));
  ASSERT_EQ(tf_part_plan_save_index(plan.get(), apart.path("index.json").c_str()), TF_STATUS_OK);
  EXPECT_EQ(apart.read("index.json"), whole.read("w.safetensors.index.json"));
}

TEST_F(PartPlans, OneFileIsOnePart) {
  TempFolder folder;
  const auto plan = plan_of(folder.path("w.gguf"), TF_FORMAT_AUTO, nullptr);
  EXPECT_EQ(tf_part_plan_count(plan.get()), 1u);
  EXPECT_EQ(tf_part_plan_has_index(plan.get()), 0);
  EXPECT_EQ(text_of(tf_part_plan_path, plan.get(), 0), folder.path("w.gguf"));
  const auto writer =
      made<tf_writer>([&](tf_writer **out) { return tf_part_plan_open_part(out, plan.get(), 0, nullptr); });
  write(writer, plan.get(), 0);
  const auto expected = made<tf_buffer>([&](tf_buffer **out) {
    return tf_save_memory(out, TF_FORMAT_GGUF, nullptr, arrays_.get(), metadata_.get(), nullptr);
  });
  EXPECT_EQ(folder.read("w.gguf"), contents(expected.get()));
}

TEST_F(PartPlans, TheMetadataOfAPartAreKnown) {
  const auto gguf = plan_of("w.gguf", TF_FORMAT_AUTO, in_parts_.get());
  for (const size_t part : {size_t{0}, size_t{1}}) {
    const auto metadata = made<tf_dict>([&](tf_dict **out) { return tf_part_plan_metadata(out, gguf.get(), part); });
    int64_t number = -1;
    EXPECT_EQ(tf_dict_get_int64(&number, metadata.get(), "split.no", SIZE_MAX), TF_STATUS_OK);
    EXPECT_EQ(number, static_cast<int64_t>(part));
    EXPECT_EQ(tf_dict_contains(metadata.get(), "general.name", SIZE_MAX), part == 0 ? 1 : 0);
  }
  auto plain = new_plan("w.safetensors", TF_FORMAT_AUTO, nullptr);
  ASSERT_EQ(tf_part_plan_declare_all(plain.get(), arrays_.get()), TF_STATUS_OK);
  ASSERT_EQ(tf_part_plan_finish(plain.get()), TF_STATUS_OK);
  const auto none = made<tf_dict>([&](tf_dict **out) { return tf_part_plan_metadata(out, plain.get(), 0); });
  EXPECT_EQ(tf_dict_size(none.get()), 0u);
}

TEST_F(PartPlans, AWriterOfAPartTakesNoDeclarations) {
  const auto plan = plan_of("w.gguf", TF_FORMAT_AUTO, in_parts_.get());
  const auto writer =
      made<tf_writer>([&](tf_writer **out) { return tf_part_plan_open_part(out, plan.get(), 1, nullptr); });
  EXPECT_EQ(tf_writer_declare(writer.get(), "x", 1, TF_DTYPE_INT8, nullptr, 0), TF_STATUS_INVALID_ARGUMENT);
  expect_error("w-00002-of-00003.gguf: declarations are those of the plan of parts");
  EXPECT_EQ(tf_writer_set_metadata(writer.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("w-00002-of-00003.gguf: metadata are those of the plan of parts");
}

TEST_F(PartPlans, AreUsedInOrder) {
  auto plan = new_plan("w", TF_FORMAT_SAFETENSORS, in_parts_.get());
  tf_buffer *buffer = nullptr;
  tf_dict *dict = nullptr;
  tf_writer *writer = nullptr;
  const std::string unfinished = "w.safetensors: the plan of parts is not finished: tf_part_plan_finish()";
  EXPECT_EQ(tf_part_plan_count(plan.get()), 0u);
  expect_error(unfinished);
  EXPECT_EQ(tf_part_plan_has_index(plan.get()), 0);
  EXPECT_EQ(tf_part_plan_part(nullptr, nullptr, nullptr, plan.get(), 0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_part_plan_path(&buffer, plan.get(), 0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_part_plan_index(&buffer, plan.get()), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_part_plan_metadata(&dict, plan.get(), 0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_part_plan_save_index(plan.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_part_plan_open_part(&writer, plan.get(), 0, nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error(unfinished);
  // A failure to declare all leaves nothing declared.
  const int64_t size = 3;
  ASSERT_EQ(tf_part_plan_declare(plan.get(), "c", 1, TF_DTYPE_INT8, &size, 1), TF_STATUS_OK);
  EXPECT_EQ(tf_part_plan_declare_all(plan.get(), arrays_.get()), TF_STATUS_DUPLICATE);
  expect_error("array 'c': is declared twice", kNoOffset, "c");
  EXPECT_EQ(tf_part_plan_declare_all(plan.get(), metadata_.get()), TF_STATUS_TYPE);
  const char *name = nullptr;
  EXPECT_EQ(tf_part_plan_array(&name, nullptr, plan.get(), 1), TF_STATUS_INVALID_ARGUMENT);
  ASSERT_EQ(tf_part_plan_declare(plan.get(), "a", 1, TF_DTYPE_INT8, &size, 1), TF_STATUS_OK);
  ASSERT_EQ(tf_part_plan_finish(plan.get()), TF_STATUS_OK);
  EXPECT_EQ(tf_part_plan_finish(plan.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("w.safetensors: the plan of parts is finished");
  EXPECT_EQ(tf_part_plan_declare(plan.get(), "b", 1, TF_DTYPE_INT8, &size, 1), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_part_plan_declare_all(plan.get(), arrays_.get()), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_part_plan_set_metadata(plan.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_part_plan_part(nullptr, nullptr, nullptr, plan.get(), 1), TF_STATUS_INVALID_ARGUMENT);
  expect_error("w.safetensors: there is no part 1; the plan has 1");
}

TEST_F(PartPlans, WhatTheFormatCannotHoldIsFoundWhenTheyFinish) {
  auto plan = new_plan("w", TF_FORMAT_GGUF, in_parts_.get());
  ASSERT_EQ(tf_part_plan_declare(plan.get(), "z", 1, TF_DTYPE_COMPLEX64, nullptr, 0), TF_STATUS_OK);
  EXPECT_EQ(tf_part_plan_finish(plan.get()), TF_STATUS_UNSUPPORTED);
  tf_part_plan *none = nullptr;
  EXPECT_EQ(tf_part_plan_new(&none, "w", TF_FORMAT_AUTO, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_part_plan_new(&none, nullptr, TF_FORMAT_GGUF, nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("path is NULL");
  EXPECT_EQ(tf_part_plan_count(nullptr), 0u);
  tf_part_plan_release(tf_part_plan_retain(nullptr));
}

TEST_F(PartPlans, EveryAllocationMayFail) {
  TempFolder folder;
  const std::string path = folder.path("w.safetensors");
  fail_each_allocation([&](TestMemory &memory) {
    auto options = options_with({{TF_OPTION_PART_BYTES, 100}, {TF_OPTION_THREADS, 1}});
    EXPECT_EQ(tf_options_set_allocator(options.get(), TestMemory::allocate, TestMemory::free, nullptr, &memory),
              TF_STATUS_OK);
    tf_part_plan *plan = nullptr;
    tf_writer *writer = nullptr;
    tf_buffer *index = nullptr;
    tf_dict *metadata = nullptr;
    tf_status status = tf_part_plan_new(&plan, path.c_str(), TF_FORMAT_AUTO, options.get());
    if (status == TF_STATUS_OK) status = tf_part_plan_declare_all(plan, arrays_.get());
    if (status == TF_STATUS_OK) status = tf_part_plan_set_metadata(plan, metadata_.get());
    if (status == TF_STATUS_OK) status = tf_part_plan_finish(plan);
    if (status == TF_STATUS_OK) status = tf_part_plan_open_part(&writer, plan, 1, nullptr);
    if (status == TF_STATUS_OK) status = tf_part_plan_index(&index, plan);
    if (status == TF_STATUS_OK) status = tf_part_plan_metadata(&metadata, plan, 0);
    if (status == TF_STATUS_OK) status = tf_part_plan_save_index(plan, nullptr);
    tf_dict_release(metadata);
    tf_buffer_release(index);
    tf_writer_release(writer);
    tf_part_plan_release(plan);
    return Status{status};
  });
}

}  // namespace
}  // namespace tfile::testing
