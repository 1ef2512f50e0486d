// New headers for files whose arrays keep their bytes. Files are built byte by byte, as the formats describe them.
#include <gtest/gtest.h>

#include <filesystem>
#if !defined(_WIN32)
#include <sys/stat.h>
#endif

#include "support/expect_error.h"
#include "support/gguf_builder.h"
#include "support/handles.h"
#include "support/npy_builder.h"
#include "support/temp_folder.h"
#include "support/zip_builder.h"

namespace tfile::testing {
namespace {

std::string safetensors(std::string header, const std::string &data, size_t length = 0) {
  if (header.size() < length) header.resize(length, ' ');
  return little(header.size(), 8) + header + data;
}

Handle<tf_dict> strings(std::initializer_list<std::pair<const char *, const char *>> values) {
  auto dict = new_dict();
  for (const auto &[key, value] : values)
    EXPECT_EQ(tf_dict_set_string(dict.get(), key, SIZE_MAX, value, SIZE_MAX), TF_STATUS_OK);
  return dict;
}

// An edit of bytes in memory, or of a file in a folder.
class EditTest : public ::testing::Test {
 protected:
  void open(const std::string &bytes, const tf_options *options = nullptr) {
    old_ = bytes;
    path_ = folder_.write("old", bytes);
    file_ = made<tf_file>([&](tf_file **out) { return tf_file_open(out, path_.c_str(), options); });
    edit_ = made<tf_edit>([&](tf_edit **out) { return tf_edit_new(out, file_.get()); });
  }
  size_t find(const char *name) const {
    size_t index = 0;
    EXPECT_EQ(tf_file_find(&index, file_.get(), name, SIZE_MAX), TF_STATUS_OK);
    return index;
  }
  void rename(const char *name, const char *now) {
    EXPECT_EQ(tf_edit_rename(edit_.get(), find(name), now, SIZE_MAX), TF_STATUS_OK);
  }
  void remove(const char *name) { EXPECT_EQ(tf_edit_remove(edit_.get(), find(name)), TF_STATUS_OK); }
  void set(const Handle<tf_dict> &metadata) {
    EXPECT_EQ(tf_edit_set_metadata(edit_.get(), metadata.get()), TF_STATUS_OK);
  }
  void finish() { ASSERT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_OK) << tf_error_message(); }

  // Finishes the edit. Returns the new file, which is assembled from the runs, after comparing it with what the other
  // functions write.
  std::string finished() {
    EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_OK) << tf_error_message();
    std::string bytes;
    for (size_t i = 0; i < tf_edit_run_count(edit_.get()); ++i) {
      const void *run = nullptr;
      uint64_t offset = 0;
      uint64_t nbytes = 0;
      EXPECT_EQ(tf_edit_run(&run, &offset, &nbytes, edit_.get(), i), TF_STATUS_OK);
      EXPECT_GT(nbytes, 0u);
      if (run != nullptr) {
        EXPECT_EQ(offset, bytes.size());
      }
      bytes += run != nullptr ? std::string(static_cast<const char *>(run), nbytes) : old_.substr(offset, nbytes);
    }
    EXPECT_EQ(tf_edit_size(edit_.get()), bytes.size());
    EXPECT_EQ(tf_edit_save(edit_.get(), folder_.path("new").c_str(), nullptr), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(folder_.read("new"), bytes);
    EXPECT_EQ(saved_to_sink(), bytes);
    return bytes;
  }
  std::string saved_to_sink() const {
    std::string bytes;
    const auto append = [](void *user, const void *from, size_t nbytes) -> tf_status {
      static_cast<std::string *>(user)->append(static_cast<const char *>(from), nbytes);
      return TF_STATUS_OK;
    };
    const auto sink = made<tf_sink>([&](tf_sink **out) { return tf_sink_new(out, append, nullptr, &bytes); });
    EXPECT_EQ(tf_edit_save_sink(edit_.get(), sink.get(), nullptr), TF_STATUS_OK) << tf_error_message();
    return bytes;
  }

  TempFolder folder_;
  std::string old_, path_;
  Handle<tf_file> file_;
  Handle<tf_edit> edit_;
};

// Arrays that are not in the order of their data, one with a member that only other programs know.
constexpr char kHeader[] =
    R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[3,11],"extra":[1, "\u00e9"]}, "__metadata__":{"k":"v"},)"
    R"( "a":{"shape":[3],"dtype":"I8","data_offsets":[0,3]},"u":{"dtype":"F8_E3M4","shape":[2],"data_offsets":[11,13]}})";
