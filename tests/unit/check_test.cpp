// Tests tf_check(), and the functions of tf_file about arrays of unknown types, members that are not arrays, and notes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "support/counted_source.h"
#include "support/gguf_builder.h"
#include "support/handles.h"
#include "support/npy_builder.h"
#include "support/sets.h"
#include "support/temp_folder.h"
#include "support/zip_builder.h"

namespace tfile::testing {
namespace {

using Lines = std::vector<std::string>;

struct Report {
  tf_status status = TF_STATUS_OK;
  Lines faults;
  Lines excused;
  Lines notes;
};

Lines lines_of(const tf_dict *dict, const char *key) {
  size_t count = 0;
  EXPECT_EQ(tf_dict_string_list_size(&count, dict, key, SIZE_MAX), TF_STATUS_OK) << tf_error_message();
  Lines lines;
  for (size_t i = 0; i < count; ++i) {
    const char *text = nullptr;
    EXPECT_EQ(tf_dict_string_list_at(&text, nullptr, dict, key, SIZE_MAX, i), TF_STATUS_OK);
    lines.push_back(text);
  }
  return lines;
}

using Values = std::initializer_list<std::pair<tf_option, int64_t>>;

// Returns the contents of a report, which it releases.
Report report_of(tf_status status, tf_dict *raw) {
  Report report;
  report.status = status;
  EXPECT_EQ(raw != nullptr, report.status == TF_STATUS_OK);
  if (raw == nullptr) return report;
  const Handle<tf_dict> dict(raw);
  EXPECT_EQ(tf_dict_size(raw), 3u);
  report.faults = lines_of(raw, "faults");
  report.excused = lines_of(raw, "excused");
  report.notes = lines_of(raw, "notes");
  return report;
}

Report check(const std::string &path, Values values = {}) {
  const auto options = options_with(values);
  tf_dict *raw = nullptr;
  const tf_status status = tf_check(&raw, path.c_str(), options.get());
  return report_of(status, raw);
}

Report check_source(tf_source *source, tf_format format = TF_FORMAT_AUTO, Values values = {}) {
  const auto options = options_with(values);
  tf_dict *raw = nullptr;
  const tf_status status = tf_check_source(&raw, source, format, options.get());
  return report_of(status, raw);
}

Report check_memory(const std::string &bytes, tf_format format = TF_FORMAT_AUTO, Values values = {}) {
  const auto source = made<tf_source>(
      [&](tf_source **out) { return tf_source_from_memory(out, bytes.data(), bytes.size(), nullptr, nullptr); });
  return check_source(source.get(), format, values);
}

const std::string kTwo = npy_int32("2", std::string("\1\0\0\0\2\0\0\0", 8));
const std::string kObject = npy(npy_text("|O", "()"), "\x80\4N.");

std::string safetensors_of(const std::string &header, const std::string &data) {
  return little(header.size(), 8) + header + data;
}

class Check : public ::testing::Test {
 protected:
  TempFolder folder;
};

TEST_F(Check, FindsNothingWrongWithAValidFile) {
  ZipBuilder zip;
  zip.add("a.npy", kTwo);
  zip.add("b.npy", kTwo, true);
  zip.add("none.npy", npy(npy_text("<f4", "(0, 3)"), ""));
  const Report report = check(folder.write("a.npz", zip.bytes()));
  EXPECT_EQ(report.faults, Lines());
  EXPECT_EQ(report.excused, Lines());
}

// The CRC-32 of a member is verified whether its type is known or not, and one damaged member does not hide another.
TEST_F(Check, ReportsEveryFault) {
  ZipBuilder zip;
  zip.add("object.npy", kObject).crc = 1u;
  zip.add("good.npy", kTwo);
  zip.add("stored.npy", kTwo).crc = 2u;
  zip.add("deflated.npy", kTwo, true).crc = 3u;
  const std::string path = folder.write("a.npz", zip.bytes());
  const Report report = check(path);
  ASSERT_EQ(report.faults.size(), 4u);
  EXPECT_EQ(report.faults[0],
            "unsupported: " + path +
                ": array 'object': cannot be read: Python objects (dtype '|O'), which are pickles and "
                "never loaded");
  const char *damaged[] = {"object", "stored", "deflated"};
  for (size_t i = 0; i < 3; ++i) {
    const std::string start =
        "corrupt: " + path + ": array '" + damaged[i] + "': CRC-32 of the member should be 0x" + std::to_string(i + 1);
    EXPECT_EQ(report.faults[i + 1].rfind(start, 0), 0u) << report.faults[i + 1];
  }
}

// Of a member that is not an array, the name of the member is given, as it is in the archive.
TEST_F(Check, CallsAMemberThatIsNoArrayAMember) {
  for (const bool deflate : {false, true}) {
    for (const char *name : {"README", "notes.npy"}) {
      ZipBuilder zip;
      zip.add("a.npy", kTwo);
      zip.add(name, "text", deflate).crc = 1u;
      const std::string path = folder.write("a.npz", zip.bytes());
      const Report report = check(path);
      ASSERT_EQ(report.faults.size(), 1u);
      const std::string start =
          "corrupt: " + path + ": member '" + name + "': CRC-32 of the member should be 0x1, is 0x";
      EXPECT_EQ(report.faults[0].rfind(start, 0), 0u) << report.faults[0];
    }
  }
}

// The last of several members with one name is the array. The bytes of the others are checked all the same.
TEST_F(Check, ChecksMembersThatALaterOneReplaces) {
  for (const auto &[name, what] : {std::pair("a.npy", "array 'a'"), std::pair("README", "member 'README'")}) {
    ZipBuilder zip;
    zip.add(name, strcmp(name, "a.npy") == 0 ? kTwo : "text").crc = 1u;
    zip.add(name, kTwo);
    const std::string path = folder.write("a.npz", zip.bytes());
    const std::string damage = "corrupt: " + path + ": " + what + ": CRC-32 of the member should be 0x1, is 0x";
    const Report strict = check(path);
    ASSERT_EQ(strict.faults.size(), 2u);
    EXPECT_EQ(strict.faults[0].rfind("duplicate: " + path + ": array ", 0), 0u) << strict.faults[0];
    EXPECT_EQ(strict.faults[1].rfind(damage, 0), 0u) << strict.faults[1];
    const Report lenient = check(path, {{TF_OPTION_LENIENT, 1}});
    EXPECT_EQ(lenient.faults, Lines({strict.faults[1]}));
    EXPECT_EQ(lenient.excused.size(), 1u);
  }
}

// The type of a member that a later one replaces is no fault, because no load reads it. An invalid header is damage.
TEST_F(Check, OfAReplacedMemberReportsOnlyDamage) {
  ZipBuilder zip;
  zip.add("a.npy", kObject);
  zip.add("a.npy", kTwo);
  const Lines none;
  EXPECT_EQ(check(folder.write("object.npz", zip.bytes()), {{TF_OPTION_LENIENT, 1}}).faults, none);
  zip.parts[0].data = npy(npy_text("<f4", "(2"), "12345678");
  const std::string path = folder.write("bad.npz", zip.bytes());
  const Report report = check(path, {{TF_OPTION_LENIENT, 1}});
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_EQ(report.faults[0].rfind("corrupt: " + path + ": array 'a': npy header: ", 0), 0u) << report.faults[0];
}

// A member that cannot be read, or whose local header is wrong, hides no fault of another one.
TEST_F(Check, OfAnArchiveGoesOnAfterAMemberThatCannotBeRead) {
  ZipBuilder zip;
  zip.add("bzip2.npy", kTwo).method = uint16_t{12};
  zip.add("damaged.npy", kTwo).crc = 1u;
  zip.add("secret.npy", kTwo).flags = uint16_t{1};
  zip.add("moved.npy", kTwo).written_name.local = "other.npy";
  zip.add("described.npy", kTwo);
  zip.parts.back().flags = uint16_t{8};
  zip.parts.back().crc.local = 0u;
  zip.add("last.npy", kTwo).crc = 2u;
  const char *const starts[] = {
      "unsupported: PATH: member 'bzip2.npy': uses compression method 12 (bzip2); stored and deflate are known",
      "unsupported: PATH: member 'secret.npy': is encrypted",
      "corrupt: PATH: member 'moved.npy': its local header and the directory disagree: the name there is 'other.npy'",
      "corrupt: PATH: member 'described.npy': no data descriptor that agrees with the directory follows it",
      "corrupt: PATH: array 'damaged': CRC-32 of the member should be 0x1, is 0x",
      "corrupt: PATH: array 'last': CRC-32 of the member should be 0x2, is 0x",
  };
  // In the order of the directory, and then with the first member last in the directory.
  for (const bool in_order : {true, false}) {
    if (!in_order) {
      zip.parts.push_back(zip.parts[0]);
      zip.parts[0].listed = false;
      zip.parts.back().local = false;
      zip.parts.back().offset = 0;
    }
    const std::string path = folder.write("a.npz", zip.bytes());
    const Lines faults = check(path).faults;
    EXPECT_EQ(faults.size(), 6u) << ::testing::PrintToString(faults);
    for (std::string start : starts) {
      start.replace(start.find("PATH"), 4, path);
      const bool found = std::any_of(faults.begin(), faults.end(),
                                     [&](const std::string &fault) { return fault.rfind(start, 0) == 0; });
      EXPECT_TRUE(found) << start << ::testing::PrintToString(faults);
    }
  }
}

TEST_F(Check, OfSafetensorsReportsEachArrayOfTheWrongSize) {
  const std::string json =
      R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
      R"("c":{"dtype":"F3","shape":[1],"data_offsets":[12,16]},"d":{"dtype":"F32","shape":[2],"data_offsets":[16,20]}})";
  const std::string path = folder.write("a.safetensors", safetensors_of(json, std::string(20, '\0')));
  const Report report = check(path);
  ASSERT_EQ(report.faults.size(), 3u) << ::testing::PrintToString(report.faults);
  EXPECT_EQ(report.faults[0].rfind("corrupt: " + path +
                                       ": array 'a': data_offsets span 8 bytes, F32 of shape (3,) "
                                       "needs 12 (byte ",
                                   0),
            0u)
      << report.faults[0];
  EXPECT_EQ(report.faults[1].rfind("corrupt: " + path +
                                       ": array 'd': data_offsets span 4 bytes, F32 of shape (2,) "
                                       "needs 8 (byte ",
                                   0),
            0u)
      << report.faults[1];
  EXPECT_EQ(report.faults[2], "unsupported: " + path + ": array 'c': cannot be read: dtype 'F3'");
}

TEST_F(Check, OfAGgufReportsEachTensorAtTheWrongOffset) {
  GgufBuilder gguf;
  gguf.record("a", {8}, kGgmlF32, 4).record("b", {8}, kGgmlF32, 64).record("c", {8}, kGgmlF32, 160);
  gguf.record("d", {8}, kGgmlF32, 192).record("e", {8}, kGgmlF32, 199);
  const std::string path = folder.write("a.gguf", gguf.data(std::string(231, '\1')).build());
  const Report report = check(path);
  const Lines starts = {": array 'a': offset 4 is not a multiple of the alignment, 32",
                        ": array 'e': offset 199 is not a multiple of the alignment, 32",
                        ": array 'c': offset 160, expected 96: the data must have neither holes nor overlaps"};
  ASSERT_EQ(report.faults.size(), starts.size()) << ::testing::PrintToString(report.faults);
  for (size_t i = 0; i < starts.size(); ++i) {
    const std::string start = "corrupt: " + path + starts[i];
    EXPECT_EQ(report.faults[i].rfind(start, 0), 0u) << report.faults[i];
  }
  // An overlap does not end the check either.
  GgufBuilder overlap;
  overlap.record("a", {16}, kGgmlF32, 0).record("b", {8}, kGgmlF32, 32).record("c", {8}, kGgmlF32, 128);
  const std::string other = folder.write("b.gguf", overlap.data(std::string(160, '\1')).build());
  const Report both = check(other);
  ASSERT_EQ(both.faults.size(), 2u) << ::testing::PrintToString(both.faults);
  EXPECT_NE(both.faults[0].find("array 'b': offset 32, expected 64"), std::string::npos) << both.faults[0];
  EXPECT_NE(both.faults[1].find("array 'c': offset 128, expected 64"), std::string::npos) << both.faults[1];
}

// Arrays that share bytes must not make the work larger than the file: a header of a few megabytes can describe 100,000
// arrays, each of which is all of the data.
TEST_F(Check, ReadsBytesThatArraysShareOnce) {
  const size_t size = size_t{1} << 20;
  std::string json;
  GgufBuilder gguf;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "a" + std::to_string(i);
    // Some begin within another and end after it.
    const size_t begin = i % 3 == 0 ? 0 : static_cast<size_t>(i) * 4096;
    const size_t end = i % 3 == 2 ? size / 2 + static_cast<size_t>(i) * 4096 : size;
    json += (i == 0 ? "{\"" : ",\"") + name + R"(":{"dtype":"U8","shape":[)" + std::to_string(end - begin) +
            R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
    gguf.record(name, {(end - begin) / 4}, kGgmlF32, begin);
  }
  const std::string data(size, '\1');
  for (const std::string &bytes : {safetensors_of(json + "}", data), gguf.data(data).build()}) {
    CountedSource counted{bytes};
    const Report report = check_source(counted.source().get());
    EXPECT_FALSE(report.faults.empty());
    EXPECT_NE(report.faults.front().find("overlap"), std::string::npos) << report.faults.front();
    // Opening reads the header, and no more than 64 KiB of the data.
    EXPECT_LE(counted.read_bytes(), bytes.size() + (size_t{64} << 10));
    EXPECT_GE(counted.read_bytes(), bytes.size());
  }
}

TEST_F(Check, ReportsProgressOfArraysThatShareBytes) {
  const std::string json = R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
                           R"("b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})";
  const std::string path = folder.write("a.safetensors", safetensors_of(json, std::string(8, '\1')));
  const auto options = options_with({{TF_OPTION_THREADS, 1}});
  uint64_t done = 0;
  const auto keep = [](void *user, uint64_t so_far, uint64_t total) -> tf_status {
    EXPECT_EQ(total, 16u);
    *static_cast<uint64_t *>(user) = so_far;
    return TF_STATUS_OK;
  };
  ASSERT_EQ(tf_options_set_progress(options.get(), keep, nullptr, &done), TF_STATUS_OK);
  tf_dict *raw = nullptr;
  const tf_status status = tf_check(&raw, path.c_str(), options.get());
  EXPECT_EQ(report_of(status, raw).faults.size(), 1u);
  EXPECT_EQ(done, 16u);
}

