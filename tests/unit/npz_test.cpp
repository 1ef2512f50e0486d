#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <tuple>

#include "format/npy/npy.h"
#include "support/foreign.h"
#include "support/handles.h"
#include "support/listed.h"
#include "support/loaded.h"
#include "support/memory.h"
#include "support/zip_builder.h"
#include "transfer/write_request.h"

namespace tfile {
namespace {

using namespace testing;

const std::string kData("\1\0\0\0\2\0\0\0\3\0\0\0", 12);
const std::string kInts = npy_int32("3", kData);
const LoadedArray kX{"x", "int32", {3}, kData};

Listed listed(const std::string &bytes, const Settings &settings = Settings()) {
  return Listed(kNpzFormat, bytes, settings);
}

Loaded load(const std::string &bytes, const tf_options *options = nullptr) {
  return load_bytes(bytes, TF_FORMAT_NPZ, options);
}

std::string one_member(const std::string &name, const std::string &data, bool deflate = false) {
  ZipBuilder zip;
  zip.add(name, data, deflate);
  return zip.bytes();
}

void expect_failure(const Listed &found, tf_status status, const std::string &message, uint64_t offset,
                    const std::string &name = "x", const std::string &way_out = "") {
  EXPECT_EQ(found.error.status, status) << found.error.message;
  EXPECT_EQ(found.error.message, message + " (byte " + std::to_string(offset) + ")" + way_out);
  EXPECT_EQ(found.error.offset, offset);
  EXPECT_EQ(found.error.name, name);
}

std::vector<std::string> names_of(const Loaded &loaded) {
  std::vector<std::string> names;
  for (const LoadedArray &array : loaded.arrays)
    names.push_back(array.name);
  return names;
}

// A header can end before the bytes that are read to find its length. Nothing may be inflated for a negative remainder.
TEST(NpzMembers, WithVeryShortHeadersAreRefused) {
  for (const bool deflate : {false, true}) {
    for (size_t size = 0; size < 8; ++size) {
      const std::string member = npy(std::string(size, ' '), std::string(4096, 'x'));
      const Listed found = listed(one_member("x.npy", member, deflate));
      EXPECT_EQ(found.error.status, TF_STATUS_CORRUPT) << size << found.error.message;
      EXPECT_EQ(found.error.name, "x");
    }
  }
}

TEST(NpzMembers, AreFoundStoredAndDeflated) {
  for (const bool deflate : {false, true}) {
    const Listed found = listed(one_member("x.npy", kInts, deflate));
    ASSERT_TRUE(found.ok()) << found.error.message;
    ASSERT_EQ(found.size(), 1u);
    const Member &x = found.at(0);
    EXPECT_EQ(x.deflated, deflate);
    EXPECT_EQ(x.nbytes, 12u);
    EXPECT_EQ(x.offset, deflate ? 35u : 35u + 128u);
    EXPECT_EQ(x.stored, deflate ? deflated(kInts).size() : 12u);
    EXPECT_EQ(x.head, deflate ? 128u : 0u);
    EXPECT_TRUE(x.has_crc);
    EXPECT_EQ(x.crc32, crc_of(kInts));
    EXPECT_EQ(x.head_crc32, deflate ? 0u : crc_of(kInts.substr(0, 128)));
    EXPECT_EQ(found.metadata().size(), 0u);
    EXPECT_EQ(load(one_member("x.npy", kInts, deflate)).arrays, std::vector{kX});
  }
}

TEST(NpzMembers, HaveAnyLayout) {
  ZipBuilder zip;
  const std::string fortran("\0\1\2\3\4\5", 6);
  zip.add("f.npy", npy(npy_text("|u1", "(2, 3)", "True"), fortran));
  zip.add("b.npy", npy(npy_text(">u2", "(2,)"), std::string("\0\1\2\0", 4)), true);
  zip.add("e.npy", npy(npy_text("<f8", "(3, 0)"), ""), true);
  zip.add("s.npy", npy(npy_text("|u1", "()"), "s", 3));
  const Loaded loaded = load(zip.bytes());
  EXPECT_EQ(loaded.arrays, (std::vector<LoadedArray>{{"f", "uint8", {2, 3}, std::string("\0\2\4\1\3\5", 6)},
                                                     {"b", "uint16", {2}, std::string("\1\0\0\2", 4)},
                                                     {"e", "float64", {3, 0}, ""},
                                                     {"s", "uint8", {}, "s"}}))
      << loaded.message;
}

TEST(NpzNames, LoseOneSuffix) {
  const std::pair<std::string, std::string> names[] = {
      {"x.npy", "x"}, {"x.npy.npy", "x.npy"}, {"x.NPY", "x.NPY"},   {".npy", ""},  {"x", "x"},
      {"", ""},       {"d/e.npy", "d/e"},     {"/abs.npy", "/abs"}, {"npy", "npy"}};
  for (const auto &[member, name] : names) {
    const Loaded loaded = load(one_member(member, kInts));
    ASSERT_EQ(loaded.status, TF_STATUS_OK) << loaded.message;
    EXPECT_EQ(names_of(loaded), std::vector{name});
  }
}

TEST(NpzNames, MustDiffer) {
  const std::tuple<std::string, std::string, std::string> pairs[] = {
      {"x.npy", "x.npy", "x"}, {"x.npy", "x", "x"}, {"x", "x.npy", "x"}, {"", ".npy", ""}};
  for (const auto &[first, second, name] : pairs) {
    ZipBuilder zip;
    zip.add(first, kInts);
    zip.add(second, kInts, true);
    expect_failure(listed(zip.bytes()), TF_STATUS_DUPLICATE, "array '" + name + "': the name occurs twice in the file",
                   30 + first.size() + kInts.size(), name, kLenientHint);
  }
  ZipBuilder zip;
  zip.add("x.npy", kInts);
  zip.add("x.npy.npy", kInts);
  EXPECT_EQ(names_of(load(zip.bytes())), (std::vector<std::string>{"x", "x.npy"}));
  // Also if one of them is not an array.
  zip.add("x", "text");
  expect_failure(listed(zip.bytes()), TF_STATUS_DUPLICATE, "array 'x': the name occurs twice in the file",
                 30 + 5 + 30 + 9 + 2 * kInts.size(), "x", kLenientHint);
}

TEST(NpzNames, MayOccurTwiceIfLenient) {
  const std::string second = npy_int32("2", std::string("\4\0\0\0\5\0\0\0", 8));
  const std::string third = npy_int32("1", std::string("\6\0\0\0", 4));
  const LoadedArray last{"x", "int32", {1}, std::string("\6\0\0\0", 4)};
  const LoadedArray other{"y", "int32", {2}, std::string("\4\0\0\0\5\0\0\0", 8)};
  CallOptions lenient;
  lenient.set(TF_OPTION_LENIENT, 1);
  for (const char *name : {"x.npy", "x"}) {
    ZipBuilder zip;
    zip.add("x.npy", kInts);
    zip.add("y.npy", second);
    zip.add("x.npy", second, true);
    zip.add(name, third);
    EXPECT_EQ(load(zip.bytes(), lenient).arrays, (std::vector{last, other}));
    Settings settings;
    settings.set(TF_OPTION_LENIENT, 1);
    const Listed found = listed(zip.bytes(), settings);
    EXPECT_EQ(found.listing->tolerated.size(), 2u);
    EXPECT_EQ(found.listing->names.find("x"), 0u);
  }
}

TEST(NpzNames, AndArraysHaveLimits) {
  Settings settings;
  settings.set(TF_OPTION_MAX_NAME_BYTES, 2);
  EXPECT_TRUE(listed(one_member("xy.npy", kInts), settings).ok());
  expect_failure(listed(one_member("xyz.npy", kInts), settings), TF_STATUS_LIMIT,
                 "a name of 3 bytes is longer than the limit (max_name_bytes) of 2", 30 + 7 + kInts.size(), "");
  ZipBuilder zip;
  zip.add("x.npy", kInts);
  zip.add("y.npy", kInts);
  settings.set(TF_OPTION_MAX_ARRAYS, 1);
  expect_failure(listed(zip.bytes(), settings), TF_STATUS_LIMIT, "more arrays than the limit (max_arrays) of 1",
                 35 + kInts.size(), "");
  settings.set(TF_OPTION_MAX_ARRAYS, 2);
  EXPECT_TRUE(listed(zip.bytes(), settings).ok());
  settings.set(TF_OPTION_MAX_HEADER_BYTES, 117);
  expect_failure(listed(zip.bytes(), settings), TF_STATUS_LIMIT,
                 "array 'x': npy header: it has 118 bytes, more than the limit (max_header_bytes) of 117", 35 + 8);
}

TEST(NpzFolders, AreSkipped) {
  for (const bool deflate : {false, true}) {
    ZipBuilder zip;
    zip.add("d/", "", deflate);
    zip.add("d/x.npy", kInts);
    zip.add("d/", "", deflate);
    const Loaded loaded = load(zip.bytes());
    EXPECT_EQ(names_of(loaded), std::vector<std::string>{"d/x"}) << loaded.message;
  }
  // A member with content is not a folder.
  EXPECT_EQ(names_of(load(one_member("d/", kInts))), std::vector<std::string>{"d/"});
}

TEST(NpzMembers, ThatAreNotArraysAreNotListedAsArrays) {
  for (const bool deflate : {false, true}) {
    for (const std::string &content :
         {std::string("a readme"), std::string("abc"), std::string(), std::string("\x93NUMP")}) {
      ZipBuilder zip;
      zip.add("readme.npy", content, deflate);
      zip.add("x.npy", kInts);
      const Listed found = listed(zip.bytes());
      ASSERT_TRUE(found.ok()) << found.error.message;
      ASSERT_EQ(found.size(), 1u);
      EXPECT_EQ(found.name(0), "x");
      EXPECT_EQ(found.listing->names.find("x"), 0u);
      ASSERT_EQ(found.listing->others.size(), 1u);
      const Member &other = found.listing->others[0];
      EXPECT_EQ(Listed::text(other.name), "readme.npy");
      EXPECT_EQ(other.dtype, nullptr);
      EXPECT_EQ(other.head, 0u);
      EXPECT_EQ(other.nbytes, content.size());
      EXPECT_EQ(other.crc32, crc_of(content));
      EXPECT_EQ(load(zip.bytes()).arrays, std::vector{kX});
    }
  }
}

TEST(NpzMembers, NamedLikeArraysHaveTheirCrcVerifiedWhenOpened) {
  for (const bool deflate : {false, true}) {
    ZipBuilder zip;
    zip.add("x.npy", "?" + kInts.substr(1), deflate).crc = crc_of(kInts);
    const Listed found = listed(zip.bytes());
    EXPECT_EQ(found.error.status, TF_STATUS_CORRUPT);
    EXPECT_NE(found.error.message.find("CRC-32 of the member should be "), std::string::npos) << found.error.message;
    zip.parts[0].name = "x";
    EXPECT_EQ(listed(zip.bytes()).listing->others.size(), 1u);
  }
}

TEST(NpzMembers, ThatAreNotArraysHaveNames) {
  ZipBuilder zip;
  zip.add("meta.json", "{\"epoch\": 3}");
  zip.add("a.npy", kInts);
  zip.add("__MACOSX/._a.npy", "text", true);
  const std::string bytes = zip.bytes();
  tf_file *opened = nullptr;
  ASSERT_EQ(tf_file_open_memory(&opened, bytes.data(), bytes.size(), TF_FORMAT_NPZ, nullptr), TF_STATUS_OK);
  const Handle<tf_file> file(opened);
  EXPECT_EQ(tf_file_count(opened), 1u);
  ASSERT_EQ(tf_file_other_count(opened), 2u);
  const char *name = nullptr;
  ASSERT_EQ(tf_file_other_name(&name, nullptr, opened, 0), TF_STATUS_OK);
  EXPECT_STREQ(name, "meta.json");
  ASSERT_EQ(tf_file_other_name(&name, nullptr, opened, 1), TF_STATUS_OK);
  EXPECT_STREQ(name, "__MACOSX/._a.npy");
}

TEST(NpzMembers, OfUnknownTypesLeaveTheOthersReadable) {
  const std::pair<const char *, const char *> unknown[] = {
      {"'|O'", "Python objects (dtype '|O'), which are pickles and never loaded"},
      {"[('a', '<f4')]", "a structured dtype"},
      {"'<M8[s]'", "dtype '<M8[s]'"}};
  for (const auto &[descr, reason] : unknown) {
    ZipBuilder zip;
    zip.add("o.npy",
            npy(std::string("{'descr': ") + descr + ", 'fortran_order': False, 'shape': (), }\n", "\x80\3N.1234"));
    zip.add("x.npy", kInts);
    const std::string bytes = zip.bytes();
    tf_file *file = nullptr;
    ASSERT_EQ(tf_file_open_memory(&file, bytes.data(), bytes.size(), TF_FORMAT_NPZ, nullptr), TF_STATUS_OK)
        << tf_error_message();
    EXPECT_EQ(tf_file_dtype(file, 0), TF_DTYPE_UNSUPPORTED);
    EXPECT_EQ(tf_file_nbytes(file, 0), 8u);
    tf_array *array = nullptr;
    EXPECT_EQ(tf_file_read(&array, file, 0), TF_STATUS_UNSUPPORTED);
    EXPECT_EQ(tf_error_message(), std::string("array 'o': cannot be read: ") + reason);
    ASSERT_EQ(tf_file_read(&array, file, 1), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(loaded_array("x", array), kX);
    tf_array_release(array);
    tf_file_release(file);
  }
}

TEST(NpzMembers, HaveOneArrayAndNothingElse) {
  for (const std::string &extra : {std::string("x"), kInts}) {
    const std::string message = "array 'x': " + std::to_string(extra.size()) + " bytes follow the array in its member";
    expect_failure(listed(one_member("x.npy", kInts + extra)), TF_STATUS_CORRUPT, message, 35 + kInts.size(), "x",
                   kLenientHint);
    expect_failure(listed(one_member("x.npy", kInts + extra, true)), TF_STATUS_CORRUPT, message, 35, "x", kLenientHint);
  }
  const std::string short_message = "array 'x': npy header: shape (3,) needs 12 bytes of data, 11 are there";
  expect_failure(listed(one_member("x.npy", kInts.substr(0, 139))), TF_STATUS_CORRUPT, short_message, 35 + 139, "x",
                 kListedHint);
  expect_failure(listed(one_member("x.npy", kInts.substr(0, 139), true)), TF_STATUS_CORRUPT, short_message, 35, "x",
                 kListedHint);
}

// Bytes after an array do not matter if the settings are lenient, but the CRC-32 covers them.
TEST(NpzMembers, MayBeLongerThanTheirArrayIfLenient) {
  CallOptions lenient;
  lenient.set(TF_OPTION_LENIENT, 1);
  const std::string extra(5000, 'e');
  const std::string fortran("\0\1\2\3\4\5", 6);
  const std::string large = npy(npy_text("|u1", "(300000,)"), std::string(300000, 'l'));
  const std::string text = npy(npy_text("|S2", "()"), "ab");
  for (const bool deflate : {false, true}) {
    ZipBuilder zip;
    zip.add("x.npy", kInts + extra, deflate);
    zip.add("f.npy", npy(npy_text("|u1", "(2, 3)", "True"), fortran) + "e", deflate);
    zip.add("l.npy", large + extra, deflate);
    zip.add("t.npy", text + extra, deflate);
    const Loaded loaded = load(zip.bytes(), lenient);
    EXPECT_EQ(loaded.arrays, (std::vector<LoadedArray>{kX,
                                                       {"f", "uint8", {2, 3}, std::string("\0\2\4\1\3\5", 6)},
                                                       {"l", "uint8", {300000}, std::string(300000, 'l')}}))
        << loaded.message;
    Settings settings;
    settings.set(TF_OPTION_LENIENT, 1);
    const Listed found = listed(zip.bytes(), settings);
    EXPECT_EQ(found.listing->tolerated.size(), 4u);
    EXPECT_EQ(string(found.metadata(), "t"), "ab");
    for (size_t i = 0; i < 3; ++i) {
      ZipBuilder damaged = zip;
      damaged.parts[i].crc = crc_of(zip.parts[i].data) ^ 1;
      const Loaded refused = load(damaged.bytes(), lenient);
      EXPECT_EQ(refused.status, TF_STATUS_CORRUPT);
      EXPECT_NE(refused.message.find("CRC-32 of the member should be "), std::string::npos) << refused.message;
    }
  }
}

TEST(NpzMembers, LongerThanTheirArrayCanBeSliced) {
  CallOptions lenient;
  lenient.set(TF_OPTION_LENIENT, 1);
  for (const bool deflate : {false, true}) {
    const std::string bytes = one_member("x.npy", kInts + "extra", deflate);
    tf_file *opened = nullptr;
    ASSERT_EQ(tf_file_open_memory(&opened, bytes.data(), bytes.size(), TF_FORMAT_NPZ, lenient), TF_STATUS_OK);
    const Handle<tf_file> file(opened);
    for (const int64_t start : {0, 1, 0}) {
      const int64_t stop = 3;
      const int64_t step = 1;
      tf_array *slice = nullptr;
      ASSERT_EQ(tf_file_read_slice(&slice, opened, 0, &start, &stop, &step, 1), TF_STATUS_OK) << tf_error_message();
      EXPECT_EQ(loaded_array("x", slice).bytes, kData.substr(static_cast<size_t>(4 * start)));
      tf_array_release(slice);
    }
  }
}

TEST(NpzMembers, WithABadHeaderFailTheOpen) {
  for (const bool deflate : {false, true}) {
    const auto at = [deflate](uint64_t position) { return 35 + (deflate ? 0 : position); };
    const auto member = [deflate](const std::string &data) { return listed(one_member("x.npy", data, deflate)); };
    expect_failure(member(npy("{}\n", kData)), TF_STATUS_CORRUPT, "array 'x': npy header: key 'descr' is missing",
                   at(11), "x", kListedHint);
    expect_failure(member(npy(npy_text("<i4", "(3,)"), kData, 9)), TF_STATUS_UNSUPPORTED,
                   "array 'x': npy header: version 9.0; 1.0, 2.0 and 3.0 are known", at(6), "x", kListedHint);
    expect_failure(member(kInts.substr(0, 9)), TF_STATUS_CORRUPT,
                   "array 'x': npy header: it ends after 9 bytes, before its length", at(9), "x", kListedHint);
    expect_failure(member(kInts.substr(0, 100)), TF_STATUS_CORRUPT,
                   "array 'x': its npy header should have 128 bytes, its member has 100", 35, "x", kListedHint);
  }
}

TEST(NpzMembers, WithABadHeaderAreListedIfLenient) {
  const std::string headers[] = {npy("{}\n", kData),   npy(npy_text("<i4", "(3,)"), kData, 9),
                                 kInts.substr(0, 9),   kInts.substr(0, 100),
                                 kInts.substr(0, 139), npy(npy_text("|u1", "(np.int64(2), np.int64(3))"), kData)};
  for (const bool deflate : {false, true}) {
    for (const std::string &header : headers) {
      ZipBuilder zip;
      zip.add("bad.npy", header, deflate);
      zip.add("x.npy", kInts, deflate);
      const std::string bytes = zip.bytes();
      const Listed refused = listed(bytes);
      EXPECT_NE(refused.error.status, TF_STATUS_OK);
      Settings settings;
      settings.set(TF_OPTION_LENIENT, 1);
      const Listed found = listed(bytes, settings);
      ASSERT_EQ(found.size(), 2u) << found.error.message;
      const Member &bad = found.at(0);
      EXPECT_EQ(bad.dtype, nullptr);
      EXPECT_TRUE(bad.invalid);
      EXPECT_EQ(found.name(0), "bad");
      EXPECT_EQ(Listed::text(bad.type), "bad header");
      EXPECT_EQ(Listed::text(bad.reason) + kListedHint, refused.error.message);
      EXPECT_EQ(bad.nbytes, header.size());
      EXPECT_EQ(bad.head, 0u);
      EXPECT_EQ(bad.crc32, crc_of(header));
      EXPECT_FALSE(found.at(1).invalid);
      CallOptions options;
      options.set(TF_OPTION_LENIENT, 1);
      EXPECT_EQ(load(bytes, options).status, TF_STATUS_UNSUPPORTED);
      options.set(TF_OPTION_SKIP_UNSUPPORTED, 1);
      EXPECT_EQ(load(bytes, options).arrays, std::vector{kX});
      tf_file *opened = nullptr;
      ASSERT_EQ(tf_file_open_memory(&opened, bytes.data(), bytes.size(), TF_FORMAT_NPZ, options), TF_STATUS_OK);
      const Handle<tf_file> file(opened);
      tf_array *raw = nullptr;
      ASSERT_EQ(tf_file_read_raw(&raw, opened, 0), TF_STATUS_OK) << tf_error_message();
      EXPECT_EQ(loaded_array("bad", raw).bytes, header);
      tf_array_release(raw);
    }
  }
  // A limit is not a fault of the file.
  Settings settings;
  settings.set(TF_OPTION_LENIENT, 1);
  settings.set(TF_OPTION_MAX_HEADER_BYTES, 117);
  EXPECT_EQ(listed(one_member("x.npy", kInts), settings).error.status, TF_STATUS_LIMIT);
}

TEST(NpzMembers, MayHaveLongHeaders) {
  for (const bool deflate : {false, true}) {
    const std::string text = std::string(300000, ' ') + npy_text("<i4", "(3,)");
    ZipBuilder zip;
    zip.add("x.npy", npy(text, kData, 2), deflate);
    zip.add("y.npy", kInts);
    const Loaded loaded = load(zip.bytes());
    ASSERT_EQ(loaded.arrays.size(), 2u) << loaded.message;
    EXPECT_EQ(loaded.arrays[0], kX);
  }
}

TEST(NpzCrc, IsCheckedOverTheWholeMember) {
  for (const bool deflate : {false, true}) {
    ZipBuilder zip;
    zip.add("x.npy", kInts, deflate).crc = crc_of(kInts) ^ 1;
    ASSERT_TRUE(listed(zip.bytes()).ok());
    const Loaded loaded = load(zip.bytes());
    EXPECT_EQ(loaded.status, TF_STATUS_CORRUPT);
    EXPECT_EQ(loaded.message.find("array 'x': CRC-32 of the member should be "), 0u) << loaded.message;
    EXPECT_EQ(loaded.name, "x");
  }
}

TEST(NpzCrc, IsCheckedWhenBytesAreCopied) {
  const std::string member = npy(npy_text("|u1", "(12,)"), "twelve bytes");
  ZipBuilder zip;
  zip.add("xy.npy", member).crc = crc_of(member) ^ 1;
  const std::string bytes = zip.bytes();
  tf_source *raw = nullptr;
  ASSERT_EQ(tf_source_from_memory(&raw, bytes.data(), bytes.size(), nullptr, nullptr), TF_STATUS_OK);
  const Handle<tf_source> source(raw);
  CallOptions options;
  options.set(TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP);
  tf_file *opened = nullptr;
  ASSERT_EQ(tf_file_open_source(&opened, source.get(), TF_FORMAT_NPZ, options), TF_STATUS_OK);
  const Handle<tf_file> file(opened);
  tf_array *mapped = nullptr;
  ASSERT_EQ(tf_file_read(&mapped, file.get(), 0), TF_STATUS_OK) << tf_error_message();
  const Handle<tf_array> array(mapped);
  EXPECT_EQ(tf_array_data(mapped), bytes.data() + bytes.find("twelve"));
  char copy[12];
  EXPECT_EQ(tf_file_read_into(file.get(), 0, TF_DTYPE_UINT8, copy, sizeof(copy)), TF_STATUS_CORRUPT);
  EXPECT_STREQ(tf_error_name(), "xy");
}

TEST(NpzDeflate, StreamsMustAgreeWithTheDirectory) {
  const std::string packed = deflated(kInts);
  const auto with_packed = [](const std::string &stream) {
    ZipBuilder zip;
    zip.add("x.npy", kInts, true).packed = stream;
    return zip.bytes();
  };
  const std::string wrong(20, '\xFF');
  expect_failure(listed(with_packed(wrong)), TF_STATUS_CORRUPT, "member 'x.npy': is not a deflate stream",
                 listed(with_packed(wrong)).error.offset, "x", kListedHint);
  EXPECT_EQ(load(with_packed(packed + "x")).status, TF_STATUS_CORRUPT);
  EXPECT_NE(load(with_packed(packed + "x")).message.find("1 bytes follow the end of its deflate stream"),
            std::string::npos);
  EXPECT_EQ(load(with_packed(deflated(kInts.substr(0, 138)))).status, TF_STATUS_CORRUPT);
  EXPECT_EQ(load(with_packed(deflated(kInts + "more"))).status, TF_STATUS_CORRUPT);
  EXPECT_EQ(load(with_packed(packed.substr(0, packed.size() - 1))).status, TF_STATUS_CORRUPT);
  // Ends within the header.
  expect_failure(listed(with_packed(deflated(kInts.substr(0, 20)))), TF_STATUS_CORRUPT,
                 "member 'x.npy': inflates to 20 bytes, not to the 140 that the directory says", 35, "x", kListedHint);
}

std::vector<std::string> small_archives() {
  ZipBuilder plain;
  plain.add("x.npy", kInts);
  plain.add("d/y.npy", npy(npy_text(">i2", "(1,)"), "ab"), true);
  plain.parts[1].flags = 8;
  plain.parts[1].crc.local = plain.parts[1].stored.local = plain.parts[1].size.local = 0;
  const std::string &data = plain.parts[1].data;
  plain.parts[1].descriptor =
      "PK\7\x08" + little(crc_of(data), 4) + little(deflated(data).size(), 4) + little(data.size(), 4);
  ZipBuilder wide = plain;
  wide.wide = true;
  return {plain.bytes(), wide.bytes(), one_member("e.npy", npy(npy_text("|b1", "(0,)"), ""))};
}

TEST(NpzBytes, EveryPrefixIsTruncated) {
  for (const std::string &bytes : small_archives()) {
    ASSERT_EQ(load(bytes).status, TF_STATUS_OK) << load(bytes).message;
    for (size_t size = 0; size < bytes.size(); ++size)
      EXPECT_EQ(load(bytes.substr(0, size)).status, TF_STATUS_TRUNCATED) << size;
  }
}

TEST(NpzBytes, EveryChangedByteGivesTheSameArraysOrAnError) {
  for (const std::string &good : small_archives()) {
    const std::vector<LoadedArray> arrays = load(good).arrays;
    for (size_t at = 0; at < good.size(); ++at) {
      for (const int change : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
        std::string bytes = good;
        bytes[at] = static_cast<char>(bytes[at] ^ change);
        const Loaded loaded = load(bytes);
        if (loaded.status == TF_STATUS_OK) {
          // Only fields that readers ignore, such as dates, may change.
          EXPECT_EQ(loaded.arrays, arrays) << at << " ^ " << change;
        } else {
          EXPECT_NE(loaded.message, "");
          EXPECT_NE(loaded.status, TF_STATUS_INTERNAL);
        }
      }
    }
  }
}

TEST(NpzReading, FreesEverythingWhenAnAllocationFails) {
  ZipBuilder zip;
  zip.add("y.npy", kInts).listed = false;
  zip.add("x.npy", kInts, true);
  ZipPart &y = zip.add("y.npy", kInts);
  y.local = false;
  y.offset = 0;
  std::vector<std::string> files = small_archives();
  files.push_back(zip.bytes());  // not in the order of its directory
  for (const std::string &file : files) {
    fail_each_allocation([&file](TestMemory &memory) {
      Settings settings;
      settings.set_memory(Ref<Memory>::share(&*memory));
      Ref<Source> source;
      TFILE_TRY(source_from_memory(source, default_memory(), file.data(), file.size(), nullptr, nullptr));
      Listing listing(settings.memory());
      return kNpzFormat.list(listing, *source, settings);
    });
  }
}

TEST(NpzReading, NeedsLittleMemoryToRefuse) {
  // A directory of 20,000 entries that are all for the same member.
  ZipBuilder zip;
  zip.add("x.npy", kInts);
  for (int i = 0; i < 20000; ++i) {
    ZipPart &part = zip.add("x.npy", kInts);
    part.local = false;
    part.offset = 0;
  }
  const std::string bytes = zip.bytes();
  Settings settings;
  settings.set(TF_OPTION_MAX_BYTES, static_cast<int64_t>(4 * 20000 * (46 + 5) + (1 << 20)));
  ASSERT_TRUE(settings.apply_budget().ok());
  EXPECT_EQ(listed(bytes, settings).error.status, TF_STATUS_CORRUPT);
}

// Writing.

class Arrays {
 public:
  Arrays() { EXPECT_EQ(tf_dict_new(&dict_), TF_STATUS_OK); }
  ~Arrays() { tf_dict_release(dict_); }
  Arrays(const Arrays &) = delete;
  Arrays &operator=(const Arrays &) = delete;

  Arrays &add(const std::string &name, tf_dtype dtype, const std::vector<int64_t> &shape, const std::string &data) {
    tf_array *array = nullptr;
    const std::string native = little_endian(data.data(), data.size(), unit_of(dtype));
    EXPECT_EQ(tf_array_copy_from(&array, dtype, shape.data(), shape.size(), native.data(), native.size()), TF_STATUS_OK)
        << tf_error_message();
    set(name, array);
    tf_array_release(array);
    return *this;
  }
  void set(const std::string &name, tf_array *array) {
    EXPECT_EQ(tf_dict_set_array(dict_, name.data(), name.size(), array), TF_STATUS_OK) << tf_error_message();
  }
  operator tf_dict *() const { return dict_; }

 private:
  tf_dict *dict_ = nullptr;
};

std::string saved(const tf_dict *arrays, const tf_options *options = nullptr) {
  tf_buffer *buffer = nullptr;
  EXPECT_EQ(tf_save_memory(&buffer, TF_FORMAT_NPZ, nullptr, arrays, nullptr, options), TF_STATUS_OK)
      << tf_error_message();
  std::string bytes(static_cast<const char *>(tf_buffer_data(buffer)), tf_buffer_size(buffer));
  tf_buffer_release(buffer);
  return bytes;
}

// Saves to a sink that cannot change what has been written.
std::string streamed(const tf_dict *arrays, const tf_options *options = nullptr) {
  ForeignSink foreign;
  tf_sink *sink = nullptr;
  EXPECT_EQ(tf_sink_new(&sink, ForeignSink::write, nullptr, &foreign), TF_STATUS_OK);
  EXPECT_EQ(tf_save_sink(sink, TF_FORMAT_NPZ, nullptr, arrays, nullptr, options), TF_STATUS_OK) << tf_error_message();
  tf_sink_release(sink);
  return foreign.bytes;
}

// Returns the extra field that makes the data of a member start at a multiple of 64. Without it they would start at `at`.
std::string padding(size_t at) {
  size_t size = (64 - at % 64) % 64;
  if (size == 0) return "";
  if (size < 4) size += 64;
  std::string record = little(0xD935, 2) + little(size - 4, 2) + (size < 6 ? "" : little(64, 2));
  record.resize(size, '\0');
  return record;
}

TEST(NpzWriting, PadsEachMemberToTheAlignment) {
  // Names of 0 to 70 bytes need every possible padding.
  Arrays arrays;
  ZipBuilder expected;
  for (size_t length = 0; length <= 70; ++length) {
    const std::string name(length, 'n');
    arrays.add(name, TF_DTYPE_INT32, {3}, kData);
    ZipPart &part = expected.add(name + ".npy", kInts);
    part.extra.listed = "";
    part.written_name = name + ".npy";
  }
  size_t at = 0;
  for (ZipPart &part : expected.parts) {
    at += 30 + part.name.size();
    part.extra.local = padding(at + 128);
    at += part.extra.local->size() + kInts.size();
  }
  EXPECT_EQ(saved(arrays), expected.bytes());
  EXPECT_EQ(streamed(arrays), expected.bytes());
  const std::string bytes = expected.bytes();
  const Listed found = listed(bytes);
  ASSERT_TRUE(found.ok()) << found.error.message;
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_EQ(found.at(i).offset % 64, 0u);
}

// Returns a deflate stream of uncompressed blocks.
std::string stored_block(const std::string &data, bool last) {
  return std::string(1, last ? '\1' : '\0') + little(data.size(), 2) + little(data.size() ^ 0xFFFF, 2) + data;
}

TEST(NpzReading, SlicesOfABadDeflateStreamAreCorrupt) {
  const std::string whole = npy_int32("1000", std::string(4000, 'x'));
  const std::string most = whole.substr(0, 3000);
  const std::string rest = whole.substr(3000);
  constexpr size_t kData = 30 + 5;
  const struct {
    std::string packed;
    std::string message;
    uint64_t offset;
  } rows[] = {
      // Block type 3 does not exist.
      {stored_block(most, false) + "\7" + rest, "is not a deflate stream", UINT64_MAX},
      {stored_block(most, true), "inflates to 1128 bytes less than its directory entry says", kData + 5 + 3000},
      {stored_block(most, false), "inflates to 1128 bytes less than its directory entry says", kData + 5 + 3000},
      {stored_block(most, false) + stored_block(rest, false), "its deflate stream has no end", kData + 10 + 4128},
      {stored_block(whole, true) + "xy", "2 bytes follow the end of its deflate stream", kData + 5 + 4128},
      {stored_block(whole + "x", true), "inflates to more bytes than its directory entry says", kData},
  };
  for (const auto &row : rows) {
    SCOPED_TRACE(row.message);
    ZipBuilder zip;
    zip.add("x.npy", whole, true).packed = row.packed;
    const std::string bytes = zip.bytes();
    tf_file *raw = nullptr;
    ASSERT_EQ(tf_file_open_memory(&raw, bytes.data(), bytes.size(), TF_FORMAT_NPZ, nullptr), TF_STATUS_OK)
        << tf_error_message();
    const Handle<tf_file> file(raw);
    const int64_t start[] = {1};
    tf_array *slice = nullptr;
    EXPECT_EQ(tf_file_read_slice(&slice, raw, 0, start, nullptr, nullptr, 1), TF_STATUS_CORRUPT);
    EXPECT_NE(std::string(tf_error_message()).find("array 'x': " + row.message), std::string::npos)
        << tf_error_message();
    EXPECT_STREQ(tf_error_name(), "x");
    EXPECT_TRUE(row.offset == UINT64_MAX || tf_error_offset() == row.offset) << tf_error_offset();
    EXPECT_GE(tf_error_offset(), kData);
    EXPECT_LE(tf_error_offset(), kData + row.packed.size());
    EXPECT_EQ(slice, nullptr);
    EXPECT_EQ(tf_file_read(&slice, raw, 0), TF_STATUS_CORRUPT);
  }
}

TEST(NpzWriting, AlignsAsRequested) {
  Arrays arrays;
  arrays.add("a", TF_DTYPE_INT32, {3}, kData).add("bcd", TF_DTYPE_UINT8, {1}, "x").add("e", TF_DTYPE_UINT8, {2}, "xy");
  const std::vector<LoadedArray> expected = load(saved(arrays)).arrays;
  for (int64_t alignment = 1; alignment <= 32768; alignment *= 2) {
    CallOptions options;
    const std::string bytes = saved(arrays, options.set(TF_OPTION_ALIGNMENT, alignment));
    const Listed found = listed(bytes);
    ASSERT_TRUE(found.ok()) << found.error.message;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_EQ(found.at(i).offset % static_cast<uint64_t>(alignment), 0u);
    EXPECT_EQ(load(bytes).arrays, expected);
  }
  CallOptions options;
  tf_buffer *buffer = nullptr;
  EXPECT_EQ(tf_save_memory(&buffer, TF_FORMAT_NPZ, nullptr, arrays, nullptr, options.set(TF_OPTION_ALIGNMENT, 65536)),
            TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(std::string(tf_error_message()), "npz cannot align data to 65536 bytes, 32768 are the most");
}

TEST(NpzWriting, FlagsNamesThatAreNotAscii) {
  Arrays arrays;
  arrays.add("\xC3\xA9", TF_DTYPE_INT32, {3}, kData);
  ZipBuilder expected;
  ZipPart &part = expected.add("\xC3\xA9.npy", kInts);
  part.flags = 0x0800;
  part.extra.local = padding(30 + 6 + 128);
  EXPECT_EQ(saved(arrays), expected.bytes());
}

TEST(NpzWriting, OfNoArraysIsAnEmptyArchive) {
  EXPECT_EQ(saved(Arrays()), ZipBuilder().bytes());
}

TEST(NpzWriting, DeflatesOnRequest) {
  Arrays arrays;
  std::string big(300000, '\0');
  for (size_t i = 0; i < big.size(); ++i)
    big[i] = static_cast<char>(i * i >> 7);
  arrays.add("big", TF_DTYPE_UINT8, {300000}, big).add("x", TF_DTYPE_INT32, {3}, kData);
  arrays.add("zero", TF_DTYPE_FLOAT32, {0, 2}, "").add("scalar", TF_DTYPE_UINT8, {}, "s");
  const std::vector<LoadedArray> expected = load(saved(arrays)).arrays;
  size_t sizes[2] = {};
  for (const int64_t level : {-1, 0, 1, 9}) {
    CallOptions options;
    options.set(TF_OPTION_COMPRESS, 1).set(TF_OPTION_COMPRESSION_LEVEL, level);
    const std::string bytes = saved(arrays, options);
    EXPECT_EQ(load(bytes).arrays, expected);
    EXPECT_EQ(saved(arrays, options), bytes) << "two saves differ";
    const std::string forward = streamed(arrays, options);
    EXPECT_EQ(load(forward).arrays, expected);
    EXPECT_EQ(forward.size(), bytes.size() + 4 * 16) << "one descriptor for each member";
    EXPECT_TRUE(listed(bytes).at(0).deflated);
    if (level == 0) sizes[0] = bytes.size();
    if (level == 9) sizes[1] = bytes.size();
  }
  EXPECT_GT(sizes[0], big.size());
  EXPECT_LT(sizes[1], big.size());
}

TEST(NpzWriting, ReportsProgressInArrayBytes) {
  for (const int64_t compress : {0, 1}) {
    Arrays arrays;
    arrays.add("a", TF_DTYPE_UINT8, {5000000}, std::string(5000000, 'x')).add("x", TF_DTYPE_INT32, {3}, kData);
    struct Heard {
      uint64_t done = 0;
      uint64_t total = 0;
    } heard;
    const tf_progress_fn hear = [](void *user, uint64_t done, uint64_t total) -> tf_status {
      auto &self = *static_cast<Heard *>(user);
      EXPECT_GE(done, self.done);
      self.done = done;
      self.total = total;
      return TF_STATUS_OK;
    };
    CallOptions options;
    options.set(TF_OPTION_COMPRESS, compress);
    ASSERT_EQ(tf_options_set_progress(options, hear, nullptr, &heard), TF_STATUS_OK);
    saved(arrays, options);
    EXPECT_EQ(heard.done, 5000012u);
    EXPECT_EQ(heard.total, 5000012u);
  }
}

TEST(NpzWriting, WritesMoreThan65535Members) {
  tf_array *array = nullptr;
  ASSERT_EQ(tf_array_new(&array, TF_DTYPE_UINT8, nullptr, 0), TF_STATUS_OK);
  Arrays arrays;
  const auto has_wide_end = [](const std::string &bytes) {
    return bytes.substr(bytes.size() - 22 - 20, 4) == "PK\6\7";
  };
  for (size_t i = 0; i < 65534; ++i)
    arrays.set(std::to_string(i), array);
  EXPECT_FALSE(has_wide_end(saved(arrays)));
  for (size_t i = 65534; i < 65537; ++i) {
    arrays.set(std::to_string(i), array);
    const std::string bytes = saved(arrays);
    EXPECT_TRUE(has_wide_end(bytes));
    EXPECT_EQ(bytes.substr(bytes.size() - 14, 4), "\xFF\xFF\xFF\xFF");
    const Listed found = listed(bytes);
    ASSERT_TRUE(found.ok()) << found.error.message;
    EXPECT_EQ(found.size(), i + 1);
  }
  tf_array_release(array);
}

TEST(NpzWriting, NamesEverythingItCannotHoldInOneError) {
  Arrays arrays;
  arrays.add("good", TF_DTYPE_UINT8, {1}, "x").add("f8", TF_DTYPE_FLOAT8_E5M2, {1}, "x");
  arrays.add(std::string("n\0l", 3), TF_DTYPE_UINT8, {1}, "x").add("q", TF_DTYPE_Q4_0, {32}, std::string(18, 'x'));
  tf_buffer *buffer = nullptr;
  EXPECT_EQ(tf_save_memory(&buffer, TF_FORMAT_NPZ, nullptr, arrays, nullptr, nullptr), TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(std::string(tf_error_message()),
            "npz cannot hold: 'f8' (float8_e5m2), 'n\\x00l' (a name with a NUL), 'q' (q4_0)");
  EXPECT_EQ(std::string(tf_error_name()), "f8");
  Arrays names;
  names.add(std::string(65531, 'n'), TF_DTYPE_UINT8, {1}, "x");
  EXPECT_EQ(names_of(load(saved(names))), std::vector{std::string(65531, 'n')});
  Arrays longer;
  longer.add(std::string(65532, 'n'), TF_DTYPE_UINT8, {1}, "x");
  EXPECT_EQ(tf_save_memory(&buffer, TF_FORMAT_NPZ, nullptr, longer, nullptr, nullptr), TF_STATUS_UNSUPPORTED);
  EXPECT_NE(std::string(tf_error_message()).find("(a name of 65532 bytes)"), std::string::npos);
}

TEST(NpzWriting, FreesEverythingWhenAnAllocationFails) {
  Ref<Array> array;
  const int64_t shape[] = {3};
  ASSERT_TRUE(make_array(array, default_memory(), *find_dtype(TF_DTYPE_INT32), {shape, 1}).ok());
  memcpy(array->data, little_endian(kData.data(), kData.size(), 4).data(), kData.size());
  for (const bool compress : {false, true}) {
    fail_each_allocation([&](TestMemory &memory) {
      Settings settings;
      settings.set_memory(Ref<Memory>::share(&*memory));
      const NamedArray named[] = {{"x", array.get()}, {"y", array.get()}};
      const SaveRequest request{{named, 2}, nullptr, compress, settings};
      MemorySink sink(default_memory());
      Ref<Sink> opened;
      TFILE_TRY(sink.open(opened));
      return write_request(*opened, kNpzFormat, request);
    });
  }
}

}  // namespace
}  // namespace tfile