constexpr char kData[] = "abc12345678zz";

TEST_F(EditTest, SafetensorsKeepsWhatItDoesNotKnow) {
  open(safetensors(kHeader, kData, 504));
  set(strings({{"z", "\"1\""}, {"a", "\xC3\xA9"}}));
  rename("a", "x");
  EXPECT_EQ(finished(), safetensors(R"({"__metadata__":{"z":"\"1\"","a":"é"},)"
                                    R"("b":{"dtype":"F32","shape":[2],"data_offsets":[3,11],"extra":[1,"\u00e9"]},)"
                                    R"("x":{"shape":[3],"dtype":"I8","data_offsets":[0,3]},)"
                                    R"("u":{"dtype":"F8_E3M4","shape":[2],"data_offsets":[11,13]}})",
                                    kData, 504));
  EXPECT_EQ(tf_edit_patch_bytes(edit_.get()), 512u);
  ASSERT_EQ(tf_edit_run_count(edit_.get()), 2u);
}

TEST_F(EditTest, SafetensorsWithoutAnArrayHasNoHole) {
  open(safetensors(kHeader, kData));
  remove("b");
  set(new_dict());
  EXPECT_EQ(finished(), safetensors(R"({"a":{"shape":[3],"dtype":"I8","data_offsets":[0,3]},)"
                                    R"("u":{"dtype":"F8_E3M4","shape":[2],"data_offsets":[3,5]}})",
                                    "abczz", sizeof(kHeader) - 1));
  EXPECT_EQ(tf_edit_patch_bytes(edit_.get()), 0u);
}

TEST_F(EditTest, SafetensorsWithALongerHeader) {
  const std::string value(3000, 'x');
  const std::string header =
      R"({"__metadata__":{"k":")" + value + R"("},"a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}})";
  const char *const old = R"({"a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}})";
  // The data move by a block if that keeps their alignment, or else to a multiple of 64.
  for (const size_t length : {size_t{56}, size_t{57}}) {
    open(safetensors(old, "abc", length));
    set(strings({{"k", value.c_str()}}));
    const size_t moved = length == 56 ? 56 + 4096 : (8 + header.size() + 63) / 64 * 64 - 8;
    EXPECT_EQ(finished(), safetensors(header, "abc", moved));
  }
}

TEST_F(EditTest, NothingChangesWithoutAnEdit) {
  const std::string bytes = safetensors(R"({"a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}})", "abc");
  open(bytes);
  EXPECT_EQ(finished(), bytes);
  open(GgufBuilder().value("k", kU32, little(7, 4)).tensor("a", {3}, kGgmlI8, "abc").build());
  EXPECT_EQ(finished(), old_);
  ZipBuilder zip;
  zip.add("a.npy", npy_int32("2", "12345678")).extra.local =
      little(0xD935, 2) + little(25, 2) + little(64, 2) + std::string(23, '\0');
  zip.add("readme", "text", true);
  zip.comment = "comment";
  open(zip.bytes());
  EXPECT_EQ(finished(), old_);
}

// A file whose second tensor comes first in the data section.
GgufBuilder gguf(bool big) {
  GgufBuilder file(big);
  file.value("s", kString, file.string("text"));
  file.value("n", kU16, file.number<uint16_t>(258));
  file.value(
      "l", kArray,
      file.array(kArray, 2, file.array(kI32, 1, file.number<int32_t>(-2)) + file.array(kString, 1, file.string("x"))));
  file.record("a", {4}, kGgmlI16, 32).record("b", {3}, kGgmlI8, 0);
  file.data("abc" + std::string(29, '\0') + "12345678");
  return file;
}

TEST_F(EditTest, GgufKeepsItsByteOrder) {
  for (const bool big : {false, true}) {
    open(gguf(big).build());
    auto values = made<tf_dict>([&](tf_dict **out) { return tf_dict_copy(out, tf_file_metadata(file_.get())); });
    const uint16_t number = 259;
    EXPECT_EQ(tf_dict_set_scalar(values.get(), "n", SIZE_MAX, TF_DTYPE_UINT16, &number), TF_STATUS_OK);
    set(values);
    rename("a", "c");
    GgufBuilder now(big);
    now.value("s", kString, now.string("text"));
    now.value("n", kU16, now.number<uint16_t>(259));
    now.value(
        "l", kArray,
        now.array(kArray, 2, now.array(kI32, 1, now.number<int32_t>(-2)) + now.array(kString, 1, now.string("x"))));
    now.record("c", {4}, kGgmlI16, 32).record("b", {3}, kGgmlI8, 0);
    now.data("abc" + std::string(29, '\0') + "12345678");
    EXPECT_EQ(finished(), now.build()) << big;
  }
}

