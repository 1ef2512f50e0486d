// Consecutive slices of one member: the bytes before them are inflated once, and the CRC-32 of all bytes is verified.
#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "support/foreign.h"
#include "support/handles.h"
#include "support/zip_builder.h"

namespace tfile::testing {
namespace {

constexpr int64_t kRows = 1000;
constexpr int64_t kColumns = 1024;  // 4 MiB of float32: several chunks
constexpr int64_t kStep = 100;

// How the member is stored in the file.
enum class Kind { kStored, kDeflated, kChunked };
constexpr Kind kKinds[] = {Kind::kStored, Kind::kDeflated, Kind::kChunked};

Handle<tf_array> matrix() {
  return random_array(TF_DTYPE_FLOAT32, {kRows, kColumns});
}

std::string file_of(Kind kind, const tf_array *array) {
  if (kind != Kind::kChunked) {
    ZipBuilder zip;
    const std::string data(static_cast<const char *>(tf_array_data(array)), tf_array_nbytes(array));
    const std::string text = npy_text(kHostIsBig ? ">f4" : "<f4", "(1000, 1024)");
    zip.add("wx.npy", npy(text, data), kind == Kind::kDeflated);
    return zip.bytes();
  }
  const auto options = options_with({{TF_OPTION_COMPRESS, 1}});
  const auto arrays = dict_of({{"wx", array}});
  const auto buffer = made<tf_buffer>([&](tf_buffer **out) {
    return tf_save_memory(out, TF_FORMAT_NPZ, nullptr, arrays.get(), nullptr, options.get());
  });
  return contents(buffer.get());
}

// Changes the CRC-32 in the local header and in the directory.
std::string with_wrong_crc(std::string file) {
  file[14] = static_cast<char>(file[14] ^ 1);
  const size_t entry = file.rfind("PK\1\2");
  file[entry + 16] = static_cast<char>(file[entry + 16] ^ 1);
  return file;
}

// An open file that counts the bytes read from it.
class Opened {
 public:
  explicit Opened(std::string bytes) : bytes_(std::move(bytes)) {
    const auto source = made<tf_source>(
        [&](tf_source **out) { return tf_source_new(out, bytes_.size(), 1, read, nullptr, nullptr, this); });
    file_ =
        made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, source.get(), TF_FORMAT_NPZ, nullptr); });
  }
  Opened(const Opened &) = delete;
  Opened &operator=(const Opened &) = delete;

  tf_status read_rows(int64_t first, std::vector<float> &rows) {
    const int64_t start[] = {first, 0};
    const int64_t stop[] = {std::min(first + kStep, kRows), kColumns};
    rows.assign(static_cast<size_t>((stop[0] - start[0]) * kColumns), 0);
    return tf_file_read_slice_into(file_.get(), 0, start, stop, nullptr, 2, TF_DTYPE_FLOAT32, rows.data(),
                                   rows.size() * sizeof(float));
  }
  uint64_t count() const { return count_; }
  size_t size() const { return bytes_.size(); }

 private:
  static tf_status read(void *user, uint64_t offset, void *to, size_t nbytes) {
    auto &self = *static_cast<Opened *>(user);
    memcpy(to, self.bytes_.data() + offset, nbytes);
    self.count_ += nbytes;
    return TF_STATUS_OK;
  }

  std::string bytes_;
  uint64_t count_ = 0;
  Handle<tf_file> file_;
};

void expect_rows(Opened &file, const tf_array *array, int64_t first) {
  std::vector<float> rows;
  ASSERT_EQ(file.read_rows(first, rows), TF_STATUS_OK) << tf_error_message();
  const auto *const expected = static_cast<const float *>(tf_array_data(array)) + first * kColumns;
  EXPECT_EQ(memcmp(rows.data(), expected, rows.size() * sizeof(float)), 0) << first;
}

TEST(NpzSlices, InAscendingOrderReadTheMemberOnce) {
  const auto array = matrix();
  for (const Kind kind : kKinds) {
    Opened file(file_of(kind, array.get()));
    const uint64_t opening = file.count();
    for (int64_t row = 0; row < kRows; row += kStep)
      expect_rows(file, array.get(), row);
    EXPECT_LE(file.count() - opening, file.size() + (size_t{64} << 10)) << static_cast<int>(kind);
  }
}

TEST(NpzSlices, HaveTheSameValuesInAnyOrder) {
  const auto array = matrix();
  for (const Kind kind : kKinds) {
    Opened file(file_of(kind, array.get()));
    for (const int64_t row : {500, 0, 900, 300, 400, 350, 950, 0, 100, 900})
      expect_rows(file, array.get(), row);
  }
}

TEST(NpzSlices, ThatCoverTheMemberAreVerified) {
  const auto array = matrix();
  for (const Kind kind : kKinds) {
    Opened file(with_wrong_crc(file_of(kind, array.get())));
    std::vector<float> rows;
    int64_t row = 0;
    tf_status status = TF_STATUS_OK;
    while (row < kRows && (status = file.read_rows(row, rows)) == TF_STATUS_OK)
      row += kStep;
    // The last chunk, which begins at row 768, is read whole.
    EXPECT_EQ(row, kind == Kind::kChunked ? 700 : kRows - kStep);
    EXPECT_EQ(status, TF_STATUS_CORRUPT);
    EXPECT_STREQ(tf_error_name(), "wx");
    EXPECT_EQ(std::string(tf_error_message()).find("array 'wx': CRC-32 of the member should be "), 0u);
    // The checksum cannot be verified without the bytes that were not read.
    EXPECT_EQ(file.read_rows(0, rows), TF_STATUS_OK);
    EXPECT_EQ(file.read_rows(kRows - kStep, rows), kind == Kind::kDeflated ? TF_STATUS_CORRUPT : TF_STATUS_OK);
  }
}

}  // namespace
}  // namespace tfile::testing