TEST_F(Check, SkipUnsupportedExcusesTypesButNotDamage) {
  ZipBuilder zip;
  zip.add("object.npy", kObject);
  const std::string good = folder.write("good.npz", zip.bytes());
  EXPECT_EQ(check(good).faults.size(), 1u);
  EXPECT_EQ(check(good, {{TF_OPTION_LENIENT, 1}}).faults.size(), 1u);
  const Report excused = check(good, {{TF_OPTION_SKIP_UNSUPPORTED, 1}});
  EXPECT_EQ(excused.faults, Lines());
  EXPECT_EQ(excused.excused, check(good).faults);
  zip.parts[0].crc = 1u;
  const std::string damaged = folder.write("damaged.npz", zip.bytes());
  const Report report = check(damaged, {{TF_OPTION_SKIP_UNSUPPORTED, 1}, {TF_OPTION_LENIENT, 1}});
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_EQ(report.faults[0].rfind("corrupt: ", 0), 0u) << report.faults[0];
}

TEST_F(Check, LenientExcusesWhatItAccepts) {
  ZipBuilder zip;
  zip.add("a.npy", kTwo).crc = 1u;
  zip.trailing = "!";
  const std::string path = folder.write("a.npz", zip.bytes());
  const Report strict = check(path);
  ASSERT_EQ(strict.faults.size(), 2u);
  const std::string trailing = "corrupt: " + path + ": 1 bytes follow the end of the zip archive (byte " +
                               std::to_string(zip.bytes().size() - 1) + ")";
  EXPECT_EQ(strict.faults[0], trailing + "; TF_OPTION_LENIENT accepts this");
  const Report lenient = check(path, {{TF_OPTION_LENIENT, 1}});
  EXPECT_EQ(lenient.faults, Lines({strict.faults[1]}));
  EXPECT_EQ(lenient.excused, Lines({trailing}));
}

