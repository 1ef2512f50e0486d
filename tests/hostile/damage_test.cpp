// Loads every prefix of valid files, and every variant with one changed byte: each must give the right arrays or a
// proper error.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "support/handles.h"

namespace tfile::hostile {
namespace {

namespace fs = std::filesystem;
using tfile::testing::Handle;
using tfile::testing::made;
using tfile::testing::options_with;

constexpr bool kSanitized = TENSORFILE_SANITIZED;

// Files up to this size are damaged. The environment variable TENSORFILE_TEST_LONG raises the limit.
size_t most_bytes() {
  return std::getenv("TENSORFILE_TEST_LONG") != nullptr ? 6000 : 700;
}

struct Arrays {
  tf_status status = TF_STATUS_OK;
  std::string message;
  std::map<std::string, std::string> bytes;  // by name
};

std::string bytes_of(const tf_array *array) {
  tf_array *dense = nullptr;
  EXPECT_EQ(tf_array_contiguous(&dense, array), TF_STATUS_OK);
  const Handle<tf_array> handle(dense);
  std::string bytes = tf_dtype_name(tf_array_dtype(dense));
  for (size_t i = 0; i < tf_array_ndim(dense); ++i)
    bytes += "," + std::to_string(tf_array_shape(dense)[i]);
  return bytes + ":" + std::string(static_cast<const char *>(tf_array_data(dense)), tf_array_nbytes(dense));
}

Arrays load(const std::string &bytes, tf_format format, const tf_options *options) {
  Arrays found;
  tf_dict *raw = nullptr;
  // In an allocation of exactly their size, so that sanitizers detect reads past the end.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  found.status = tf_load_memory(nullptr, &raw, nullptr, exact.data(), exact.size(), format, options);
  const Handle<tf_dict> arrays(raw);
  if (found.status != TF_STATUS_OK) {
    found.message = tf_error_message();
    return found;
  }
  for (size_t i = 0; i < tf_dict_size(raw); ++i) {
    const char *key = nullptr;
    size_t length = 0;
    EXPECT_EQ(tf_dict_key_at(&key, &length, raw, i), TF_STATUS_OK);
    tf_array *array = nullptr;
    EXPECT_EQ(tf_dict_get_array(&array, raw, key, length), TF_STATUS_OK);
    found.bytes[std::string(key, length)] = bytes_of(array);
    tf_array_release(array);
  }
  return found;
}

bool is_clean(const Arrays &found) {
  static const std::set<tf_status> clean = {TF_STATUS_OK,        TF_STATUS_FORMAT,    TF_STATUS_CORRUPT,
                                            TF_STATUS_TRUNCATED, TF_STATUS_DUPLICATE, TF_STATUS_UNSUPPORTED,
                                            TF_STATUS_LIMIT};
  return clean.count(found.status) != 0 && (found.status == TF_STATUS_OK) == found.message.empty();
}

// Returns which bytes of the file are data of arrays.
std::vector<bool> data_bytes(const std::string &bytes, tf_format format, const tf_options *options) {
  std::vector<bool> is_data(bytes.size(), false);
  const auto file = made<tf_file>(
      [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), format, options); });
  for (size_t i = 0; i < tf_file_count(file.get()); ++i) {
    uint64_t offset = 0;
    uint64_t stored = 0;
    EXPECT_EQ(tf_file_location(nullptr, &offset, &stored, nullptr, file.get(), i), TF_STATUS_OK);
    std::fill_n(is_data.begin() + static_cast<std::ptrdiff_t>(offset), stored, true);
  }
  return is_data;
}

struct Valid {
  std::string name;
  tf_format format;
  std::string bytes;
};

