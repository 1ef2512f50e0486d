// Members deflated in chunks, whose table in the directory is used only if it is right.
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "format/npz/npz.h"
#include "support/foreign.h"
#include "support/handles.h"
#include "support/listed.h"
#include "support/loaded.h"
#include "support/zip_builder.h"

namespace tfile::testing {
namespace {

// Returns weights like those of models: a normal distribution with a fixed seed.
std::vector<float> weights(size_t count) {
  std::mt19937 random(5);
  std::vector<float> values(count);
  for (float &value : values) {
    const double u = (static_cast<double>(random()) + 1) / 4294967297.0;
    const double v = static_cast<double>(random()) / 4294967296.0;
    value = static_cast<float>(0.02 * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v));
  }
  return values;
}

constexpr int64_t kRows = 900;
constexpr int64_t kColumns = 1000;  // 3,600,000 bytes of float32: four chunks

Handle<tf_array> matrix() {
  const std::vector<float> values = weights(kRows * kColumns);
  const int64_t shape[] = {kRows, kColumns};
  return made<tf_array>([&](tf_array **out) {
    return tf_array_copy_from(out, TF_DTYPE_FLOAT32, shape, 2, values.data(), values.size() * sizeof(float));
  });
}

std::string saved(const tf_array *array, std::initializer_list<std::pair<tf_option, int64_t>> more = {}) {
  const auto options = options_with(more);
  EXPECT_EQ(tf_options_set(options.get(), TF_OPTION_COMPRESS, 1), TF_STATUS_OK);
  const auto arrays = dict_of({{"w", array}});
  const auto buffer = made<tf_buffer>([&](tf_buffer **out) {
    return tf_save_memory(out, TF_FORMAT_NPZ, nullptr, arrays.get(), nullptr, options.get());
  });
  return contents(buffer.get());
}

// Returns the offset of the content of the only extra field for chunks in the file.
size_t extra_at(const std::string &file) {
  const size_t entry = file.rfind("PK\1\2");
  const size_t at = entry + 46 + std::strlen("w.npy");
  EXPECT_EQ(file.substr(at, 2), "tf");
  return at + 4;
}

uint32_t number_at(const std::string &file, size_t at) {
  uint32_t number = 0;
  memcpy(&number, file.data() + at, sizeof(number));
  return number;
}

std::string with_number(std::string file, size_t at, uint32_t number) {
  memcpy(file.data() + at, &number, sizeof(number));
  return file;
}

// Reads rows of the matrix as a slice, through a source that counts the bytes read.
struct SliceRead {
  Handle<tf_array> slice;
  uint64_t bytes = 0;  // read from the source
};

SliceRead read_rows(const std::string &file, int64_t first, int64_t last) {
  struct Counting {
    const std::string &file;
    uint64_t bytes = 0;
    static tf_status read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
      auto &self = *static_cast<Counting *>(user);
      self.bytes += nbytes;
      memcpy(dst, self.file.data() + offset, nbytes);
      return TF_STATUS_OK;
    }
  } counting{file};
  const auto source = made<tf_source>([&](tf_source **out) {
    return tf_source_new(out, file.size(), 1, Counting::read_at, nullptr, nullptr, &counting);
  });
  const auto opened =
      made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, source.get(), TF_FORMAT_NPZ, nullptr); });
  counting.bytes = 0;
  const int64_t start[] = {first, 0};
  const int64_t stop[] = {last, kColumns};
  SliceRead read;
  read.slice =
      made<tf_array>([&](tf_array **out) { return tf_file_read_slice(out, opened.get(), 0, start, stop, nullptr, 2); });
  read.bytes = counting.bytes;
  return read;
}

void expect_rows(const SliceRead &read, const tf_array *whole, int64_t first, int64_t last) {
  ASSERT_TRUE(read.slice);
  ASSERT_EQ(tf_array_nbytes(read.slice.get()), static_cast<uint64_t>((last - first) * kColumns * 4));
  const char *const expected = static_cast<const char *>(tf_array_data(whole)) + first * kColumns * 4;
  EXPECT_EQ(memcmp(tf_array_data(read.slice.get()), expected, tf_array_nbytes(read.slice.get())), 0);
}