TEST_F(Check, ChecksAllArraysOfANpy) {
  // A load reads the first array only, so a later one of an unknown type is no fault.
  const std::string three_path = folder.write("three.npy", kTwo + kTwo + kObject);
  const Report three = check(three_path);
  EXPECT_EQ(three.faults, Lines());
  const Report skipping = check(three_path, {{TF_OPTION_SKIP_UNSUPPORTED, 1}});
  EXPECT_EQ(skipping.excused, Lines());
  EXPECT_EQ(skipping.notes, three.notes);
  ASSERT_EQ(three.notes.size(), 2u);
  EXPECT_NE(three.notes[1].find("the array that begins at byte " + std::to_string(2 * kTwo.size())), std::string::npos);
  const std::string path = folder.write("cut.npy", kTwo + kTwo + kTwo.substr(0, 130));
  EXPECT_EQ(
      check(path).faults,
      Lines({"truncated: " + path + ": the array that begins at byte " + std::to_string(2 * kTwo.size()) +
             ", counting bytes from there: npy header: shape (2,) needs 8 bytes of data, 2 are there (byte 130)"}));
  const std::string trailing = folder.write("trailing.npy", kTwo + kTwo + "!");
  ASSERT_EQ(check(trailing).faults.size(), 1u);
  EXPECT_NE(check(trailing).faults[0].find("the array that begins at byte " + std::to_string(kTwo.size()) +
                                           ", counting bytes from there: 1 bytes follow"),
            std::string::npos)
      << check(trailing).faults[0];
  EXPECT_EQ(check(trailing, {{TF_OPTION_LENIENT, 1}}).faults, Lines());
}