TEST_F(EditTest, GgufWithAnotherAlignment) {
  open(gguf(true).build());
  const uint32_t alignment = 8192;
  auto values = new_dict();
  EXPECT_EQ(tf_dict_set_scalar(values.get(), "general.alignment", SIZE_MAX, TF_DTYPE_UINT32, &alignment), TF_STATUS_OK);
  set(values);
  GgufBuilder now(true);
  now.alignment = alignment;
  now.value("general.alignment", kU32, now.number(alignment));
  now.record("a", {4}, kGgmlI16, 8192).record("b", {3}, kGgmlI8, 0);
  now.data("abc" + std::string(8189, '\0') + "12345678");
  EXPECT_EQ(finished(), now.build());
}

TEST_F(EditTest, GgufKeepsUnknownTypesAndTrailingBytes) {
  const auto file = [](const char *name, uint64_t offset) {
    GgufBuilder made;
    made.record(name, {32}, 144, offset).record("b", {3}, kGgmlI8, 32);
    made.data(std::string(17, 'z') + std::string(15, '\0') + "abc");
    return made.build() + "signature";
  };
  open(file("u", 0));
  rename("u", "v");
  EXPECT_EQ(finished(), file("v", 0));
}

TEST_F(EditTest, GgufWithoutATensor) {
  open(gguf(false).build());
  remove("b");
  set(new_dict());
  EXPECT_EQ(finished(), GgufBuilder().tensor("a", {4}, kGgmlI16, "12345678").build());
}

// A .npy with the dtype U1 and 0 dimensions, as np.save writes it.
std::string npy_text_file(const std::string &utf32) {
  std::string text = npy_text("<U" + std::to_string(utf32.size() / 4), "()");
  text.insert(text.size() - 1, 118 - text.size(), ' ');
  return npy(text, utf32);
}
std::string utf32(const std::string &ascii) {
  std::string bytes;
  for (const char c : ascii)
    bytes += std::string(1, c) + std::string(3, '\0');
  return bytes;
}

TEST_F(EditTest, NpzCopiesItsMembers) {
  ZipBuilder zip;
  const std::string time = little(0x5455, 2) + little(1, 2) + "t";  // an extra field of another program
  auto &a = zip.add("a.npy", npy_int32("2", "12345678"));
  a.extra.local = time;
  a.comment = "of a";
  zip.add("b.npy", npy_int32("2", "abcdefgh"), true);
  zip.add("readme", "text", true);
  zip.add("t.npy", npy_text_file(utf32("old")));
  zip.add("k.npy", npy_text_file(utf32("kept")));
  zip.comment = "all";
  open(zip.bytes());
  rename("a", "\xC3\xA9");
  set(strings({{"t", "new"}, {"k", "kept"}}));
  const std::string bytes = finished();

  ZipBuilder now;
  auto &c = now.add("\xC3\xA9.npy", npy_int32("2", "12345678"));
  c.flags = 0x800;
  // The header of 30 bytes, the name of 6, the field of 5, this one, and the .npy header of 128 end at 192.
  c.extra.local = time + little(0xD935, 2) + little(23 - 4, 2) + little(64, 2) + std::string(17, '\0');
  c.comment = "of a";
  now.add("b.npy", npy_int32("2", "abcdefgh"), true);
  now.add("readme", "text", true);
  now.add("k.npy", npy_text_file(utf32("kept")));
  now.comment = "all";
  const size_t copied = now.bytes().find("PK\x01\x02");
  EXPECT_EQ(bytes.substr(0, copied), now.bytes().substr(0, copied));
  // The new text is the last member.
  const size_t text = bytes.rfind("PK\x03\x04");
  EXPECT_EQ(text, copied);
  EXPECT_NE(bytes.find(npy_text_file(utf32("new")), text), std::string::npos);
  EXPECT_TRUE(bytes.ends_with("all"));

  // What was made with the old file as a reference is opened as any other.
  const auto opened = made<tf_file>(
      [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_NPZ, nullptr); });
  const char *value = nullptr;
  EXPECT_EQ(tf_dict_get_string(&value, nullptr, tf_file_metadata(opened.get()), "t", SIZE_MAX), TF_STATUS_OK);
  EXPECT_STREQ(value, "new");
}

