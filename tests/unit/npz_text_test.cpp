// Text members of .npz archives: read as metadata, and written from metadata.
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/foreign.h"
#include "support/handles.h"
#include "support/listed.h"
#include "support/loaded.h"
#include "support/memory.h"
#include "support/save.h"
#include "support/zip_builder.h"

namespace tfile {
namespace {

using namespace testing;

using Texts = std::vector<std::string>;

const std::string kInts = npy_int32("3", std::string("\1\0\0\0\2\0\0\0\3\0\0\0", 12));

// Returns the file that np.save writes for an array whose header has 128 bytes.
std::string numpy(const std::string &descr, const std::string &shape, const std::string &data) {
  std::string text = npy_text(descr, shape);
  text.insert(text.size() - 1, 118 - text.size(), ' ');
  return npy(text, data);
}

std::string utf32(const std::u32string &text, bool big_endian = false) {
  std::string bytes;
  for (const char32_t code : text) {
    for (int i = 0; i < 4; ++i)
      bytes += static_cast<char>(code >> 8 * (big_endian ? 3 - i : i));
  }
  return bytes;
}

Listed listed(const ZipBuilder &zip, const Settings &settings = Settings()) {
  return Listed(kNpzFormat, zip.bytes(), settings);
}

Settings with(tf_option option, int64_t value) {
  Settings settings;
  settings.set(option, value);
  return settings;
}

ZipBuilder one(const std::string &descr, const std::string &shape, const std::string &data, bool deflate = false) {
  ZipBuilder zip;
  zip.add("t.npy", numpy(descr, shape, data), deflate);
  zip.add("x.npy", kInts, deflate);
  return zip;
}

// What np.load gives for each array, with item() and tolist().
struct TextArray {
  std::string descr;
  std::string shape;
  std::string data;
  Texts texts;  // one for 0 dimensions
};

const TextArray kArrays[] = {
    {"<U7", "()", utf32(U"neutral"), {"neutral"}},
    {">U2", "()", utf32(U"h\u00e9", true), {"h\xC3\xA9"}},
    {"=U1", "()", utf32(U"\U0001F600"), {"\xF0\x9F\x98\x80"}},
    {"|S3", "()", "csr", {"csr"}},
    {"S5", "()", std::string("csr\0\0", 5), {"csr"}},
    {"|S2", "()", "\xFF\xFE", {"\xFF\xFE"}},
    {"<U4", "()", utf32(std::u32string(U"a\0b\0", 4)), {std::string("a\0b", 3)}},
    {"<U1", "()", utf32(std::u32string(1, U'\0')), {""}},
    {"<U0", "()", "", {""}},
    {"<U3", "(3,)", utf32(std::u32string(U"a\0\0\0\0\0xyz", 9)), {"a", "", "xyz"}},
    {"|S2", "(2,)", std::string("a\0bc", 4), {"a", "bc"}},
    {"<U1", "(0,)", "", {}},
    {"<U5", "(0,)", "", {}},
};

TEST(NpzText, IsMetadata) {
  for (const TextArray &array : kArrays) {
    for (const bool deflate : {false, true}) {
      SCOPED_TRACE(array.descr + " " + array.shape);
      const Listed found = listed(one(array.descr, array.shape, array.data, deflate));
      ASSERT_TRUE(found.ok()) << found.error.message;
      ASSERT_EQ(found.size(), 1u);
      EXPECT_EQ(found.name(0), "x");
      EXPECT_EQ(found.listing->names.find("x"), 0u);
      EXPECT_EQ(found.listing->names.find("t"), NameIndex::kNone);
      EXPECT_EQ(found.metadata().size(), 1u);
      if (array.shape == "()") {
        EXPECT_EQ(string(found.metadata(), "t"), array.texts[0]);
      } else {
        EXPECT_EQ(strings(found.metadata(), "t"), array.texts);
      }
    }
  }
}

// Strings that do not fit in one piece, with characters on both sides of each border.
TEST(NpzText, MayBeLong) {
  std::u32string codes(300000, U'x');
  std::string expected(300000, 'x');
  for (size_t i = 0; i < codes.size(); i += 1000) {
    codes[i] = U'y';
    expected[i] = 'y';
  }
  for (const bool deflate : {false, true}) {
    EXPECT_EQ(string(listed(one("<U300000", "()", utf32(codes), deflate)).metadata(), "t"), expected);
    const Texts texts = strings(listed(one("<U3", "(100000,)", utf32(codes), deflate)).metadata(), "t");
    ASSERT_EQ(texts.size(), 100000u);
    EXPECT_EQ(texts[0], "yxx");
    EXPECT_EQ(texts[333], "xyx");
    EXPECT_EQ(texts[99999], "xxx");
  }
}

TEST(NpzText, KeepsTheOrderOfArraysAndOfStrings) {
  ZipBuilder zip;
  for (const char *name : {"b", "1", "a", "2", "readme", "3"}) {
    if (isdigit(name[0])) {
      zip.add(std::string(name) + ".npy", kInts);
    } else {
      zip.add(std::string(name) + ".npy", name[1] == '\0' ? numpy("|S1", "()", name) : "no array");
    }
  }
  const Listed found = listed(zip);
  ASSERT_EQ(found.size(), 3u) << found.error.message;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(found.name(i), std::to_string(i + 1));
    EXPECT_EQ(found.listing->names.find(found.at(i).name), i);
  }
  ASSERT_EQ(found.metadata().size(), 2u);
  EXPECT_EQ(Listed::text(found.metadata().at(0).key), "b");
  EXPECT_EQ(Listed::text(found.metadata().at(1).key), "a");
  ASSERT_EQ(found.listing->others.size(), 1u);
  EXPECT_EQ(Listed::text(found.listing->others[0].name), "readme.npy");
}

TEST(NpzText, OfOtherKindsIsUnsupported) {
  const std::tuple<const char *, const char *, std::string> rows[] = {
      {"<U1", "(1, 2)", utf32(U"ab")},
      {"<U0", "(1000000000,)", ""},
      {"<U2", "()", utf32(std::u32string{U'a', char32_t{0xDC80}})},
      {"<U1", "()", std::string("\0\0\x11\0", 4)},
  };
  for (const auto &[descr, shape, data] : rows) {
    const Listed found = listed(one(descr, shape, data));
    ASSERT_EQ(found.size(), 2u) << found.error.message;
    EXPECT_EQ(found.at(0).dtype, nullptr);
    EXPECT_EQ(Listed::text(found.at(0).type), descr);
    EXPECT_EQ(found.metadata().size(), 0u);
  }
  EXPECT_EQ(Listed::text(listed(one("<U1", "()", std::string("\0\xDC\0\0", 4))).at(0).reason),
            "text with a code point that is not a character");
  EXPECT_EQ(Listed(kNpyFormat, numpy("<U1", "()", utf32(U"a"))).at(0).dtype, nullptr);
}

TEST(NpzText, ThatIsDamagedIsCorrupt) {
  for (const bool deflate : {false, true}) {
    ZipBuilder zip = one("|S3", "()", "csr", deflate);
    zip.parts[0].crc = 1u;
    const Listed found = listed(zip);
    EXPECT_EQ(found.error.status, TF_STATUS_CORRUPT);
    EXPECT_EQ(found.error.message.find("array 't': CRC-32 of the member should be 0x1, is "), 0u)
        << found.error.message;
    EXPECT_EQ(found.error.name, "t");
    // With the option the other members can be read, and the text has a reason why it cannot.
    const Listed lenient = listed(zip, with(TF_OPTION_LENIENT, 1));
    ASSERT_EQ(lenient.size(), 2u) << lenient.error.message;
    EXPECT_EQ(lenient.at(0).dtype, nullptr);
    EXPECT_EQ(Listed::text(lenient.at(0).type), "|S3");
    const std::string hint = "; TF_OPTION_LENIENT lists it as unsupported and reads the others";
    EXPECT_EQ(Listed::text(lenient.at(0).reason) + hint, found.error.message);
    EXPECT_EQ(lenient.metadata().size(), 0u);
  }
  ZipBuilder zip = one("|S3", "()", "csr", true);
  const std::string whole = zip.parts[0].data;
  const std::pair<std::string, const char *> streams[] = {
      {deflated(whole) + "x", "1 bytes follow the end of its deflate stream"},
      {deflated(whole + "x"), "inflates to more bytes than the directory says"},
      {deflated(whole.substr(0, 130)), "inflates to 130 bytes, not to the 131 that the directory says"},
  };
  for (const auto &[stream, message] : streams) {
    zip.parts[0].packed = stream;
    const Listed found = listed(zip);
    EXPECT_EQ(found.error.status, TF_STATUS_CORRUPT);
    EXPECT_NE(found.error.message.find(message), std::string::npos) << found.error.message;
  }
}

TEST(NpzText, HasLimits) {
  const ZipBuilder zip = one("<U7", "()", utf32(U"neutral"));
  EXPECT_TRUE(listed(zip, with(TF_OPTION_MAX_ARRAYS, 1)).ok());
  EXPECT_TRUE(listed(zip, with(TF_OPTION_MAX_METADATA, 1)).ok());
  ZipBuilder two = zip;
  two.add("u.npy", numpy("|S1", "()", "u"));
  const Listed many = listed(two, with(TF_OPTION_MAX_METADATA, 1));
  EXPECT_EQ(many.error.status, TF_STATUS_LIMIT);
  EXPECT_EQ(many.error.message.find("more metadata values than the limit (max_metadata) of 1 (byte "), 0u)
      << many.error.message;
  const ZipBuilder big = one("<U200", "()", std::string(800, '\0'), true);
  const Listed found = listed(big, with(TF_OPTION_MAX_HEADER_BYTES, 799));
  EXPECT_EQ(found.error.status, TF_STATUS_LIMIT);
  EXPECT_EQ(found.error.message.find("array 't': with it, the text of the file has more bytes than the limit "
                                     "(max_header_bytes) of 799 (byte "),
            0u)
      << found.error.message;
  EXPECT_TRUE(listed(big, with(TF_OPTION_MAX_HEADER_BYTES, 800)).ok());
}

TEST(NpzText, SharesTheNamesOfArrays) {
  ZipBuilder zip = one("|S3", "()", "csr");
  zip.add("t", kInts);
  EXPECT_EQ(listed(zip).error.status, TF_STATUS_DUPLICATE);
  const Listed arrays = listed(zip, with(TF_OPTION_LENIENT, 1));
  ASSERT_EQ(arrays.size(), 2u) << arrays.error.message;
  EXPECT_EQ(arrays.name(0), "t");
  EXPECT_EQ(arrays.metadata().size(), 0u);
  zip.add("x.npy", numpy("|S1", "()", "s"));
  const Listed text = listed(zip, with(TF_OPTION_LENIENT, 1));
  EXPECT_EQ(text.size(), 1u);
  EXPECT_EQ(string(text.metadata(), "x"), "s");
}

TEST(NpzText, NeedsLittleMemoryToRefuse) {
  // A million strings, deflated to some kilobytes, and then damage.
  ZipBuilder zip = one("|S1", "(1000000,)", std::string(1000000, 'x'), true);
  zip.add("u.npy", numpy("|S1", "()", "u")).crc = 1u;
  Settings settings;
  settings.set(TF_OPTION_MAX_BYTES, static_cast<int64_t>(4 * zip.bytes().size() + (1 << 20)));
  ASSERT_TRUE(settings.apply_budget().ok());
  EXPECT_EQ(listed(zip, settings).error.status, TF_STATUS_CORRUPT);
}

TEST(NpzText, FreesEverythingWhenAnAllocationFails) {
  ZipBuilder zip = one("<U3", "(2,)", utf32(U"abcdef"), true);
  zip.add("u.npy", numpy("|S1", "()", "u"));
  zip.add("readme", "text");
  const std::string file = zip.bytes();
  fail_each_allocation([&file](TestMemory &memory) {
    Settings settings;
    settings.set_memory(Ref<Memory>::share(&*memory));
    Ref<Source> source;
    TFILE_TRY(source_from_memory(source, default_memory(), file.data(), file.size(), nullptr, nullptr));
    Listing listing(settings.memory());
    TFILE_TRY(make_dict(listing.metadata, settings.memory()));
    return kNpzFormat.list(listing, *source, settings);
  });
}

// Writing.

Save text_save() {
  Save save(kNpzFormat);
  save.add("x", array_of<int32_t>(TF_DTYPE_INT32, {3}, {1, 2, 3}));
  save.set("text", std::string("h\xC3\xA9 \xF0\x9F\x98\x80"));
  save.set("empty", std::string());
  save.set("bytes", std::string("\xFF\0ab", 4));
  save.set("list", Texts{"a", "", "bc\xC3\xA9"});
  save.set("mixed", Texts{"\xFF", "\xC3\xA9"});
  save.set("none", Texts());
  return save;
}

// What np.save writes for np.array() of each value.
std::vector<std::pair<std::string, std::string>> text_members() {
  return {{"text.npy", numpy("<U4", "()", utf32(U"h\u00e9 \U0001F600"))},
          {"empty.npy", numpy("<U1", "()", utf32(std::u32string(1, U'\0')))},
          {"bytes.npy", numpy("|S4", "()", std::string("\xFF\0ab", 4))},
          {"list.npy", numpy("<U3", "(3,)", utf32(std::u32string(U"a\0\0\0\0\0bc\u00e9", 9)))},
          {"mixed.npy", numpy("|S2", "(2,)", std::string("\xFF\0\xC3\xA9", 4))},
          {"none.npy", numpy("<U1", "(0,)", "")}};
}

void expect_texts(const Dict &metadata) {
  const Save expected = text_save();
  ASSERT_EQ(metadata.size(), expected.metadata->size());
  for (const char *key : {"text", "empty", "bytes"})
    EXPECT_EQ(string(metadata, key), string(*expected.metadata, key));
  for (const char *key : {"list", "mixed", "none"})
    EXPECT_EQ(strings(metadata, key), strings(*expected.metadata, key));
}

TEST(NpzTextWriting, WritesTheMembersOfNumpyAfterTheArrays) {
  Save save = text_save();
  const std::string bytes = save.bytes();
  ASSERT_NE(bytes, "") << save.error.message;
  size_t at = bytes.find(kInts) + kInts.size();
  for (const auto &[name, member] : text_members()) {
    EXPECT_EQ(bytes.substr(at, 4), "PK\3\4");
    EXPECT_EQ(bytes.substr(at + 14, 12),
              little(crc_of(member), 4) + little(member.size(), 4) + little(member.size(), 4));
    EXPECT_EQ(bytes.substr(at + 30, name.size()), name);
    at = bytes.find(member, at);
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_EQ((at + 128) % 64, 0u);
    at += member.size();
  }
  const Listed found(kNpzFormat, bytes);
  ASSERT_EQ(found.size(), 1u) << found.error.message;
  expect_texts(found.metadata());
}

// Saves through the ABI: to memory, which can be patched, and to a sink, which cannot; by a save and by a writer.
TEST(NpzTextWriting, IsTheSameWhereverAFormatIsChosen) {
  Ref<Dict> arrays = dict();
  ASSERT_TRUE(arrays->set_array("x", *array_of<int32_t>(TF_DTYPE_INT32, {3}, {1, 2, 3})).ok());
  const Save texts = text_save();
  for (const bool compress : {false, true}) {
    CallOptions options;
    options.set(TF_OPTION_COMPRESS, compress);
    tf_buffer *raw = nullptr;
    ASSERT_EQ(tf_save_memory(&raw, TF_FORMAT_NPZ, nullptr, arrays.get(), texts.metadata.get(), options), TF_STATUS_OK)
        << tf_error_message();
    const Handle<tf_buffer> buffer(raw);
    const std::string saved(static_cast<const char *>(tf_buffer_data(raw)), tf_buffer_size(raw));
    ForeignSink saved_to;
    ForeignSink written_to;
    for (ForeignSink *foreign : {&saved_to, &written_to}) {
      tf_sink *opened = nullptr;
      ASSERT_EQ(tf_sink_new(&opened, ForeignSink::write, nullptr, foreign), TF_STATUS_OK);
      const Handle<tf_sink> sink(opened);
      if (foreign == &saved_to) {
        ASSERT_EQ(tf_save_sink(opened, TF_FORMAT_NPZ, nullptr, arrays.get(), texts.metadata.get(), options),
                  TF_STATUS_OK);
        continue;
      }
      tf_writer *made = nullptr;
      ASSERT_EQ(tf_writer_open_sink(&made, opened, TF_FORMAT_NPZ, options), TF_STATUS_OK);
      const Handle<tf_writer> writer(made);
      const int64_t shape[] = {3};
      const int32_t values[] = {1, 2, 3};
      ASSERT_EQ(tf_writer_declare(made, "x", 1, TF_DTYPE_INT32, shape, 1), TF_STATUS_OK);
      ASSERT_EQ(tf_writer_set_metadata(made, texts.metadata.get()), TF_STATUS_OK) << tf_error_message();
      ASSERT_EQ(tf_writer_write(made, values, sizeof(values)), TF_STATUS_OK) << tf_error_message();
      ASSERT_EQ(tf_writer_finish(made), TF_STATUS_OK) << tf_error_message();
    }
    for (const std::string &bytes : {saved, saved_to.bytes, written_to.bytes}) {
      const Listed found(kNpzFormat, bytes);
      ASSERT_EQ(found.size(), 1u) << found.error.message;
      EXPECT_EQ(found.at(0).deflated, compress);
      EXPECT_EQ(found.at(0).nbytes, 12u);
      expect_texts(found.metadata());
    }
  }
}

TEST(NpzTextWriting, DeflatesLongText) {
  Ref<Dict> texts = dict();
  ASSERT_TRUE(texts->set_string("t", Text(std::string(100000, 'x').c_str())).ok());
  CallOptions options;
  options.set(TF_OPTION_COMPRESS, 1);
  tf_buffer *raw = nullptr;
  ASSERT_EQ(tf_save_memory(&raw, TF_FORMAT_NPZ, nullptr, dict().get(), texts.get(), options), TF_STATUS_OK);
  const Handle<tf_buffer> buffer(raw);
  EXPECT_LT(tf_buffer_size(raw), 10000u);
  const Listed found(kNpzFormat, std::string(static_cast<const char *>(tf_buffer_data(raw)), tf_buffer_size(raw)));
  EXPECT_EQ(string(found.metadata(), "t"), std::string(100000, 'x')) << found.error.message;
}

TEST(NpzTextWriting, NamesWhatItCannotHold) {
  Save numbers(kNpzFormat);
  numbers.set("n", array_of<int32_t>(TF_DTYPE_INT32, {}, {1})).set("d", dict()).set("good", std::string("x"));
  expect_refused(
      numbers, TF_STATUS_TYPE,
      "npz cannot hold: 'n' (metadata that is neither a string nor a list of strings), 'd' (metadata that is "
      "neither a string nor a list of strings)",
      "n");
  Save ends(kNpzFormat);
  ends.set("s", std::string("a\0", 2)).set("l", Texts{"a", std::string("\0", 1)}).set(std::string("n\0l", 3), Texts());
  expect_refused(ends, TF_STATUS_UNSUPPORTED,
                 "npz cannot hold: 's' (a string that ends with a NUL), 'l' (a string that ends with a NUL), 'n\\x00l' "
                 "(a name with a NUL)",
                 "s");
  Save twice = text_save();
  twice.set("x", std::string("text"));
  expect_refused(twice, TF_STATUS_DUPLICATE,
                 "array 'x': is also the name of a metadata value, and both are members of an npz", "x");
  Save large(kNpzFormat);
  large.set("t", std::string(100, 'x')).option(TF_OPTION_MAX_HEADER_BYTES, 399);
  expect_refused(large, TF_STATUS_LIMIT,
                 "the metadata need more bytes as text members than the limit (max_header_bytes) of 399", "");
  EXPECT_NE(large.option(TF_OPTION_MAX_HEADER_BYTES, 400).bytes(), "");
}

}  // namespace
}  // namespace tfile