TEST_F(Check, AFileThatCannotBeListedHasOneFault) {
  const std::string path = folder.write("a.npy", kTwo.substr(0, 5));
  EXPECT_EQ(check(path).faults,
            Lines({"truncated: " + path + ": npy header: it ends after 5 bytes, before its length (byte 5)"}));
}

class CheckSet : public Check, public ::testing::WithParamInterface<tf_format> {
 protected:
  void SetUp() override {
    const auto options = options_with({{TF_OPTION_PART_BYTES, 40}});
    ASSERT_EQ(save_weights_of(folder.path("w"), GetParam(), 1, options.get()), TF_STATUS_OK) << tf_error_message();
  }
  static std::string name(int number) {
    return "w-0000" + std::to_string(number) + "-of-00003" + extension_of(GetParam());
  }
  std::string part(int number) const { return folder.path(name(number)); }
  // The path of the file that names the whole set: the index, or the first part.
  std::string entry() const { return entry_of(folder.path("w"), GetParam(), 3); }
  void cut(int number, size_t by) const {
    const std::string bytes = folder.read(name(number));
    folder.write(name(number), bytes.substr(0, bytes.size() - by));
  }
};

INSTANTIATE_TEST_SUITE_P(Formats, CheckSet, ::testing::Values(TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF),
                         [](const auto &info) { return std::string(tf_format_name(info.param)); });