TEST(NpzChunks, AreOneStreamForOtherReaders) {
  const auto array = matrix();
  for (const auto &[option, value] :
       std::initializer_list<std::pair<tf_option, int64_t>>{{TF_OPTION_COMPRESSION_LEVEL, -1},
                                                            {TF_OPTION_COMPRESSION_LEVEL, 0},
                                                            {TF_OPTION_COMPRESSION_LEVEL, 3},
                                                            {TF_OPTION_DEFLATE, TF_DEFLATE_ZLIB}}) {
    const std::string file = saved(array.get(), {{option, value}});
    const Listed found(kNpzFormat, file);
    ASSERT_TRUE(found.ok()) << found.error.message;
    const Member &member = found.at(0);
    ASSERT_EQ(member.chunks.size(), 5u);
    EXPECT_EQ(member.chunk, uint64_t{1} << 20);
    EXPECT_EQ(member.chunks[4], member.stored);
    const std::string stored = found.stored(0);
    std::string inflated(member.head + member.nbytes + 1, '?');
    z_stream z{};
    ASSERT_EQ(inflateInit2(&z, -15), Z_OK);
    z.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(stored.data()));
    z.avail_in = static_cast<uInt>(stored.size());
    z.next_out = reinterpret_cast<Bytef *>(inflated.data());
    z.avail_out = static_cast<uInt>(inflated.size());
    EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
    EXPECT_EQ(z.avail_in, 0u);
    ASSERT_EQ(z.total_out, member.head + member.nbytes);
    inflateEnd(&z);
    EXPECT_TRUE(inflated.substr(member.head, member.nbytes) == little_endian(array.get()));
    const Loaded loaded = load_bytes(file, TF_FORMAT_NPZ);
    ASSERT_EQ(loaded.status, TF_STATUS_OK) << loaded.message;
    EXPECT_TRUE(loaded.arrays[0] == loaded_array("w", array.get()));
  }
}

// The promise of docs/performance.md for the levels from 4 on, for an array of several chunks.
TEST(NpzChunks, DeepLevelsAreAsSmallAsZlibsOnTheWholeArray) {
  std::mt19937 random(11);
  std::vector<int32_t> tokens(size_t{3} << 18);  // 3 MiB, a word of which repeats now and then
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i] =
        i > 5000 && random() % 3 == 0 ? tokens[i - 1 - random() % 5000] : static_cast<int32_t>(random() % 30000);
  const auto count = static_cast<int64_t>(tokens.size());
  const auto array = made<tf_array>([&](tf_array **out) {
    return tf_array_copy_from(out, TF_DTYPE_INT32, &count, 1, tokens.data(), tokens.size() * sizeof(int32_t));
  });
  for (const int level : {4, 6}) {
    const std::string file = saved(array.get(), {{TF_OPTION_COMPRESSION_LEVEL, level}});
    const Listed found(kNpzFormat, file);
    ASSERT_TRUE(found.ok()) << found.error.message;
    ASSERT_EQ(found.at(0).chunks.size(), 4u);
    const size_t zlib = deflated(std::string(found.at(0).head, ' ') + little_endian(array.get()), level).size();
    const size_t chunks = 4;  // with the head
    EXPECT_LE(found.at(0).stored, zlib + zlib / 100 + 16 * chunks) << level << ": zlib's are " << zlib << " bytes";
  }
}

TEST(NpzChunks, DependOnTheArrayAndNotOnThreads) {
  EXPECT_EQ(npz_chunk_size(1), uint64_t{1} << 20);
  EXPECT_EQ(npz_chunk_size(uint64_t{1} << 32), uint64_t{1} << 20);
  EXPECT_EQ(npz_chunk_size((uint64_t{1} << 32) + 1), (uint64_t{1} << 20) + 4096);
  const uint64_t huge = uint64_t{1} << 50;
  EXPECT_LE((huge - 1) / npz_chunk_size(huge) + 1, 4096u);
  const auto array = matrix();
  const std::string one = saved(array.get(), {{TF_OPTION_THREADS, 1}});
  for (const int64_t threads : {2, 3, 16})
    EXPECT_TRUE(saved(array.get(), {{TF_OPTION_THREADS, threads}}) == one) << threads;
}

