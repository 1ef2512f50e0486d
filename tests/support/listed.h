// Lists the arrays of a file that is given as bytes, with the functions of its format.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "format/format.h"

namespace tfile::testing {

// A copy of the error record of a failure.
struct LastError {
  tf_status status = TF_STATUS_OK;
  std::string message;
  std::string name;
  uint64_t offset = kNoOffset;

  static LastError of(Status failed) {
    const ErrorRecord &record = error_record();
    if (failed.ok()) return {};
    EXPECT_EQ(failed.code, record.status) << "the failure set no error";
    return {failed.code, record.message, record.name, record.offset};
  }
};

class Listed {
 public:
  Listed(const Format &format, const std::string &bytes, const Settings &settings = Settings())
      // In an allocation of exactly their size, so that sanitizers detect reads past the end.
      : bytes_(bytes.begin(), bytes.end()) {
    EXPECT_TRUE(source_from_memory(source_, default_memory(), bytes_.data(), bytes_.size(), nullptr, nullptr).ok());
    list(format, settings);
  }
  Listed(const Format &format, Ref<Source> source, const Settings &settings = Settings()) : source_(std::move(source)) {
    list(format, settings);
  }

  bool ok() const { return error.status == TF_STATUS_OK; }
  size_t size() const { return listing->members.size(); }
  const Member &at(size_t i) const { return listing->members[i]; }
  Source &source() { return *source_; }
  std::string name(size_t i) const { return text(at(i).name); }
  std::vector<int64_t> shape(size_t i) const { return {at(i).shape.begin(), at(i).shape.end()}; }
  // Reads the bytes of a member as they are stored in the file.
  std::string stored(size_t i) const {
    std::string bytes(static_cast<size_t>(at(i).stored), '\0');
    EXPECT_TRUE(read_at(*source_, at(i).offset, bytes.data(), bytes.size(), at(i).name).ok());
    return bytes;
  }
  const Dict &metadata() const { return *listing->metadata; }
  std::vector<std::string> notes() const { return texts(listing->notes); }
  std::vector<std::string> tolerated() const { return texts(listing->tolerated); }

  static std::string text(Text from) { return std::string(from.data(), from.size()); }

  LastError error;
  std::unique_ptr<Listing> listing;

 private:
  static std::vector<std::string> texts(const Vec<Text> &lines) {
    std::vector<std::string> out;
    for (const Text line : lines)
      out.push_back(text(line));
    return out;
  }
  void list(const Format &format, const Settings &settings) {
    listing = std::make_unique<Listing>(settings.memory());
    Status status = make_dict(listing->metadata, settings.memory());
    if (status.ok()) status = format.list(*listing, *source_, settings);
    error = LastError::of(status);
  }

  std::vector<char> bytes_;
  Ref<Source> source_;
};

// Returns a value. The test fails if it is missing or of another kind.
inline const DictEntry &entry_of(const Dict &dict, const char *key, tf_kind kind) {
  static const DictEntry missing;
  const DictEntry *const entry = dict.find(key);
  EXPECT_NE(entry, nullptr) << key;
  if (entry == nullptr) return missing;
  EXPECT_EQ(entry->kind, kind) << key;
  return *entry;
}

// Returns the elements of a C-contiguous array. The test fails if its dtype or shape differ.
template <typename T>
std::vector<T> elements(const Array &array, tf_dtype dtype, const std::vector<int64_t> &shape) {
  EXPECT_EQ(array.dtype->id, dtype);
  EXPECT_EQ(std::vector<int64_t>(array.shape().begin(), array.shape().end()), shape);
  std::vector<T> values(static_cast<size_t>(array.size));
  EXPECT_EQ(values.size() * sizeof(T), array.nbytes);
  if (!values.empty()) memcpy(values.data(), array.data, std::min<size_t>(values.size() * sizeof(T), array.nbytes));
  return values;
}

template <typename T>
T scalar(const Dict &dict, const char *key, tf_dtype dtype) {
  const DictEntry &entry = entry_of(dict, key, TF_KIND_ARRAY);
  return entry.kind == TF_KIND_ARRAY ? elements<T>(*entry.array, dtype, {})[0] : T();
}

template <typename T>
std::vector<T> list(const Dict &dict, const char *key, tf_dtype dtype) {
  const DictEntry &entry = entry_of(dict, key, TF_KIND_ARRAY);
  if (entry.kind != TF_KIND_ARRAY) return {};
  return elements<T>(*entry.array, dtype, {entry.array->size});
}

inline std::vector<std::string> strings(const Dict &dict, const char *key) {
  const DictEntry &entry = entry_of(dict, key, TF_KIND_STRING_LIST);
  std::vector<std::string> texts;
  for (size_t i = 0; entry.list != nullptr && i < entry.list->size(); ++i)
    texts.push_back(Listed::text(entry.list->at(i)));
  return texts;
}

inline std::string string(const Dict &dict, const char *key) {
  return Listed::text(entry_of(dict, key, TF_KIND_STRING).string);
}

}  // namespace tfile::testing