TEST_P(CheckSet, ReportsTheFaultsOfAllFiles) {
  cut(1, 30);
  cut(3, 30);
  const Report report = check(entry(), {{TF_OPTION_PARTS, 1}});
  ASSERT_EQ(report.status, TF_STATUS_OK) << tf_error_message();
  ASSERT_EQ(report.faults.size(), 2u);
  EXPECT_EQ(report.faults[0].rfind("truncated: " + part(1) + ": ", 0), 0u) << report.faults[0];
  EXPECT_EQ(report.faults[1].rfind("truncated: " + part(3) + ": ", 0), 0u) << report.faults[1];
}

TEST_P(CheckSet, AMissingFileIsAFaultAndDoesNotHideOthers) {
  ASSERT_EQ(remove(part(2).c_str()), 0);
  cut(3, 30);
  const Report report = check(entry(), {{TF_OPTION_PARTS, 1}});
  ASSERT_EQ(report.status, TF_STATUS_OK) << tf_error_message();
  ASSERT_EQ(report.faults.size(), 2u);
  EXPECT_EQ(report.faults[0].rfind("not_found: " + part(2) + ": ", 0), 0u) << report.faults[0];
  EXPECT_EQ(report.faults[1].rfind("truncated: " + part(3) + ": ", 0), 0u) << report.faults[1];
}

TEST_P(CheckSet, OfAFolderChecksTheSetInIt) {
  EXPECT_EQ(check(folder.path()).faults, Lines());
  cut(2, 30);
  cut(3, 30);
  EXPECT_EQ(check(folder.path()).faults.size(), 2u);
}

TEST_P(CheckSet, OfOnePartNotesWhichOthersAreMissing) {
  const std::string note = "this is part 1 of 3; TF_OPTION_PARTS opens all of them";
  EXPECT_EQ(check(part(1)).notes, Lines({note}));
  ASSERT_EQ(remove(part(3).c_str()), 0);
  const Report report = check(part(1));
  EXPECT_EQ(report.faults, Lines());
  EXPECT_EQ(report.notes, Lines({note, "a file of the set is missing: " + part(3)}));
}

TEST_F(Check, ASetWhoseFilesAreGoodCanStillBeInvalid) {
  const auto options = options_with({{TF_OPTION_PART_BYTES, 40}});
  ASSERT_EQ(save_weights_of(folder.path("w"), TF_FORMAT_SAFETENSORS, 1, options.get()), TF_STATUS_OK);
  std::string text = folder.read("w.safetensors.index.json");
  const size_t name = text.find("\"w1\"");
  ASSERT_NE(name, std::string::npos);
  text[name + 2] = '9';
  const std::string index = folder.write("w.safetensors.index.json", text);
  const Report report = check(index);
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_EQ(report.faults[0].rfind("corrupt: " + index + ": array 'w9': ", 0), 0u) << report.faults[0];
}