TEST_F(EditTest, NpzWithoutAMember) {
  ZipBuilder zip;
  zip.add("a.npy", npy_int32("2", "12345678"), true);
  zip.add("b.npy", npy_int32("2", "abcdefgh"), true);
  open(zip.bytes());
  remove("a");
  ZipBuilder now;
  now.add("b.npy", npy_int32("2", "abcdefgh"), true);
  EXPECT_EQ(finished(), now.bytes());
}

TEST_F(EditTest, NpzDoesNotLoseWhatPrecedesIt) {
  ZipBuilder zip;
  zip.add("a.npy", npy_int32("2", "12345678"));
  zip.before = "before";
  open(zip.bytes(), options_with({{TF_OPTION_LENIENT, 1}}).get());
  EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_UNSUPPORTED);
  EXPECT_NE(std::string(tf_error_message()).find("bytes precede the zip archive"), std::string::npos);
}

TEST_F(EditTest, WhatCannotBeDone) {
  open(safetensors(kHeader, kData));
  EXPECT_EQ(tf_edit_rename(edit_.get(), 3, "x", 1), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_remove(edit_.get(), 3), TF_STATUS_INVALID_ARGUMENT);
  rename("a", "b");
  EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_DUPLICATE);
  expect_error(path_ + ": array 'b': two arrays would have this name", kNoOffset, "b");
  rename("a", "__metadata__");
  EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_UNSUPPORTED);
  expect_error("safetensors cannot hold: '__metadata__' (the name is reserved for metadata)", kNoOffset,
               "__metadata__");
  rename("a", "a");
  set(dict_of({{"n", random_array(TF_DTYPE_INT8, {}).get()}}));
  EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_TYPE);
  EXPECT_EQ(tf_edit_save(edit_.get(), path_.c_str(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_size(edit_.get()) + tf_edit_patch_bytes(edit_.get()) + tf_edit_run_count(edit_.get()), 0u);
  set(new_dict());
  finish();
  EXPECT_EQ(tf_edit_rename(edit_.get(), 0, "x", 1), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_remove(edit_.get(), 0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_set_metadata(edit_.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_INVALID_ARGUMENT);
  const void *bytes = nullptr;
  uint64_t number = 0;
  EXPECT_EQ(tf_edit_run(&bytes, &number, &number, edit_.get(), 99), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(folder_.read("old"), old_);
}

TEST_F(EditTest, ANameOfTextInAnNpz) {
  ZipBuilder zip;
  zip.add("a.npy", npy_int32("2", "12345678"));
  open(zip.bytes());
  set(strings({{"a", "text"}}));
  EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_DUPLICATE);
}

TEST_F(EditTest, ALimitOfTheOldFileHoldsForTheNewOne) {
  open(safetensors(R"({"a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}})", "abc"),
       options_with({{TF_OPTION_MAX_HEADER_BYTES, 100}}).get());
  set(strings({{"key", std::string(100, 'x').c_str()}}));
  EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_LIMIT);
}

TEST_F(EditTest, FilesThatCannotBeEdited) {
  tf_edit *edit = nullptr;
  const std::string array = folder_.write("a.npy", npy_int32("2", "12345678"));
  auto file = made<tf_file>([&](tf_file **out) { return tf_file_open(out, array.c_str(), nullptr); });
  EXPECT_EQ(tf_edit_new(&edit, file.get()), TF_STATUS_UNSUPPORTED);
  expect_error(array + ": npy files have neither names nor metadata that could be edited");
  EXPECT_EQ(tf_save_metadata(array.c_str(), nullptr, nullptr), TF_STATUS_UNSUPPORTED);

  const auto arrays =
      dict_of({{"a", random_array(TF_DTYPE_INT8, {9}).get()}, {"b", random_array(TF_DTYPE_INT8, {9}).get()}});
  const auto parts = options_with({{TF_OPTION_PART_BYTES, 10}});
  EXPECT_EQ(tf_save_safetensors(folder_.path("set").c_str(), arrays.get(), nullptr, parts.get()), TF_STATUS_OK);
  const std::string index = folder_.path("set.safetensors.index.json");
  EXPECT_EQ(tf_save_metadata(index.c_str(), nullptr, nullptr), TF_STATUS_UNSUPPORTED);
  EXPECT_NE(std::string(tf_error_message()).find("set of files"), std::string::npos);
  EXPECT_EQ(tf_save_metadata(folder_.path("none.gguf").c_str(), nullptr, nullptr), TF_STATUS_NOT_FOUND);
}

