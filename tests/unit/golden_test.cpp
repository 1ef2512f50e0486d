// Every file that the peers wrote: its verdict, and its arrays byte for byte (by CRC-32), however it is loaded.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "support/little_endian.h"
#include "tensorfile.h"

namespace {

const std::string kFolder = TENSORFILE_GOLDEN_DIR "/";

struct GoldenArray {
  std::string dtype;
  std::vector<int64_t> shape;
  uint32_t crc32;
};

struct GoldenFile {
  std::string path;
  std::string open_status;
  std::string load_status;
  std::map<std::string, GoldenArray> arrays;
};

std::vector<std::string> split(const std::string &line, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(line);
  for (std::string part; std::getline(stream, part, separator);)
    parts.push_back(part);
  return parts;
}

// The JSON strings of verdicts.tsv; the only escapes in them are those of a quote, a backslash and a newline.
std::string unquote(const std::string &text) {
  std::string plain;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\') ++i;
    plain += text[i - 1] == '\\' && text[i] == 'n' ? '\n' : text[i];
  }
  return plain;
}

// Reads verdicts.tsv; make_verdicts.py describes its format.
std::vector<GoldenFile> golden_files() {
  std::vector<GoldenFile> files;
  std::ifstream stream(kFolder + "verdicts.tsv");
  for (std::string line; std::getline(stream, line);) {
    const std::vector<std::string> parts = split(line, '\t');
    if (!parts[0].empty()) {
      files.push_back(GoldenFile{parts[0], parts[1], parts[2], {}});
      continue;
    }
    GoldenArray array{parts[2], {}, static_cast<uint32_t>(std::stoul(parts[4], nullptr, 16))};
    for (const std::string &size : split(parts[3], ','))
      array.shape.push_back(std::stoll(size));
    files.back().arrays[unquote(parts[1])] = array;
  }
  return files;
}

uint32_t crc32_of(const tf_array *array) {
  tf_array *dense = nullptr;
  EXPECT_EQ(tf_array_contiguous(&dense, array), TF_STATUS_OK);
  const uint32_t crc = tfile::testing::checksum(tfile::testing::little_endian(dense));
  tf_array_release(dense);
  return crc;
}

void expect_array(const tf_array *array, const GoldenArray &golden) {
  EXPECT_EQ(tf_dtype_name(tf_array_dtype(array)), golden.dtype);
  EXPECT_EQ(std::vector<int64_t>(tf_array_shape(array), tf_array_shape(array) + tf_array_ndim(array)), golden.shape);
  EXPECT_EQ(crc32_of(array), golden.crc32);
}

void expect_arrays(tf_dict *arrays, const GoldenFile &golden) {
  EXPECT_EQ(tf_dict_size(arrays), golden.arrays.size());
  for (const auto &[name, expected] : golden.arrays) {
    SCOPED_TRACE(name);
    tf_array *array = nullptr;
    ASSERT_EQ(tf_dict_get_array(&array, arrays, name.data(), name.size()), TF_STATUS_OK) << tf_error_message();
    expect_array(array, expected);
    tf_array_release(array);
  }
  tf_dict_release(arrays);
}

std::string read_bytes(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

class Golden : public testing::TestWithParam<GoldenFile> {};

TEST_P(Golden, OpensAndLoadsAsTheVerdictSays) {
  const GoldenFile &golden = GetParam();
  const std::string path = kFolder + golden.path;
  tf_file *file = nullptr;
  EXPECT_EQ(tf_status_name(tf_file_open(&file, path.c_str(), nullptr)), golden.open_status) << tf_error_message();
  EXPECT_EQ(file != nullptr, golden.open_status == "ok");
  tf_file_release(file);
  tf_dict *arrays = nullptr;
  const tf_status status = tf_load(nullptr, &arrays, nullptr, path.c_str(), nullptr);
  EXPECT_EQ(tf_status_name(status), golden.load_status) << tf_error_message();
  if (golden.load_status != "ok") {
    EXPECT_EQ(arrays, nullptr);
    EXPECT_EQ(std::string(tf_error_message()).rfind(path + ": ", 0), 0u) << tf_error_message();
    return;
  }
  expect_arrays(arrays, golden);
}

TEST_P(Golden, GivesTheSameFromMemoryAndMapped) {
  const GoldenFile &golden = GetParam();
  const std::string path = kFolder + golden.path;
  const std::string bytes = read_bytes(path);
  tf_dict *arrays = nullptr;
  const tf_format format = tf_format_from_path(path.c_str());
  tf_status status = tf_load_memory(nullptr, &arrays, nullptr, bytes.data(), bytes.size(), format, nullptr);
  EXPECT_EQ(tf_status_name(status), golden.load_status) << tf_error_message();
  if (status == TF_STATUS_OK) expect_arrays(arrays, golden);
  tf_options *map = nullptr;
  ASSERT_EQ(tf_options_new(&map), TF_STATUS_OK);
  ASSERT_EQ(tf_options_set(map, TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP), TF_STATUS_OK);
  status = tf_load(nullptr, &arrays, nullptr, path.c_str(), map);
  tf_options_release(map);
  // Mapping a stored member does not read its bytes, so a wrong checksum is not detected.
  if (golden.path == "npz/reject_bad_crc.npz") {
    tf_dict_release(arrays);
    return;
  }
  EXPECT_EQ(tf_status_name(status), golden.load_status) << tf_error_message();
  if (status == TF_STATUS_OK) expect_arrays(arrays, golden);
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files()), [](const auto &info) {
  std::string name = info.param.path;
  for (char &c : name) {
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
});

TEST(GoldenSet, IsComplete) {
  EXPECT_GT(golden_files().size(), 150u);
}

}  // namespace