// numpy.savez_compressed deflates with level 6 of zlib. Our output for weights is not larger.
TEST(NpzChunks, WeightsAreNoLargerThanAtLevelSix) {
  const auto array = matrix();
  const std::string bytes(static_cast<const char *>(tf_array_data(array.get())), tf_array_nbytes(array.get()));
  EXPECT_LE(saved(array.get()).size(), deflated(bytes).size() + 1000);
}

TEST(NpzChunks, SlicesInflateOnlyWhatTheyNeed) {
  const auto array = matrix();
  const std::string file = saved(array.get());
  // A chunk is 1 MiB, or 262.144 rows.
  for (const auto &[first, last, chunks] : std::initializer_list<std::tuple<int64_t, int64_t, uint64_t>>{
           {0, 1, 1}, {700, 720, 1}, {899, 900, 1}, {250, 300, 2}}) {
    const SliceRead read = read_rows(file, first, last);
    expect_rows(read, array.get(), first, last);
    EXPECT_LE(read.bytes, chunks << 20);
  }
  const SliceRead all = read_rows(file, 0, kRows);
  expect_rows(all, array.get(), 0, kRows);
  EXPECT_LE(all.bytes, file.size());
}

TEST(NpzChunks, WrongTablesAreIgnored) {
  const auto array = matrix();
  const std::string file = saved(array.get());
  const LoadedArray expected = loaded_array("w", array.get());
  const size_t at = extra_at(file);
  const uint32_t first = number_at(file, at + 12);
  const uint32_t second = number_at(file, at + 16);
  std::vector<std::string> files = {
      with_number(file, at, 1 << 21),  // another chunk size
      with_number(file, at, 0),
      with_number(file, at, (1 << 20) + 1),                                     // not a multiple of 4096
      with_number(file, at + 4, 1),                                             // a chunk size above 2^32
      with_number(file, at + 8, number_at(file, at + 8) + 1),                   // the sum is wrong
      with_number(with_number(file, at + 12, first + 1), at + 16, second - 1),  // the sum is right, a boundary is wrong
      with_number(with_number(file, at + 12, first - 5), at + 16, second + 5),  // a boundary before the flush
      with_number(with_number(file, at + 12, 0), at + 16, first + second),
      with_number(with_number(file, at + 8, 0), at + 12, first + number_at(file, at + 8)),
  };
  files.push_back(file);
  files.back().replace(at - 4, 2, "zz");  // an extra field of another program
  for (size_t i = 0; i < files.size(); ++i) {
    const Loaded loaded = load_bytes(files[i], TF_FORMAT_NPZ);
    ASSERT_EQ(loaded.status, TF_STATUS_OK) << i << loaded.message;
    EXPECT_TRUE(loaded.arrays[0] == expected) << i;
    SCOPED_TRACE(i);
    expect_rows(read_rows(files[i], 260, 300), array.get(), 260, 300);
  }
}

TEST(NpzChunks, DamageIsReported) {
  const auto array = matrix();
  const std::string file = saved(array.get(), {{TF_OPTION_COMPRESSION_LEVEL, 0}});
  std::string changed = file;
  const size_t offset = file.size() / 2;
  changed[offset] = static_cast<char>(changed[offset] ^ 1);
  const Loaded loaded = load_bytes(changed, TF_FORMAT_NPZ);
  EXPECT_EQ(loaded.status, TF_STATUS_CORRUPT);
  EXPECT_NE(loaded.message.find("array 'w': CRC-32 of the member should be"), std::string::npos) << loaded.message;
  EXPECT_EQ(loaded.name, "w");
}

}  // namespace
}  // namespace tfile::testing