TEST_F(EditTest, AHeaderThatHasChanged) {
  const std::string other[] = {safetensors(R"({"b":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}})", "abc"),
                               GgufBuilder().tensor("b", {3}, kGgmlI8, "abc").build()};
  const std::string old[] = {safetensors(R"({"a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}})", "abc"),
                             GgufBuilder().tensor("a", {3}, kGgmlI8, "abc").build()};
  for (size_t i = 0; i < 2; ++i) {
    open(old[i]);
    folder_.write("old", other[i]);
    EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_CORRUPT);
    expect_error(path_ + ": the header has changed since the file was opened");
    open(old[i]);
    folder_.write("old", "");
    EXPECT_EQ(tf_edit_finish(edit_.get()), TF_STATUS_TRUNCATED) << tf_error_message();
  }
}

TEST_F(EditTest, InPlace) {
  const auto in_place = options_with({{TF_OPTION_ATOMIC, 0}, {TF_OPTION_DURABLE, 1}});
  open(safetensors(kHeader, kData, 504));
  set(strings({{"k", "w"}}));
  finish();
  const std::string copy = folder_.write("copy", old_);
  EXPECT_EQ(tf_edit_save(edit_.get(), copy.c_str(), in_place.get()), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_save(edit_.get(), folder_.path("none").c_str(), in_place.get()), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(folder_.read("copy"), old_);
  const std::string expected = saved_to_sink();
  EXPECT_EQ(tf_edit_save(edit_.get(), path_.c_str(), in_place.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(folder_.read("old"), expected);
  EXPECT_EQ(tf_save_metadata(path_.c_str(), strings({{"k", "x"}}).get(), in_place.get()), TF_STATUS_OK);
  EXPECT_EQ(folder_.read("old").size(), expected.size());
  EXPECT_EQ(tf_save_metadata(path_.c_str(), strings({{"k", std::string(600, 'x').c_str()}}).get(), in_place.get()),
            TF_STATUS_UNSUPPORTED);
  EXPECT_NE(std::string(tf_error_message()).find("cannot be written in place"), std::string::npos);
  std::filesystem::resize_file(path_, old_.size() + 1);
  EXPECT_EQ(tf_edit_save(edit_.get(), path_.c_str(), in_place.get()), TF_STATUS_CORRUPT) << tf_error_message();
}

TEST_F(EditTest, InPlaceOfAPartOfAFile) {
  const std::string whole = folder_.write("whole", "before" + safetensors(kHeader, kData));
  const auto from = made<tf_source>([&](tf_source **out) { return tf_source_from_path(out, whole.c_str()); });
  const auto part =
      made<tf_source>([&](tf_source **out) { return tf_source_from_part(out, from.get(), 6, UINT64_MAX); });
  file_ = made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, part.get(), TF_FORMAT_AUTO, nullptr); });
  edit_ = made<tf_edit>([&](tf_edit **out) { return tf_edit_new(out, file_.get()); });
  finish();
  const auto in_place = options_with({{TF_OPTION_ATOMIC, 0}});
  EXPECT_EQ(tf_edit_save(edit_.get(), whole.c_str(), in_place.get()), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_save(edit_.get(), folder_.path("new").c_str(), nullptr), TF_STATUS_OK);
  EXPECT_TRUE(folder_.read("new").ends_with(kData));
}

