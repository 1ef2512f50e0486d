// Saves arrays with the functions of a format, and keeps the file or the error.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "support/listed.h"
#include "support/little_endian.h"
#include "transfer/write_request.h"

namespace tfile::testing {

inline Ref<Dict> dict() {
  Ref<Dict> made;
  EXPECT_TRUE(make_dict(made, default_memory()).ok());
  return made;
}

// The bytes are little-endian.
inline Ref<Array> array_of_bytes(tf_dtype dtype, const std::vector<int64_t> &shape, const std::string &bytes) {
  Ref<Array> made;
  EXPECT_TRUE(make_array(made, default_memory(), *find_dtype(dtype), {shape.data(), shape.size()}).ok());
  EXPECT_EQ(made->nbytes, bytes.size());
  const std::string native = little_endian(bytes.data(), bytes.size(), unit_of(dtype));
  if (!bytes.empty()) memcpy(made->data, native.data(), native.size());
  return made;
}

template <typename T>
Ref<Array> array_of(tf_dtype dtype, const std::vector<int64_t> &shape, const std::vector<T> &values) {
  return array_of_bytes(dtype, shape, little_endian(values));
}

struct Save {
  explicit Save(const Format &to) : format(to) {}

  const Format &format;
  std::deque<std::pair<std::string, Ref<Array>>> arrays;
  Ref<Dict> metadata = dict();
  Settings settings;
  LastError error;

  Save &add(const std::string &name, Ref<Array> array) {
    arrays.emplace_back(name, std::move(array));
    return *this;
  }
  Save &set(const std::string &key, const Ref<Array> &array) {
    EXPECT_TRUE(metadata->set_array(Text(key.data(), key.size()), *array).ok());
    return *this;
  }
  Save &set(const std::string &key, const std::string &text) {
    EXPECT_TRUE(metadata->set_string(Text(key.data(), key.size()), Text(text.data(), text.size())).ok());
    return *this;
  }
  Save &set(const std::string &key, const std::vector<std::string> &texts) {
    fill(*metadata, key, texts);
    return *this;
  }
  Save &set(const std::string &key, const Ref<Dict> &value) {
    EXPECT_TRUE(metadata->set_dict(Text(key.data(), key.size()), *value).ok());
    return *this;
  }
  Save &option(tf_option id, int64_t value) {
    settings.set(id, value);
    return *this;
  }
  static void fill(Dict &dict, const std::string &key, const std::vector<std::string> &texts) {
    StringList *list = nullptr;
    ASSERT_TRUE(dict.set_string_list(Text(key.data(), key.size()), &list).ok());
    for (const std::string &text : texts)
      EXPECT_TRUE(list->append(Text(text.data(), text.size())).ok());
  }

  Status run(std::string *bytes) {
    std::vector<NamedArray> named;
    for (const auto &[name, array] : arrays)
      named.push_back({Text(name.data(), name.size()), array.get()});
    const SaveRequest request{{named.data(), named.size()}, metadata.get(), false, settings};
    TFILE_TRY(format.check(request));
    MemorySink memory(settings.memory());
    Ref<Sink> sink;
    TFILE_TRY(memory.open(sink));
    TFILE_TRY(write_request(*sink, format, request));
    Ref<Buffer> buffer;
    TFILE_TRY(memory.finish(buffer));
    bytes->assign(static_cast<const char *>(buffer->data), buffer->size);
    return kOk;
  }
  // Returns the file, or "" after setting `error`.
  std::string bytes() {
    std::string made;
    error = LastError::of(run(&made));
    return made;
  }
};

inline void expect_refused(Save &save, tf_status status, const std::string &message, const std::string &name) {
  EXPECT_EQ(save.bytes(), "");
  EXPECT_EQ(save.error.status, status);
  EXPECT_EQ(save.error.message, message);
  EXPECT_EQ(save.error.name, name);
}

}  // namespace tfile::testing
