// Builds gguf files byte by byte, so that a test can put a wrong value into any field.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace tfile::testing {

// Types of metadata values.
enum GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

// Types of tensors that the tests use.
enum GgmlType : uint32_t {
  kGgmlF32 = 0,
  kGgmlF16 = 1,
  kGgmlQ40 = 2,
  kGgmlI8 = 24,
  kGgmlI16 = 25,
};

class GgufBuilder {
 public:
  explicit GgufBuilder(bool big = false) : big_(big) {}

  // Fields of the header, which are correct unless a test changes them.
  std::string magic = "GGUF";
  uint32_t version = 3;
  std::optional<uint64_t> tensor_count;
  std::optional<uint64_t> value_count;
  uint64_t alignment = 32;
  bool tail = true;  // padding after the last tensor

  // Returns a number in the file's byte order.
  template <typename T>
  std::string number(T value) const {
    std::string bytes(sizeof(T), '\0');
    memcpy(bytes.data(), &value, sizeof(T));
    if (big_ != (std::endian::native == std::endian::big)) bytes = std::string(bytes.rbegin(), bytes.rend());
    return bytes;
  }
  std::string string(const std::string &text) const { return number<uint64_t>(text.size()) + text; }
  // Returns an array value: the type of the elements, their count, and the elements.
  std::string array(uint32_t type, uint64_t count, const std::string &elements) const {
    return number(type) + number(count) + elements;
  }

  GgufBuilder &value(const std::string &key, uint32_t type, const std::string &bytes) {
    return raw_value(string(key) + number(type) + bytes);
  }
  GgufBuilder &raw_value(const std::string &bytes) {
    values_ += bytes;
    ++values_added_;
    return *this;
  }
  // Adds a tensor. The dims are as in the file, innermost first; the data follow those of the previous tensor.
  GgufBuilder &tensor(const std::string &name, const std::vector<uint64_t> &dims, uint32_t type,
                      const std::string &bytes) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment, '\0');
    record(name, dims, type, data_.size());
    data_ += bytes;
    return *this;
  }
  // Adds the record of a tensor without data.
  GgufBuilder &record(const std::string &name, const std::vector<uint64_t> &dims, uint32_t type, uint64_t offset) {
    std::string bytes = string(name) + number(static_cast<uint32_t>(dims.size()));
    for (uint64_t dim : dims)
      bytes += number(dim);
    return raw_record(bytes + number(type) + number(offset));
  }
  GgufBuilder &raw_record(const std::string &bytes) {
    records_ += bytes;
    ++tensors_added_;
    return *this;
  }
  GgufBuilder &data(const std::string &bytes) {
    data_ += bytes;
    return *this;
  }

  // Returns everything up to the padding before the data section. Without values, records begin at byte 24.
  std::string header() const {
    return magic + number(version) + number(tensor_count.value_or(tensors_added_)) +
           number(value_count.value_or(values_added_)) + values_ + records_;
  }
  std::string build() const {
    std::string bytes = header();
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
    bytes += data_;
    if (tail) bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
    return bytes;
  }

 private:
  bool big_;
  std::string values_, records_, data_;
  uint64_t values_added_ = 0, tensors_added_ = 0;
};

}  // namespace tfile::testing