TEST_F(EditTest, SaveMetadata) {
  open(safetensors(kHeader, kData));
  EXPECT_EQ(tf_save_metadata(path_.c_str(), strings({{"k", "w"}}).get(), nullptr), TF_STATUS_OK) << tf_error_message();
  tf_dict *metadata = nullptr;
  EXPECT_EQ(tf_load(nullptr, nullptr, &metadata, path_.c_str(), options_with({{TF_OPTION_SKIP_UNSUPPORTED, 1}}).get()),
            TF_STATUS_OK);
  const Handle<tf_dict> loaded(metadata);
  const char *value = nullptr;
  EXPECT_EQ(tf_dict_get_string(&value, nullptr, metadata, "k", SIZE_MAX), TF_STATUS_OK);
  EXPECT_STREQ(value, "w");
  EXPECT_TRUE(folder_.read("old").ends_with(kData));
  EXPECT_EQ(tf_save_metadata(path_.c_str(), nullptr, nullptr), TF_STATUS_OK);
  EXPECT_EQ(folder_.read("old").find("__metadata__"), std::string::npos);
  EXPECT_EQ(folder_.names(), std::vector<std::string>{"old"});
}

TEST_F(EditTest, ACallbackCancels) {
  open(safetensors(kHeader, kData));
  set(strings({{"k", "w"}}));
  finish();
  auto options = options_with({});
  const auto cancel = [](void *, uint64_t, uint64_t) -> tf_status { return TF_STATUS_CANCELLED; };
  EXPECT_EQ(tf_options_set_progress(options.get(), cancel, nullptr, nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_edit_save(edit_.get(), path_.c_str(), options.get()), TF_STATUS_CANCELLED);
  EXPECT_EQ(folder_.read("old"), old_);
  EXPECT_EQ(folder_.names(), std::vector<std::string>{"old"});
  int aborted = 0;
  const auto sink = made<tf_sink>([&](tf_sink **out) {
    return tf_sink_new(
        out, [](void *, const void *, size_t) -> tf_status { return TF_STATUS_OK; }, nullptr, &aborted);
  });
  EXPECT_EQ(tf_sink_set_commit(sink.get(), nullptr, [](void *user) { ++*static_cast<int *>(user); }), TF_STATUS_OK);
  EXPECT_EQ(tf_edit_save_sink(edit_.get(), sink.get(), options.get()), TF_STATUS_CANCELLED);
  EXPECT_EQ(aborted, 1);
  EXPECT_EQ(tf_edit_save_sink(edit_.get(), sink.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
}

// The system copies the data, in pieces that are whole blocks where that is possible.
TEST_F(EditTest, LargeDataAreCopied) {
  std::string data((size_t{3} << 20) + 5, '\0');
  for (size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<char>(i * 7 + i / 256);
  const std::string size = std::to_string(data.size());
  const std::string header = R"({"a":{"dtype":"U8","shape":[)" + size + R"(],"data_offsets":[0,)" + size + "]}}";
  for (const size_t length : {size_t{4088}, size_t{100}}) {
    open(safetensors(header, data, length));
    set(strings({{"k", std::string(5000, 'x').c_str()}}));
    EXPECT_TRUE(finished().ends_with(data));
  }
}

#if !defined(_WIN32)
TEST_F(EditTest, HolesStayHoles) {
  const uint64_t size = uint64_t{64} << 20;
  const std::string number = std::to_string(size);
  const std::string bytes =
      safetensors(R"({"a":{"dtype":"U8","shape":[)" + number + R"(],"data_offsets":[0,)" + number + "]}}", "");
  const std::string path = folder_.write("holes.safetensors", bytes);
  std::filesystem::resize_file(path, bytes.size() + size);
  ASSERT_EQ(tf_save_metadata(path.c_str(), strings({{"k", "w"}}).get(), nullptr), TF_STATUS_OK) << tf_error_message();
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_GT(static_cast<uint64_t>(info.st_size), size);
  EXPECT_LT(static_cast<uint64_t>(info.st_blocks) * 512, uint64_t{1} << 20);
}
#endif

TEST(EditAbi, RefusesNull) {
  const void *bytes = nullptr;
  uint64_t number = 0;
  tf_edit *edit = nullptr;
  EXPECT_EQ(tf_edit_new(&edit, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_rename(nullptr, 0, "x", 1), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_remove(nullptr, 0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_set_metadata(nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_finish(nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_run(&bytes, &number, &number, nullptr, 0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_save(nullptr, "x", nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_save_sink(nullptr, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_save_metadata(nullptr, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_edit_size(nullptr) + tf_edit_patch_bytes(nullptr) + tf_edit_run_count(nullptr), 0u);
  EXPECT_EQ(tf_edit_retain(nullptr), nullptr);
  tf_edit_release(nullptr);
}

}  // namespace
}  // namespace tfile::testing