std::vector<Valid> valid_files(const tf_options *options) {
  std::vector<Valid> files;
  for (const char *name : {"npy", "npz", "safetensors", "gguf"}) {
    for (const auto &entry : fs::directory_iterator(fs::path(TENSORFILE_GOLDEN_DIR) / name)) {
      const tf_format format = tf_format_from_path(entry.path().c_str());
      if (format == TF_FORMAT_AUTO || entry.file_size() > most_bytes()) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      Valid file{entry.path().filename().string(), format, std::string(std::istreambuf_iterator<char>(stream), {})};
      if (load(file.bytes, format, options).status == TF_STATUS_OK) files.push_back(std::move(file));
    }
  }
  return files;
}

size_t check_prefixes(const Valid &file, const tf_options *options) {
  const Arrays whole = load(file.bytes, file.format, options);
  for (size_t size = 0; size < file.bytes.size(); ++size) {
    const Arrays found = load(file.bytes.substr(0, size), file.format, options);
    // A prefix may be a whole file, if only padding or appended bytes are cut off.
    if (found.status == TF_STATUS_OK) {
      EXPECT_EQ(found.bytes, whole.bytes) << file.name << " cut to " << size;
    } else if (found.status != TF_STATUS_TRUNCATED) {
      // If a second array follows the first in the file, the prefix ends in the middle of the second.
      EXPECT_TRUE(found.status == TF_STATUS_CORRUPT && file.format == TF_FORMAT_NPY)
          << file.name << " cut to " << size << ": " << found.message;
    }
  }
  return file.bytes.size();
}

size_t check_changes(const Valid &file, const tf_options *options) {
  const Arrays whole = load(file.bytes, file.format, options);
  const std::vector<bool> is_data = data_bytes(file.bytes, file.format, options);
  std::string bytes = file.bytes;
  size_t tried = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int change = 1; change < 256; ++change) {
      // The reader does not interpret data, so a few changes are enough there. Sanitizers are slow: a few must do.
      const bool few = kSanitized || (is_data[at] && file.format != TF_FORMAT_NPZ);
      if (few && (change & (change - 1)) != 0) continue;
      bytes[at] = static_cast<char>(file.bytes[at] ^ change);
      const Arrays found = load(bytes, file.format, options);
      ++tried;
      if (!is_clean(found)) {
        ADD_FAILURE() << file.name << " byte " << at << " xor " << change << ": " << found.message;
        return tried;
      }
      if (!is_data[at]) continue;
      if (file.format == TF_FORMAT_NPZ) {
        // A CRC-32 protects the data, so what loads is unchanged. Bits that deflate ignores may change.
        EXPECT_TRUE(found.status != TF_STATUS_OK || found.bytes == whole.bytes) << file.name << " byte " << at;
        continue;
      }
      EXPECT_EQ(found.status, TF_STATUS_OK) << found.message;
      size_t changed = 0;
      for (const auto &[name, content] : whole.bytes) {
        const auto same = found.bytes.find(name);
        changed += same == found.bytes.end() || same->second != content ? 1 : 0;
      }
      // No array may change if the byte is a bool, because all bytes other than 0 mean 1.
      EXPECT_LE(changed, 1u) << file.name << " byte " << at;
    }
    bytes[at] = file.bytes[at];
  }
  return tried;
}

template <typename Check>
void check_each(Check check, size_t least) {
  const auto options = options_with({{TF_OPTION_THREADS, 1}});
  size_t tried = 0;
  size_t files = 0;
  for (const Valid &file : valid_files(options.get())) {
    tried += check(file, options.get());
    ++files;
  }
  ::testing::Test::RecordProperty("inputs", static_cast<int>(tried));
  std::printf("%zu inputs from %zu files\n", tried, files);
  EXPECT_GE(files, 100u);
  EXPECT_GE(tried, least);
}

TEST(Damage, EveryPrefixOfAFile) {
  check_each(check_prefixes, 20000);
}

TEST(Damage, EveryByteOfAFileChanged) {
  check_each(check_changes, kSanitized ? 200000 : 3000000);
}

}  // namespace
}  // namespace tfile::hostile