// A shard that is missing hides neither an array that another shard lacks, nor the other way round.
TEST_F(Check, OfAnIndexReportsEachArrayThatIsAbsent) {
  const auto options = options_with({{TF_OPTION_PART_BYTES, 40}});
  ASSERT_EQ(save_weights_of(folder.path("w"), TF_FORMAT_SAFETENSORS, 1, options.get()), TF_STATUS_OK);
  std::string text = folder.read("w.safetensors.index.json");
  const size_t map = text.find("\"weight_map\": {") + strlen("\"weight_map\": {");
  for (const char *entry : {R"("x":"w-00001-of-00003.safetensors",)", R"("y":"w-00001-of-00003.safetensors",)",
                            R"("z":"w-00002-of-00003.safetensors",)"})
    text.insert(map, entry);
  const std::string index = folder.write("w.safetensors.index.json", text);
  const std::string first =
      ": the index says that it is in the file 'w-00001-of-00003.safetensors', which does not have it";
  const std::string second =
      ": the index says that it is in the file 'w-00002-of-00003.safetensors', which does not have it";
  const std::string start = "corrupt: " + index + ": array ";
  EXPECT_EQ(check(index).faults, Lines({start + "'z'" + second, start + "'y'" + first, start + "'x'" + first}));
  const std::string missing = folder.path("w-00002-of-00003.safetensors");
  ASSERT_EQ(remove(missing.c_str()), 0);
  const Report report = check(index);
  EXPECT_EQ(report.faults,
            Lines({"not_found: " + missing + ": no such file", start + "'y'" + first, start + "'x'" + first}));
  EXPECT_EQ(report.notes, Lines());
}

