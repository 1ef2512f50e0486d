#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/endian.h"
#include "support/listed.h"
#include "support/memory.h"
#include "support/save.h"

namespace tfile {
namespace {

using namespace testing;

struct SafetensorsSave : Save {
  SafetensorsSave() : Save(kSafetensorsFormat) {}
};

std::string golden(const std::string &name) {
  std::ifstream file(TENSORFILE_GOLDEN_DIR "/safetensors/" + name + ".safetensors", std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

// Returns a file whose data start at a multiple of `alignment`.
std::string file_of(std::string header, const std::string &data, size_t alignment = 64) {
  header.append((alignment - (8 + header.size()) % alignment) % alignment, ' ');
  std::string length(8, '\0');
  store_le(length.data(), static_cast<uint64_t>(header.size()));
  return length + header + data;
}

Ref<Array> bytes(const std::string &data) {
  return array_of_bytes(TF_DTYPE_UINT8, {static_cast<int64_t>(data.size())}, data);
}

// Adds everything that a file has to a save.
void copy_all(Save &save, const Listed &found) {
  ASSERT_TRUE(found.ok()) << found.error.message;
  for (size_t i = 0; i < found.size(); ++i)
    save.add(found.name(i), array_of_bytes(found.at(i).dtype->id, found.shape(i), found.stored(i)));
  for (const DictEntry *entry : found.metadata().entries)
    save.set(Listed::text(entry->key), Listed::text(entry->string));
}

// The reference implementation aligns to 8 bytes.
TEST(SafetensorsWrite, WritesWhatTheReferenceWrites) {
  for (const char *name : {"st_all", "st_nometa", "st_empty", "st_f8"}) {
    SafetensorsSave save;
    copy_all(save, Listed(kSafetensorsFormat, golden(name)));
    if (name == std::string("st_all")) {
      std::reverse(save.arrays.begin(), save.arrays.end());
    }
    EXPECT_EQ(save.option(TF_OPTION_ALIGNMENT, 8).bytes(), golden(name)) << name << save.error.message;
  }
}

TEST(SafetensorsWrite, ReadsWhatItWrites) {
  for (const char *name : {"st_all", "st_meta", "st_f8", "mx_all", "mx_meta", "crafted_subbyte", "crafted_hdr_order",
                           "crafted_misaligned", "crafted_leading_ws"}) {
    const Listed original(kSafetensorsFormat, golden(name));
    SafetensorsSave save;
    copy_all(save, original);
    const Listed again(kSafetensorsFormat, save.bytes());
    ASSERT_TRUE(again.ok()) << name << again.error.message;
    ASSERT_EQ(again.size(), original.size());
    for (size_t i = 0; i < again.size(); ++i) {
      const size_t index = original.listing->names.find(again.at(i).name);
      ASSERT_NE(index, NameIndex::kNone) << again.name(i);
      EXPECT_EQ(again.at(i).dtype, original.at(index).dtype);
      EXPECT_EQ(again.shape(i), original.shape(index));
      EXPECT_EQ(again.stored(i), original.stored(index));
      EXPECT_EQ(again.at(i).offset % original.at(index).dtype->alignment(), 0u);
    }
    ASSERT_EQ(again.metadata().size(), original.metadata().size());
    for (const DictEntry *entry : original.metadata().entries)
      EXPECT_EQ(string(again.metadata(), entry->key.data()), Listed::text(entry->string));
  }
}

TEST(SafetensorsWrite, SortsArraysAndKeys) {
  SafetensorsSave save;
  save.add("b", bytes("BB")).add("B", bytes("b")).add("z", array_of<int64_t>(TF_DTYPE_INT64, {}, {1}));
  save.add("\u00e9", bytes("e")).add("a", array_of_bytes(TF_DTYPE_BOOL, {1}, "\x01"));
  save.set("z", "last").set("A", "first");
  EXPECT_EQ(save.bytes(), file_of(R"({"__metadata__":{"A":"first","z":"last"},)"
                                  R"("z":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                                  R"("B":{"dtype":"U8","shape":[1],"data_offsets":[8,9]},)"
                                  R"("b":{"dtype":"U8","shape":[2],"data_offsets":[9,11]},)"
                                  "\"\u00e9\":"
                                  R"({"dtype":"U8","shape":[1],"data_offsets":[11,12]},)"
                                  R"("a":{"dtype":"BOOL","shape":[1],"data_offsets":[12,13]}})",
                                  std::string("\x01\0\0\0\0\0\0\0", 8) + "bBBe\x01"));
}

TEST(SafetensorsWrite, EscapesAsTheReferenceDoes) {
  SafetensorsSave save;
  save.add("\"\\/\b\f\n\r\t\x01\x1f\x7f\u00e9\U0001F600", bytes(""));
  save.set(std::string("k\0", 2), "v\n");
  EXPECT_EQ(save.bytes(), file_of(R"({"__metadata__":{"k\u0000":"v\n"},"\"\\/\b\f\n\r\t\u0001\u001f)"
                                  "\x7f\u00e9\U0001F600"
                                  R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                                  ""));
}

TEST(SafetensorsWrite, WritesNoMetadataIfThereAreNone) {
  SafetensorsSave save;
  EXPECT_EQ(save.bytes(), file_of("{}", ""));
  save.metadata = Ref<Dict>();
  EXPECT_EQ(save.bytes(), file_of("{}", ""));
}

TEST(SafetensorsWrite, AlignsTheData) {
  for (const size_t alignment : std::initializer_list<size_t>{1, 2, 8, 16, 32, 64, 4096, 1048576}) {
    SafetensorsSave save;
    save.add("a", bytes("x")).option(TF_OPTION_ALIGNMENT, static_cast<int64_t>(alignment));
    const std::string made = save.bytes();
    EXPECT_EQ(made, file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x", alignment));
    EXPECT_EQ((made.size() - 1) % alignment, 0u);
  }
  SafetensorsSave save;
  EXPECT_EQ(save.option(TF_OPTION_ALIGNMENT, 1).bytes(), file_of("{}", "", 1));
}

TEST(SafetensorsWrite, LinearisesArrays) {
  Ref<Array> turned;
  const Ref<Array> array = array_of<int16_t>(TF_DTYPE_INT16, {2, 3}, {1, 2, 3, 4, 5, 6});
  ASSERT_TRUE(transpose(turned, default_memory(), *array, nullptr, 0).ok());
  SafetensorsSave save;
  const Listed found(kSafetensorsFormat, save.add("a", turned).bytes());
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.shape(0), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(found.stored(0), std::string("\x01\0\x04\0\x02\0\x05\0\x03\0\x06\0", 12));
}

TEST(SafetensorsWrite, NamesEverythingItCannotHoldInOneError) {
  SafetensorsSave save;
  save.add("fine", bytes("x"));
  save.add("c", array_of_bytes(TF_DTYPE_COMPLEX128, {1}, std::string(16, '\0')));
  save.add("q", array_of_bytes(TF_DTYPE_Q4_0, {32}, std::string(18, '\0')));
  save.add("__metadata__", bytes("x"));
  save.add(std::string("n\0l", 3), bytes("x"));
  save.add("\xff", bytes("x"));
  save.set("number", array_of<int64_t>(TF_DTYPE_INT64, {}, {1}));
  save.set("list", std::vector<std::string>{"a"});
  save.set("tree", dict());
  save.set("bytes", "\xc3");
  expect_refused(save, TF_STATUS_UNSUPPORTED,
                 "safetensors cannot hold: 'c' (complex128 has no safetensors dtype), 'q' (q4_0 has no safetensors "
                 "dtype), '__metadata__' (the name is reserved for metadata), 'n\\x00l' (the name contains a NUL), "
                 "'\\xff' (the name is not UTF-8), 'number' (metadata that is not a string), 'list' (metadata that is "
                 "not a string), 'tree' (metadata that is not a string), 'bytes' (metadata that is not UTF-8)",
                 "c");
  SafetensorsSave other;
  other.set("good", "x").set("number", array_of<int64_t>(TF_DTYPE_INT64, {}, {1}));
  expect_refused(other, TF_STATUS_TYPE, "safetensors cannot hold: 'number' (metadata that is not a string)", "number");
  SafetensorsSave latin;
  expect_refused(latin.set("k", "\xe9"), TF_STATUS_UNSUPPORTED,
                 "safetensors cannot hold: 'k' (metadata that is not UTF-8)", "k");
}

TEST(SafetensorsWrite, WritesEveryOtherDtype) {
  for (const Dtype &dtype : all_dtypes()) {
    if (dtype.is_block() || dtype.id == TF_DTYPE_COMPLEX128) continue;
    const auto unit = static_cast<int64_t>(dtype.block_size);
    std::string data(3 * dtype.block_bytes, '\0');
    for (size_t i = 0; i < data.size(); ++i)
      data[i] = dtype.id == TF_DTYPE_BOOL ? '\x01' : static_cast<char>(i + 1);
    SafetensorsSave save;
    const Listed found(kSafetensorsFormat, save.add("a", array_of_bytes(dtype.id, {3, unit}, data)).bytes());
    ASSERT_TRUE(found.ok()) << dtype.name << found.error.message;
    EXPECT_EQ(found.at(0).dtype->id, dtype.id);
    EXPECT_EQ(found.shape(0), (std::vector<int64_t>{3, unit}));
    EXPECT_EQ(found.stored(0), data);
  }
}

TEST(SafetensorsWrite, RefusesAHeaderBeyondTheLimit) {
  SafetensorsSave save;
  save.add("a", bytes("x")).option(TF_OPTION_MAX_HEADER_BYTES, 56);
  EXPECT_NE(save.bytes(), "");
  expect_refused(save.set("k", "v"), TF_STATUS_LIMIT,
                 "the safetensors header would have 120 bytes, more than the limit (max_header_bytes) of 56", "");
  SafetensorsSave large;
  large.set("k", std::string(100000000, 'x'));
  expect_refused(
      large, TF_STATUS_LIMIT,
      "the safetensors header would have 100000056 bytes, more than the limit (max_header_bytes) of 100000000", "");
}

TEST(SafetensorsWrite, SurvivesEveryFailingAllocation) {
  SafetensorsSave save;
  save.add("a", bytes("x")).add("b", bytes("y")).set("k", "v");
  fail_each_allocation([&save](TestMemory &memory) {
    save.settings.set_memory(Ref<Memory>::share(&*memory));
    std::string made;
    const Status status = save.run(&made);
    save.settings.set_memory(Ref<Memory>::share(&default_memory()));
    return status;
  });
}

TEST(SafetensorsRead, HasAStatusForEachBadFile) {
  const std::pair<const char *, tf_status> files[] = {
      {"reject_truncated", TF_STATUS_TRUNCATED},    {"reject_trailing", TF_STATUS_CORRUPT},
      {"reject_hole", TF_STATUS_CORRUPT},           {"reject_overlap", TF_STATUS_CORRUPT},
      {"reject_dup_key", TF_STATUS_DUPLICATE},      {"reject_size_mismatch", TF_STATUS_CORRUPT},
      {"reject_meta_nonstring", TF_STATUS_CORRUPT}, {"reject_hdr_too_large", TF_STATUS_LIMIT},
      {"reject_hdr_past_eof", TF_STATUS_TRUNCATED}, {"reject_f4_odd", TF_STATUS_CORRUPT},
  };
  for (const auto &[name, status] : files)
    EXPECT_EQ(Listed(kSafetensorsFormat, golden(name)).error.status, status) << name;
  const Listed unknown(kSafetensorsFormat, golden("reject_unknown_dtype"));
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown.at(0).dtype, nullptr);
  EXPECT_EQ(Listed::text(unknown.at(0).reason), "dtype 'F128'");
}

}  // namespace
}  // namespace tfile