// A name that two files of a set have is a fault, and the other files are checked.
TEST_F(Check, OfNumberedPartsReportsNamesThatOccurTwice) {
  for (const char *name : {"w-00001-of-00003.safetensors", "w-00002-of-00003.safetensors"})
    folder.write(name, safetensors_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"));
  const std::string third = folder.write(
      "w-00003-of-00003.safetensors", safetensors_of(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "xx"));
  const std::string second = folder.path("w-00002-of-00003.safetensors");
  const Report report = check(folder.path("w-00001-of-00003.safetensors"), {{TF_OPTION_PARTS, 1}});
  ASSERT_EQ(report.faults.size(), 2u) << ::testing::PrintToString(report.faults);
  EXPECT_EQ(report.faults[0], "duplicate: " + second + ": array 'a': the name occurs twice in the file");
  EXPECT_EQ(report.faults[1].rfind("corrupt: " + third + ": the data end at byte ", 0), 0u) << report.faults[1];
}

TEST_F(Check, OfASplitGgufReportsEachPartThatDisagrees) {
  const auto options = options_with({{TF_OPTION_PART_BYTES, 40}});
  ASSERT_EQ(save_weights_of(folder.path("w"), TF_FORMAT_GGUF, 1, options.get()), TF_STATUS_OK);
  const std::string first = folder.read("w-00001-of-00003.gguf");
  ASSERT_EQ(remove(folder.path("w-00002-of-00003.gguf").c_str()), 0);
  const std::string third = folder.write("w-00003-of-00003.gguf", first);
  const Report report = check(folder.path("w-00001-of-00003.gguf"), {{TF_OPTION_PARTS, 1}});
  ASSERT_EQ(report.faults.size(), 3u) << ::testing::PrintToString(report.faults);
  EXPECT_EQ(report.faults[0], "not_found: " + folder.path("w-00002-of-00003.gguf") + ": no such file");
  EXPECT_EQ(report.faults[1], "corrupt: " + third + ": key 'split.no': expected 2, as its name says, found 0");
  EXPECT_EQ(report.faults[2], "duplicate: " + third + ": array 'w0': the name occurs twice in the file");
}

// A shard without a number is known as one only by the index that lists it.
TEST_F(Check, OfOneFileOfASetNotesTheSet) {
  for (const char *name : {"x.safetensors", "y.safetensors"})
    folder.write(
        name,
        safetensors_of(std::string(R"({")") + name[0] + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"));
  const std::string path = folder.path("x.safetensors");
  EXPECT_EQ(check(path).notes, Lines());
  folder.write("m.safetensors.index.json", R"({"weight_map":{"x":"x.safetensors","y":"y.safetensors"}})");
  const std::string note = "this is one file of a set; TF_OPTION_PARTS opens all of them";
  EXPECT_EQ(check(path).notes, Lines({note}));
  EXPECT_EQ(check(path, {{TF_OPTION_PARTS, 1}}).notes, Lines());
  ASSERT_EQ(remove(folder.path("y.safetensors").c_str()), 0);
  EXPECT_EQ(check(path).notes, Lines({note, "a file of the set is missing: " + folder.path("y.safetensors")}));
}

TEST_F(Check, FailsIfTheFileCannotBeRead) {
  EXPECT_EQ(check(folder.path("missing.npy")).status, TF_STATUS_NOT_FOUND);
  EXPECT_EQ(check(folder.path()).status, TF_STATUS_IO);
  tf_dict *report = nullptr;
  EXPECT_EQ(tf_check(&report, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_check(nullptr, "x", nullptr), TF_STATUS_INVALID_ARGUMENT);
}

TEST_F(Check, OfASourceFindsWhatACheckOfItsFileFinds) {
  ZipBuilder zip;
  zip.add("object.npy", kObject).crc = 1u;
  zip.add("good.npy", kTwo);
  zip.add("deflated.npy", kTwo, true).crc = 3u;
  zip.trailing = "!";
  const std::string path = folder.write("a.npz", zip.bytes());
  const auto named = made<tf_source>([&](tf_source **out) { return tf_source_from_path(out, path.c_str()); });
  for (const Values values : {Values{}, Values{{TF_OPTION_LENIENT, 1}}, Values{{TF_OPTION_SKIP_UNSUPPORTED, 1}}}) {
    const Report expected = check(path, values);
    EXPECT_GE(expected.faults.size(), 2u);
    const Report found = check_source(named.get(), TF_FORMAT_AUTO, values);
    EXPECT_EQ(found.faults, expected.faults);
    EXPECT_EQ(found.excused, expected.excused);
    EXPECT_EQ(found.notes, expected.notes);
  }
  // Memory has no name that the faults could begin with.
  const Report found = check_memory(zip.bytes());
  ASSERT_EQ(found.faults.size(), 4u);
  EXPECT_EQ(found.faults[1].rfind("unsupported: array 'object': ", 0), 0u) << found.faults[1];
  EXPECT_EQ(check_memory(kTwo).faults, Lines());
}

TEST_F(Check, OfASourceReportsWhatCannotBeOpened) {
  const std::string cut = kTwo.substr(0, 20);
  const Report truncated = check_memory(cut);
  ASSERT_EQ(truncated.faults.size(), 1u);
  EXPECT_EQ(truncated.faults[0].rfind("truncated: ", 0), 0u) << truncated.faults[0];
  const Report other = check_memory(kTwo, TF_FORMAT_GGUF);
  ASSERT_EQ(other.faults.size(), 1u);
  EXPECT_EQ(other.faults[0].rfind("format: ", 0), 0u) << other.faults[0];
  EXPECT_EQ(check_memory("").faults.size(), 1u);

  const auto fail = [](void *, uint64_t, void *, size_t) -> tf_status { return TF_STATUS_IO; };
  const auto lost =
      made<tf_source>([&](tf_source **out) { return tf_source_new(out, 100, 0, fail, nullptr, nullptr, nullptr); });
  EXPECT_EQ(check_source(lost.get()).status, TF_STATUS_IO);
  tf_dict *report = nullptr;
  EXPECT_EQ(tf_check_source(&report, nullptr, TF_FORMAT_AUTO, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_check_source(nullptr, lost.get(), TF_FORMAT_AUTO, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_check_source(&report, lost.get(), 99, nullptr), TF_STATUS_INVALID_ARGUMENT);
}

TEST_F(Check, OfASourceOpensItsSet) {
  const auto options = options_with({{TF_OPTION_PART_BYTES, 40}});
  ASSERT_EQ(save_weights_of(folder.path("w"), TF_FORMAT_SAFETENSORS, 1, options.get()), TF_STATUS_OK);
  const std::string index = folder.path("w.safetensors.index.json");
  const auto source = made<tf_source>([&](tf_source **out) { return tf_source_from_path(out, index.c_str()); });
  const Report whole = check_source(source.get());
  EXPECT_EQ(whole.faults, Lines());
  EXPECT_EQ(whole.notes, Lines());
  const std::string part = folder.path("w-00002-of-00003.safetensors");
  const std::string bytes = folder.read("w-00002-of-00003.safetensors");
  folder.write("w-00002-of-00003.safetensors", bytes.substr(0, bytes.size() - 1));
  const Report cut = check_source(source.get());
  ASSERT_EQ(cut.faults.size(), 1u);
  EXPECT_EQ(cut.faults[0].rfind("truncated: " + part + ": ", 0), 0u) << cut.faults[0];
}

TEST_F(Check, CanBeCancelled) {
  const std::string path = folder.write("a.npy", kTwo);
  const auto options = options_with({});
  const auto cancel = [](void *, uint64_t done, uint64_t total) -> tf_status {
    EXPECT_EQ(done, 8u);
    EXPECT_EQ(total, 8u);
    return TF_STATUS_CANCELLED;
  };
  ASSERT_EQ(tf_options_set_progress(options.get(), cancel, nullptr, nullptr), TF_STATUS_OK);
  tf_dict *report = nullptr;
  EXPECT_EQ(tf_check(&report, path.c_str(), options.get()), TF_STATUS_CANCELLED);
  EXPECT_EQ(report, nullptr);
}

TEST_F(Check, ThatSucceedsKeepsTheErrorRecord) {
  EXPECT_EQ(check(folder.path("missing.npy")).status, TF_STATUS_NOT_FOUND);
  const std::string before = tf_error_message();
  EXPECT_EQ(check(folder.write("a.npy", kTwo + "!")).faults.size(), 1u);
  EXPECT_EQ(tf_error_message(), before);
}

Handle<tf_file> opened(const std::string &bytes, tf_format format) {
  return made<tf_file>(
      [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), format, nullptr); });
}

std::string raw_bytes(const tf_file *file, size_t index) {
  const auto array = made<tf_array>([&](tf_array **out) { return tf_file_read_raw(out, file, index); });
  if (array.get() == nullptr) return "failed";
  EXPECT_EQ(tf_array_dtype(array.get()), TF_DTYPE_UINT8);
  EXPECT_EQ(tf_array_ndim(array.get()), 1u);
  return {static_cast<const char *>(tf_array_data(array.get())), tf_array_nbytes(array.get())};
}

// The bytes are those in the file: not swapped, not reordered, and bools are not normalised.
TEST(FileReadRaw, ReturnsTheStoredBytes) {
  const std::string six("\1\2\3\4\5\6", 6);
  for (const bool deflate : {false, true}) {
    ZipBuilder zip;
    zip.add("object.npy", kObject, deflate);
    zip.add("big.npy", npy(npy_text(">u2", "(3,)"), six), deflate);
    zip.add("fortran.npy", npy(npy_text("|u1", "(2, 3)", "True"), six), deflate);
    zip.add("bool.npy", npy(npy_text("|b1", "(6,)"), six), deflate);
    const auto file = opened(zip.bytes(), TF_FORMAT_NPZ);
    EXPECT_EQ(raw_bytes(file.get(), 0), "\x80\4N.");
    EXPECT_EQ(tf_file_nbytes(file.get(), 0), 4u);
    for (size_t i = 1; i < 4; ++i)
      EXPECT_EQ(raw_bytes(file.get(), i), six);
  }
}

TEST(FileReadRaw, VerifiesTheChecksum) {
  for (const bool deflate : {false, true}) {
    ZipBuilder zip;
    zip.add("object.npy", kObject, deflate).crc = 1u;
    const auto file = opened(zip.bytes(), TF_FORMAT_NPZ);
    tf_array *array = nullptr;
    EXPECT_EQ(tf_file_read_raw(&array, file.get(), 0), TF_STATUS_CORRUPT);
    EXPECT_EQ(array, nullptr);
  }
}

TEST(FileType, OfAKnownDtypeIsItsName) {
  const auto file = opened(kTwo, TF_FORMAT_NPY);
  const char *type = nullptr;
  size_t length = 0;
  ASSERT_EQ(tf_file_type(&type, &length, file.get(), 0), TF_STATUS_OK);
  EXPECT_EQ(std::string(type, length), "int32");
  EXPECT_EQ(tf_file_type(&type, nullptr, file.get(), 1), TF_STATUS_INVALID_ARGUMENT);
}

TEST(FileRemarks, HaveIndicesInRange) {
  const auto file = opened(kTwo, TF_FORMAT_NPY);
  EXPECT_EQ(tf_file_other_count(file.get()), 0u);
  EXPECT_EQ(tf_file_note_count(file.get()), 0u);
  const char *text = "";
  size_t length = 9;
  EXPECT_EQ(tf_file_other_name(&text, &length, file.get(), 0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_file_note(&text, &length, file.get(), 0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(text, nullptr);
  EXPECT_EQ(length, 0u);
}

}  // namespace
}  // namespace tfile::testing
